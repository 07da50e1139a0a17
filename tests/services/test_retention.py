"""Retention: the words of people go, the figures stay, a legal hold keeps all, and twice is as good as once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bihuan.clock import zone
from bihuan.errors import RefusedError
from bihuan.policy.models import Policy
from bihuan.services import hold, retention
from bihuan.services.access import Looker, note
from bihuan.services.heartbeat import beat
from bihuan.services.integrity import inspect_database
from bihuan.services.kpi import show
from bihuan.services.retention import Erased, erase_all, erase_batch, preview
from schemas.access import Seen, SignInSession, Way
from schemas.complaint import CustomerIn, EventIn, EventKind
from schemas.outbox import AttemptOutcome
from schemas.people import Customer
from schemas.retention import LegalHold
from schemas.survey import (
    Answer,
    AnswerSource,
    CallAttempt,
    CallOutcome,
    Interview,
    Invitation,
    InvitationState,
    Touchpoint,
)
from schemas.tables import METADATA

WHO = CustomerIn(external_id="c1", name="王女士", contact_url="json://hooks.example.com/wang-secret")
WORDS = ("王女士", "耳机左边没有声音", "退我的钱", "延安西路 12 号", "她哭了", "说是邻居", "还在等配件", "太太很生气",
         "心里话", "想再谈谈")  # fmt: skip
"""What somebody said or is called, each in a place of its own."""
YEARS = timedelta(days=1200)


def lived(office: Any, external_id: str = "1", **facts: Any) -> str:
    """A complaint with everything that can belong to one, handled and followed up."""
    office.staff("anna")
    told = {"title": WORDS[1], "matter": WORDS[1], "demand": WORDS[2], "customer": WHO, "region": "华东",
            "attributes": {"address": WORDS[3], "outcome": "repaired"}} | facts  # fmt: skip
    number = office.register(external_id, **told)
    office.deliver()
    for hours, kind, data in (
        (1, EventKind.RESPONDED, {"note": WORDS[4]}), (2, EventKind.WAITING, {"reason": WORDS[6]}),
        (5, EventKind.RESUMED, {}), (6, EventKind.SEVERITY_CHANGED, {"severity": "urgent", "note": WORDS[7]}),
        (30, EventKind.HANDLED, {"result": WORDS[5], "on_time": True}),
    ):  # fmt: skip
        office.at = office.after(hours)
        office.record(number, kind, **data)
    office.check(200)
    office.deliver()
    return number


def asked(office: Any) -> None:
    """An answer, a call and an interview, as the pages leave them."""
    [row] = office.complaints
    at = office.at
    common = {"subject_kind": "complaint", "subject_id": row.id}
    with office.db.write() as session:
        invitation = Invitation(
            key="k", customer_id=row.customer_id, duty="satisfaction_follow_up", questionnaire="satisfaction",
            policy_version="1", started_at=at, send_at=at, due_at=at, expires_at=at, state=InvitationState.ANSWERED,
            **common,
        )  # fmt: skip
        session.add(invitation)
        session.flush()
        session.add(Answer(
            invitation_id=invitation.id, channel=AnswerSource.WEB, comment=WORDS[8], csat=2, nps=3, is_negative=True,
            values={"csat": 2, "nps": 3, "solved": True, "reason": "slow", "comment": WORDS[8]}, answered_at=at,
            changed_at=at, **common,
        ))  # fmt: skip
        session.add(CallAttempt(
            invitation_id=invitation.id, number=1, outcome=CallOutcome.REACHED, called_at=at, note=WORDS[7]
        ))  # fmt: skip
        session.add(Interview(
            customer_id=row.customer_id, complaint_id=row.id, interviewer="anna", reason=WORDS[9], summary=WORDS[8],
            planned_at=at, held_at=at,
        ))  # fmt: skip


def stored(office: Any) -> dict[str, list[tuple[Any, ...]]]:
    with office.db.read() as session:
        return {
            name: [tuple(row) for row in session.execute(select(table).order_by(*table.primary_key))]
            for name, table in METADATA.tables.items()
        }


def spoken(office: Any) -> list[str]:
    """The words that still stand anywhere."""
    text = repr({name: rows for name, rows in stored(office).items() if name != "policy_edition"})
    return [word for word in (*WORDS, "hooks.example.com") if word in text]


def figures(office: Any, policy: Policy, at: datetime) -> list[Any]:
    """Every indicator, as a whole and by dimension; the integrity; the ledger."""
    with office.db.read() as session:
        shown = [show(session, policy, zone("Asia/Shanghai"), None, None, by, at)
                 for by in (None, "month", "department", "handler", "severity", "region", "channel",
                            "attribute:outcome")]  # fmt: skip
    return [shown, inspect_database(office.db, policy), office.audit()]


def test_every_word_of_people_is_gone_and_no_figure_has_changed(office: Any, policy: Policy) -> None:
    lived(office)
    asked(office)
    later = office.at + YEARS
    before = figures(office, policy, later)
    assert set(WORDS) <= set(spoken(office))
    assert erase_all(office.db, policy, later).complaints == 1
    assert spoken(office) == []
    assert figures(office, policy, later) == before
    [row] = office.complaints
    assert (row.attributes, row.region, row.erased_at) == ({"outcome": "repaired"}, "华东", later)
    [answer] = office.rows(Answer)
    assert answer.values == {"csat": 2, "nps": 3, "solved": True, "reason": "slow"}
    assert office.rows(Customer)[0].sealed_contact is None


def test_a_second_run_changes_nothing(office: Any, policy: Policy) -> None:
    lived(office)
    asked(office)
    later = office.at + YEARS
    assert erase_all(office.db, policy, later).taken > 1
    once = stored(office)
    assert erase_all(office.db, policy, later + timedelta(days=1)) == Erased()
    assert stored(office) == once


def test_the_preview_counts_what_the_run_then_erases_and_changes_nothing(office: Any, policy: Policy) -> None:
    lived(office)
    asked(office)
    later, before = office.at + YEARS, stored(office)
    with office.db.read() as session:
        seen = preview(session, policy, later)
    assert stored(office) == before
    done = erase_all(office.db, policy, later)
    assert (seen["complaints"], seen["answers"], seen["links"]) == (done.complaints, done.answers, done.links)
    assert seen["message_targets"] >= done.message_targets
    assert seen["before"]["personal_data"] == later - timedelta(days=1095)


def test_what_is_not_past_its_time_stays(office: Any, policy: Policy) -> None:
    lived(office)
    before = stored(office)
    assert erase_all(office.db, policy, office.at + timedelta(days=100)).taken == 0
    assert stored(office) == before
    assert erase_all(office.db, policy, office.at + timedelta(days=190)).complaints == 0
    assert set(WORDS[1:4]) <= set(spoken(office))


def test_an_open_complaint_stays_however_old_it_is(office: Any, policy: Policy) -> None:
    office.register("1", title=WORDS[1], customer=WHO)
    assert erase_all(office.db, policy, office.at + 10 * YEARS).complaints == 0
    assert WORDS[1] in spoken(office)


def test_the_time_starts_anew_with_whatever_is_entered(office: Any, policy: Policy) -> None:
    number = lived(office)
    office.at += timedelta(days=1000)
    office.record(number, EventKind.NOTE, note=WORDS[9])
    assert erase_all(office.db, policy, office.at + timedelta(days=1000)).complaints == 0
    assert erase_all(office.db, policy, office.at + timedelta(days=1100)).complaints == 1
    assert spoken(office) == []


def test_old_complaints_that_are_imported_have_their_time_from_the_import_on(office: Any, policy: Policy) -> None:
    ended = EventIn(kind=EventKind.HANDLED, occurred_at=datetime(2015, 3, 2, tzinfo=UTC))
    old = office.complaint("old", registered_at=datetime(2015, 3, 1, tzinfo=UTC), title=WORDS[1], events=(ended,))
    office.take_in(old)
    assert erase_all(office.db, policy, office.at + timedelta(days=1)).complaints == 0
    assert erase_all(office.db, policy, office.at + YEARS).complaints == 1


def test_a_file_brings_nothing_back_and_news_are_kept_for_their_own_time(office: Any, policy: Policy) -> None:
    told = office.complaint("1", title=WORDS[1], matter=WORDS[1], customer=WHO, attributes={"address": WORDS[3]},
                            events=(EventIn(kind=EventKind.HANDLED, occurred_at=office.after(2)),))  # fmt: skip
    office.at = office.after(3)
    office.take_in(told)
    office.at += YEARS
    erase_all(office.db, policy, office.at)
    again = office.take_in(told)
    assert (again.updated, again.unchanged) == (0, 1)
    assert spoken(office) == []
    news = EventIn(kind=EventKind.REOPENED, occurred_at=office.at, data={"note": WORDS[4]})
    assert office.take_in(told.model_copy(update={"events": (*told.events, news)})).updated == 1
    assert spoken(office) == [WORDS[4]]
    assert office.complaints[0].erased_at is None


def test_nothing_of_a_complaint_under_legal_hold_is_touched(office: Any, policy: Policy) -> None:
    number = lived(office)
    asked(office)
    with office.db.write() as session:
        hold.place_hold(session, number, "诉讼", "王芳", office.at)
    later, before = office.at + YEARS, stored(office)
    with office.db.read() as session:
        assert (preview(session, policy, later)["held"], preview(session, policy, later)["complaints"]) == (1, 0)
    erase_all(office.db, policy, later)
    assert stored(office) == before
    with office.db.write() as session:
        hold.release_hold(session, number, "已和解", "王芳", later)
    assert erase_all(office.db, policy, later).complaints == 1
    assert spoken(office) == []
    [kept] = office.rows(LegalHold)
    assert (kept.why, kept.placed_by, kept.released_why, kept.released_at) == ("诉讼", "王芳", "已和解", later)


def test_a_person_is_forgotten_with_the_last_complaint_that_names_them(office: Any, policy: Policy) -> None:
    lived(office)
    office.at += timedelta(days=1000)
    other = office.register("2", customer=WHO)
    office.record(other, EventKind.HANDLED)
    assert erase_all(office.db, policy, office.at + timedelta(days=200)).complaints == 1
    assert office.rows(Customer)[0].name == WHO.name
    done = erase_all(office.db, policy, office.at + YEARS)
    assert (done.complaints, done.customers) == (1, 1)
    assert (office.rows(Customer)[0].name, office.rows(Customer)[0].external_id) == ("", "c1")


def test_without_a_line_of_the_policy_nothing_is_erased(office: Any, policy: Policy) -> None:
    lived(office)
    silent = policy.model_copy(update={"retention": policy.retention.model_copy(
        update=dict.fromkeys(policy.retention.spans))})  # fmt: skip
    before = stored(office)
    assert erase_all(office.db, silent, office.at + 3 * YEARS) == Erased()
    assert stored(office) == before


def test_where_messages_went_is_gone_earlier_and_that_they_went_stays(office: Any, policy: Policy) -> None:
    lived(office)
    sent = [row for row in office.attempts if row.outcome is AttemptOutcome.SENT]
    assert any(row.target for row in sent)
    ledger = office.audit()
    done = erase_all(office.db, policy, office.at + timedelta(days=181))
    assert done.message_targets == len([row for row in office.attempts if row.target_key])
    assert {row.target for row in office.attempts} == {""}
    assert [(row.started_at, row.outcome) for row in office.attempts if row.outcome is AttemptOutcome.SENT] == [
        (row.started_at, row.outcome) for row in sent
    ]
    assert office.audit() == ledger


def test_sign_ins_looks_touchpoints_and_silent_sweeps_go_by_their_own_day(office: Any, policy: Policy) -> None:
    staff_id = int(office.staff("anna").partition(":")[2])
    with office.db.write() as session:
        for age in (10, 40):
            at = office.at - timedelta(days=age)
            session.add(SignInSession(token_hash=f"{age}", staff_id=staff_id, created_at=at, expires_at=at))
        session.add(Touchpoint(source="shop", external_id="1", kind="order_completed", occurred_at=office.at,
                               received_at=office.at, facts={"note": WORDS[8]}))  # fmt: skip
        note(session, Looker("anna", Way.SIGNED_IN), Seen.COMPLAINT, ["20261101-000001"], "/p", office.at)
        beat(session, office.clock, "a-sweep-of-old", 0)
        beat(session, office.clock, "sla-check", 0)
    assert erase_all(office.db, policy, office.at).sign_ins == 1
    done = erase_all(office.db, policy, office.at + YEARS)
    assert (done.sign_ins, done.looks, done.touchpoints, done.heartbeats) == (1, 1, 1, 1)
    assert [row[0] for row in stored(office)["heartbeat"]] == ["sla-check"]
    assert spoken(office) == []


def test_it_goes_batch_by_batch(office: Any, policy: Policy) -> None:
    for number in range(5):
        office.record(office.register(f"{number}", title=WORDS[1]), EventKind.HANDLED)
    later = office.at + YEARS
    assert [erase_batch(office.db, policy, later, limit=2).complaints for _ in range(4)] == [2, 2, 1, 0]


def test_a_run_that_dies_leaves_a_complaint_whole_or_erased(
    office: Any, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived(office)
    asked(office)
    later, before = office.at + YEARS, stored(office)

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(retention, "_erase_answers", dies)
        with pytest.raises(KeyboardInterrupt):
            erase_batch(office.db, policy, later)
    assert stored(office) == before
    assert erase_all(office.db, policy, later).complaints == 1


def test_what_was_erased_cannot_be_held(office: Any, policy: Policy) -> None:
    number = lived(office)
    erase_all(office.db, policy, office.at + YEARS)
    with pytest.raises(RefusedError, match="were erased on"), office.db.write() as session:
        hold.place_hold(session, number, "x", "y", office.at)
