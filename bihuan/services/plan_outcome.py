"""What became of a plan table that was brought back in, cell by cell."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from bihuan.errors import BihuanError
from bihuan.inbound.plan_row import Cell
from bihuan.rules.plan_table import Became


class Told(NamedTuple):
    """What became of one cell."""

    address: str
    number: str
    field: str
    became: Became
    base: str
    """As it was exported."""
    theirs: str
    """As it came back."""
    ours: str
    """As it is kept, before this import."""
    why: str = ""
    cure: str = ""


@dataclass
class Imported:
    """What became of a file."""

    cycle: str
    exported_at: str
    is_dry_run: bool
    cells: list[Told] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    """Measures."""
    voided: list[dict[str, str]] = field(default_factory=list)
    """What was agreed to and is different now: ``number`` and ``gate``; later gates fall with it."""
    missing: list[str] = field(default_factory=list)
    """Numbers of rows that are gone from the file: nothing is cancelled by that."""
    left_out: list[str] = field(default_factory=list)
    """Columns that nothing reads."""

    def count(self, became: str) -> int:
        """How many cells became that, a word of ``Became``."""
        return sum(one.became == became for one in self.cells)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was refused or in conflict."""
        return not self.count(Became.REFUSED) and not self.count(Became.CONFLICT)


def told_of(cell: Cell, ours: str, became: Became, why: str = "", cure: str = "") -> Told:
    """What became of a cell."""
    return Told(cell.address, cell.number, cell.key, became, cell.base, cell.theirs, ours, why, cure)


def refusal(cell: Cell, ours: str, error: BihuanError) -> Told:
    """A cell that a service refused."""
    return told_of(cell, ours, Became.REFUSED, error.what, error.cure)
