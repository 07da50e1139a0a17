"""What one check found, and what it may look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from bihuan.clock import Clock
from bihuan.settings import Settings
from bihuan.store.engine import Database


class Level(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    NOTE = "note"
    """Worth knowing; nothing is lost."""
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: in words, with the cure where there is something to cure."""

    name: str
    level: Level
    says: str
    cure: str = ""

    @property
    def is_fine(self) -> bool:
        """It is no problem."""
        return self.level is not Level.PROBLEM


@dataclass
class Visit:
    """What a check may look at."""

    settings: Settings
    clock: Clock

    @cached_property
    def db(self) -> Database:
        """The database, not yet connected; its folder is not made."""
        return Database(self.settings.database())

    def leave(self) -> None:
        """Give back what was opened."""
        if "db" in vars(self):
            self.db.close()


Answer = tuple[Level, str, str]
"""Level, words and cure, to which the check's name is added."""
Check = Callable[[Visit], Answer]


def ok(says: str) -> Answer:
    """All is well."""
    return Level.OK, says, ""


def note(says: str, cure: str) -> Answer:
    """Worth knowing."""
    return Level.NOTE, says, cure


def problem(says: str, cure: str) -> Answer:
    """To be mended."""
    return Level.PROBLEM, says, cure
