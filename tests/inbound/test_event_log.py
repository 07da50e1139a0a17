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
        "states": {"New": "registered", "Work": "assigned", "Wait": "responded", "Done": "handled", "Closed": "closed"},
    },
}


@pytest.fixture
def log(write):
    """Rows ``id hour state [count]`` of a log, read."""

    def of(*rows, as_of=None, has_count=False):
        table = [["Id", "Opened", "Changed", "State", "Count", "Title"]]
        for line in rows:
            number, hour, state, *counted = line.split()
            table.append([number, "2026-11-03T08:00", f"2026-11-03T{hour}:00", state, *(counted or [""]), line])
        terms = LOG["event_log"] | ({"reopen_count": "Count"} if has_count else {})
        file = write("log.csv", "\n".join(map(",".join, table)))
        return list(read_complaints(file, Mapping.model_validate(LOG | {"event_log": terms}), as_of=as_of))

    return of


def story(complaint: ComplaintIn) -> list[str]:
    return [f"{event.kind} {event.occurred_at.hour}" for event in complaint.events]


def test_a_change_of_state_is_an_event_once_and_going_on_after_the_end_is_a_reopening(log):
    [taken] = log(
        "1 08 New",
        "1 09 Work",
        "1 10 Wait",
        "1 11 Work",
        "1 12 Done",
        "1 13 Done",
        "1 14 Work",
        "1 15 Wait",
        "1 16 Done",
        "1 17 Closed",
    )
    assert story(taken) == [
        "assigned 9",
        "responded 10",
        "handled 12",
        "reopened 14",
        "responded 15",
        "handled 16",
        "closed 17",
    ]


def test_rows_may_stand_in_any_order_and_those_of_one_instant_keep_theirs(log):
    second, first = log("1 12 Done", "2 08 New", "1 09 Work", "2 12 Done", "2 12 Closed", "1 08 New")
    assert (second.external_id, story(second)) == ("2", ["handled 12", "closed 12"])
    assert (first.external_id, story(first), first.title) == ("1", ["assigned 9", "handled 12"], "1 12 Done")


def test_a_source_that_counts_reopenings_decides_what_one_is(log):
    [taken] = log(
        "1 08 New 0", "1 09 Done 0", "1 10 New 0", "1 11 Closed 0", "1 12 Work 1", "1 13 Done 1", has_count=True
    )
    assert story(taken) == ["handled 9", "closed 11", "reopened 12", "handled 13"]


def test_a_bad_row_of_a_log_is_rejected_and_its_complaint_goes_on(log):
    *rejected, taken = log("1 08 New 0", "1 xx Work 0", "1 10 Lost 0", "1 11 Done many", "1 12 Done 0", has_count=True)
    assert [reject.line for reject in rejected] == [3, 4, 5]
    assert story(taken) == ["handled 12"]


def test_a_log_as_of_an_instant_has_no_later_rows(log):
    rows = ("1 08 New", "1 12 Done", "2 13 New")
    [taken] = log(*rows, as_of=datetime(2026, 11, 3, 11, tzinfo=UTC))
    assert (taken.external_id, story(taken), taken.title) == ("1", [], "1 08 New")
