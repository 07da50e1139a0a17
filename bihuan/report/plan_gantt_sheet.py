"""The Gantt chart of a cycle in the cells of a sheet: a sign and a colour a week, so that it prints in grey as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from xlsxwriter.worksheet import Worksheet

from bihuan.report.plan_sheet import Desk, set_up, write
from bihuan.report.plan_wording import Fact, facts
from bihuan.rules.gantt import Bar, bars

MARKS: Mapping[str, str] = {"planned": "□", "actual": "■", "late": "!", "today": "▼"}
"""The sign of each kind of span."""
_FILLS = {"planned": "#C9DFF0", "actual": "#0F6B5C", "late": "#F3B5AE"}
_INKS = {"planned": "#3A6A92", "actual": "#FFFFFF", "late": "#8C1D16"}
_HEADS = ("number", "name", "owner", "start_on", "due_on", "progress")
_WIDTHS = (19, 36, 12, 11, 11, 9)
_WEEK, _MOST, _LINE = 7, 80, "#C9D1D8"
"""Days of a column, and how many columns there are at most; a longer cycle has more days a column."""


def write_gantt(desk: Desk) -> Worksheet:
    """Write the sheet; days that nothing is planned for have no column."""
    wording, today = desk.wording, desk.wording.book.today
    page = desk.book.add_worksheet(wording.say("sheet_gantt"))
    rows = bars(wording.book.items, today)
    weeks = spans(rows)
    _heads(desk, page, weeks, today)
    told = facts(wording)
    for at, bar in enumerate(rows, start=2):
        _line(desk, page, at, bar, told[bar.number])
        for place, week in enumerate(weeks, start=len(_HEADS)):
            _cell(desk, page, (at, place), kind_of(bar, week), is_today=week[0] <= today <= week[1])
    set_up(desk, page, "gantt", 2, 2)
    page.protect("", {"format_columns": True, "format_rows": True})
    return page


def spans(rows: Sequence[Bar]) -> list[tuple[date, date]]:
    """First and last day of each column, from a Monday on; none without a bar."""
    if not rows:
        return []
    first = min(bar.start_on for bar in rows)
    last = max(max(bar.due_on, bar.late_until_on or bar.due_on) for bar in rows)
    first -= timedelta(days=first.weekday())
    step = _WEEK * -(-((last - first).days + 1) // (_WEEK * _MOST))
    count = (last - first).days // step + 1
    begins = [first + timedelta(days=step * n) for n in range(count)]
    return [(day, day + timedelta(days=step - 1)) for day in begins]


def kind_of(bar: Bar, week: tuple[date, date]) -> str:
    """What a bar is in a week: ``late`` before ``actual`` before ``planned``; empty where it is nothing."""
    first, last = week
    if bar.late_until_on and bar.due_on < last and first <= bar.late_until_on:
        return "late"
    if last < bar.start_on or bar.due_on < first or bar.is_cancelled:
        return ""
    return "actual" if bar.done_until_on and first <= bar.done_until_on else "planned"


def _heads(desk: Desk, page: Worksheet, weeks: Sequence[tuple[date, date]], today: date) -> None:
    for at, (key, width) in enumerate(zip(_HEADS, _WIDTHS, strict=True)):
        page.set_column(at, at, width)
        page.write_string(1, at, desk.wording.say(f"head_{key}"), desk.head())
    for place, (first, last) in enumerate(weeks, start=len(_HEADS)):
        page.set_column(place, place, 3.3)
        is_today = first <= today <= last
        look = desk.look(bold=True, align="center", font_color="#B3261E", font_size=9)
        page.write_string(0, place, MARKS["today"] if is_today else "", look)
        head = desk.look(rotation=90, font_size=8, bold=is_today, border=1, border_color=_LINE, bg_color="#E3F1EE")
        page.write_string(1, place, f"{first:%m-%d}", head)
    page.set_row(1, 40)


def _line(desk: Desk, page: Worksheet, row: int, bar: Bar, told: Fact) -> None:
    base = {"border": 1, "border_color": _LINE, "bold": bar.is_item, "font_strikeout": bar.is_cancelled}
    text = desk.look(**base, text_wrap=True, indent=0 if bar.is_item else 1)
    day, share = desk.look(**base, num_format="yyyy-mm-dd"), desk.look(**base, num_format="0%")
    for at, (value, look) in enumerate((
        (bar.number, text), (told.name, text), (told.owner, text), (bar.start_on, day), (bar.due_on, day),
        (told.progress, share),
    )):  # fmt: skip
        write(page, row, at, value, look)


def _cell(desk: Desk, page: Worksheet, at: tuple[int, int], kind: str, *, is_today: bool) -> None:
    edge = {"left": 2, "left_color": "#B3261E"} if is_today else {"left": 4, "left_color": "#DDE3E8"}
    if not kind:
        page.write_blank(*at, None, desk.look(**edge))
        return
    look = desk.look(**edge, bg_color=_FILLS[kind], font_color=_INKS[kind], align="center", font_size=8)
    page.write_string(*at, MARKS[kind], look)
