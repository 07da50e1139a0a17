"""The PDF of a month: pages of A4 with a Chinese font within, made without reading anything else."""

from __future__ import annotations

import re
import shutil
import subprocess
import zlib

import pytest

from bihuan.errors import BihuanError, UnavailableError
from bihuan.report import month_pdf
from bihuan.report.month_pdf import lacking, pdf, printing

needs_pango = pytest.mark.skipif(bool(lacking()), reason=lacking() or "")
needs_chinese = pytest.mark.skipif(
    bool(shutil.which("fc-list")) and not subprocess.run(["fc-list", ":lang=zh"], capture_output=True).stdout,  # noqa: PLW1510, S607
    reason="this machine has no Chinese font",
)
CHINESE = ("WenQuanYi", "Noto-Sans-CJK", "NotoSansCJK", "PingFang", "YaHei", "Source-Han", "SimSun", "SimHei")
A4 = (595, 841)
"""Points, rounded down."""


@pytest.fixture
def bare(monkeypatch):
    """A machine without pango: importing WeasyPrint fails as it does there."""

    def fail(name):
        raise OSError("cannot load library 'libpango-1.0-0'\nand more lines")

    month_pdf._printer.cache_clear()
    monkeypatch.setattr(month_pdf, "import_module", fail)
    yield
    month_pdf._printer.cache_clear()


def opened(content: bytes) -> str:
    """The bytes with every stream that can be inflated."""
    parts = [content]
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL):
        try:
            parts.append(zlib.decompress(stream))
        except zlib.error:
            continue
    return b"\n".join(parts).decode("latin-1")


@needs_pango
@needs_chinese
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_report_has_pages_of_a4_with_a_chinese_font_within(month, page, language):
    content = pdf(page(month, language))
    assert content.startswith(b"%PDF-")
    inside = opened(content)
    boxes = re.findall(r"/MediaBox ?\[0 0 ([\d.]+) ([\d.]+)\]", inside)
    assert 4 <= len(boxes) <= 20
    assert {(int(float(width)), int(float(height))) for width, height in boxes} == {A4}
    fonts = set(re.findall(r"/BaseFont ?/[A-Z]{6}\+([\w-]+)", inside))
    assert [font for font in fonts if font.startswith(CHINESE)], fonts
    assert "/FontFile" in inside


@needs_pango
def test_the_same_page_gives_the_same_pdf_also_in_a_process_of_its_own(month, page):
    pages = page(month, "zh"), page(month, "en")
    with printing(is_apart=True) as print_later, printing(is_apart=False) as print_here:
        later, here = list(map(print_later, pages)), list(map(print_here, pages))
        assert [made() for made in later] == [made() for made in here] == [pdf(html) for html in pages]


@needs_pango
def test_a_process_that_cannot_print_is_told_of():
    with printing(is_apart=True) as print_later, pytest.raises(UnavailableError, match="has gone"):
        print_later(None)()


@needs_pango
def test_what_people_wrote_stays_text_in_the_pdf(hostile, page):
    inside = opened(pdf(page(hostile)))
    assert "/JavaScript" not in inside
    assert "/JS" not in inside


@needs_pango
def test_nothing_outside_the_file_is_read(tmp_path):
    from weasyprint.urls import FatalURLFetchingError

    picture = tmp_path / "picture.png"
    picture.write_bytes(b"no picture")
    for place in (picture.as_uri(), "http://127.0.0.1:9/picture.png"):
        with pytest.raises(FatalURLFetchingError):
            pdf(f"<img src='{place}'><p>text")


@pytest.mark.usefixtures("bare")
def test_a_machine_without_pango_says_so_in_one_line_with_the_cure():
    assert lacking() == "pango is missing, so no PDF can be made: cannot load library 'libpango-1.0-0'"
    with pytest.raises(BihuanError, match="install libpango"):
        pdf("<p>text")
