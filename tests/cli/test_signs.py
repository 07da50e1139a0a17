"""``bihuan sla signs``: each sign with n and interval, as JSON and for reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bihuan.clock import fixed
from bihuan.policy.loader import load_policy
from bihuan.services.intake import take_in
from bihuan.settings import settings
from bihuan.store.engine import Database
from schemas.complaint import Channel, ComplaintIn, EventIn, EventKind

MONDAY = datetime(2025, 11, 17, 1, tzinfo=UTC)
KEYS = {"sign", "x", "n", "value", "low", "high", "threshold", "is_enough", "verdict", "left_out", "complaints",
        "expected", "bands", "words"}  # fmt: skip


@pytest.fixture
def register(installed: str) -> Iterator[Callable[..., None]]:
    """Takes in forty complaints by phone, answered at once, and two by app, answered after an hour."""
    db = Database(installed)

    def take(count: int, channel: Channel, after: timedelta) -> None:
        batch = [
            ComplaintIn(source="test", external_id=f"{channel}-{n}", registered_at=MONDAY, channel=channel,
                        events=(EventIn(kind=EventKind.RESPONDED, occurred_at=MONDAY + after),))
            for n in range(count)
        ]  # fmt: skip
        with db.write() as session:
            take_in(session, load_policy(None), settings(), fixed(MONDAY + timedelta(days=1)), batch)

    yield take
    db.close()


@pytest.fixture
def answered(register: Callable[..., None]) -> None:
    register(40, Channel.PHONE, timedelta(seconds=10))
    register(2, Channel.APP, timedelta(hours=1))


def by_sign(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {row["sign"]: row for row in rows}


def test_json_has_every_sign_with_its_figures(run, answered):
    done = run("sla", "signs", "--from", "2025-11-01T00:00+08:00", "--to", "2025-12-01T00:00+08:00", "--json")
    assert (done.code, done.err) == (0, "")
    assert all(set(row) == KEYS for row in done.data)
    found = by_sign(done.data)
    assert list(found) == ["late_pause", "reopened_after_handling", "bunching", "automatic_answer"]
    answer = found["automatic_answer"]
    assert (answer["x"], answer["n"], answer["verdict"], answer["is_enough"]) == (40, 42, "worth_a_look", True)
    assert 0.8 < answer["low"] < answer["value"] < answer["high"] < 1
    assert (answer["threshold"], len(answer["complaints"])) == (0.05, 40)
    assert [band["count"] for band in found["bunching"]["bands"]] == [0] * 8


def test_outside_the_span_there_is_nothing(run, answered):
    rows = run("sla", "signs", "--to", "2025-11-01T00:00+08:00", "--json").data
    assert {(row["n"], row["verdict"]) for row in rows} == {(0, "not_enough_data")}


def test_by_a_dimension_its_value_stands_in_each_row(run, answered):
    rows = run("sla", "signs", "--by", "channel", "--json").data
    answers = [(row["channel"], row["x"], row["n"]) for row in rows if row["sign"] == "automatic_answer"]
    assert answers == [("phone", 40, 40), ("app", 0, 2)]


@pytest.mark.parametrize(
    ("language", "worth", "lead"),
    [("zh", "值得一看", "不是指控"), ("en", "Worth a look", "not an accusation")],
)
def test_people_read_words_and_what_stands_behind(run, answered, language, worth, lead):
    done = run("sla", "signs", "--language", language)
    assert done.code == 0
    assert worth.lower() in done.out.lower()
    assert "20251117-000001" in done.out
    assert lead in done.err


def test_an_empty_register_gives_no_figure(run, installed):
    assert {row["value"] for row in run("sla", "signs", "--json").data} == {None}
    assert run("sla", "signs", "--by", "handler", "--json").data == []


def test_slips_are_refused_with_a_cure(run, installed):
    assert run("sla", "signs", "--by", "colour").refuses(2, "no dimension 'colour'", "channel")
    assert run("sla", "signs", "--from", "yesterday").refuses(2, "yesterday")
