"""All files of a month's report, by the names under which they are kept and sent."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from bihuan.analysis.review import Review
from bihuan.companion import MANY
from bihuan.report import month_page, month_pdf, month_workbook
from bihuan.report.month_pdf import Printer
from bihuan.report.month_wording import Imprint
from bihuan.report.pack import packed
from bihuan.report.wording import Words

PACK = "pack.zip"
log = logging.getLogger(__name__)


def files(review: Review, words_of: Mapping[str, Words], imprint: Imprint) -> dict[str, bytes]:
    """The report in each language as page, PDF and workbook, and the data pack.

    Args:
        review: What was found.
        words_of: The words of each language, by its code, which ends the names: ``report_zh.html``.
        imprint: What it says beside the review; its hash is that of the pack, whatever it says.

    Returns:
        ``report_*.html``, ``report_*.pdf``, ``problems_*.xlsx`` and ``pack.zip``. Where this machine cannot make a PDF
        those are left out, and one line of the log says why.
    """
    lack = month_pdf.lacking()
    if lack:
        log.warning("the report of the month has no PDF: %s", lack)
    is_apart = not lack and len(review.complaints) >= MANY
    with month_pdf.printing(is_apart=is_apart) as print_later, ThreadPoolExecutor(1) as thread:
        pack = packed(review)
        zipped = thread.submit(pack.zipped)  # to deflate takes as long as a PDF, and does not need the interpreter
        shown = _shown(review, words_of, replace(imprint, sha256=pack.sha256), None if lack else print_later)
        return shown | {PACK: zipped.result()}


def _shown(
    review: Review, words_of: Mapping[str, Words], imprint: Imprint, print_later: Printer | None
) -> dict[str, bytes]:
    pages, printed, sheets = dict[str, bytes](), dict[str, Callable[[], bytes]](), dict[str, bytes]()
    for language, words in words_of.items():
        html = month_page.html(review, words, imprint)
        pages[f"report_{language}.html"] = html.encode()
        if print_later:
            printed[f"report_{language}.pdf"] = print_later(html)
    for language, words in words_of.items():
        sheets[f"problems_{language}.xlsx"] = month_workbook.xlsx(review, words, imprint)
    return pages | {name: fetch() for name, fetch in printed.items()} | sheets
