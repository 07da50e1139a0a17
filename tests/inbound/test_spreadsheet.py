from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import datetime

import openpyxl
import pytest

from bihuan.clock import parse_instant
from bihuan.errors import UsageError
from bihuan.inbound.mapping import Mapping
from bihuan.inbound.spreadsheet import count_rows, read_complaints
from schemas.complaint import Channel, ComplaintIn, CustomerIn, EventIn, EventKind, Kind, Severity

DESK = {
    "source": "desk",
    "missing": ["?"],
    "dates": {"formats": "%d/%m/%Y %H:%M", "day_first": True, "timezone": "Asia/Shanghai"},
    "fields": {
        "external_id": "Number",
        "registered_at": "Received",
        "title": "Subject",
        "kind": {"constant": "service"},
        "severity": "Grave",
        "channel": {"column": "Source", "values": {"Hotline": "phone"}, "default": "other"},
        "region": {"column": "Town", "values": {"PEK": "北京"}},
        "customer": {"name": "Who", "language": {"constant": "en"}},
    },
    "attributes": ["Branch", {"column": "Outcome", "since": "handled"}],
    "events": [{"kind": "handled", "at": "Done", "when": {"Outcome": ["solved", "refused"]}}],
    "deadlines": {"handled": {"column": "Due"}, "assigned": "policy"},
}
HEADER = ["Number", "Received", "Subject", "Grave", "Source", "Town", "Who", "Branch", "Outcome", "Done", "Due"]
FIRST = [
    "1001",
    "03/11/2026 09:12",
    "Charged twice",
    "urgent",
    "Hotline",
    "PEK",
    "Li Na",
    "East",
    "solved",
    "04/11/2026 16:40",
    "05/11/2026 09:12",
]
SECOND = ["1002", "03/11/2026 10:05", "?", "", "Fax", "", "", "", "", "", ""]


def mapping(**changes) -> Mapping:
    return Mapping.model_validate(DESK | changes)


def at(text: str) -> datetime:
    return parse_instant(f"{text} Asia/Shanghai")


def as_csv(rows, delimiter=",") -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue()


@pytest.fixture
def desk(write):
    """Rows of the help desk, read."""

    def of(*rows, as_of=None, **changes):
        return list(read_complaints(write("desk.csv", as_csv([HEADER, *rows])), mapping(**changes), as_of=as_of))

    return of


EXPECTED = [
    ComplaintIn(
        source="desk", external_id="1001", registered_at=at("2026-11-03T09:12"), channel=Channel.PHONE,
        kind=Kind.SERVICE, severity=Severity.URGENT, title="Charged twice", region="北京",
        customer=CustomerIn(name="Li Na", language="en"),
        deadlines={"handled": at("2026-11-05T09:12"), "assigned": None},
        attributes={"Branch": "East", "Outcome": "solved"},
        events=(EventIn(kind=EventKind.HANDLED, occurred_at=at("2026-11-04T16:40")),),
    ),
    ComplaintIn(source="desk", external_id="1002", registered_at=at("2026-11-03T10:05"), kind=Kind.SERVICE,
                deadlines={"assigned": None}),
]  # fmt: skip


def workbook(rows) -> bytes:
    """A workbook with typed cells: numbers as numbers, dates as dates."""
    book = openpyxl.Workbook()
    book.active.title = "Notes"
    sheet = book.create_sheet("Complaints")
    sheet.append(rows[0])
    for row in rows[1:]:
        sheet.append([_typed(cell) for cell in row])
    sheet.append([None] * len(HEADER))
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _typed(cell: str) -> object:
    if cell.isdigit():
        return int(cell)
    return datetime.strptime(cell, "%d/%m/%Y %H:%M") if "/" in cell else cell or None  # noqa: DTZ007 - as in Excel


def json_lines(rows) -> str:
    objects = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    objects[0]["Number"] = int(objects[0]["Number"])
    objects[1] = {key: value or None for key, value in objects[1].items()}
    return "\n".join(json.dumps(found) for found in objects) + "\n\n"


