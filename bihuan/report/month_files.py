"""All files of a month's report, by the names under which they are kept and sent."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from bihuan.analysis.review import Review
from bihuan.report import month_page, month_pdf, month_workbook
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
    pack = packed(review)
    with ThreadPoolExecutor(1) as thread:  # to deflate takes as long as a PDF, and does not need the interpreter
        zipped = thread.submit(pack.zipped)
        shown = _shown(review, words_of, replace(imprint, sha256=pack.sha256))
        return shown | {PACK: zipped.result()}


def _shown(review: Review, words_of: Mapping[str, Words], imprint: Imprint) -> dict[str, bytes]:
    pages = {language: month_page.html(review, words, imprint) for language, words in words_of.items()}
    found = {f"report_{language}.html": html.encode() for language, html in pages.items()}
    if lack := month_pdf.lacking():
        log.warning("the report of the month has no PDF: %s", lack)
    else:
        found |= {f"report_{language}.pdf": month_pdf.pdf(html) for language, html in pages.items()}
    found |= {
        f"problems_{language}.xlsx": month_workbook.xlsx(review, words, imprint) for language, words in words_of.items()
    }
    return found
