"""Answers of foreign surveys: written once, overwritten where they changed, and nothing else touched."""

from __future__ import annotations

from datetime import timedelta

from bihuan.services.answer import Written, write_answers
from schemas.answer import AnswerIn
from schemas.complaint import Complaint, ComplaintEvent
from schemas.outbox import Message
from schemas.survey import Answer, AnswerSource


def answered(office, number: str, source: str = "mall", **facts) -> AnswerIn:
    told = {"answered_at": office.after(0), "csat": 5, "values": {"csat": 5}} | facts
    return AnswerIn(source=source, external_id=number, **told)


def write(office, *batch: AnswerIn) -> Written:
    with office.db.write() as session:
        return write_answers(session, office.clock, batch)


def test_the_same_answers_twice_change_nothing(office):
    batch = [answered(office, "1"), answered(office, "2", nps=0, index=62.5, index_weight=0.7, weight=0.284717)]
    assert write(office, *batch) == Written(created=2)
    before = office.rows(Answer)
    office.at += timedelta(hours=1)
    assert write(office, *batch) == Written(unchanged=2)
    assert office.rows(Answer) == before


def test_an_answer_that_changed_is_overwritten_and_counts_a_revision(office):
    write(office, answered(office, "1"), answered(office, "2"))
    office.at += timedelta(hours=1)
    assert write(office, answered(office, "1", csat=2, values={"csat": 2}), answered(office, "2")) == Written(0, 1, 1)
    first, second = sorted(office.rows(Answer), key=lambda row: row.external_id)
    assert (first.csat, first.values, first.revision, first.changed_at) == (2, {"csat": 2}, 2, office.at)
    assert (first.answered_at, second.revision) == (office.after(0), 1)


def test_of_two_mentions_in_one_batch_the_later_holds(office):
    assert write(office, answered(office, "1"), answered(office, "1", csat=4), answered(office, "2")) == Written(2, 1)
    assert {row.external_id: row.csat for row in office.rows(Answer)} == {"1": 4, "2": 5}


def test_the_same_number_in_two_surveys_is_two_answers(office):
    assert write(office, answered(office, "1"), answered(office, "1", source="airport")) == Written(2)


def test_a_foreign_answer_belongs_to_no_complaint_and_calls_nobody(office):
    office.register()
    before = office.rows(Complaint), office.rows(ComplaintEvent), office.rows(Message)
    write(office, answered(office, "1", csat=1, is_negative=True))
    (row,) = office.rows(Answer)
    assert (row.channel, row.subject_kind, row.is_negative) == (AnswerSource.IMPORT, "survey", True)
    assert (row.subject_id, row.invitation_id) == (None, None)
    assert (office.rows(Complaint), office.rows(ComplaintEvent), office.rows(Message)) == before


def test_of_no_answers_nothing_is_written(office):
    assert write(office) == Written()
