"""All files of a month: what there is, and that they tell of the same data."""

from __future__ import annotations

import csv
import io
import json
import zipfile

import pytest

from bihuan.notify.words import LANGUAGES, words
from bihuan.report import month_files, month_pdf
from bihuan.report.month_files import files
from bihuan.report.month_pdf import lacking
from bihuan.report.pack import packed, reviewed_again
from bihuan.rules.formula import begins_formula

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


def cells(pack: bytes) -> list[str]:
    """Every cell of every table of a data pack."""
    with zipfile.ZipFile(io.BytesIO(pack)) as file:
        tables = [file.read(name).decode() for name in file.namelist() if name.endswith(".csv")]
    return [cell for table in tables for row in csv.reader(io.StringIO(table, newline="")) for cell in row]


def test_no_text_of_the_pack_is_a_formula_and_it_is_read_as_it_was(hostile):
    pack = packed(hostile).zipped()
    signs = [cell for cell in cells(pack) if begins_formula(cell)]
    assert [cell for cell in signs if not cell.removeprefix("-").replace(".", "").replace("e-", "").isdigit()] == []
    again = reviewed_again(pack)
    for was, now in ((hostile.complaints, again.complaints), (hostile.answers, again.answers)):
        assert was.astype("str").to_dict("list") == now.astype("str").to_dict("list")
    assert packed(again).sha256 == packed(hostile).sha256
    assert "'=HYPERLINK(" in "".join(cells(pack))
