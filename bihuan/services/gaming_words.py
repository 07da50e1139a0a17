"""Signs of gaming in a reader's words, the same for the command line and the page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from bihuan.analysis.gaming import Sign, Thresholds
from bihuan.notify.words import words
from bihuan.services.gaming import SHOWN, Figure


def counts(sign: Sign, thresholds: Thresholds, language: str) -> str:
    """What is counted, of what."""
    return _words(language)[f"{sign}_counts"].format(
        used=percent(1 - thresholds.last_ratio),
        days=thresholds.reopened_within // timedelta(days=1),
        seconds=f"{thresholds.automatic_within.total_seconds():g}",
    )


def figure(it: Figure, language: str) -> str:
    """The share with its n and interval."""
    if it.value is None or it.low is None or it.high is None:
        return _words(language)["no_case"]
    shares = {"value": percent(it.value), "low": percent(it.low), "high": percent(it.high)}
    return _words(language)["figure"].format(x=it.x, n=it.n, **shares)


def verdict(it: Figure, thresholds: Thresholds, language: str) -> str:
    """The verdict and why."""
    said = _words(language)
    why = said[f"{it.verdict}_why"].format(threshold=percent(it.threshold), min_n=thresholds.min_n)
    return f"{said[it.verdict]}{'：' if language == 'zh' else ': '}{why}"


def remarks(it: Figure, thresholds: Thresholds, language: str) -> list[str]:
    """What else must be known: what a smooth course would give, and what does not count yet."""
    said = _words(language)
    found = []
    if it.expected is not None and it.n:
        found.append(said["expected"].format(expected=percent(it.expected)))
    if it.left_out:
        found.append(said["left_out"].format(n=it.left_out, days=thresholds.reopened_within // timedelta(days=1)))
    return found


def behind(it: Figure, language: str) -> str:
    """The heading above the complaint numbers."""
    key = "behind_first" if len(it.complaints) == SHOWN else "behind"
    return _words(language)[key].format(n=len(it.complaints))


def percent(share: float) -> str:
    """A share as people read it: ``12.5%``, ``95%``."""
    said = f"{share:.1%}"
    return said.replace(".0%", "%")


def _words(language: str) -> Mapping[str, str]:
    return words(language)["signs"]
