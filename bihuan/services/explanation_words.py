"""An explanation in a reader's words: passages of short lines, the same for the command line and the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from bihuan.clock import zone
from bihuan.notify.words import instant, word, words
from bihuan.rules.explanation import CountedFrame, CountedPause, SpecialDay
from bihuan.rules.reminder import Hold
from bihuan.services.account import Account, Told
from bihuan.services.decision import ASKED_AGAIN, CONFIRMED
from bihuan.services.ladder_words import ladder_lines
from bihuan.services.letter import NOBODY
from schemas.deadline import DeadlineState, Mode
from schemas.outbox import Notice

_MOST_FRAMES = 12
_AT_EACH_END = 5
"""Frames named at each end where there are more than ``_MOST_FRAMES``."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A few lines under one heading."""

    heading: str
    lines: tuple[str, ...]


def title(account: Account, language: str) -> str:
    """The milestone, and from the second round on which one it is."""
    name = word("milestone", account.milestone, language)
    said = f"{name[:1].upper()}{name[1:]}"
    again = words(language)["explain"]["round"].format(n=account.round)
    whole = said if account.round == 1 else f"{said} · {again}"
    if not account.leg:
        return whole
    name, name_en = account.department_names
    return words(language)["explain"]["own_clock"].format(
        milestone=whole, department=name_en if language == "en" else name
    )


def passages(account: Account, language: str, timezone: str) -> list[Passage]:
    """The explanation of one deadline, for a reader of ``language`` in ``timezone``."""
    teller = _Teller(account, language, timezone)
    told = (
        ("at_start", teller.start()),
        ("at_count", teller.count()),
        ("at_due", teller.due()),
        ("at_steps", teller.steps()),
        ("at_ladder", teller.ladder()),
        ("at_end", teller.end()),
    )
    found = [Passage(teller.say(heading), tuple(lines)) for heading, lines in told]
    return [passage for passage in found if passage.lines]