@pytest.mark.parametrize(("name", "content", "changes"), [
    ("desk.csv", as_csv([HEADER, FIRST, SECOND]), {}),
    ("desk.csv", "\ufeff" + as_csv([HEADER, FIRST, [""] * 11, SECOND]), {}),
    ("desk.csv.gz", as_csv([HEADER, FIRST, SECOND]), {}),
    ("desk.tsv", as_csv([HEADER, FIRST, SECOND], "\t"), {"delimiter": "tab"}),
    ("desk.csv", as_csv([HEADER, FIRST, SECOND]).encode("utf-16"), {"encoding": "utf-16"}),
    ("desk.xlsx", workbook([HEADER, FIRST, SECOND]), {"sheet": "Complaints"}),
    ("desk.jsonl", json_lines([HEADER, FIRST, SECOND]), {}),
    ("desk.jsonl.gz", json_lines([HEADER, FIRST, SECOND]), {}),
])  # fmt: skip
def test_every_kind_of_file_gives_the_same_complaints(write, name, content, changes):
    assert list(read_complaints(write(name, content), mapping(**changes))) == EXPECTED


@pytest.mark.parametrize(("column", "value", "reason"), [
    ("Number", "", "Number is empty"),
    ("Number", "?", "Number is empty"),
    ("Received", "", "Received is empty"),
    ("Received", "31/02/2026 09:00", "Received: '31/02/2026 09:00' is not a date like %d/%m/%Y %H:%M"),
    ("Due", "soon", "Due: 'soon' is not a date like %d/%m/%Y %H:%M"),
    ("Done", "2026", "Done: '2026' is not a date like %d/%m/%Y %H:%M"),
    ("Grave", "very", "Grave: 'very' is not one of the mapping's values"),
    ("Town", "Y" * 999, f"Town: '{'Y' * 79}… is not one of the mapping's values"),
    ("Subject", "one\ntwo" * 50, "title: "),
])  # fmt: skip
def test_a_bad_row_comes_out_with_line_and_reason_and_the_others_go_on(desk, column, value, reason):
    bad = [value if name == column else cell for name, cell in zip(HEADER, FIRST, strict=True)]
    rejected, taken = desk(bad, SECOND)
    assert taken == EXPECTED[1]
    assert (rejected.line, rejected.reason[: len(reason)], rejected.row[column]) == (2, reason, value)
    assert "\n" not in rejected.reason


def test_a_row_of_the_wrong_width_is_rejected_at_its_own_line(desk):
    tall = [*FIRST[:2], "a\nb", *FIRST[3:]]
    _, rejected, last = desk(tall, FIRST[:3], SECOND)
    assert (rejected.line, rejected.reason.split(":")[0]) == (4, "has 3 cells where the header has 11")
    assert rejected.row == dict(zip(HEADER, FIRST[:3] + [""] * 8, strict=True))
    assert last == EXPECTED[1]


def test_a_cell_without_end_is_rejected_and_reading_goes_on(desk):
    rejected, taken = desk([*FIRST[:2], "x" * 200_000, *FIRST[3:]], SECOND)
    assert (rejected.reason.split(" ")[0], taken) == ("field", EXPECTED[1])


def test_a_json_line_that_is_broken_is_rejected_and_the_others_go_on(write):
    good = json_lines([HEADER, FIRST, SECOND]).splitlines()
    file = write("desk.jsonl", "\n".join([good[0], '{"Number": ', "[1]", good[1]]))
    first, broken, listed, second = read_complaints(file, mapping())
    assert [first, second] == EXPECTED
    assert [(reject.line, reject.reason) for reject in (broken, listed)] == [
        (2, "is not JSON"),
        (3, "is not a JSON object"),
    ]


def test_text_no_database_keeps_is_made_harmless(write):
    row = dict(zip(HEADER, SECOND, strict=True)) | {"Subject": "a\0b\ud800"}
    [taken] = read_complaints(write("desk.jsonl", json.dumps(row)), mapping())
    assert taken.title == "ab?"


def test_the_same_number_twice_comes_out_twice(desk):
    assert [found.external_id for found in desk(FIRST, FIRST)] == ["1001", "1001"]


def test_an_event_before_registration_stays_as_it_is(desk):
    [taken] = desk([*FIRST[:9], "03/11/2026 09:11", ""])
    assert taken.events[0].occurred_at < taken.registered_at


def test_an_event_counts_only_where_its_condition_holds(desk):
    [taken] = desk([*FIRST[:8], "pending", *FIRST[9:]])
    assert taken.events == ()


