"""The pages of the months: what each says, and its files served as they are and no others."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime, timedelta

import pytest

from bihuan.clock import fixed
from bihuan.report.month_files import PACK
from bihuan.report.pack import packed
from bihuan.services import month_report
from bihuan.services.intake import take_in
from bihuan.services.month import Due
from bihuan.services.month_report import analyse
from schemas.complaint import ComplaintIn, EventIn, EventKind

ANALYSED = datetime(2026, 11, 2, 0, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _pack_alone(monkeypatch):
    """Only the data pack is written: pages and PDF have tests of their own, and take ten seconds a month."""
    monkeypatch.setattr(month_report, "files", lambda made, _words, _imprint: {PACK: packed(made).zipped()})


@pytest.fixture
def analysed(office):
    """September and October, 240 complaints each; of October's kettles every one was late."""
    batch = []
    for month in (9, 10):
        for number in range(240):
            at = datetime(2026, month, 2, tzinfo=UTC) + timedelta(hours=number * 2.9)
            product = ("电水壶", "<b>Toaster</b>", "烤箱", "风扇")[number % 4]
            is_late = number % 7 == 0 or (product == "电水壶" and month == 10)
            batch.append(ComplaintIn(
                source="shop", external_id=f"{month}-{number}", registered_at=at, title="坏了", product=product,
                deadlines={"handled": at + timedelta(days=1)},
                events=(EventIn(kind=EventKind.HANDLED, occurred_at=at + timedelta(hours=30 if is_late else 3)),),
            ))  # fmt: skip
    with office.db.write() as session:
        take_in(session, office.policy, office.settings, fixed(office.at), batch)
    office.db.analyze()
    return analyse(office.db, office.policy, office.settings, Due(date(2026, 10, 1)), ANALYSED)


def test_before_the_first_month_the_list_says_when_there_will_be_one(browser):
    assert "首个工作日" in browser.get("/months?lang=zh").text


@pytest.mark.parametrize(
    ("language", "words"),
    [("zh", ["2026-10", "变差，已定位", "候选在有人确认之前不是原因", "电水壶"]),
     ("en", ["2026-10", "Got worse, and a place is named", "not a cause until a person confirms it", "电水壶"])],
)  # fmt: skip
def test_a_month_says_what_got_worse_where_and_with_how_much_evidence(analysed, browser, language, words):
    page = browser.get(f"/months/{analysed}?lang={language}")
    assert page.status_code == 200
    assert [said for said in words if said not in page.text] == []
    assert "0.0%" in page.text
    assert "100.0%" in page.text
    assert "n 60" in page.text
    assert analysed in browser.get(f"/months?lang={language}").text


def test_what_complainants_wrote_is_never_markup(analysed, browser):
    page = browser.get(f"/months/{analysed}").text
    assert "<b>Toaster</b>" not in page
    assert "&lt;b&gt;Toaster&lt;/b&gt;" in page


def test_its_evidence_leads_to_the_complaints(analysed, browser, office):
    page = browser.get(f"/months/{analysed}").text
    number = page.split('href="/complaints/2026')[1].split('"')[0]
    assert browser.get(f"/complaints/2026{number}").status_code == 200


def test_the_pack_is_handed_out_and_nothing_beside_it(analysed, browser, office):
    pack = browser.get(f"/months/{analysed}/pack.zip")
    assert "attachment" in pack.headers["content-disposition"]
    assert "complaints.csv" in zipfile.ZipFile(io.BytesIO(pack.content)).namelist()
    for name in ("secret.key", "..%2f..%2fsecret.key", ".pack.zip.part", "none.pdf"):
        assert browser.get(f"/months/{analysed}/{name}").status_code == 404
    assert browser.get("/months/M-1999-01").status_code == 404
    (office.settings.data_dir / "months" / "2026-10" / "pack.zip").unlink()
    assert browser.get(f"/months/{analysed}/pack.zip").status_code == 404