class _Teller:
    """Puts one account into words."""

    def __init__(self, account: Account, language: str, timezone: str) -> None:
        self.it, self.language, self.timezone = account, language, timezone
        self.words = words(language)["explain"]

    def say(self, key: str, **values: object) -> str:
        return self.words[key].format(**values)

    def at(self, at: datetime) -> str:
        """An instant with its offset, to the second where it has any."""
        said = instant(at, self.timezone)
        return f"{said[:16]}:{at:%S}{said[16:]}" if at.second else said

    def length(self, seconds: float) -> str:
        """Exact, in hours at most: a day of a business clock is not 24 hours."""
        minutes, rest = divmod(round(abs(seconds), 3), 60)
        hours, minutes = divmod(int(minutes), 60)
        parts = [word("span", unit, self.language).format(n=n)
                 for unit, n in (("hours", hours), ("minutes", minutes)) if n]  # fmt: skip
        if rest or not parts:
            parts.append(self.say("seconds", n=f"{rest:g}"))
        return " ".join(parts)

    def changed(self, became: Mapping[str, str | None]) -> str:
        """What changed of the complaint, and into what."""
        dash = word("explain", "no_value", self.language)
        known = words(self.language)
        return self.say("and").join(
            self.say("became", name=word("dimension", name, self.language),
                     value=known.get(name, {}).get(value, value) if value else dash)
            for name, value in became.items()
        )  # fmt: skip

    def start(self) -> Iterator[str]:
        """What started it, on which clock it runs, and who said so."""
        it = self.it
        event, at = word("event", it.started_by, self.language), self.at(it.started_at)
        yield self.say("started", event=event, at=at) if event else self.say("started_unknown", at=at)
        if it.target_seconds is None:
            yield self.say("promised")
            yield self.say("policy_promised", version=it.policy_version)
            return
        yield self.say("target", length=self.length(it.target_seconds), mode=word("mode", it.mode, self.language))
        key = "policy" if it.policy_line else "policy_gone"
        yield self.say(key, version=it.policy_version, line=it.policy_line)
        if it.scope:
            yield self.say("scope", name=it.scope)
        if it.mode is Mode.BUSINESS:
            yield self.say(
                "calendar" if it.calendar else "calendar_gone", name=it.calendar, version=it.calendar_version
            )

    def count(self) -> Iterator[str]:
        """Frames, special days, pauses."""
        counted = self.it.explanation
        if self.it.target_seconds is None:
            return
        if self.it.mode is Mode.CALENDAR:
            yield self.say("every_hour")
        else:
            yield from self._frames(counted.frames)
            yield from self._days(counted.days)
            for year, is_official in (counted.years or {}).items():
                yield self.say("year_official" if is_official else "year_estimated", year=year)
            if self.it.calendar_source:
                yield self.say("source", source=self.it.calendar_source)
        yield from map(self._pause, counted.pauses)
        for wait in self.it.uncounted:
            reason = wait.reason or self.say("no_reason")
            yield self.say("pause_uncounted", began=self.at(wait.began_at), reason=reason)

    def _frames(self, frames: Sequence[CountedFrame]) -> Iterator[str]:
        is_long = len(frames) > _MOST_FRAMES
        head = frames[:_AT_EACH_END] if is_long else frames
        yield from map(self._frame, head)
        if is_long:
            between = frames[_AT_EACH_END:-_AT_EACH_END]
            yield self.say("frames_left_out", n=len(between), length=self._sum(between))
            yield from map(self._frame, frames[-_AT_EACH_END:])
        if len(frames) > 1:
            days = {self._local(frame.opens_at).date() for frame in frames}
            yield self.say("frames_sum", n=len(frames), days=len(days), length=self._sum(frames))

    def _sum(self, frames: Sequence[CountedFrame]) -> str:
        return self.length(sum(frame.used_seconds for frame in frames))

    def _frame(self, frame: CountedFrame) -> str:
        opens, closes = self._local(frame.opens_at), self._local(frame.closes_at)
        weekday = self.say("weekdays").split()[opens.weekday()]
        is_next_day = closes.date() > opens.date()
        return self.say("frame", day=opens.date(), weekday=weekday, opens=self._time(opens),
                        closes=f"{closes.date()} {self._time(closes)}" if is_next_day else self._time(closes),
                        length=self.length(frame.used_seconds))  # fmt: skip

    def _time(self, local: datetime) -> str:
        return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(zone(self.timezone))

    def _days(self, days: Sequence[SpecialDay]) -> Iterator[str]:
        """Days that follow each other and are alike share a line."""
        runs = groupby(enumerate(days), key=lambda it: (it[1].day.toordinal() - it[0], it[1].kind, it[1].name))
        for (_, kind, name), members in runs:
            run = [special.day for _, special in members]
            span = str(run[0]) if len(run) == 1 else f"{run[0]} – {run[-1]}"
            yield self.say(kind, days=span, name=name or self.say("holiday_unnamed"))

    def _pause(self, pause: CountedPause) -> str:
        began, reason = self.at(pause.began_at), pause.reason or self.say("no_reason")
        if pause.ended_at is None:
            return self.say("pause_lasting", began=began, reason=reason)
        moved = self.length(pause.moved_seconds)
        return self.say("pause", began=began, ended=self.at(pause.ended_at), reason=reason, length=moved)

    def due(self) -> Iterator[str]:
        """The instant that is held, and whether counting it once more leads there."""
        it = self.it
        for recount in it.recounts:
            due = self.at(recount.due_at) if recount.due_at else self.say("recount_none")
            what = recount.version or self.changed(recount.changed)
            yield self.say(f"recount_{recount.cause}", at=self.at(recount.at), what=what, due=due)
        yield self.say("due_open" if it.state is DeadlineState.PAUSED else "due", at=self.at(it.due_at))
        counted = it.explanation.counted_due_at
        if not it.explanation.is_confirmed and counted:
            yield self.say("unconfirmed", at=self.at(counted))
        elif counted:
            yield self.say("confirmed")
        if it.derived_due_at is None:
            yield self.say("derived_gone")
        elif it.derived_due_at not in {it.due_at, None if it.explanation.is_confirmed else counted}:
            yield self.say("derived", at=self.at(it.derived_due_at))

    def steps(self) -> Iterator[str]:
        """Each warning and the breach: why it was told, or why there was silence."""
        for step in self.it.steps:
            colon = "：" if self.language == "zh" else ": "
            key = "step_breach" if step.notice is Notice.BREACH else "step_warning"
            yield colon.join((self.say(key, at=self.at(step.instant)), self.say(f"fate_{step.fate}")))
            yield from map(self._message, step.messages)
        for message in self.it.earlier:
            yield self.say("earlier", message=self._message(message))

    def _message(self, message: Told) -> str:
        known = {"ended": "reason_ended", "backfilled": "reason_backfilled", NOBODY: "reason_nobody",
                 CONFIRMED: "reason_confirmed", ASKED_AGAIN: "reason_asked_again",
                 **{why.value: f"reason_{why}" for why in Hold}}  # fmt: skip
        reason = message.reason and (self.say(known[message.reason]) if message.reason in known else message.reason)
        key = "message_held" if message.held_until else "message_why" if reason else "message"
        at = self.at(message.held_until or message.sent_at or message.planned_at)
        state = word("message_state", message.state, self.language)
        return self.say(key, recipient=self._recipient(message), reason=reason, state=state, at=at)

    def _recipient(self, message: Told) -> str:
        name = (message.recipient_name_en if self.language == "en" else "") or message.recipient_name
        kind, _, place = message.recipient.partition(":")
        who = name or self.words.get(f"to_{kind}", message.recipient).format(id=place)
        return self.say(f"role_{message.role}", recipient=who)

    def ladder(self) -> Iterator[str]:
        """The rungs that its breach led to."""
        if self.it.ladder:
            yield from ladder_lines(self.it.ladder, self.language, self.at)

    def end(self) -> Iterator[str]:
        """How it went."""
        it = self.it
        if it.warned_at:
            yield self.say("decided_warned", at=self.at(it.warned_at))
        if it.breached_at:
            yield self.say("decided_breached", at=self.at(it.breached_at))
        if it.met_at:
            distance = (it.met_at - it.due_at).total_seconds()
            key = "met_late" if distance > 0 else "met" if distance else "met_at_once"
            yield self.say(key, at=self.at(it.met_at), length=self.length(distance))
        elif it.cancelled_at:
            yield self.say("cancelled", at=self.at(it.cancelled_at))
        else:
            yield self.say("running")
        if it.corrected_at and it.corrected_due_at:
            yield self.say("corrected_due", at=self.at(it.corrected_at), due=self.at(it.corrected_due_at))
        elif it.corrected_at:
            yield self.say("corrected", at=self.at(it.corrected_at))
