"""The page of signs: what is counted, the figures with interval, and the complaints behind them."""

from __future__ import annotations

import pytest

from schemas.complaint import Channel, EventKind


@pytest.fixture
def busy(office):
    """Thirty-two complaints by phone answered at once, one by app answered an hour later; one paused late."""
    numbers = []
    for _ in range(32):
        numbers.append(office.complaint(channel=Channel.PHONE))
        office.happens(numbers[-1], EventKind.ASSIGNED, handler="li")
        office.happens(numbers[-1], EventKind.RESPONDED)
    app = office.complaint(channel=Channel.APP)
    office.later(hours=1)
    office.happens(app, EventKind.RESPONDED)
    office.later(hours=45)
    office.happens(numbers[0], EventKind.WAITING, reason="<b>photos</b>")
    office.later(hours=1)
    office.happens(numbers[0], EventKind.HANDLED)
    return numbers


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh", ["指标失真迹象", "不是指控", "值得一看：整个区间高于 5%", "33 中有 32：97%", "数据不足"]),
        ("en", ["Signs of gaming", "not an accusation", "Worth a look: the whole interval lies above 5%",
                "32 of 33: 97%", "Not enough data"]),
    ],
)  # fmt: skip
def test_it_says_what_is_counted_with_n_and_interval(busy, browser, language, words):
    page = browser.get(f"/signs?lang={language}")
    assert page.status_code == 200
    assert [said for said in words if said not in page.text] == []


def test_each_sign_leads_to_the_complaints_behind_it(busy, browser):
    page = browser.get("/signs?lang=en").text
    paused = page.split('id="late_pause"')[1].split("</section>")[0]
    assert "1 of 1: 100%" in paused
    assert f'href="/complaints/{busy[0]}"' in paused
    assert browser.get(f"/complaints/{busy[0]}").status_code == 200


def test_the_bands_around_due_are_shown(busy, browser):
    page = browser.get("/signs?lang=en").text
    assert "95–100%" in page
    assert '<tr class="strong"><td>95–100%</td><td class="number">1</td>' in page


@pytest.mark.parametrize(
    ("by", "shown"),
    [("handler", "Li 处理"), ("department", "Product"), ("channel", "Phone"), ("kind", "Product"),
     ("severity", "General")],
)  # fmt: skip
def test_by_a_dimension_values_have_their_names(busy, browser, by, shown):
    page = browser.get(f"/signs?by={by}&lang=en").text
    assert f"<td>{shown}</td>" in page
    assert "one in forty" in page
    assert f'<option value="{by}" selected>' in page


def test_days_are_those_of_the_reader(office, browser):
    """Registered on Monday at 09:00 in Shanghai, which is Sunday in New York."""
    number = office.complaint()
    office.happens(number, EventKind.RESPONDED)
    span = "from=2026-11-16&to=2026-11-16&lang=en"
    assert "1 of 1" in browser.get(f"/signs?{span}&tz=Asia/Shanghai").text
    assert "1 of 1" not in browser.get(f"/signs?{span}&tz=America/New_York").text


def test_without_days_it_is_the_last_ninety(office, browser):
    page = browser.get("/signs").text
    assert 'name="from" value="2026-08-19"' in page
    assert 'name="to" value="2026-11-16"' in page


def test_an_empty_installation_has_no_figure_and_says_so(empty):
    page = empty.get("/signs?lang=en")
    assert page.status_code == 200
    assert page.text.count("No case") == 4
    assert empty.get("/signs?by=handler").status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "by=colour",
        "from=yesterday",
        "to=2026-13-01",
        "from=2026-11-17&to=2026-11-16",
        "from=0001-01-01",
        "to=0001-01-01",
        "to=9999-12-31",
    ],
)
def test_what_makes_no_sense_is_refused(browser, query):
    assert browser.get(f"/signs?{query}").status_code == 400


def test_every_page_leads_to_it(browser):
    assert '<a href="/signs">迹象</a>' in browser.get("/?lang=zh").text
    assert '<a href="/signs" aria-current="page">Signs</a>' in browser.get("/signs?lang=en").text


def test_without_a_database_it_says_so(cut_off):
    assert cut_off.get("/signs").status_code == 503
