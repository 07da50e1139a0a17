"""One form of an improvement item's page that was sent, as those read it who do what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlmodel import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request

from bihuan.services.dossier import Dossier
from bihuan.web.view import site


@dataclass(frozen=True)
class Asked:
    """One form that was sent."""

    request: Request
    session: Session
    file: Dossier
    fields: Mapping[str, str]
    by: str

    @property
    def given(self) -> tuple[Any, Any, Any]:
        """What every act of a service begins with."""
        here = site(self.request)
        return self.session, here.policy, here.clock

    @property
    def number(self) -> str:
        """Of the item."""
        return self.file.item.number

    def says(self, name: str) -> str:
        """A field of the form; empty where it has none."""
        return self.fields.get(name, "")

    @property
    def revision(self) -> int | None:
        """The revision of the item that whoever sent it saw."""
        return int(self.says("revision")) if self.says("revision").isdecimal() else None

    @property
    def reference(self) -> str:
        """Of the measure that it is about."""
        return f"{self.number}.{self.says('key')}"

    @property
    def cause_id(self) -> int:
        """Of the cause that it is about.

        Raises:
            HTTPException: 400, the item has none of that id.
        """
        found = next((one.id for one in self.file.causes if str(one.id) == self.says("key")), None)
        if found is None:
            raise HTTPException(400)
        return found


class Act(NamedTuple):
    """What a form does: the part of the page to show then, what it says was done, and what does it."""

    part: str
    said: str
    do: Callable[[Asked], str | None]
