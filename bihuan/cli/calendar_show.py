"""``bihuan calendar show``: a year of a working calendar, as months to look at and as JSON."""

from __future__ import annotations

from calendar import Calendar, monthrange
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import Annotated, Any

import typer

from bihuan.cli.output import JsonOption, emit
from bihuan.policy.calendar import WorkCalendar
from bihuan.policy.frame import DAYS
from bihuan.rules.explanation import DayKind, SpecialDay, special_days

_MARKS = {DayKind.HOLIDAY: "*", DayKind.MAKEUP: "+", DayKind.OWN_FRAMES: "="}
_LEGEND = "- closed weekday   * day off   + make-up working day 调休上班日   = frames of its own"
_WORDS = {DayKind.HOLIDAY: "", DayKind.MAKEUP: "make-up working day 调休上班日",
          DayKind.OWN_FRAMES: "frames of its own"}  # fmt: skip


def show(
    year: Annotated[int, typer.Argument(min=1900, max=2200)],
    calendar: Annotated[str | None, typer.Option(help="Name in the policy; default: the policy's default.")] = None,
    is_json: JsonOption = False,
) -> None:
    """Show a year: days off by name, make-up working days 调休, working days, and whether it is official."""
    from bihuan.policy.loader import load_policy
    from bihuan.settings import settings

    calendars = load_policy(settings().policy_dir).calendars
    name = calendar or calendars.default_name
    chosen = calendars[name]
    days = list(special_days(chosen, date(year, 1, 1), date(year, 12, 31)))
    if is_json:
        emit(_record(name, chosen, year, days), is_json)
        return
    for line in _lines(name, chosen, year, days):
        typer.echo(line)


def _record(name: str, calendar: WorkCalendar, year: int, days: Sequence[SpecialDay]) -> dict[str, Any]:
    by_month = _working_days(calendar, year)
    return {
        "calendar": name,
        "version": calendar.version,
        "year": year,
        "timezone": calendar.timezone,
        "is_official": calendar.is_official(year),
        "source": calendar.source_of(year),
        "working_days": sum(by_month),
        "working_days_by_month": by_month,
        "weekly": calendar.model_dump(mode="json")["weekly"],
        "days": [_with_frames(calendar, special) for special in days],
    }


def _with_frames(calendar: WorkCalendar, special: SpecialDay) -> dict[str, Any]:
    frames = [frame.words() for frame in calendar.frames_on(special.day)]
    return {"day": special.day, "kind": special.kind, "name": special.name, "frames": frames}


def _working_days(calendar: WorkCalendar, year: int) -> list[int]:
    """Days with open frames, month by month."""
    return [
        sum(bool(calendar.frames_on(date(year, month, day))) for day in range(1, monthrange(year, month)[1] + 1))
        for month in range(1, 13)
    ]


def _lines(name: str, calendar: WorkCalendar, year: int, days: Sequence[SpecialDay]) -> Iterator[str]:
    by_month = _working_days(calendar, year)
    certainty = "official" if calendar.is_official(year) else "estimated: the official notice is not taken in yet"
    yield f"{name} {year}  {sum(by_month)} working days  {certainty}"
    yield f"zone {calendar.timezone}  version {calendar.version}"
    if source := calendar.source_of(year):
        yield f"source {source}"
    yield from _week(calendar)
    yield _LEGEND
    for month, working_days in enumerate(by_month, start=1):
        yield ""
        yield from _month(calendar, year, month, working_days, [it for it in days if it.day.month == month])


def _week(calendar: WorkCalendar) -> Iterator[str]:
    """The frames of the week, days that are alike on one line."""
    for frames, members in groupby(zip(DAYS, calendar.weekly, strict=True), key=lambda day: day[1]):
        names = [day for day, _ in members]
        span = names[0] if len(names) == 1 else f"{names[0]}-{names[-1]}"
        yield f"{span:<8} {_frames(frames) or 'closed'}"


def _frames(frames: Sequence[Any]) -> str:
    return "  ".join("-".join(frame.words()) for frame in frames)


def _month(
    calendar: WorkCalendar, year: int, month: int, working_days: int, special: Sequence[SpecialDay]
) -> Iterator[str]:
    kinds = {it.day: it.kind for it in special}
    yield f"{year}-{month:02}  {working_days} working days"
    yield "  Mo  Tu  We  Th  Fr  Sa  Su"
    for week in Calendar().monthdatescalendar(year, month):
        cells = ((f"{day.day:>3}{_mark(calendar, day, kinds)}" if day.month == month else " " * 4) for day in week)
        yield f" {''.join(cells)}".rstrip()
    for it in special:
        own = _frames(calendar.frames_on(it.day)) if it.kind is DayKind.OWN_FRAMES else ""
        yield "  ".join(filter(None, (f"  {it.day}", _MARKS[it.kind], it.name or _WORDS[it.kind] or "day off", own)))


def _mark(calendar: WorkCalendar, day: date, kinds: dict[date, DayKind]) -> str:
    if kind := kinds.get(day):
        return _MARKS[kind]
    return " " if calendar.frames_on(day) else "-"
