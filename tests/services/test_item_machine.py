"""Anything people may do with improvement items, in any order: what must hold always holds."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlmodel import select

from bihuan.clock import fixed
from bihuan.errors import BihuanError
from bihuan.policy.loader import load_policy
from bihuan.rules.item import AWAITED, ENDED, GATED, MOVES, position
from bihuan.rules.month import next_month
from bihuan.services import cycle as cycles
from bihuan.services import item as items
from bihuan.services.approval import decide, waiting
from bihuan.services.cause import add_cause, confirm_cause
from bihuan.services.dossier import dossier, hashes, missing_roles
from bihuan.services.item_log import find
from bihuan.services.measure import add_measure, cancel_measure, edit_measure, implement_measure, record_progress
from bihuan.services.people import save_department, save_staff
from bihuan.services.verification_plan import write_plan
from bihuan.store.engine import Database
from schemas.access import Role
from schemas.complaint import Complaint, ComplaintState, Kind, Severity
from schemas.effect import EffectCheck, Standard, SustainWatch
from schemas.improvement import AnalysisRun
from schemas.item import Approval, Gate, Item, ItemEvent, ItemState, Verdict
from schemas.people import Staff, StaffIn
from schemas.plan import Cause, Measure, MeasureState, VerificationPlan

STAFF = {
    "qian": (False, [Role.QUALITY_MANAGER]), "zhou": (False, [Role.QUALITY_MANAGER]), "eve": (False, [Role.EXECUTIVE]),
    "han": (True, []), "li": (False, []), "wang": (False, []),
}  # fmt: skip
CODES = st.sampled_from(list(STAFF))
GOAL = {
    "problem": "late", "indicator": "on_time_handled", "baseline_x": 126, "baseline_n": 140,
    "baseline_on": "2026-07-01", "baseline_until_on": "2026-10-01", "target_value": 0.95,
    "target_reason": "a second shift", "owner": "li", "department": "service", "start_on": "2026-11-02",
    "due_on": "2027-03-31", "importance": 4, "urgency": 4, "feasibility": 4, "evidence": "C-1",
}  # fmt: skip


class People(RuleBasedStateMachine):
    """Six people, a database, and months that go by."""

    template: Path

    @initialize()
    def begin(self):
        self.folder = Path(tempfile.mkdtemp())
        shutil.copyfile(self.template, self.folder / "test.db")
        self.db, self.policy = Database(f"sqlite:///{self.folder / 'test.db'}"), load_policy(None)
        self.at, self.month_on = datetime(2026, 11, 2, 2, 0, tzinfo=UTC), date(2026, 10, 1)
        with self.db.write() as session:
            save_department(session, "service", "service")
            for code, (is_head, roles) in STAFF.items():
                save_staff(
                    session, StaffIn(code=code, name=code, department="service", is_head=is_head, roles=roles), "s"
                )
            session.add(Complaint(
                number="C-1", source="desk", external_id="1", channel="phone", kind=Kind.PRODUCT, title="late",
                severity=Severity.GENERAL, state=ComplaintState.REGISTERED, registered_at=self.at, recorded_at=self.at,
            ))  # fmt: skip
        self.ids = {row.code: row.id for row in self.read(Staff)}
        self.cycle = self.open()
        self.numbers = [self.act(items.draft, self.cycle, "qian", GOAL | {"name": "refunds"})]
        self.refused = 0

    def teardown(self):
        if hasattr(self, "db"):
            self.db.close()
            shutil.rmtree(self.folder)

    def act(self, do, *given, **named):
        with self.db.write() as session:
            return do(session, self.policy, fixed(self.at), *given, **named)

    def attempt(self, do, *given, **named):
        """Somebody tries; what is refused changes nothing."""
        before = self.kept()
        try:
            return self.act(do, *given, **named)
        except BihuanError:
            assert self.kept() == before
            return None

    def kept(self):
        """What no refusal may touch: rows as they are in the database."""
        with self.db.read() as session:
            tables = (Item, Cause, Measure, Approval, VerificationPlan)
            return [session.execute(select(table.__table__)).all() for table in tables]

    def shown(self):
        with self.db.read() as session:
            return [items.show(session, row.number) for row in self.read(Item)]

    def read(self, table):
        with self.db.read() as session:
            return list(session.exec(select(table).order_by(table.id)))

    def open(self):
        with self.db.write() as session:
            session.add(AnalysisRun(
                number=f"M-{self.month_on:%Y-%m}", period_on=self.month_on, until_on=next_month(self.month_on),
                as_of=self.at, sha256="0", complaints=1, answers=0, policy_version="1", code_version="1",
                made_at=self.at,
            ))  # fmt: skip
        return self.act(cycles.open_month, f"M-{self.month_on:%Y-%m}", "qian")

    def pick(self, place):
        return self.numbers[place % len(self.numbers)]

    def item(self, number):
        return next(row for row in self.read(Item) if row.number == number)

    # --- what people do ---

    @rule(place=st.integers(0, 5), steps=st.integers(1, 16), by=CODES, verdict=st.sampled_from(Verdict))
    def goes_on(self, place, steps, by, verdict):
        """Some way on, whatever that is: so that long ways are walked, too."""
        number = self.pick(place)
        for _ in range(steps):
            item = self.item(number)
            self.get_ready(item, by, verdict)
            gate = next((gate for gate, state in AWAITED.items() if state is item.state), None)
            if gate:
                for code in STAFF:
                    self.attempt(decide, number, gate, self.ids[code], True)
            elif item.state not in ENDED:
                self.attempt(items.move, number, MOVES[item.state][0], by)

    def get_ready(self, item, by, verdict):
        """Do what the next state asks for."""
        number = item.number
        with self.db.read() as session:
            file = dossier(session, find(session, number))
        match item.state:
            case ItemState.ANALYSING if not any(one.state == "confirmed" for one in file.causes):
                cause = self.act(add_cause, number, {"statement": "by hand", "bone": "process"}, by)
                self.act(confirm_cause, cause, "data", "33 of 48", by)
            case ItemState.PLANNED:
                self.prepare(number, file, by)
            case ItemState.DOING | ItemState.APPROVED:
                done = {"implemented_on": self.at.date(), "evidence": "x"}
                for one in file.measures:
                    self.attempt(implement_measure, f"{number}.{one.place}", by, **done)
            case ItemState.OBSERVING if file.verification and file.verification.ready_on:
                self.at = max(self.at, datetime.combine(file.verification.ready_on, datetime.min.time(), UTC))
            case ItemState.CHECKING if file.check is None:
                self.judge(item, verdict)
            case ItemState.STANDARDISING:
                self.write_down(item)

    def judge(self, item, verdict):
        self.at += timedelta(days=1)
        with self.db.write() as session:
            session.add(EffectCheck(
                item_id=item.id, checked_at=self.at, until_on=self.at.date(), is_final=True, plan_hash="p", sha256="s",
                method="newcombe", verdict=verdict, fidelity_ratio=0.9,
            ))  # fmt: skip

    def write_down(self, item):
        with self.db.write() as session:
            if not session.exec(select(Standard).where(Standard.item_id == item.id)).first():
                session.add(Standard(
                    number=f"SOP-{item.id}", item_id=item.id, title="x", trained_ratio=1, effective_on=self.at.date(),
                    elsewhere="nowhere", told_at=self.at, made_at=self.at,
                ))  # fmt: skip
                session.add(SustainWatch(item_id=item.id, indicator="x", started_on=self.at.date(), clean=8))

    def prepare(self, number, file, by):
        if not any(one.state is not MeasureState.CANCELLED for one in file.measures):
            facts = {"what": f"rules {len(file.measures)} {number}", "kind": "corrective", "strength": "strong",
                     "cause_ids": [one.id for one in file.causes], "owner": "wang", "due_on": "2026-11-30"}  # fmt: skip
            self.attempt(add_measure, number, facts, by)
        self.attempt(write_plan, number, {"weekly_n": 60}, by, "again")

    @rule(place=st.integers(0, 5), to=st.sampled_from(ItemState), by=CODES, reason=st.sampled_from(["", "why"]))
    def moves(self, place, to, by, reason):
        self.attempt(items.move, self.pick(place), to, by, reason)

    @rule(place=st.integers(0, 5), gate=st.sampled_from(Gate), who=CODES, is_approved=st.booleans())
    def decides(self, place, gate, who, is_approved):
        number = self.pick(place)
        owners = {self.item(number).owner_id, *(one.owner_id for one in self.measures(number))}
        done = self.attempt(decide, number, gate, self.ids[who], is_approved, "" if is_approved else "no")
        if done and done.is_new and is_approved and gate is Gate.G4:
            assert self.ids[who] not in owners
        if done and done.is_new and not is_approved:
            assert position(self.item(number).state) <= position(AWAITED[gate])

    def measures(self, number):
        with self.db.read() as session:
            return dossier(session, find(session, number)).measures

    @rule(place=st.integers(0, 5), value=st.sampled_from([0.93, 0.94, 0.95]), owner=st.sampled_from(["li", "wang"]))
    def amends(self, place, value, owner):
        number = self.pick(place)
        before = self.item(number)
        self.attempt(items.amend, number, {"target_value": value, "owner": owner}, "qian")
        after = self.item(number)
        if (before.target_value, before.owner_id) != (after.target_value, after.owner_id):
            assert after.state is ItemState.DRAFT  # nothing that was agreed to about the goal stands
            assert self.standing(number) == set()

    @rule(place=st.integers(0, 5), due=st.sampled_from(["2026-12-10", "2026-12-20"]), ratio=st.sampled_from([0.2, 0.7]))
    def edits_the_plan(self, place, due, ratio):
        number = self.pick(place)
        for one in self.measures(number):
            self.attempt(record_progress, f"{number}.{one.place}", "wang", ratio=ratio)
            if (
                self.attempt(edit_measure, f"{number}.{one.place}", {"due_on": due}, "li")
                and one.due_on.isoformat() != due
            ):
                assert not {Gate.G3, Gate.G4, Gate.G5} & self.standing(number)

    @rule(place=st.integers(0, 5))
    def cancels_measures(self, place):
        number = self.pick(place)
        for one in self.measures(number):
            self.attempt(cancel_measure, f"{number}.{one.place}", "too dear", "li")

    @rule(place=st.integers(0, 5), what=st.sampled_from(["new_cause", "new_measure"]))
    def goes_on_as_a_child(self, place, what):
        number = self.pick(place)
        was = self.item(number)
        born = self.attempt(items.child, number, what, "qian", "it is taken back")
        if born and born not in self.numbers:
            assert was.verdict is not Verdict.EFFECTIVE
            self.numbers.append(born)

    @rule(place=st.integers(0, 5), days=st.integers(1, 4))
    def is_held(self, place, days):
        self.attempt(items.hold, self.pick(place), self.at.date() + timedelta(days=days), "li", "the bank answers then")

    @precondition(lambda self: len(self.numbers) < 4)
    @rule()
    def begins(self):
        self.numbers.append(self.act(items.draft, self.cycle, "qian", GOAL | {"name": "refunds"}))

    @precondition(lambda self: self.month_on < date(2027, 10, 1))
    @rule(missed=st.integers(0, 2))
    def a_month_ends(self, missed):
        for _ in range(missed + 1):
            self.month_on = next_month(self.month_on)
        self.at = max(self.at, datetime.combine(next_month(self.month_on), datetime.min.time(), UTC)) + timedelta(
            hours=3
        )
        before, old = {row.number: row for row in self.read(Item)}, self.cycle
        self.cycle = self.open()
        self.act(cycles.carry_forward, self.cycle)
        once = self.shown()
        assert self.act(cycles.carry_forward, self.cycle) == []
        assert self.shown() == once
        for row in self.read(Item):
            was = before[row.number]
            carried = 0 if was.state in ENDED else missed + 1
            assert row.carry_count == was.carry_count + carried
        with suppress(BihuanError):
            self.act(cycles.close_cycle, old, "qian")

    # --- what always holds ---

    def standing(self, number):
        with self.db.read() as session:
            file = dossier(session, find(session, number))
            return {gate for gate in Gate if not missing_roles(file, self.policy, gate)}

    @invariant()
    def nobody_is_an_orphan(self):
        if hasattr(self, "db"):
            with self.db.read() as session:
                assert cycles.orphans(session) == []

    @invariant()
    def whoever_is_beyond_a_gate_has_it_agreed_to_as_it_is_now(self):
        if not hasattr(self, "db"):
            return
        with self.db.read() as session:
            for number in self.numbers:
                file = dossier(session, find(session, number))
                now = hashes(file)
                for one in file.approvals:
                    assert not one.is_approved or file.item.state in ENDED or one.content_hash == now[one.gate]
                for gate in (Gate.G1, Gate.G2, Gate.G3):
                    if file.item.state not in ENDED and position(file.item.state) >= position(GATED[gate]):
                        assert any(one.gate is gate and one.is_approved for one in file.approvals), gate

    @invariant()
    def the_doer_never_verified(self):
        if hasattr(self, "db"):
            with self.db.read() as session:
                for number in self.numbers:
                    file = dossier(session, find(session, number))
                    if file.item.state not in ENDED:
                        judges = [one.staff_id for one in file.approvals if one.gate is Gate.G4 and one.is_approved]
                        assert not set(judges) & file.doers
                        assert len(judges) == len(set(judges))

    @invariant()
    def what_was_all_cancelled_is_not_done(self):
        if hasattr(self, "db"):
            for told in self.shown():
                kept = [one for one in told["measures"] if one["state"] is not MeasureState.CANCELLED]
                if not kept:
                    assert told["progress_ratio"] == 0
                    is_ended = told["state"] in ENDED
                    assert is_ended or position(told["state"]) < position(ItemState.IMPLEMENTED)

    @invariant()
    def a_verdict_stands_only_where_it_was_agreed_to(self):
        if hasattr(self, "db"):
            for row in self.read(Item):
                is_judged = row.state in ENDED or position(row.state) >= position(ItemState.VERDICT)
                assert row.verdict is None or is_judged
                assert row.verdict is not None or not is_judged or row.state is ItemState.CANCELLED

    @invariant()
    def every_revision_is_one_event(self):
        if hasattr(self, "db"):
            events = self.read(ItemEvent)
            for row in self.read(Item):
                assert row.revision == sum(one.item_id == row.id for one in events)

    @invariant()
    def what_waits_can_be_decided_by_whom_it_names(self):
        if hasattr(self, "db"):
            with self.db.read() as session:
                for one in waiting(session, self.policy, fixed(self.at)):
                    assert self.item(one.number).state is AWAITED[one.gate]
                    assert one.staff, one


def test_whatever_people_do_nothing_is_lost_and_nobody_judges_their_own_work(sqlite_url):
    People.template = Path(sqlite_url.removeprefix("sqlite:///"))
    run_state_machine_as_test(People, settings=settings(
        max_examples=6, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck),
    ))  # fmt: skip
