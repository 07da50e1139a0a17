"""The effect of an item by its frozen plan, on both databases: what is counted, when it is judged, what is said."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import update

from bihuan.errors import RefusedError
from bihuan.services.approval import waiting
from bihuan.services.checkpoint import record_review, review_week
from bihuan.services.effect import check, look
from bihuan.services.effect_round import Verified, verify_all
from bihuan.services.effect_standing import NotReadyError
from bihuan.services.improvement_due import follow
from bihuan.services.item import hold, move
from bihuan.services.measure import implement_measure
from bihuan.services.verification_plan import write_plan
from bihuan.store.rows import id_in, table_of
from schemas.complaint import Channel, Complaint
from schemas.deadline import Deadline, DeadlineState
from schemas.effect import EffectCheck
from schemas.item import ITEM, Gate, ItemState
from schemas.people import Customer
from schemas.plan import VerificationPlan
from schemas.survey import Answer, AnswerSource
from schemas.verification import Limitation, Method, Reason, Verdict

COMPLAINT = table_of(Complaint)
S = ItemState
JULY, DECEMBER = date(2026, 7, 6), date(2026, 11, 30)


class Effects:
    """Items in observation; ``plan`` changes their verification plan before it is frozen."""

    def __init__(self, works: Any, past: Any) -> None:
        self.works, self.office, self.past = works, works.office, past

    def done(self, coverage: float = 0.9, **plan: Any) -> str:
        number = self.works.planned()
        self.works(write_plan, number, plan, "li")
        signers = ["han", "eve"] if self.works.show(number)["priority"] == "high" else ["han"]
        self.works.agree(number, Gate.G3, *signers)
        self.office.at = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)
        self.works(implement_measure, f"{number}.1", "wang", implemented_on=date(2026, 11, 28), coverage=coverage,
                   evidence="stock list")  # fmt: skip
        self.works(move, number, S.IMPLEMENTED, "li")
        self.works(move, number, S.OBSERVING, "li")
        return str(number)

    def on(self, *day: int) -> None:
        self.office.at = datetime(*day, 2, 0, tzinfo=UTC)  # type: ignore[misc]

    def act(self, what: Any, number: str, *given: Any, **named: Any) -> dict[str, Any]:
        with self.office.db.write() as session:
            row = what(session, self.office.policy, self.office.settings, self.office.clock, number, *given, **named)
            return dict(row.model_dump())


@pytest.fixture
def effects(works: Any, past: Any) -> Effects:
    return Effects(works, past)


def test_a_measure_that_helped_is_judged_by_the_cases_of_its_slice_before_and_after(effects):
    effects.past(JULY, 12, 50, 45)
    effects.past(date(2026, 10, 5), 3, 50, 10)  # the month by which it was chosen
    effects.past(JULY, 30, 10, 1, product="冰箱")
    number = effects.done()
    effects.past(DECEMBER, 8, 60, 59)
    effects.on(2027, 1, 25)
    found = effects.act(check, number)
    assert (found["x0"], found["n0"], found["x1"], found["n1"]) == (540, 600, 472, 480)
    assert (found["verdict"], found["attribution"]) == (Verdict.EFFECTIVE, Reason.TARGET_REACHED)
    assert found["estimate"] == pytest.approx(472 / 480 - 0.9)
    assert 0 < found["low"] < found["estimate"] < found["high"]
    assert found["diagnostics"]["certainty"] == "confirmed"
    assert found["figures"]["windows"] == {
        "baseline_on": "2026-07-01", "baseline_until_on": "2026-10-01", "implemented_on": "2026-11-28",
        "post_on": "2026-11-28", "post_until_on": "2027-01-25",
    }  # fmt: skip
    assert {Limitation.NO_CONTROL, Limitation.SEASON_UNKNOWN} <= set(found["limitations"])
    assert effects.works.show(number)["state"] is S.CHECKING


def test_no_verdict_is_given_before_the_data_are_there_however_good_they_look(effects):
    effects.past(JULY, 12, 50, 45)
    number = effects.done()
    effects.past(DECEMBER, 3, 60, 60)
    effects.on(2026, 12, 21)
    with pytest.raises(NotReadyError, match=r"cases missing; not before 2026-12-26, at last on 2027-05-28"):
        effects.act(check, number)
    seen = effects.act(look, number)
    assert (seen["verdict"], seen["is_final"], seen["attribution"]) == (None, False, "")
    assert (seen["n1"], seen["n_needed"]) == (180, 162)
    assert effects.works.show(number)["state"] is S.OBSERVING
    effects.past(date(2026, 12, 21), 1, 400, 400)
    effects.on(2026, 12, 25)
    with pytest.raises(NotReadyError, match="0 cases missing; not before 2026-12-26"):
        effects.act(check, number)


def test_looking_and_checking_again_changes_nothing(effects):
    effects.past(JULY, 12, 50, 45)
    number = effects.done()
    effects.past(DECEMBER, 8, 60, 59)
    effects.on(2027, 1, 25)
    first = effects.act(look, number), effects.act(check, number)
    revision = effects.works.show(number)["revision"]
    effects.past(DECEMBER, 1, 60, 0)
    assert (effects.act(look, number), effects.act(check, number)) == first
    assert effects.works.show(number)["revision"] == revision
    assert [row.is_final for row in effects.office.rows(EffectCheck)] == [False, True]


def test_after_six_months_what_there_is_is_judged_and_what_is_missing_is_said(effects):
    effects.past(JULY, 12, 50, 45)
    number = effects.done()
    effects.past(DECEMBER, 15, 3, 3)
    effects.past(date(2027, 3, 15), 5, 3, 2)
    effects.on(2027, 5, 27)
    with pytest.raises(NotReadyError):
        effects.act(check, number)
    effects.on(2027, 5, 28)
    found = effects.act(check, number)
    assert (found["verdict"], found["n_needed"]) == (Verdict.INCONCLUSIVE, 282)
    assert found["n1"] == 60


def test_too_little_done_goes_back_to_the_work_and_is_judged_by_newer_data(effects):
    effects.past(JULY, 12, 50, 45)
    number = effects.done(coverage=0.5)
    effects.past(DECEMBER, 1, 60, 60)
    effects.on(2026, 12, 7)
    found = effects.act(check, number)
    assert (found["verdict"], found["fidelity_ratio"]) == (Verdict.NOT_IMPLEMENTED, 0.5)
    told = effects.works.show(number)
    assert (told["state"], told["verdict"]) == (S.DOING, None)
    assert told["events"][-1]["reason"] == "50% of the plan was carried out"
    with pytest.raises(RefusedError, match="not observed"):
        effects.act(check, number)


def test_what_an_untouched_slice_shares_is_not_ours(effects):
    for product in ("洗衣机", "冰箱"):
        effects.past(JULY, 12, 30, 27, product=product)
    number = effects.done(control="冰箱", smallest=0.09)
    for product in ("洗衣机", "冰箱"):
        effects.past(DECEMBER, 8, 30, 29, product=product)
    effects.on(2027, 1, 25)
    found = effects.act(check, number)
    assert (found["method"], found["method_reason"]) == (Method.DID, "control_present")
    assert (found["verdict"], found["attribution"]) == (Verdict.NOT_ATTRIBUTABLE, Reason.CONTROL_MOVED_ALIKE)
    planned = effects.office.rows(VerificationPlan)[0].n_required
    assert planned == 200  # 90 % to 99 %, beside a control
    assert found["diagnostics"]["n_required"] >= planned


def test_what_last_years_months_did_as_well_is_the_season(effects):
    for first, december in ((date(2025, 7, 7), date(2025, 12, 1)), (JULY, DECEMBER)):
        effects.past(first, 12, 30, 27)
        effects.past(december, 8, 30, 29)
    number = effects.done(smallest=0.09)
    effects.on(2027, 1, 25)
    found = effects.act(check, number)
    assert (found["method"], found["attribution"]) == (Method.SAME_MONTHS, Reason.SEASON_EXPLAINS)
    assert found["figures"]["primary"]["last_year_before"]["n"] == 360


def test_other_kinds_of_cases_are_held_to_the_mix_of_before(effects):
    effects.past(JULY, 12, 25, 25, channel=Channel.CHAT)
    effects.past(JULY, 12, 25, 20)
    number = effects.done()
    effects.past(DECEMBER, 10, 55, 55, channel=Channel.CHAT)
    effects.past(DECEMBER, 10, 5, 4)
    effects.on(2027, 2, 8)
    found = effects.act(check, number)
    assert Limitation.MIX_CHANGED in found["limitations"]
    assert found["estimate"] == pytest.approx(0.0)  # each channel is as it was
    assert found["verdict"] in {Verdict.INEFFECTIVE, Verdict.INCONCLUSIVE}


def test_a_guardrail_that_got_worse_is_a_side_effect(effects):
    effects.past(JULY, 12, 50, 45)
    number = effects.done(guardrails=["resolved_rate", "handling_time"], secondary=["first_contact_rate"])
    slow = effects.past(DECEMBER, 8, 60, 59)
    with effects.office.db.write() as session:
        handled = update(COMPLAINT).values(handled_at=datetime(2027, 1, 24, 12, tzinfo=UTC))
        session.execute(handled.where(id_in(COMPLAINT.c.id, slow)))
    effects.on(2027, 2, 1)
    found = effects.act(check, number)
    harmed = {one["indicator"]: one["is_harmed"] for one in found["guardrails"]}
    assert harmed == {"resolved_rate": False, "handling_time": True}
    assert (found["verdict"], found["attribution"]) == (Verdict.WORSE, Reason.SIDE_EFFECT)
    assert [one["indicator"] for one in found["secondary"]] == ["first_contact_rate"]


def slowed(effects, day=(2026, 12, 14)):
    """Two weeks of cases that take weeks, and the round of a day after."""
    slow = effects.past(DECEMBER, 2, 60, 59)
    with effects.office.db.write() as session:
        handled = update(COMPLAINT).values(handled_at=datetime(2026, 12, 13, 12, tzinfo=UTC))
        session.execute(handled.where(id_in(COMPLAINT.c.id, slow)))
    return verify(effects, *day)


def test_clear_harm_is_said_early_once_and_is_no_verdict(effects):
    effects.past(JULY, 12, 50, 45)
    number = effects.done(guardrails=["resolved_rate", "handling_time"])
    assert slowed(effects) == Verified(items=1, waiting=1)
    told = effects.works.show(number)
    seen = [event for event in told["events"] if event["kind"] == "harm_seen"]
    assert [event["data"] for event in seen] == [{"indicators": "handling_time"}]
    assert (told["state"], told["verdict"], told["checks"]) == (S.OBSERVING, None, [])
    verify(effects, 2026, 12, 21)
    assert [event["kind"] for event in effects.works.show(number)["events"]].count("harm_seen") == 1


def test_harm_is_looked_for_on_mondays_only(effects):
    effects.past(JULY, 12, 50, 45)
    number = effects.done(guardrails=["resolved_rate", "handling_time"])
    slowed(effects, (2026, 12, 15))
    assert "harm_seen" not in [event["kind"] for event in effects.works.show(number)["events"]]


def test_its_owner_owes_a_decision_about_harm_until_one_is_written(effects):
    effects.past(JULY, 12, 50, 45)
    number = effects.done(guardrails=["handling_time"])
    slowed(effects)
    with effects.office.db.write() as session:
        follow(session, effects.office.policy, effects.office.clock())
    (owed,) = [row for row in effects.office.rows(Deadline) if row.milestone == "harm"]
    assert (owed.subject_kind, owed.state) == (ITEM, DeadlineState.RUNNING)
    assert owed.due_at == datetime(2026, 12, 18, 16, tzinfo=UTC)  # the day of four days later is over in Shanghai
    review_week(effects.office.db, effects.office.policy, effects.office.clock)
    effects.on(2026, 12, 16)
    effects.works(record_review, number, "parts are slow", "go on, call the supplier", "li")
    with effects.office.db.write() as session:
        follow(session, effects.office.policy, effects.office.clock())
    (owed,) = [row for row in effects.office.rows(Deadline) if row.milestone == "harm"]
    assert (owed.state, owed.met_at, owed.breached_at) == (DeadlineState.ENDED, effects.office.at, None)


def test_what_is_kept_can_be_written_as_json_and_says_which_data_it_was(effects):
    effects.past(JULY, 1, 5, 5)
    number = effects.done()
    effects.past(DECEMBER, 1, 1, 1)
    effects.on(2026, 12, 7)
    seen = effects.act(look, number)
    json.dumps(seen, default=str, allow_nan=False)
    assert len(seen["sha256"]) == 64
    assert seen["plan_hash"] == effects.office.rows(VerificationPlan)[0].frozen_hash
    effects.past(DECEMBER, 1, 1, 0)
    effects.on(2026, 12, 8)
    assert effects.act(look, number)["sha256"] != seen["sha256"]


def test_the_same_customers_are_asked_what_they_say_now(effects):
    with effects.office.db.write() as session:
        people = [Customer(external_id=f"c{place}", source="past") for place in range(12)]
        session.add_all(people)
        session.flush()
        ids = [one.id for one in people]
    before = [effects.past(JULY, 1, 1, 1, customer_id=who)[0] for who in ids]
    effects.past(JULY, 12, 50, 45)
    number = effects.done()
    after = [effects.past(DECEMBER, 1, 1, 1, customer_id=who)[0] for who in ids[:10]]
    effects.past(DECEMBER, 8, 60, 59)
    with effects.office.db.write() as session:
        for some, score, month in ((before, 2, 7), (after, 5, 12)):
            at = datetime(2026, month, 20, tzinfo=UTC)
            session.add_all(
                Answer(subject_id=one, channel=AnswerSource.WEB, csat=score, external_id=f"{one}", answered_at=at,
                       changed_at=at)
                for one in some
            )  # fmt: skip
    effects.on(2027, 1, 25)
    told = effects.act(check, number)["second_feedback"]
    assert (told["asked"], told["n"], told["before"], told["after"], told["estimate"]) == ("csat_mean", 10, 2, 5, 3)
    assert told["said"] == [[2.0, 5.0, 10]]


def verify(effects, *day):
    effects.on(*day)
    return verify_all(effects.office.db, effects.office.policy, effects.office.settings, effects.office.clock)


def test_a_round_takes_done_work_on_and_judges_it_once_when_the_data_are_there(effects):
    effects.past(JULY, 12, 50, 45)
    number = effects.works.approved()
    effects.on(2026, 11, 30)
    reference, facts = f"{number}.1", {"implemented_on": date(2026, 11, 28), "coverage": 0.9, "evidence": "stock list"}
    effects.works(implement_measure, reference, "wang", **facts)
    assert verify(effects, 2026, 11, 30) == Verified(items=1, moved=2, waiting=1)
    effects.past(DECEMBER, 3, 30, 29)
    assert verify(effects, 2026, 12, 21) == Verified(items=1, waiting=1)
    plan = effects.office.rows(VerificationPlan)[0]
    assert plan.ready_on > date(2027, 1, 25)  # half the cases that were expected came
    revision = effects.works.show(number)["revision"]
    assert verify(effects, 2026, 12, 21) == Verified(items=1, waiting=1)
    assert effects.works.show(number)["revision"] == revision
    effects.past(date(2026, 12, 21), 5, 80, 79)
    assert verify(effects, 2027, 1, 25) == Verified(items=1, checked=1)
    assert verify(effects, 2027, 1, 25) == Verified(items=1)
    told = effects.works.show(number)
    assert (told["state"], len(told["checks"])) == (S.CHECKING, 1)
    assert {(one["gate"], one["role"]) for one in _waiting(effects)} == {("g4", "verifier"), ("g4", "quality_manager")}


def _waiting(effects):
    return [{"gate": one.gate.value, "role": one.role.value} for one in effects.works(waiting)]


def test_the_doer_never_verifies(effects):
    effects.past(JULY, 12, 50, 45)
    number = effects.done()
    effects.past(DECEMBER, 8, 60, 59)
    verify(effects, 2027, 1, 25)
    for doer in ("li", "wang"):
        with pytest.raises(RefusedError, match="did the work"):
            effects.works.agree(number, Gate.G4, doer)
    assert effects.works.agree(number, Gate.G4, "bo", "qian") is S.VERDICT
    assert effects.office.rows(EffectCheck)[0].checked_by == "bo"
    assert effects.works.show(number)["verdict"] is Verdict.EFFECTIVE


def test_work_that_did_not_reach_far_enough_does_not_go_round_in_circles(effects):
    effects.past(JULY, 12, 50, 45)
    number = effects.done(coverage=0.5)
    effects.past(DECEMBER, 1, 60, 60)
    assert verify(effects, 2026, 12, 7) == Verified(items=1, checked=1)
    assert effects.works.show(number)["state"] is S.DOING
    assert verify(effects, 2026, 12, 8) == Verified(items=1)
    facts = {"implemented_on": date(2026, 12, 8), "coverage": 0.95, "evidence": "all shops"}
    effects.works(implement_measure, f"{number}.1", "wang", **facts)
    assert verify(effects, 2026, 12, 9) == Verified(items=1, moved=2, waiting=1)


def test_nothing_is_judged_while_it_is_held(effects):
    effects.past(JULY, 12, 50, 45)
    number = effects.done()
    effects.past(DECEMBER, 8, 60, 59)
    effects.works(hold, number, date(2027, 2, 1), "qian", "the shop moves")
    assert verify(effects, 2027, 1, 25) == Verified(items=1)
    assert verify(effects, 2027, 2, 1).checked == 1
