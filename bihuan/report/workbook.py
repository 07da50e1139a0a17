"""A rehearsal as an Excel workbook: every figure of the page, and the rows behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO

import pandas as pd
import xlsxwriter

from bihuan.analysis.rehearsal import SIDES, Rehearsal, differences
from bihuan.clock import zone
from bihuan.report.conclusion import conclusion
from bihuan.report.page import about, facts
from bihuan.report.sheet import PLAIN, Column, formats, write_sentences, write_table
from bihuan.report.wording import Wording, Words

_RATE = (("n", "met", "count"), ("on_time_rate", "value", "share"), ("low", "low", "share"), ("high", "high", "share"))
"""A rate with its proof: the word of each head, the key, the kind."""

Table = tuple[str, pd.DataFrame, list[Column]]
"""The word of a sheet's name, its rows and its columns."""


def xlsx(rehearsal: Rehearsal, words: Words, *, least: int) -> bytes:
    """The workbook as the bytes of a file; nothing in it is a formula or a link.

    Args:
        rehearsal: What was found.
        words: The reader's language.
        least: A milestone of which fewer than this were met under either policy is not judged.
    """
    file, wording, here = BytesIO(), Wording(words), zone(rehearsal.timezone)
    with xlsxwriter.Workbook(file, PLAIN) as book:
        looks = formats(book)
        for name, frame, columns in _tables(rehearsal, wording):
            rows = _told(frame, wording).to_dict("records")
            write_table(book.add_worksheet(wording.say(name)), columns, rows, looks, here)
        write_sentences(book.add_worksheet(wording.say("at_about")), _about(rehearsal, words, least), looks)
    return file.getvalue()


def _tables(rehearsal: Rehearsal, wording: Wording) -> Iterator[Table]:
    """Every table of the workbook, in the order of its sheets."""
    people = rehearsal.people.assign(alerts=rehearsal.people["warnings"] + rehearsal.people["breaches"])
    yield "at_difference", differences(rehearsal.milestones), _compared(wording)
    yield "sheet_milestones", rehearsal.milestones, _milestones(wording)
    yield "sheet_people", people, _columns(
        wording, "recipient:text", "person=name:text", "policy=side:text",
        "warnings:count", "breaches:count", "alerts:count")  # fmt: skip
    yield "sheet_hours", rehearsal.hours, _columns(wording, "hour:count", "policy=side:text", "alerts:count")
    yield "sheet_nights", rehearsal.nights, _columns(wording, "night:day", "policy=side:text", "alerts:count")
    yield "follow_ups", rehearsal.follow_ups, _columns(
        wording, "day:day", "milestone:text", "policy=side:text", "follow_ups=count:count")  # fmt: skip
    yield "at_moved", _judged(rehearsal.moved, wording), _moved(wording, rehearsal.timezone)


def _columns(wording: Wording, *specs: str) -> list[Column]:
    """Columns from ``word=key:kind``, or ``key:kind`` where the head is the word of the key."""
    columns = []
    for spec in specs:
        name, kind = spec.split(":")
        word, _, key = name.partition("=")
        columns.append(Column(wording.say(word), key or word, kind, 26 if word == "milestone" else 0))
    return columns


def _milestones(wording: Wording) -> list[Column]:
    counts = ("deadlines", "breaches", "cancelled", "running", "warnings")
    return [
        *_columns(wording, "milestone:text", "policy=side:text"),
        *_columns(wording, *(f"{count}:count" for count in counts), "met_on_time=on_time:count"),
        *_columns(wording, *(f"{word}={key}:{kind}" for word, key, kind in _RATE)),
    ]


def _compared(wording: Wording) -> list[Column]:
    """Breaches, rate and alerts: today, draft and the difference of each."""
    figures = (
        ("breaches", (("breaches", "breaches", "count"),), "change"),
        ("on_time_rate", _RATE, "points"),
        ("alerts", (("alerts", "alerts", "count"),), "change"),
    )
    columns = _columns(wording, "milestone:text")
    for figure, parts, change in figures:
        for side in SIDES:
            columns += [
                Column(wording.say("of_side", side=wording.say(side), what=wording.say(word)), f"{key}_{side}", kind)
                for word, key, kind in parts
            ]
        head = wording.say("of_side", side=wording.say("difference"), what=wording.say(figure))
        columns.append(Column(head, f"{parts[-1][1] if len(parts) == 1 else 'value'}_difference", change))
    return columns


def _moved(wording: Wording, timezone: str) -> list[Column]:
    """Instants carry the zone in their head: Excel's own have none."""
    columns = _columns(wording, "number:text", "milestone:text", "round:count")
    for side in SIDES:
        due, verdict = (wording.say("of_side", side=wording.say(side), what=wording.say(word))
                        for word in ("due", "verdict_name"))  # fmt: skip
        columns += [Column(f"{due} ({timezone})", f"due_{side}", "at"), Column(verdict, f"verdict_{side}", "text")]
    return columns


def _judged(moved: pd.DataFrame, wording: Wording) -> pd.DataFrame:
    """With the verdict of each policy in words."""
    verdicts = {
        f"verdict_{side}": [
            wording.verdict(due_at, is_breached)
            for due_at, is_breached in zip(moved[f"due_{side}"], moved[f"breached_{side}"], strict=True)
        ]
        for side in SIDES
    }
    return moved.assign(**verdicts)


def _told(frame: pd.DataFrame, wording: Wording) -> pd.DataFrame:
    """With milestones and policies in words."""
    tellers: dict[str, Callable[[str], str]] = {"milestone": wording.milestone, "side": wording.say}
    told = {column: [teller(code) for code in frame[column]] for column, teller in tellers.items() if column in frame}
    return frame.assign(**told)


def _about(rehearsal: Rehearsal, words: Words, least: int) -> Iterator[tuple[str, str]]:
    """What it is, what it comes to, and how it was counted."""
    wording = Wording(words)
    yield wording.say("name"), wording.say("file_title")
    if rehearsal.is_simulated:
        yield wording.say("is_simulated"), words["page"]["simulated"]
    yield from facts(rehearsal, wording)
    for sentence in conclusion(rehearsal, words, least=least):
        yield f"{wording.say('finding')} · {wording.say(f'tone_{sentence.tone}')}", sentence.text
    yield wording.say("caution_name"), wording.say("caution")
    listed = wording.say("listed", n=f"{len(rehearsal.moved):,}", all=f"{rehearsal.moved_count:,}")
    yield wording.say("at_moved"), listed
    for line in about(wording, least):
        yield wording.say("at_about"), line
