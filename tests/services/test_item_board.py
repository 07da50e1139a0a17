"""The board of items: by phase, what is late, what was carried, whose they are."""

from __future__ import annotations

from datetime import date

from bihuan.rules.item import Phase
from bihuan.services.cycle import carry_forward, open_month
from bihuan.services.item import amend, cancel, draft, hold
from bihuan.services.item_board import Standing, board
from bihuan.store.queries.improvement import Wish, own, owners
from schemas.item import Priority

TODAY = date(2026, 11, 10)


def numbers(found):
    return {phase.value: [card.row.number for card in cards] for phase, cards in found.phases.items() if cards}


def test_an_item_stands_in_the_phase_of_its_state_with_its_people(works):
    number = works.approved()
    found = works.look(board, Wish(), TODAY)
    assert numbers(found) == {"plan": [number]}
    (card,) = found.cards
    assert (card.row.owner, card.row.department, card.row.cycle, card.phase) == (
        "li", "service", "PDCA-2026-11", Phase.PLAN,
    )  # fmt: skip
    assert (card.is_late, card.late_measures, card.progress_ratio) == (False, 0, 0.0)


def test_late_is_what_is_past_its_day_or_has_a_measure_that_is(works):
    works.approved()
    assert works.look(board, Wish(), date(2026, 11, 30), Standing.LATE).cards == []
    (card,) = works.look(board, Wish(), date(2026, 12, 1), Standing.LATE).cards
    assert (card.is_late, card.late_measures) == (False, 1)
    (card,) = works.look(board, Wish(), date(2027, 4, 1), Standing.LATE).cards
    assert card.is_late


def test_what_ended_stands_apart_and_is_not_late(works):
    number = works.drafted()
    works(cancel, number, "qian", "a strike of the carrier", "qian")
    found = works.look(board, Wish(), date(2028, 1, 1))
    assert (found.cards, [card.row.number for card in found.ended]) == ([], [number])
    assert (found.ended[0].is_late, found.ended[0].phase) == (False, None)
    assert works.look(board, Wish(), TODAY, Standing.ENDED).ended
    assert not works.look(board, Wish(), TODAY, Standing.LATE).ended


def test_what_was_carried_can_be_asked_for(works):
    number = works.drafted()
    assert works.look(board, Wish(), TODAY, Standing.CARRIED).cards == []
    works.analysis(date(2026, 11, 1))
    into = works(open_month, "M-2026-11", "qian")
    works(carry_forward, into, "qian")
    (card,) = works.look(board, Wish(cycle=into), TODAY, Standing.CARRIED).cards
    assert (card.row.number, card.row.carry_count) == (number, 1)


def test_it_is_narrowed_by_cycle_owner_department_and_priority(works):
    number = works.drafted()
    other = works(draft, "PDCA-2026-11", "qian", {"name": "by hand", "owner": "bo"})
    works(amend, other, {"importance": 1, "urgency": 1, "feasibility": 1}, "qian")
    for wish, expected in (
        (Wish(owner="bo"), {other}), (Wish(owner="li"), {number}), (Wish(department="shop"), {other}),
        (Wish(department="service"), {number}), (Wish(priority=Priority.LOW), {other}), (Wish(cycle="PDCA-1"), set()),
        (Wish(), {number, other}),
    ):  # fmt: skip
        assert {card.row.number for card in works.look(board, wish, TODAY).cards} == expected
    assert [row.code for row in works.look(owners)] == ["bo", "li"]


def test_a_part_in_an_item_has_who_owns_it_or_a_measure_or_works_along(works):
    works.planned(collaborators="bo")
    has_part = {code: bool(works.look(own, works.ids[code], code)) for code in ("li", "wang", "bo", "han", "eve")}
    assert has_part == {"li": True, "wang": True, "bo": True, "han": False, "eve": False}


def test_whoever_sees_only_some_sees_no_others(works):
    works.drafted()
    assert works.look(board, Wish(only=frozenset()), TODAY).cards == []


def test_a_held_item_says_so_until_its_day(works):
    number = works.drafted()
    works(hold, number, date(2026, 11, 20), "qian", "waiting for the supplier")
    for day, is_held in ((TODAY, True), (date(2026, 11, 20), False)):
        assert works.look(board, Wish(), day).cards[0].is_held is is_held
