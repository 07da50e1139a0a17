"""``bihuan kpi``: the complaints behind a number, and a pass of the snapshot."""

from __future__ import annotations

from pathlib import Path

import pytest

ROWS = """id,at,channel,done
1,2026-03-02T09:00+08:00,phone,2026-03-02T10:00+08:00
2,2026-03-02T09:00+08:00,phone,2026-03-06T10:00+08:00
3,2026-03-03T09:00+08:00,app,
"""
MAPPING = """
source: shop
dates: {timezone: Asia/Shanghai}
fields:
  external_id: id
  registered_at: at
  channel: {column: channel, values: {phone: phone, app: app}}
  kind: {constant: service}
deadlines: policy
events: [{kind: handled, at: done}]
"""


@pytest.fixture
def shop(run, installed, tmp_path: Path):
    """Two complaints by telephone, one of them late, and one by app that is open."""
    (tmp_path / "m.yaml").write_text(MAPPING, encoding="utf-8")
    (tmp_path / "rows.csv").write_text(ROWS, encoding="utf-8")
    assert run("complaint", "import", tmp_path / "rows.csv", "--mapping", tmp_path / "m.yaml").code == 0
    return run


def test_the_complaints_behind_a_number_are_listed_by_side_and_dimension(shop):
    def listed(*words: str) -> list[str]:
        found = shop("kpi", "complaints", "on_time_handled", "--json", *words).data
        return sorted(row["as"] for row in found)

    assert listed() == ["no", "yes"]
    assert listed("--side", "missed") == ["no"]
    assert listed("--side", "open_overdue") == ["open_overdue"]
    assert listed("--where", "channel=app", "--side", "apart") == ["open_overdue"]
    assert listed("--where", "channel=app") == []
    assert listed("--where", "region=") == ["no", "yes"]
    assert listed("--to", "2026-03-02T00:00+08:00") == []


def test_they_have_numbers_to_look_up(shop):
    (late,) = shop("kpi", "complaints", "handling_time", "--side", "missed", "--where", "channel=phone", "--json").data
    assert late["hours"] == 97
    assert shop("complaint", "show", late["number"]).code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["speed"], ["no indicator 'speed'", "response_time"]),
        (["nps", "--side", "left"], ["no side 'left'", "counted"]),
        (["nps", "--where", "channel"], ["--where 'channel' has no value"]),
        (["nps", "--where", "moon=full"], ["no dimension 'moon'"]),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(shop, words, said):
    assert shop("kpi", "complaints", *words).refuses(2, *said)


def test_a_pass_of_the_snapshot_says_what_it_kept_and_again_keeps_nothing(shop):
    first = shop("run", "kpi-snapshot", "--at", "2026-03-10T00:20+08:00", "--json").data
    assert (first["taken"], first["days"], first["changed"]) == (1, 8, 0)
    assert first["new"] > 0
    again = shop("run", "kpi-snapshot", "--at", "2026-03-10T00:20+08:00", "--json").data
    assert (again["new"], again["changed"], again["corrected"]) == (0, 0, 0)


def test_people_read_hours_and_what_is_counted_apart(shop):
    out = shop("kpi", "show", "--by", "handler").out
    assert [word for word in ("handling_time", "handler", "censored", "open_overdue") if word not in out] == []
