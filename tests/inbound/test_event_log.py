from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bihuan.inbound.mapping import Mapping
from bihuan.inbound.spreadsheet import read_complaints
from schemas.complaint import ComplaintIn

LOG = {
    "source": "log",
    "dates": {"formats": "iso", "timezone": "UTC"},
    "fields": {"external_id": "Id", "registered_at": "Opened", "title": "Title"},
    "event_log": {
        "at": "Changed",
        "state": "State",
        "states": {
            "New": "registered", "Work": "assigned", "Asked": "responded", "Part": "assigned", "Done": "handled",
            "Closed": "closed",
        },
        "waiting": ["Asked", "Part"],
    },
}  # fmt: skip


@pytest.fixture
def log(write):
    """Rows ``id hour state [count [verdict]]`` of a log, read."""

    def of(*rows, as_of=None, **terms):
        table = [["Id", "Opened", "Changed", "State", "Count", "In time", "Title"]]
        for line in rows:
            number, hour, state, *more = line.split()
            count, in_time, *_ = [*more, "", ""]
            table.append([number, "2026-11-03T08:00", f"2026-11-03T{hour}:00", state, count, in_time, line])
        file = write("log.csv", "\n".join(map(",".join, table)))
        return list(read_complaints(file, Mapping.model_validate(LOG | terms), as_of=as_of))

    return of


COUNTED = {"event_log": LOG["event_log"] | {"reopen_count": "Count"}}
JUDGED = {"verdict": {"column": "In time", "on_time": "Y", "late": "N", "since": "closed"}}


def story(complaint: ComplaintIn) -> list[str]:
    return [
        " ".join([event.kind, str(event.occurred_at.hour), *map(str, event.data.values())])
        for event in complaint.events
    ]


def test_a_change_of_state_is_an_event_once_and_going_on_after_the_end_is_a_reopening(log):
    [taken] = log(
        "1 08 New", "1 09 Work", "1 10 Done", "1 11 Done", "1 12 Work", "1 13 New", "1 14 Done", "1 15 Closed"
    )
    assert story(taken) == ["assigned 9", "handled 10", "reopened 12", "handled 14", "closed 15"]


def test_a_wait_goes_on_until_work_does_and_the_state_is_its_reason(log):
    [taken] = log("1 08 New", "1 09 Asked", "1 10 Asked", "1 11 Work", "1 12 Part", "1 13 New", "1 14 Done")
    assert story(taken) == [
        "responded 9", "waiting 9 Asked", "resumed 11", "waiting 12 Part", "resumed 13", "handled 14"
    ]  # fmt: skip


def test_waiting_for_something_else_is_told_and_handling_ends_every_wait(log):
    [taken] = log("1 09 Asked", "1 10 Part", "1 11 Done", "1 12 Asked", "1 13 Part", "1 14 Closed")
    assert story(taken) == [
        "responded 9", "waiting 9 Asked", "waiting 10 Part", "handled 11",
        "reopened 12", "waiting 12 Asked", "waiting 13 Part", "closed 14",
    ]  # fmt: skip


def test_after_handling_nobody_waits_unless_the_complaint_was_reopened(log):
    [taken] = log("1 09 Work 0", "1 10 Done 0", "1 11 Asked 0", "1 12 Work 0", "1 13 Asked 1", **COUNTED)
    assert story(taken) == ["assigned 9", "handled 10", "reopened 13", "waiting 13 Asked"]


def test_a_wait_of_no_length_is_none_and_one_broken_for_no_time_goes_on(log):
    [taken] = log("1 09 Part", "1 09 Work", "1 10 Part", "1 11 Work", "1 11 Part", "1 12 Asked", "1 12 Done")
    assert story(taken) == ["assigned 9", "waiting 10 Part", "responded 12", "handled 12"]


def test_the_verdict_is_read_in_the_row_of_its_event_whatever_stood_before(log):
    [taken] = log("1 08 New 0 Y", "1 09 Done 0 Y", "1 10 Closed 0 N", "1 11 Closed 0 Y", **JUDGED)
    assert story(taken) == ["handled 9", "closed 10 False"]


def test_of_several_rows_at_the_instant_the_last_has_the_verdict(log):
    [taken] = log("1 08 New", "1 10 Closed 0 Y", "1 10 Closed 0 N", "1 10 Closed", **JUDGED)
    assert story(taken) == ["closed 10 False"]


def test_every_end_of_a_reopened_complaint_has_its_verdict(log):
    [taken] = log("1 09 Closed 0 Y", "1 10 Work 1 Y", "1 11 Closed 1 N", **COUNTED, **JUDGED)
    assert story(taken) == ["closed 9 True", "reopened 10", "closed 11 False"]


def test_before_its_event_no_verdict_is_known(log):
    rows = ("1 08 New 0 Y", "1 09 Done 0 Y", "1 12 Closed 0 N")
    [taken] = log(*rows, as_of=datetime(2026, 11, 3, 11, tzinfo=UTC), **JUDGED)
    assert story(taken) == ["handled 9"]


def test_a_row_with_a_strange_verdict_is_rejected_and_its_complaint_goes_on(log):
    rejected, taken = log("1 09 Done 0 ?", "1 10 Closed 0 ?", "1 11 Closed 0 N", **JUDGED)
    assert rejected[:2] == (3, "In time: '?' is neither on time nor late in the mapping")
    assert story(taken) == ["handled 9", "closed 11 False"]


def test_rows_may_stand_in_any_order_and_those_of_one_instant_keep_theirs(log):
    second, first = log("1 12 Done", "2 08 New", "1 09 Work", "2 12 Done", "2 12 Closed", "1 08 New")
    assert (second.external_id, story(second)) == ("2", ["handled 12", "closed 12"])
    assert (first.external_id, story(first), first.title) == ("1", ["assigned 9", "handled 12"], "1 12 Done")


def test_a_source_that_counts_reopenings_decides_what_one_is(log):
    [taken] = log("1 08 New 0", "1 09 Done 0", "1 10 New 0", "1 11 Closed 0", "1 12 Work 1", "1 13 Done 1", **COUNTED)
    assert story(taken) == ["handled 9", "closed 11", "reopened 12", "handled 13"]


def test_a_bad_row_of_a_log_is_rejected_and_its_complaint_goes_on(log):
    *rejected, taken = log("1 08 New 0", "1 xx Work 0", "1 10 Lost 0", "1 11 Done many", "1 12 Done 0", **COUNTED)
    assert [reject.line for reject in rejected] == [3, 4, 5]
    assert story(taken) == ["handled 12"]


def test_a_log_as_of_an_instant_has_no_later_rows(log):
    rows = ("1 08 New", "1 12 Done", "2 13 New")
    [taken] = log(*rows, as_of=datetime(2026, 11, 3, 11, tzinfo=UTC))
    assert (taken.external_id, story(taken), taken.title) == ("1", [], "1 08 New")
