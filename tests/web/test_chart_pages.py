"""Control charts on pages: two verdicts, the points behind the picture, signals with what changed, and notes."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from bihuan.policy.models import Policy
from bihuan.policy.trend import TrendPolicy
from bihuan.services.trend import watch
from bihuan.store.rows import insert_rows, table_of
from schemas.access import Role
from schemas.kpi import Grain, Signal, Snapshot

HANDLED = "on_time_handled"
FIRST = date(2026, 4, 6)
"""32 weeks before the office's own Monday."""


def snapshots(office, share, *, weeks: int = 31, indicator: str = HANDLED, of: tuple[str, str] = ("", ""), n: int = 30):
    rows = []
    for place in range(weeks * 7):
        x = round(n * share(place // 7) + (0.4 if place % 2 else -0.4))
        rows.append({
            "grain": Grain.DAY, "starts_on": FIRST + place * timedelta(days=1), "indicator": indicator,
            "dimension": of[0], "element": of[1], "survey": "", "x": float(x), "n": n, "value": x / n,
            "counted_at": office.at, "apart": {},
        })  # fmt: skip
    with office.db.write() as session:
        insert_rows(session, Snapshot, rows)


@pytest.fixture
def fallen(office) -> int:
    """Everything, and one department of two, fell in the last settled week; the id of the signal of everything."""
    snapshots(office, lambda week: 0.9 if week < 30 else 0.6, n=60)
    snapshots(office, lambda week: 0.9 if week < 30 else 0.3, of=("department", "product"))
    snapshots(office, lambda _: 0.9, of=("department", "service"))
    watch(office.db, office.policy, office.settings, office.at)
    with office.db.read() as session:
        return session.execute(select(Signal.id).where(Signal.dimension == "")).scalar_one()


def signal(office, signal_id: int) -> Signal:
    with office.db.read() as session:
        return session.execute(select(table_of(Signal)).where(Signal.id == signal_id)).one()


def test_the_list_has_both_verdicts_and_the_newest_signal_of_every_watched_indicator(browser, fallen):
    page = browser.get("/charts?lang=en").text
    assert "60.0% (2026-11-02, n 420)" in page
    assert re.search(r'chip red">special cause, worse<', page)
    assert re.search(r'chip red">consistently not<', page)
    assert "Since the week of 2026-11-02: points beyond the lower limit: 1" in page
    assert f'href="/charts/on_time_handled?grain=week#signal-{fallen}"' in page


def test_without_snapshots_the_pages_say_that_nothing_can_be_drawn(browser):
    for path in ("/charts", "/charts/on_time_handled", "/charts/nps?dimension=channel"):
        page = browser.get(path)
        assert page.status_code == 200
        assert "还没有可以画图的数据" in page.text


def test_the_chart_says_period_n_and_definition_in_words_and_lists_its_points(browser, fallen):
    page = browser.get("/charts/on_time_handled?lang=en").text
    assert page.count("<svg") == 2
    for words in ("Each point is one week", "first 24 points with enough cases (2026-04-06 to 2026-09-14, shaded)",
                  "31 periods, n 420–420 each, 13,020 in all", "Up to 2026-11-02", "Target 98.0%",
                  "this is said by the limits from before"):  # fmt: skip
        assert words in page
    rows = re.findall(r'<time datetime="([\d-]+)">[\d-]+</time></th><td class="number">([\d.]+%)</td>', page)
    assert (len(rows), rows[0], rows[-1][0]) == (31, ("2026-11-02", "60.0%"), "2026-04-06")
    assert page.count("warning, worse") >= 3  # in the key, at the point, at the signal


def test_a_signal_says_what_changed_and_with_how_much_evidence(browser, fallen):
    page = browser.get("/charts/on_time_handled").text
    assert re.search(r"处理及时率变差：\d\d\.\d% → 60\.0%", page)
    assert "变化最大的：部门“产品部”" in page
    assert "依据：此后 1 个点、420 例" in page


def test_by_a_dimension_every_value_has_its_verdicts_and_a_page_of_its_own(browser, fallen):
    page = browser.get("/charts/on_time_handled?dimension=department&lang=en").text
    assert page.index("Product</a>") < page.index("服务部</a>")
    address = re.search(r'href="(/charts/on_time_handled\?[^"]*element=product[^"]*)"', page)[1].replace("&amp;", "&")
    own = browser.get(address).text
    assert "Handled on time (Department Product) has become worse" in own
    assert "/svg>" in own


@pytest.mark.parametrize("grain", ["day", "week"])
def test_a_chart_can_be_looked_at_by_another_period(browser, fallen, grain):
    assert browser.get(f"/charts/on_time_handled?grain={grain}").text.count("<svg") == 2


@pytest.mark.parametrize(("path", "status"), [
    ("/charts/moon", 404), ("/charts/on_time_handled?grain=hour", 400),
    ("/charts/on_time_handled?dimension=handler", 400),
    ("/charts/on_time_handled?dimension=region&element=" + "x" * 161, 400),
])  # fmt: skip
def test_what_does_not_exist_is_not_served(browser, path, status):
    assert browser.get(path).status_code == status


def test_a_note_is_kept_with_who_wrote_it_and_shown(office, browser, fallen):
    answer = browser.submit("/charts/on_time_handled", "/charts/on_time_handled?grain=week", signal=str(fallen),
                            who="王处理", note="<b>新系统上线</b>")  # fmt: skip
    assert (answer.status_code, answer.headers["location"]) == (303, "/charts/on_time_handled?grain=week&done=noted")
    row = signal(office, fallen)
    assert (row.note, row.noted_by, row.noted_at) == ("<b>新系统上线</b>", "王处理", office.at)
    page = browser.get(answer.headers["location"]).text
    assert "已记下。" in page
    assert "&lt;b&gt;新系统上线&lt;/b&gt;" in page
    assert "<b>新系统" not in page


@pytest.mark.parametrize(
    "fields", [{"note": "", "who": "王"}, {"note": "x", "who": ""}, {"note": "x" * 501, "who": "王"}]
)
def test_a_note_that_says_nothing_is_not_kept_and_what_was_typed_stays(office, browser, fallen, fields):
    answer = browser.submit("/charts/on_time_handled", "/charts/on_time_handled", signal=str(fallen), **fields)
    assert answer.status_code == 400
    assert "没有记下" in answer.text
    assert f">{fields['note']}</textarea>" in answer.text
    assert signal(office, fallen).noted_at is None


def test_a_note_without_a_genuine_form_is_refused(office, browser, fallen):
    answer = browser.send("POST", "/charts/on_time_handled", data={"signal": str(fallen), "note": "x", "who": "x"})
    assert (answer.status_code, signal(office, fallen).note) == (403, "")


def test_who_signed_in_signs_with_their_own_name_and_a_handler_is_offered_no_form(office, browse_other, fallen):
    for roles, is_offered in (((Role.QUALITY_MANAGER,), True), ((), False)):
        office.roles("wang", *roles)
        browser = browse_other(sign_in="proxy", trusted_proxies="127.0.0.1", sign_in_header="X-User")
        page = browser.get("/charts/on_time_handled", **{"X-User": "wang"})
        assert ('name="note"' in page.text, 'name="who"' in page.text) == (is_offered, False)


def test_what_was_corrected_away_says_so(office, browser, fallen):
    table = table_of(Snapshot)
    with office.db.write() as session:
        session.execute(
            table.update().where(table.c.starts_on >= FIRST + timedelta(weeks=30)).values(x=27, n=30, value=0.9)
        )
    watch(office.db, office.policy, office.settings, office.at)
    assert "数据更正后不再成立" in browser.get("/charts/on_time_handled").text


def with_trend(policy: Policy, **changed) -> Policy:
    said = policy.trend.model_dump() | changed
    return policy.model_copy(update={"trend": TrendPolicy.model_validate(said)})


def test_a_phase_says_since_when_limits_are_new_and_why(office, browse_other, fallen):
    phase = {"starts_on": FIRST + timedelta(weeks=12), "reason": {"zh": "新排班", "en": "new shifts"}, "indicators": []}
    page = browse_other(policy=with_trend(office.policy, phases=[phase])).get("/charts/on_time_handled?lang=en").text
    assert "Limits start anew on 2026-06-29: new shifts" in page
    assert "Trial limits" not in page


def test_nelsons_rules_are_shown_only_where_policy_asks_for_them_and_warn_nobody(office, browse_other, fallen):
    before = office.stored()
    for is_wanted in (True, False):
        browser = browse_other(policy=with_trend(office.policy, nelson=is_wanted))
        assert ("尼尔森规则 1" in browser.get("/charts/on_time_handled").text) is is_wanted
    watch(office.db, with_trend(office.policy, nelson=True), office.settings, office.at)
    assert office.stored() == before
