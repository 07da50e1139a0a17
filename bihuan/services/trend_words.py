"""Signals in a reader's words, the same for letters, pages and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from bihuan.notify.words import word, words
from bihuan.store.queries.names import departments
from schemas.kpi import Grain

_WORDED = frozenset({"channel", "kind", "severity"})
_WHOLE = 100.0
Names = Mapping[str, tuple[str, str]]
"""Departments by code: Chinese or only name, English or empty."""


def department_names(session: Session) -> Names:
    """What departments are called."""
    return {row.code: (row.name, row.name_en) for row in departments(session)}


def figure(value: float | None, unit: str, language: str) -> str:
    """A figure with its unit: ``72.4%``, ``4.06``, ``3.5 h``; a dash for None."""
    if value is None:
        return "–"
    if unit == "share":
        said = f"{value:.1%}"
        # A share is never rounded to all or nothing.
        return "<0.1%" if value > 0 and said == "0.0%" else ">99.9%" if value < 1 and said == "100.0%" else said
    if unit == "hours":
        return words(language)["chart"]["hours"].format(n=f"{value:.1f}")
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"  # noqa: PLR2004 - two places are enough


def element(dimension: str, code: str, names: Names, language: str) -> str:
    """A value of a dimension as a reader calls it."""
    if not code:
        return words(language)["chart"]["not_stated"]
    if dimension in _WORDED:
        return word(dimension, code, language)
    if dimension == "department" and code in names:
        name, name_en = names[code]
        return name_en if language == "en" and name_en else name
    return code


def where(row: Row[Any], names: Names, language: str) -> str:
    """Which part of the indicator: ``部门“产品部”``; "" of everything."""
    said = words(language)["chart"]
    parts = []
    if row.dimension:
        named = element(row.dimension, row.element, names, language)
        parts.append(said["part"].format(dimension=word("dimension", row.dimension, language), element=named))
    if row.survey and row.survey != "bihuan":
        parts.append(row.survey)
    return said["joint"].join(parts)


def name(row: Row[Any], language: str) -> str:
    """The indicator as it was called when the signal was found."""
    return str(row.evidence.get("words", {}).get(language) or row.indicator)


def headline(row: Row[Any], names: Names, language: str) -> str:
    """What changed and by how much, in one line."""
    unit, said = row.evidence["unit"], words(language)["chart"]
    part = where(row, names, language)
    return said["headline"].format(
        what=name(row, language) + (said["of_part"].format(part=part) if part else ""),
        before=figure(row.center, unit, language), after=figure(row.value, unit, language),
        how=said["worse" if row.is_worse else "better"],
    )  # fmt: skip


def since(row: Row[Any], language: str) -> str:
    """Since when, and by which rule."""
    said = words(language)["chart"]
    began = said[f"since_{row.grain.value}"].format(day=row.since_on.isoformat())
    side = said["above" if row.evidence["is_high"] else "below"]
    return began + said["comma"] + said[f"rule_{row.rule}"].format(points=row.evidence["points"], side=side)


def evidence(row: Row[Any], language: str) -> str:
    """With how much evidence: cases and points on both sides, and how over-dispersed they are."""
    it = row.evidence
    said = words(language)["chart"]
    text = said["evidence"].format(
        n=f"{row.n:,}", points=it["points"], n_before=f"{it['n_before']:,}", baseline=it["baseline_points"],
        first=it["baseline"][0], last=it["baseline"][1],
    )  # fmt: skip
    return text + said["scatter"].format(scatter=f"{max(it['sigma_z'], 1):.1f}") if it["unit"] == "share" else text


def changed(row: Row[Any], names: Names, language: str) -> list[str]:
    """Where the change comes from, a line a slice; or that no slice can be named."""
    it, said = row.evidence, words(language)["chart"]
    if row.dimension:
        return []
    named = [slice_ for slice_ in it["changed"] if slice_["is_localised"] or it["unit"] != "share"]
    lines = [
        said["changed"].format(
            part=said["part"].format(dimension=word("dimension", one["dimension"], language),
                                     element=element(one["dimension"], one["element"], names, language)),
            before=figure(one["before"], it["unit"], language), after=figure(one["after"], it["unit"], language),
            n_before=f"{one['n_before']:,}", n_after=f"{one['n_after']:,}",
            contribution=f"{min(one['contribution'], 1) * _WHOLE:.0f}%",
        )
        for one in named
    ]  # fmt: skip
    if lines:
        return lines if it["unit"] == "share" else [*lines, said["untested"]]
    return [said["not_localised"].format(n=it["tested"]) if it["tested"] else said["no_slices"]]


def period(grain: Grain, language: str) -> str:
    """How long a point's period is."""
    return words(language)["chart"][f"grain_{grain.value}"]


def status(row: Row[Any], language: str) -> str:
    """Whether somebody was told, or why nobody is, or that the figures no longer bear it out."""
    it, said = row.evidence, words(language)["chart"]
    if "withdrawn_at" in it:
        return said["status_withdrawn"]
    return said["status_told" if it.get("is_told") else "status_not_told"]
