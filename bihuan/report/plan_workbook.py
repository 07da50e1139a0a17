"""The plan table 改进计划表 of a cycle as an Excel workbook, to be edited and brought back in."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import xlsxwriter

from bihuan.report.plan_gantt_sheet import MARKS, write_gantt
from bihuan.report.plan_sheet import Desk, set_up, write_base, write_lists, write_sheet
from bihuan.report.plan_wording import PlanWording
from bihuan.report.sheet import PLAIN, formats, write_sentences
from bihuan.report.wording import Words
from bihuan.rules.plan_table import CAUSES, MEASURES, PLAN, VERIFICATION
from schemas.plan_book import PlanBook

_ABOUT = ("what", "edit", "add", "done", "import", "conflict", "void", "base")


def xlsx(book: PlanBook, words: Words) -> bytes:
    """The workbook as the bytes of a file; nothing that people wrote is read as a formula or a link.

    Args:
        book: The cycle.
        words: The reader's language.
    """
    wording, file = PlanWording.of(book, words), BytesIO()
    with xlsxwriter.Workbook(file, PLAIN) as workbook:
        workbook.set_properties({"title": wording.say("file_title", cycle=book.number), "created": book.made_at})
        desk = Desk(workbook, wording)
        lists = {name: f"list_{name}" for name in _named()}
        for sheet in (PLAN, MEASURES, CAUSES):
            write_sheet(desk, sheet, lists)
        write_gantt(desk)
        write_sheet(desk, VERIFICATION, lists)
        about = workbook.add_worksheet(wording.say("sheet_about"))
        write_sentences(about, _about(wording), formats(workbook))
        set_up(desk, about, "about", 1, 0)
        write_lists(desk, (PLAN, MEASURES, CAUSES))
        write_base(desk)
    return file.getvalue()


def _named() -> Iterator[str]:
    """Every list that cells are chosen from."""
    yield from ("people", "item")
    for sheet in (PLAN, MEASURES, CAUSES):
        yield from (one.words for one in sheet.columns if one.words)


def _about(wording: PlanWording) -> Iterator[tuple[str, str]]:
    """How to use it, in sentences beside their names."""
    at = wording.moment(wording.book.made_at, wording.book.timezone)
    if wording.book.is_simulated:
        yield "!", wording.sections["page"]["simulated"]
    for key in _ABOUT:
        name = wording.say("about_name" if key == "what" else f"about_{key}_name")
        yield name, wording.say(f"about_{key}", cycle=wording.book.number, at=at)
    legend = wording.listed([f"{mark} {wording.say(f'legend_{key}')}" for key, mark in MARKS.items()])
    yield wording.say("about_legend_name"), legend
