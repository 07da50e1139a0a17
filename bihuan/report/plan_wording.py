"""The plan book in a reader's words: states, people, figures with their unit, what was found out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

from bihuan.report.wording import Wording, Words
from bihuan.rules.plan_table import person_label
from schemas.plan_book import PlanBook

_HUNDRED = 100


@dataclass(frozen=True)
class PlanWording(Wording):
    """Puts a plan book into the words of one language."""

    book: PlanBook

    @classmethod
    def of(cls, book: PlanBook, words: Words) -> PlanWording:
        """The words for one book."""
        return cls(words, book)

    @property
    def language(self) -> str:
        """``zh`` or ``en``."""
        return self.say("lang")[:2]

    def say(self, key: str, **values: object) -> str:
        """The text of that key in section ``plan_table``, filled in."""
        return self.sections["plan_table"][key].format(**values)

    def code(self, group: str, code: object) -> str:
        """What a code is called, by the section of the word files that has it; empty for none."""
        if code is None or code == "":
            return ""
        return self.sections[group].get(str(code), str(code).replace("_", " "))

    def colon(self, name: str, value: str) -> str:
        """A name with its value."""
        return self.say("colon", name=name, value=value)

    def clauses(self, parts: Iterable[str]) -> str:
        """Parts of a sentence in a row."""
        return self.say("clause_joint").join(part for part in parts if part)

    def person(self, code: str) -> str:
        """What somebody is called: ``Li (li)``; empty for nobody."""
        return person_label(self.book.people, code) if code else ""

    def people(self, codes: Iterable[str]) -> str:
        """Several of them."""
        return self.listed([self.person(code) for code in codes])

    def name(self, code: str) -> str:
        """Somebody's name alone."""
        return self.book.people.get(code, "") or code

    def indicator(self, code: str) -> str:
        """An indicator's name."""
        known = self.book.indicators.get(code)
        return known.names[self.language] if known else code.replace("_", " ")

    def unit(self, indicator: str) -> str:
        """``share``, ``hours`` or ``points``."""
        known = self.book.indicators.get(indicator)
        return known.unit if known else "points"

    def figure(self, indicator: str, value: float | None) -> str:
        """A value of an indicator; a dash for none."""
        if value is None:
            return "–"
        if self.unit(indicator) == "share":
            return f"{value * _HUNDRED:.1f}%"
        said = f"{value:,.2f}".rstrip("0").rstrip(".").replace("-", "−")
        return self.say("hours", n=said) if self.unit(indicator) == "hours" else said

    def change(self, indicator: str, value: float | None) -> str:
        """A difference of an indicator with its sign: shares in percentage points."""
        if value is None:
            return "–"
        if self.unit(indicator) == "share":
            return f"{value * _HUNDRED:+.1f}".replace("-", "−")
        return f"{value:+,.2f}".replace("-", "−")

    def slice_of(self, row: Mapping[str, Any]) -> str:
        """What of an indicator is meant: its dimension and element, or everything."""
        if not row["dimension"]:
            return self.say("whole")
        return self.colon(self.sections["dimension"].get(row["dimension"], row["dimension"]), row["element"])

    def baseline(self, item: Mapping[str, Any]) -> str:
        """An item's baseline with its figures and months; empty where there is none."""
        x, n = item["baseline_x"], item["baseline_n"]
        if x is None or not n:
            return ""
        is_share = self.unit(item["indicator"]) == "share"
        days = {"since": item["baseline_on"] or "?", "until": _last(item["baseline_until_on"])}
        value = self.figure(item["indicator"], x / n)
        said = self.say(
            "baseline_value" if is_share else "baseline_points", value=value, x=f"{x:g}", n=f"{n:g}", **days
        )
        return self.colon(self.indicator(item["indicator"]), said) if item["indicator"] else said

    def effect(self, item: Mapping[str, Any]) -> str:
        """What its final check says of an item; that it was not judged where there is none."""
        finals = [one for one in item["checks"] if one["is_final"] and one["verdict"] is not None]
        if not finals:
            return self.say("effect_none")
        one, code = finals[-1], item["indicator"]
        verdict = self.code("verdict", one["verdict"])
        if not one["n0"] or not one["n1"] or one["low"] is None:
            return self.say("effect_plain", verdict=verdict)
        before, after = (self.figure(code, one[f"x{at}"] / one[f"n{at}"]) for at in (0, 1))
        ends = {"low": self.change(code, one["low"]), "high": self.change(code, one["high"])}
        return self.say("effect_value", before=before, after=after, verdict=verdict, **ends)

    def measure_line(self, one: Mapping[str, Any]) -> str:
        """A measure in a line: what, whose, until when, how far."""
        state = self.code("measure_state", one["state"])
        far = f"{one['progress_ratio']:.0%}" if one["state"] == "doing" else ""
        due = one["due_on"].isoformat() if one["due_on"] else ""
        facts = [
            part for part in (self.name(one["owner"]) if one["owner"] else "", due, f"{state} {far}".strip()) if part
        ]
        return self.say("measure_line", place=one["place"], what=one["what"], facts=self.listed(facts))

    def collaborators(self, item: Mapping[str, Any]) -> str:
        """Everybody who helps with a measure of an item that was not cancelled, or owns one; each once."""
        codes = [code for one in kept(item) for code in (one["owner"], *one["collaborators"]) if code]
        return self.people(code for code in dict.fromkeys(codes) if code != item["owner"])


def _last(until_on: date | None) -> str:
    """The last day before one."""
    return (until_on - timedelta(days=1)).isoformat() if until_on else "?"


def kept(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The measures that were not cancelled."""
    return [one for one in item["measures"] if one["state"] != "cancelled"]


class Fact(NamedTuple):
    """What is told of an item or a measure in a line."""

    name: str
    owner: str
    progress: float
    state: str
    """In words."""


def facts(wording: PlanWording) -> dict[str, Fact]:
    """Every item and measure in a line, by number."""
    found = {}
    for item in wording.book.items:
        state = wording.code("item_state", item["state"])
        found[str(item["number"])] = Fact(item["name"], wording.name(item["owner"]), item["progress_ratio"], state)
        for one in item["measures"]:
            state = wording.code("measure_state", one["state"])
            found[str(one["reference"])] = Fact(one["what"], wording.name(one["owner"]), one["progress_ratio"], state)
    return found
