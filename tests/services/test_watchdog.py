"""The watchdog: a silence is told once whoever looks, its end once, and nothing is told of a fresh installation."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import delete, update

from bihuan.notify.gateway import SendResult
from bihuan.notify.letter import Letter
from bihuan.rules.heartbeat import FIRST_GRACE
from bihuan.services.deadline import ENDED
from bihuan.services.heartbeat import beat, pulses
from bihuan.services.letter import NOBODY
from bihuan.services.watchdog import look, sweep_of
from bihuan.store.engine import Database
from bihuan.testing import RecordingGateway
from schemas.installation import Heartbeat, InstallationFact
from schemas.outbox import AttemptOutcome, DeliveryAttempt, Message, MessageState, Notice

OPERATOR = "json://hooks.example.com/operator"
CHECK, DELIVERY = "sla-check", "outbox-delivery"


class Crash(BaseException):
    """The process is gone: no handler runs."""


class MortalGateway(RecordingGateway):
    """Hands the letter over and dies before anybody can write that down."""

    def send(self, url: str, letter: Letter) -> SendResult:
        super().send(url, letter)
        raise Crash


@pytest.fixture(autouse=True)
def _two_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else an installation runs."""
    usual = {CHECK: timedelta(minutes=2), DELIVERY: timedelta(minutes=2)}
    monkeypatch.setattr("bihuan.services.heartbeat.intervals", lambda: usual)


@pytest.fixture(autouse=True)
def _the_ledger_holds(office) -> Iterator[None]:
    yield
    assert office.audit().holds


@pytest.fixture
def guarded(office):
    """An office with an operator, whose two sweeps completed now."""
    office.settings = office.settings.model_copy(update={"operator_url": SecretStr(OPERATOR), "language": "en"})
    ran(office, CHECK, DELIVERY)
    return office


def ran(office, *sweeps: str) -> None:
    with office.db.write() as session:
        for sweep in sweeps:
            beat(session, office.clock, sweep, 0)


def looked(office, minutes: float = 0, *outcomes: AttemptOutcome) -> Any:
    """Look that much later; the gateway answers with ``outcomes`` first."""
    office.at += timedelta(minutes=minutes)
    if outcomes:
        office.mail = RecordingGateway(outcomes)
    return look(office.db, lambda: office.mail, office.settings, office.clock)


def told(office) -> list[tuple[Notice, str, MessageState]]:
    return [(row.notice, sweep_of(row.key), row.state) for row in office.messages]


# --- one silence, one alarm ---


def test_while_every_sweep_runs_nothing_is_said(guarded):
    seen = looked(guarded, 6)
    assert (seen.silent, seen.told, guarded.messages, guarded.mail.sent) == ([], 0, [], [])


def test_a_silent_sweep_is_told_to_the_operator_at_once(guarded):
    guarded.at += timedelta(minutes=7)
    ran(guarded, DELIVERY)
    seen = looked(guarded)
    assert [pulse.sweep for pulse in seen.silent] == [CHECK]
    ((url, letter),) = guarded.mail.sent
    assert url == OPERATOR
    assert letter.title == "[Stopped] sla-check has not run for 7 min"
    assert all(words in letter.body for words in ("Why you get this", "What to do", "2026-11-16 09:00 +08:00"))
    assert told(guarded) == [(Notice.SILENCE, CHECK, MessageState.SENT)]


def test_looking_again_changes_nothing(guarded):
    looked(guarded, 7)
    before = (guarded.messages, guarded.attempts)
    assert looked(guarded).told == 0
    assert looked(guarded, 600).told == 0
    assert (guarded.messages, guarded.attempts) == before
    assert len(guarded.mail.sent) == 2  # one a sweep


def test_when_it_runs_again_that_is_told_once(guarded):
    looked(guarded, 7)
    guarded.at += timedelta(minutes=53)
    ran(guarded, CHECK, DELIVERY)
    assert looked(guarded).told == 2
    assert looked(guarded, 1).told == 0
    assert guarded.mail.sent[2][1].title == "[Running] sla-check runs again after 1 h"
    assert [state for _, _, state in told(guarded)] == [MessageState.SENT] * 4


def test_the_next_silence_is_told_anew(guarded):
    looked(guarded, 7)
    ran(guarded, CHECK, DELIVERY)
    looked(guarded)
    looked(guarded, 7)
    assert [notice for notice, sweep, _ in told(guarded) if sweep == CHECK] == [
        Notice.SILENCE, Notice.RUNS_AGAIN, Notice.SILENCE,
    ]  # fmt: skip


def test_a_beat_between_two_looks_ends_one_silence_and_the_end_of_both_is_told_once(guarded):
    looked(guarded, 7)
    ran(guarded, CHECK, DELIVERY)
    looked(guarded, 7)  # silent again before anybody saw it run
    ran(guarded, CHECK, DELIVERY)
    looked(guarded)
    looked(guarded, 1)
    assert [notice for notice, sweep, _ in told(guarded) if sweep == CHECK] == [
        Notice.SILENCE, Notice.SILENCE, Notice.RUNS_AGAIN,
    ]  # fmt: skip


def test_the_operator_reads_it_in_the_language_of_the_installation(guarded):
    guarded.settings = guarded.settings.model_copy(update={"language": "zh"})
    looked(guarded, 7)
    assert guarded.mail.sent[0][1].title == "【停摆】巡检 sla-check 已 7 分钟 未运行"


# --- a fresh installation ---


def test_a_fresh_installation_has_time_for_its_first_run(office):
    assert looked(office).silent == []
    assert looked(office, 15).silent == []
    assert office.messages == []


