"""What a finding is called where an item begins from it: name, problem and first cause, in one language."""

from __future__ import annotations

from sqlmodel import Session

from bihuan.notify.words import word, words
from bihuan.policy.kpi import IndicatorPolicy
from bihuan.services.trend_words import Names, department_names, element
from schemas.improvement import AnalysisRun, Finding

_LONGEST = 300
_PAIR = "/"
"""Between two dimensions of one slice; between their elements with blanks."""


class FindingWording:
    """Puts one finding into the words of one language."""

    def __init__(self, session: Session, finding: Finding, language: str) -> None:
        """Read what its departments are called.

        Args:
            session: Where to look.
            finding: The finding.
            language: ``zh`` or ``en``.
        """
        self.finding, self.language = finding, language
        self.names: Names = department_names(session)
        self.said = words(language)["finding_draft"]

    def name(self, indicator: IndicatorPolicy | None) -> str:
        """The item's name: the indicator, and where; of the whole the indicator alone."""
        what = str(getattr(indicator.words, self.language)) if indicator else self.rate
        where = self.where
        return (self.said["name"].format(what=what, where=where) if where else what)[:_LONGEST]

    def problem(self, run: AnalysisRun) -> str:
        """Month, place and rate, with the figures before and in that month."""
        finding = self.finding
        before, after = (self._share(*pair) for pair in ((finding.x0, finding.n0), (finding.x1, finding.n1)))
        told = {"month": f"{run.period_on:%Y-%m}", "rate": self.rate, "before": before, "after": after}
        return self.said["problem_of" if self.place else "problem"].format(place=self.place, **told)

    @property
    def cause(self) -> str:
        """Where it is, as the first candidate for a cause: the place, or what is counted."""
        return self.place or self.rate

    @property
    def rate(self) -> str:
        """What a month's analysis counts, as a rate."""
        return word("event_rate", self.finding.indicator, self.language)

    @property
    def where(self) -> str:
        """The elements alone; empty for the whole."""
        return self.said["joint"].join(named for _, named in self._parts())

    @property
    def place(self) -> str:
        """Each dimension with its element; empty for the whole."""
        told = (self.said["place"].format(dimension=word("dimension", dimension, self.language), element=named)
                for dimension, named in self._parts())  # fmt: skip
        return self.said["joint"].join(told)

    def _parts(self) -> list[tuple[str, str]]:
        if not self.finding.element:
            return []
        dimensions = self.finding.dimension.split(_PAIR)
        codes = self.finding.element.split(f" {_PAIR} ") if len(dimensions) > 1 else [self.finding.element]
        if len(codes) != len(dimensions):
            return [(self.finding.dimension, self.finding.element)]
        return [
            (dimension, element(dimension, code, self.names, self.language))
            for dimension, code in zip(dimensions, codes, strict=True)
        ]

    def _share(self, x: float | None, n: int | None) -> str:
        return f"{x / n:.1%} ({x:g}/{n})" if x is not None and n else self.said["unknown"]