@pytest.mark.parametrize(("instant", "numbers", "events", "attributes"), [
    ("2026-11-03T09:11", [], [], []),
    ("2026-11-03T09:12", ["1001"], [0], [{"Branch": "East"}]),
    ("2026-11-04T16:39", ["1001", "1002"], [0, 0], [{"Branch": "East"}, {}]),
    ("2026-11-04T16:40", ["1001", "1002"], [1, 0], [{"Branch": "East", "Outcome": "solved"}, {}]),
])  # fmt: skip
def test_as_of_an_instant_nothing_later_is_known(desk, instant, numbers, events, attributes):
    taken = desk(FIRST, SECOND, as_of=at(instant))
    assert [found.external_id for found in taken] == numbers
    assert [len(found.events) for found in taken] == events
    assert [found.attributes for found in taken] == attributes
    assert all(found.deadlines["handled"] for found in taken if found.external_id == "1001")


VERDICT = {"column": "Branch", "on_time": ["Y", "yes"], "late": "N", "since": "handled"}


@pytest.mark.parametrize(("word", "data"), [
    ("Y", {"on_time": True}), ("yes", {"on_time": True}), ("N", {"on_time": False}), ("", {}), ("?", {}),
])  # fmt: skip
def test_the_sources_verdict_is_part_of_its_event(desk, word, data):
    [taken] = desk([*FIRST[:7], word, *FIRST[8:]], verdict=VERDICT)
    assert [event.data for event in taken.events] == [data]


def test_a_verdict_without_its_event_is_not_looked_at(desk):
    [taken] = desk([*FIRST[:7], "perhaps", "pending", *FIRST[9:]], verdict=VERDICT)
    assert taken.events == ()


def test_a_verdict_that_the_mapping_does_not_know_has_its_row_rejected(desk):
    rejected, _ = desk([*FIRST[:7], "perhaps", *FIRST[8:]], SECOND, verdict=VERDICT)
    assert rejected[:2] == (2, "Branch: 'perhaps' is neither on time nor late in the mapping")


BROKEN_OFF = gzip.compress(as_csv([HEADER, *[FIRST] * 5000]).encode(), mtime=0)[:-50]


@pytest.mark.parametrize(("name", "content", "says"), [
    ("desk.xls", b"", "is of a kind that is not read"),
    ("desk.csv", b"", "is empty"),
    ("desk.jsonl", b"", "is empty"),
    ("desk.csv", as_csv([HEADER, FIRST]).encode("utf-8") + "投诉".encode("gb18030"), "is not utf-8-sig text"),
    ("desk.csv", as_csv([[*HEADER[:-1], "Deadline"]]),
     "has no column 'Due', which the mapping reads as deadlines.handled - .*Done, Deadline"),
    ("desk.csv", as_csv([[*HEADER, "Due"]]), "has 2 columns 'Due'"),
    ("desk.xlsx", b"Number,Received", "is not an XLSX workbook"),
    ("desk.xlsx", workbook([HEADER, FIRST]), "has no column 'Number'|is empty"),
    ("desk.jsonl", as_csv([HEADER, FIRST]), "desk.jsonl:1 is not JSON"),
    ("desk.jsonl", '[{"Number": 1}]', "desk.jsonl:1 is not a JSON object"),
])  # fmt: skip
def test_a_file_that_is_wrong_as_a_whole_is_refused_before_anything_is_given(write, name, content, says):
    with pytest.raises(UsageError, match=says) as caught:
        read_complaints(write(name, content), mapping())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [BROKEN_OFF, b"Number,Received", gzip.compress(b"x", mtime=0)[:8]])
def test_a_compressed_file_that_is_cut_short_or_none_is_refused(tmp_path, content):
    file = tmp_path / "desk.csv.gz"
    file.write_bytes(content)
    with pytest.raises(UsageError, match="is cut short or not gzip"):
        read_complaints(file, mapping())


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    for name, says in {
        "absent.csv": "there is no file",
        "absent.xlsx": "there is no file",
        "folder.csv": "is a folder",
    }.items():
        with pytest.raises(UsageError, match=says):
            read_complaints(tmp_path / name, mapping())


def test_a_sheet_that_is_not_there_is_named_with_those_that_are(write):
    with pytest.raises(UsageError, match="has no sheet 'Ours' - its sheets are: Notes, Complaints"):
        read_complaints(write("desk.xlsx", workbook([HEADER, FIRST])), mapping(sheet="Ours"))


def test_rows_are_counted_for_the_progress_bar(write):
    assert count_rows(write("desk.csv.gz", as_csv([HEADER, FIRST, SECOND]))) == 2
    assert count_rows(write("desk.jsonl", json_lines([HEADER, FIRST, SECOND]))) == 3
    assert count_rows(write("desk.xlsx", workbook([HEADER, FIRST]))) is None
