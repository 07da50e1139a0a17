"""The account of a ladder in a reader's words, a line a rung."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bihuan.notify.words import word, words
from bihuan.services.ladder_account import LadderAccount, Names
from schemas.escalation import EscalationState


def ladder_lines(it: LadderAccount, language: str, say_at: Callable[[datetime], str]) -> list[str]:
    """The account in words, a line a rung; ``say_at`` writes an instant."""
    say = words(language)["climb"]
    comma = say["and"]

    def named(name: Names) -> str:
        return (name[1] if language == "en" else "") or name[0] or say["somebody"]

    lines = [say["ladder"].format(name=it.ladder, version=it.policy_version, line=it.policy_line or say["unknown"])]
    for one in it.rungs:
        why = word("trigger", one.trigger, language)
        rung = say["rung"].format(n=one.rung) + (say["repeat"].format(n=one.repeat) if one.repeat else "")
        told = comma.join(map(named, one.told)) or say["known"]
        for number, target, reason in one.passed:
            because = word("passed", reason, language)
            lines.append(say["passed"].format(rung=number, target=_target(target, language), reason=because))
        lines.append(say["told"].format(rung=rung, at=say_at(one.told_at), told=told, why=why))
    if it.acknowledged_at and it.acknowledged_by:
        lines.append(say["acknowledged"].format(who=named(it.acknowledged_by), at=say_at(it.acknowledged_at)))
    if it.next_at:
        key = "until" if it.state is EscalationState.ACKNOWLEDGED else "next"
        lines.append(say[key].format(at=say_at(it.next_at)))
    elif it.state is EscalationState.EXHAUSTED:
        lines.append(say["exhausted"])
    return lines


def _target(target: str, language: str) -> str:
    kind, _, name = target.partition(":")
    return f"{word('target', kind, language)} {name}".strip()
