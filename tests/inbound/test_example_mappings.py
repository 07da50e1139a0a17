"""The mappings that are shipped, on a sample made by hand and on real files."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bihuan.clock import parse_instant
from bihuan.inbound.cell import Reject
from bihuan.inbound.mapping import load_mapping
from bihuan.inbound.spreadsheet import read_complaints
from schemas.complaint import Channel, ComplaintIn, EventIn, EventKind

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "mappings"

CFPB = """\
Date received,Product,Sub-product,Issue,Sub-issue,Consumer complaint narrative,Company public response,Company,State,\
ZIP code,Tags,Consumer consent provided?,Submitted via,Date sent to company,Company response to consumer,\
Timely response?,Consumer disputed?,Complaint ID
2019-09-24,Debt collection,I do not know,Attempts to collect debt not owed,Debt is not yours,"They call, and call.",,\
"Transworld Systems, Inc.",FL,335XX,,Consent provided,Web,2019-09-24,Closed with explanation,Yes,N/A,3384392
09/19/2019,Credit reporting,,Incorrect information,,,,EXPERIAN,CA,,Older American,,Postal mail,09/20/2019,\
Closed with non-monetary relief,Yes,No,3379500
2019-11-08,Mortgage,FHA mortgage,Closing on a mortgage,,,,A BANK,N/A,10001,,N/A,Phone,,In progress,Yes,,3433198
2019-13-08,Mortgage,,Closing on a mortgage,,,,A BANK,NY,10001,,,Phone,2019-11-08,In progress,Yes,,3433199
2019-11-08,Mortgage,,Closing on a mortgage,,,,A BANK,NY,10001,,,Pigeon,2019-11-08,In progress,No,Yes,3433200
"""


def test_public_complaints_of_the_cfpb_are_read(write):
    file = write("cfpb.csv", CFPB)
    first, second, third, rejected, last = read_complaints(file, load_mapping(EXAMPLES / "cfpb.yaml"))
    assert (first.external_id, first.matter, first.channel) == ("3384392", "They call, and call.", Channel.WEB)
    assert first.attributes["Timely response?"] == "Yes"
    assert "Consumer disputed?" not in first.attributes
    assert second.registered_at == parse_instant("2019-09-19T00:00 America/New_York")
    assert second.events[0] == EventIn(kind=EventKind.ASSIGNED, occurred_at=parse_instant("2019-09-20T04:00Z"))
    assert (third.region, third.events, third.deadlines) == (None, (), {})
    assert rejected == Reject(5, "Date received: '2019-13-08' is not a date like %Y-%m-%d or %m/%d/%Y", rejected.row)
    assert last.channel is Channel.OTHER


@pytest.fixture(scope="module")
def boston(real_data) -> list[ComplaintIn]:
    mapping_ = load_mapping(EXAMPLES / "boston_311.yaml")
    return list(read_complaints(real_data / "boston311_2015h1.csv.gz", mapping_))  # type: ignore[arg-type]


def test_every_request_of_boston_is_a_complaint(boston):
    assert len(boston) == 58_119
    assert all(isinstance(found, ComplaintIn) for found in boston)
    assert sum(found.deadlines == {} for found in boston) == 14_527
    handled = [(found.registered_at, found.events[0].occurred_at) for found in boston if found.events]
    skews = [opened - closed for opened, closed in handled if closed < opened]
    assert (len(skews), max(skews)) == (84, timedelta(seconds=32))


def test_boston_as_of_april_is_what_the_city_saw(real_data):
    instant = parse_instant("2015-04-01T00:00 America/New_York")
    seen = list(
        read_complaints(
            real_data / "boston311_2015h1.csv.gz", load_mapping(EXAMPLES / "boston_311.yaml"), as_of=instant
        )
    )
    left = [found for found in seen if not found.events]
    due = [found.deadlines["handled"] for found in left if found.deadlines]
    assert (len(left), sum(at < instant for at in due)) == (8_353, 3_084)
    assert sum(instant <= at < instant + timedelta(hours=24) for at in due) == 96
    assert not any("CLOSURE_OUTCOME" in found.attributes for found in left)


@pytest.fixture(scope="module")
def incidents(real_data) -> Path:
    return real_data / "itsm_incident_events_2016w09_w14.csv.gz"


def test_every_incident_is_one_complaint_152_were_reopened_and_3488_waited(incidents):
    taken = list(read_complaints(incidents, load_mapping(EXAMPLES / "itsm_incidents.yaml")))
    counts = Counter(kind for found in taken for kind in {event.kind for event in found.events})
    assert (len(taken), counts[EventKind.REOPENED], counts[EventKind.CLOSED]) == (11_774, 152, 11_774)
    assert counts[EventKind.WAITING] == 3_488


def test_incidents_as_of_an_instant_are_those_of_the_file_cut_at_it(incidents, tmp_path):
    rules, instant = load_mapping(EXAMPLES / "itsm_incidents.yaml"), datetime(2016, 3, 20, 12, tzinfo=UTC)
    cut = tmp_path / "cut.csv"
    with gzip.open(incidents, "rt", encoding="utf-8", newline="") as handle, cut.open("w", newline="") as out:
        rows = csv.DictReader(handle)
        writer = csv.DictWriter(out, rows.fieldnames)
        writer.writeheader()
        for row in rows:
            if datetime.strptime(row["sys_updated_at"] + "Z", "%d/%m/%Y %H:%M%z") <= instant:
                writer.writerow(row | dict.fromkeys(rules.future, "?"))
    seen = {found.external_id: found for found in read_complaints(incidents, rules, as_of=instant)}
    assert seen == {found.external_id: found for found in read_complaints(cut, rules)}
    assert 4_000 < len(seen) < 11_774
