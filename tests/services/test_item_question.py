"""The gate at which an item stands, and what exactly is agreed to there."""

from __future__ import annotations

import pytest
from sqlmodel import select

from bihuan.rules.content import hash_of
from bihuan.services.dossier import dossier, hashes
from bihuan.services.item import move
from bihuan.services.item_question import OtherContentError, content_of, outlook, refuse_other
from schemas.item import Gate, Item, ItemState
from schemas.verification import Verdict


def file_of(session, number):
    return dossier(session, session.exec(select(Item).where(Item.number == number)).one())


@pytest.mark.parametrize("gate", list(Gate))
def test_what_is_shown_at_a_gate_is_what_its_hash_is_of(works, gate):
    number = works.judged(Verdict.EFFECTIVE)
    with works.office.db.read() as session:
        file = file_of(session, number)
        assert hash_of(content_of(file, gate)) == hashes(file)[gate]


def test_a_gate_names_who_owes_a_decision_and_until_when(works):
    number = works.planned()
    with works.office.db.read() as session:
        question = outlook(session, works.office.policy, works.office.clock, file_of(session, number)).question
    assert (question.gate, question.lacks) == (Gate.G3, ())
    assert [(one.role.value, one.staff, one.until_on.isoformat()) for one in question.waiting] == [
        ("department_head", ("han",), "2026-11-05"), ("executive", ("eve",), "2026-11-05"),
    ]  # fmt: skip
    assert [one["what"] for one in question.content["measures"]] == ["keep the ten parts asked for most in the shop"]


def test_a_gate_that_lacks_something_waits_for_nobody(works):
    number = works.selected()
    works(move, number, ItemState.ANALYSING, "li")
    with works.office.db.read() as session:
        question = outlook(session, works.office.policy, works.office.clock, file_of(session, number)).question
    assert (question.gate, [one.why.value for one in question.lacks], question.waiting) == (Gate.G2, ["no_cause"], ())


def test_nobody_agrees_to_something_else_than_what_was_shown(works):
    number = works.planned()
    with works.office.db.read() as session:
        file = file_of(session, number)
        refuse_other(file, Gate.G3, hashes(file)[Gate.G3])
        with pytest.raises(OtherContentError, match="changed meanwhile"):
            refuse_other(file, Gate.G3, hashes(file)[Gate.G1])
