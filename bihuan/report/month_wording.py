"""The review of a month in a reader's words: indicators, places, figures with their unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isnan
from types import MappingProxyType
from typing import Any

from bihuan.analysis.candidate import Candidate
from bihuan.analysis.cells import OTHER, UNKNOWN
from bihuan.analysis.review import Review
from bihuan.analysis.subject import FACTORS
from bihuan.policy.kpi import TIMES, Counts, IndicatorPolicy
from bihuan.report.wording import Wording, Words

_TOPIC_WORDS = 4
_PLACES: Mapping[Counts, int] = MappingProxyType(
    {Counts.CSAT_MEAN: 2, Counts.NPS: 1, Counts.INDEX: 1} | dict.fromkeys(TIMES, 1)
)
"""Decimals of those indicators that are told in points."""
_HOUR = 3600
_WORDED = ("channel", "kind", "severity", "stage")
"""Dimensions whose elements are codes of ours, which have words."""


@dataclass(frozen=True)
class Imprint:
    """What a report says beside its review."""

    sha256: str
    """Of the data that it is made from (``bihuan.report.pack``)."""
    indicators: Mapping[str, IndicatorPolicy] = field(default_factory=dict)
    """By their id: words, direction, least n; one that is missing is called by its id and not judged."""
    web_url: str = ""
    """Where the complaints' pages are; empty: numbers are no links."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """``program``, ``policy`` and ``calendar``."""
    estimated_years: tuple[int, ...] = ()
    """Years whose official days off are not known."""
    is_simulated: bool = False
    departments: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By their code: what each is called, by language; one that is missing is called by its code."""
    handlers: Mapping[str, str] = field(default_factory=dict)
    """By their code: the code of each one's department."""


@dataclass(frozen=True)
class MonthWording(Wording):
    """Puts what a month comes to into the words of one language."""

    imprint: Imprint
    topics: Mapping[str, str]
    """What each topic is called, by its id."""

    @classmethod
    def of(cls, review: Review, words: Words, imprint: Imprint) -> MonthWording:
        """The words for one review."""
        joint = words["month"]["list_joint"]
        called = {one.id: one.name or joint.join(list(one.words)[:_TOPIC_WORDS]) for one in review.found.topics.topics}
        return cls(words, imprint, called)

    def say(self, key: str, **values: object) -> str:
        """The text of that key in section ``month``, filled in."""
        return self.sections["month"][key].format(**values)

    def colon(self, name: str, value: str) -> str:
        """A name with its value."""
        return self.say("colon", name=name, value=value)

    def clauses(self, parts: list[str]) -> str:
        """Parts of a sentence in a row."""
        return self.say("clause_joint").join(parts)

    def indicator(self, row: Mapping[str, Any]) -> str:
        """The name of an indicator, with its survey where it is of one that is not ours."""
        code = str(row["indicator"])
        policy = self.imprint.indicators.get(code)
        language = self.say("lang")[:2]
        name = getattr(policy.words, language) if policy else code.replace("_", " ")
        return f"{name} · {row['survey']}" if row.get("survey") else str(name)

    def definition(self, code: str) -> str:
        """What an indicator counts."""
        policy = self.imprint.indicators.get(code)
        return self.say(f"defined_{policy.counts or 'milestone'}" if policy else "defined_none")

    def places(self, code: str) -> int | None:
        """The decimals of an indicator that is told in points or hours, None for a share."""
        policy = self.imprint.indicators.get(code)
        return _PLACES.get(policy.counts) if policy and policy.counts else None

    def figure(self, code: str, value: float | None) -> str:
        """A value of an indicator; a dash for none."""
        if value is None or isnan(value):
            return "–"
        places = self.places(code)
        if places is None:
            return self.share(value)
        said = f"{value:,.{places}f}".replace("-", "−")
        return self.say("in_hours", hours=said) if self.is_time(code) else said

    def is_time(self, code: str) -> bool:
        """Whether an indicator is told in hours."""
        policy = self.imprint.indicators.get(code)
        return policy is not None and policy.counts in TIMES

    def ends(self, code: str, low: float | None, high: float | None) -> str:
        """The interval of an indicator, empty for none."""
        if low is None or high is None or isnan(low):
            return ""
        return self.interval(low, high) if self.places(code) is None else (
            f"{self.figure(code, low)}–{self.figure(code, high)}")  # fmt: skip

    def target(self, row: Mapping[str, Any]) -> str:
        """Where an indicator should be: ``≥ 98%``."""
        policy = self.imprint.indicators.get(str(row["indicator"]))
        if policy is None or row.get("target") is None:
            return "–"
        aim = float(row["target"])
        code = str(row["indicator"])
        said = f"{aim:.0%}" if self.places(code) is None else f"{aim:g}"
        said = self.say("in_hours", hours=said) if self.is_time(code) else said
        return f"{'≥' if policy.direction == 'at_least' else '≤'}\N{NO-BREAK SPACE}{said}"

    def rate(self, name: str) -> str:
        """One of the bad rates that candidates are looked for in."""
        return self.sections["event_rate"].get(name, name)

    def dimension(self, name: str) -> str:
        """A dimension."""
        return self.sections["dimension"].get(name, name.replace("_", " "))

    def element(self, dimension: str, element: str) -> str:
        """An element of a dimension."""
        if element in (OTHER, UNKNOWN):
            return self.say("other" if element == OTHER else "unknown_element")
        if dimension in _WORDED:
            return self.sections[dimension].get(element, element)
        if dimension in FACTORS:
            return self.say("yes")
        if dimension == "department":
            return self.department(element)
        if dimension == "handler" and element in self.imprint.handlers:
            return self.say("handler_of", handler=element, department=self.department(self.imprint.handlers[element]))
        return self.topics.get(element, element) if dimension == "topic" else element

    def department(self, code: str) -> str:
        """What a department is called in this language."""
        return self.imprint.departments.get(code, {}).get(self.say("lang")[:2], code)

    def place(self, dimension: str, element: str) -> str:
        """A slice: its dimension and element; a factor by its own name alone."""
        name = self.dimension(dimension)
        return name if dimension in FACTORS else self.colon(name, self.element(dimension, element))

    def candidate(self, it: Candidate) -> str:
        """Where a candidate lies; of a pair both."""
        if "within" not in it.details:
            return self.place(it.dimension, it.element)
        outer = it.details["within"]
        inner = it.dimension.removeprefix(f"{outer['dimension']}/"), it.element.removeprefix(f"{outer['element']} / ")
        return self.clauses([self.place(outer["dimension"], outer["element"]), self.place(*inner)])

    def end(self, difference: float) -> str:
        """An end of an interval in percentage points, without their name."""
        return f"{100 * difference:+.1f}".replace("-", "−")

    def hours(self, seconds: float) -> str:
        """A length of time in hours."""
        if isnan(seconds):
            return "–"
        if not seconds:
            return self.say("hours", n=0)
        hours = seconds / _HOUR
        return self.say("hours", n=f"{hours:,.0f}" if hours >= _WHOLE_HOURS else f"{hours:.1f}")


_WHOLE_HOURS = 10
"""From so many on tenths of an hour say nothing."""