def test_a_sweep_that_does_not_begin_is_told_in_the_end(guarded):
    with guarded.db.write() as session:
        session.delete(session.get(Heartbeat, CHECK))
    looked(guarded)
    guarded.at += FIRST_GRACE + timedelta(minutes=1)
    ran(guarded, DELIVERY)
    looked(guarded)
    looked(guarded, 1)
    assert told(guarded) == [(Notice.SILENCE, CHECK, MessageState.SENT)]
    assert "It has never run." in guarded.mail.sent[0][1].body
    ran(guarded, CHECK)
    looked(guarded)
    assert guarded.mail.sent[1][1].title == "[Running] sla-check runs again after 17 min"


def test_when_it_was_first_looked_at_is_remembered_once(office):
    looked(office)
    looked(office, 5)
    with office.db.read() as session:
        assert session.get(InstallationFact, f"watched {CHECK}").value == office.after(0).isoformat()
        assert {pulse.watched_since for pulse in pulses(session)} == {office.after(0)}


# --- who cannot be told ---


def test_without_an_operator_it_is_an_error_in_the_log_and_told_once_there_is_one(office, caplog):
    ran(office, CHECK, DELIVERY)
    with caplog.at_level(logging.ERROR, logger="bihuan"):
        assert looked(office, 7).untold == 2
        assert looked(office).untold == 0  # not at every look
    assert len(caplog.records) == 2
    assert "BIHUAN_OPERATOR_URL" in caplog.records[0].getMessage()
    assert {(row.state, row.reason) for row in office.messages} == {(MessageState.PLANNED, NOBODY)}
    office.settings = office.settings.model_copy(update={"operator_url": SecretStr(OPERATOR)})
    assert looked(office, 2).told == 2


@pytest.mark.parametrize("outcome", [AttemptOutcome.REFUSED, AttemptOutcome.RETRY])
def test_an_alarm_nobody_got_is_tried_for_as_long_as_the_silence_lasts(guarded, outcome):
    for _ in range(12):
        assert looked(guarded, 25, outcome, outcome).untold == 2
    assert looked(guarded, 25).told == 2


def test_a_silence_that_ended_before_anybody_heard_of_it_is_not_told(guarded):
    looked(guarded, 7, AttemptOutcome.RETRY, AttemptOutcome.SENT)
    guarded.at += timedelta(minutes=30)
    ran(guarded, CHECK, DELIVERY)
    looked(guarded)
    assert told(guarded) == [
        (Notice.SILENCE, CHECK, MessageState.FAILED),
        (Notice.SILENCE, DELIVERY, MessageState.SENT),
        (Notice.RUNS_AGAIN, DELIVERY, MessageState.SENT),
    ]


def test_what_was_planned_and_never_tried_is_suppressed(guarded):
    looked(guarded, 7)
    with guarded.db.write() as session:
        session.execute(delete(DeliveryAttempt))
        session.execute(
            update(Message).values(state=MessageState.PLANNED, attempts=0, sent_at=None, next_at=guarded.at)
        )
    ran(guarded, CHECK, DELIVERY)
    looked(guarded)
    assert {(row.state, row.reason) for row in guarded.messages} == {(MessageState.SUPPRESSED, ENDED)}


def test_an_uncertain_alarm_is_repeated_and_marked_so(guarded):
    looked(guarded, 7, AttemptOutcome.AMBIGUOUS, AttemptOutcome.SENT)
    assert looked(guarded, 2).told == 1
    assert [row.is_repeated for row in guarded.messages] == [True, False]


# --- two watchdogs, and what dies ---


def test_two_watchdogs_at_once_tell_it_once(guarded, database_url):
    guarded.at += timedelta(minutes=7)
    start, gateway = Barrier(2), RecordingGateway()

    def watch(_: int) -> int:
        own = Database(database_url)
        start.wait()
        try:
            return sum(look(own, lambda: gateway, guarded.settings, guarded.clock).told for _ in range(3))
        finally:
            own.close()

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(watch, range(2))) == 2
    assert len(gateway.sent) == 2
    assert len({letter.title for _, letter in gateway.sent}) == 2


def test_an_alarm_cut_off_is_told_again_when_its_lease_ends(guarded):
    guarded.mail = MortalGateway()
    with pytest.raises(Crash):
        looked(guarded, 7)
    guarded.mail = RecordingGateway()
    assert looked(guarded).told == 0
    assert looked(guarded, guarded.settings.lease_seconds / 60).told == 2
    assert {row.is_repeated for row in guarded.messages} == {True}


def test_an_alarm_cut_off_whose_silence_ended_is_unknown_and_its_end_is_told(guarded):
    guarded.mail = MortalGateway()
    with pytest.raises(Crash):
        looked(guarded, 7)
    guarded.mail = RecordingGateway()
    guarded.at += timedelta(seconds=guarded.settings.lease_seconds)
    ran(guarded, CHECK, DELIVERY)
    looked(guarded)
    looked(guarded)
    assert told(guarded)[:2] == [
        (Notice.SILENCE, CHECK, MessageState.UNKNOWN),
        (Notice.SILENCE, DELIVERY, MessageState.UNKNOWN),
    ]
    assert [letter.title[:9] for _, letter in guarded.mail.sent] == ["[Running]"] * 2


def test_no_sweep_delivers_what_the_watchdog_says(guarded):
    looked(guarded, 7, AttemptOutcome.RETRY, AttemptOutcome.RETRY)
    guarded.at += timedelta(hours=3)
    assert guarded.deliver().claimed == 0
    assert {row.state for row in guarded.messages} == {MessageState.PLANNED}
