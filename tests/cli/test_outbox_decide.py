"""`bihuan outbox decide` and the audit by day."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from bihuan.store.engine import Database
from schemas.outbox import Audience, DeliveryAttempt, Message, MessageState, Notice

AT = datetime(2026, 11, 16, 15, 59, tzinfo=UTC)
"""One minute to midnight in Shanghai."""


@pytest.fixture
def message(installed):
    """Add a message; its id."""
    db = Database(installed)

    def add(state=MessageState.UNKNOWN, audience=Audience.CUSTOMER, planned_at=AT):
        with db.write() as session:
            row = Message(key=f"{planned_at}{state}{audience}", subject_id=1, notice=Notice.RECEIPT, audience=audience,
                          recipient="customer:1", state=state, planned_at=planned_at, attempts=1)  # fmt: skip
            session.add(row)
            session.flush()
            return row.id

    add.db = db
    yield add
    db.close()


def words(message) -> list[tuple[str, str]]:
    with message.db.read() as session:
        return [(row.outcome.value, row.error) for row in session.execute(select(DeliveryAttempt.__table__))]


def listed(run):
    return {row["id"]: row["state"] for row in run("outbox", "list", "--json").data}


def test_it_arrived_is_recorded_once_with_who_and_how(run, message):
    one = message()
    said = ("outbox", "decide", one, "arrived", "--by", "Wang Fang", "--how", "she called back", "--json")
    assert [run(*said).data["decided"] for _ in range(2)] == [1, 0]
    assert listed(run) == {one: "sent"}
    assert words(message) == [("sent", "Wang Fang: she called back")]
    assert run("outbox", "audit").code == 0


def test_a_customer_is_sent_it_again_only_with_the_word_that_it_did_not_arrive(run, message):
    one = message()
    assert run("outbox", "decide", one, "again", "--by", "x").refuses(3, "may have arrived")
    assert listed(run) == {one: "unknown"}
    assert run("outbox", "decide", one, "again", "--by", "x", "--not-arrived").code == 0
    assert listed(run) == {one: "planned"}
    assert run("outbox", "audit").code == 0


def test_without_a_name_it_is_the_user_of_this_machine(run, message, monkeypatch):
    monkeypatch.setenv("LOGNAME", "clerk")
    run("outbox", "decide", message(), "arrived")
    assert words(message) == [("sent", "clerk")]


def test_what_cannot_be_decided_is_refused(run, message):
    sent = message(MessageState.FAILED)
    assert run("outbox", "decide", sent, "arrived").refuses(3, "is failed, not unknown", "outbox list")
    assert run("outbox", "decide", 999, "arrived").refuses(2, "no message 999")
    assert run("outbox", "decide", 2**63, "arrived").code == 2
    assert run("outbox", "decide", sent, "perhaps").code == 2


def test_the_audit_by_day_has_a_row_for_each_day_of_the_installation(run, message):
    message(MessageState.FAILED)
    message(MessageState.FAILED, planned_at=AT.replace(hour=16))
    message(MessageState.PLANNED, planned_at=AT.replace(hour=17))
    done = run("outbox", "audit", "--by", "day", "--json")
    keys = ("day", "due", "sent", "suppressed", "failed", "unknown", "pending", "holds")
    assert [tuple(row[key] for key in keys) for row in done.data] == [
        ("2026-11-16", 1, 0, 0, 1, 0, 0, True), ("2026-11-17", 2, 0, 0, 1, 0, 1, True),
    ]  # fmt: skip
    assert done.code == 0
    assert [word for word in keys if word not in run("outbox", "audit", "--by", "day").out] == []


def test_a_day_that_does_not_hold_ends_the_audit_by_day_with_1(run, message):
    message(MessageState.SENT)
    done = run("outbox", "audit", "--by", "day", "--json")
    assert (done.code, [row["holds"] for row in done.data]) == (1, [False])
    assert "called sent without proof" in done.err
