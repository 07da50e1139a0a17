"""All files of a month: what there is, and that they tell of the same data."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from bihuan.notify.words import LANGUAGES, words
from bihuan.report import month_files, month_pdf
from bihuan.report.month_files import files
from bihuan.report.month_pdf import lacking
from bihuan.report.pack import reviewed_again

WORDS = {language: words(language) for language in LANGUAGES}
PDFS = {f"report_{language}.pdf" for language in LANGUAGES}
OTHERS = {
    f"{name}_{language}.{end}" for language in LANGUAGES for name, end in (("report", "html"), ("problems", "xlsx"))
}


@pytest.fixture(scope="module")
def found(month, imprint):
    return files(month, WORDS, imprint)


def test_every_file_is_there(found):
    assert set(found) == OTHERS | {"pack.zip"} | (set() if lacking() else PDFS)
    assert all(found.values())


def test_the_page_names_the_hash_of_the_pack(found):
    with zipfile.ZipFile(io.BytesIO(found["pack.zip"])) as file:
        sha256 = json.loads(file.read("about.json"))["sha256"]
    assert f"<dd>{sha256}</dd>" in found["report_zh.html"].decode()


def test_the_pack_alone_makes_the_same_page_again(found, imprint):
    again = files(reviewed_again(found["pack.zip"]), {"en": WORDS["en"]}, imprint)
    assert again["report_en.html"] == found["report_en.html"]


def test_a_machine_without_pango_makes_the_rest_and_says_why(month, imprint, monkeypatch):
    said: list[str] = []
    monkeypatch.setattr(month_pdf, "_printer", lambda: "pango is missing, so no PDF can be made: no library")
    monkeypatch.setattr(month_files.log, "warning", lambda words, *values: said.append(words % values))
    made = files(month, {"en": WORDS["en"]}, imprint)
    assert set(made) == {"report_en.html", "problems_en.xlsx", "pack.zip"}
    assert said == ["the report of the month has no PDF: pango is missing, so no PDF can be made: no library"]
