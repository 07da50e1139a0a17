from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from bihuan.errors import UsageError
from bihuan.inbound.history import EventColumn, EventLog, Verdict
from bihuan.inbound.mapping import Attribute, Fields, Mapping, Value, load_mapping

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ["boston_311", "itsm_incidents", "cfpb"]
MINIMAL = """\
source: desk
dates: {formats: "%d/%m/%Y %H:%M", day_first: true, timezone: Asia/Shanghai}
fields:
  external_id: Number
  registered_at: Received
"""


@pytest.fixture
def load(tmp_path):
    def of(text: str) -> Mapping:
        file = tmp_path / "desk.yaml"
        file.write_text(text, encoding="utf-8")
        return load_mapping(file)

    return of


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_shipped_examples_load(name):
    assert load_mapping(ROOT / "examples" / "mappings" / f"{name}.yaml").source


def test_a_word_is_a_column_and_stays_text_whatever_yaml_makes_of_it(load):
    fields = load(MINIMAL + "  title: 2026\n  severity: {column: Grave, values: {true: major, 2: urgent}}\n").fields
    assert fields.title == Value(column="2026")
    assert fields.severity.values == {"true": "major", "2": "urgent"}


@pytest.mark.parametrize(("text", "terms"), [
    ("", None),
    ("deadlines: policy", None),
    ("deadlines: {}", {}),
    ("deadlines: {handled: {column: Due}, assigned: policy}", {"handled": "Due", "assigned": None}),
])  # fmt: skip
def test_deadlines_are_the_policys_or_named_one_by_one(load, text, terms):
    assert load(MINIMAL + text).deadlines == terms


LOG = "event_log: {at: Changed, state: Status, states: {New: registered}}\n"
ENDED = "events: [{kind: handled, at: Done}]\n"
VERDICT = "verdict: {column: In time, on_time: Y, late: N, since: handled}"


@pytest.mark.parametrize(("text", "says"), [
    (MINIMAL + "colour: red", r"desk.yaml:6 colour: unknown key"),
    (MINIMAL + "  tittle: Subject", r"desk.yaml:6 fields.tittle: unknown key - did you mean title\?"),
    (MINIMAL + "  kind: {constant: servise}", r":6 fields.kind.constant: unknown code .servise. - did you mean"),
    (MINIMAL + "  channel:\n    column: Source\n    values:\n      Hotline: fone",
     r":9 fields.channel.values.Hotline: unknown code 'fone' - did you mean phone"),
    (MINIMAL + "  severity: {column: Grave, default: none}", r":6 fields.severity.default: unknown code 'none'"),
    (MINIMAL + "  title: {default: x}", r":6 fields.title: needs either a column or a constant"),
    (MINIMAL + "  title: {constant: x, default: y}", r":6 fields.title: a constant has no values and no default"),
    (MINIMAL + "events: [{kind: registered, at: Received}]", r":6 events.0.kind: registration is a field"),
    (MINIMAL + "events: [{kind: merged, at: Received}]", r":6 events.0.kind: a date alone does not say its into"),
    (MINIMAL + "events: [{kind: mended, at: Received}]", r":6 events.0.kind: unknown word 'mended'"),
    (MINIMAL + LOG + "events: [{kind: handled, at: Done}]", r":7 events: an event log yields its events itself"),
    (MINIMAL + LOG.replace("registered", "reopened"), r":6 event_log.states.New: 'reopened' is not a stage"),
    (MINIMAL + LOG.replace("}}", "}, waiting: [Neu]}"),
     r":6 event_log.waiting: 'Neu' is not one of the states - did you mean New\?"),
    (MINIMAL + LOG.replace("New: registered}", "Done: handled}, waiting: Done"),
     r":6 event_log.waiting: 'Done' is an end, handled - leave it out"),
    (MINIMAL + VERDICT, r":6 verdict.since: nothing in this mapping is ever handled - name the event that brings it"),
    (MINIMAL + LOG + VERDICT, r":7 verdict.since: nothing in this mapping is ever handled"),
    (MINIMAL + ENDED + VERDICT.replace("handled", "responded"),
     r":7 verdict.since: no verdict falls when a complaint is responded - write handled or closed"),
    (MINIMAL + ENDED + VERDICT.replace("N,", "[N, Y],"), r":7 verdict.late: 'Y' is listed as on time and as late"),
    (MINIMAL + ENDED + VERDICT.replace("N,", "[],"), r":7 verdict.late: is empty - name at least one"),
    (MINIMAL + ENDED + VERDICT.replace("late: N, ", ""), r":7 verdict.late: is missing - add it"),
    (MINIMAL + ENDED + "verdict: In time", r":7 verdict: 'In time' is not a mapping"),
    (MINIMAL + "deadlines: {handled: Due}", r":6 deadlines.handled: is neither `policy` nor a column"),
    (MINIMAL + "deadlines: none", r":6 deadlines: says neither `policy` nor milestones"),
    (MINIMAL + "encoding: klingon", r":6 encoding: unknown encoding 'klingon'"),
    (MINIMAL + "encoding: rot13", r":6 encoding: unknown encoding 'rot13'"),
    (MINIMAL + "delimiter: ';;'", r":6 delimiter: ';;' is not one character"),
    (MINIMAL.replace(", timezone: Asia/Shanghai", ""), r":2 dates: .* carry no time zone - add `timezone:`"),
    (MINIMAL.replace("Asia/Shanghai", "Asia/Shangri-La"), r":2 dates.timezone: unknown time zone 'Asia/Shangri-La'"),
    (MINIMAL.replace(", day_first: true", ""), r":2 dates: %d/%m/%Y %H:%M needs day_first said beside it"),
    (MINIMAL.replace("true", "false"), r":2 dates.day_first: contradicts .*, which has the day first"),
    (MINIMAL.replace("/%Y", ""), r":2 dates.formats: '%d/%m %H:%M' is not a pattern of a whole date"),
    (MINIMAL.replace("%d/%m/%Y", "%x"), r":2 dates.formats: '%x %H:%M' is not a pattern of a whole date"),
    (MINIMAL.replace("  external_id: Number\n", ""), r":3 fields.external_id: is missing - add it"),
    (MINIMAL + "source: desk", r":6 source: is written twice"),
    ("source: [", r"desk.yaml:\d: is not YAML"),
    ("- a list", r"desk.yaml.* holds no keys - write `key: value` lines$"),
])  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_line_and_key(load, text, says):
    with pytest.raises(UsageError, match=says) as caught:
        load(text)
    assert "\n" not in str(caught.value)
    assert "policy.md" not in str(caught.value)


@pytest.mark.parametrize("naming", [
    "  title: Done at", "attributes: [Done at]", "events: [{kind: handled, at: Done at}]",
    "events: [{kind: handled, at: Changed, when: {Done at: yes}}]", "deadlines: {handled: {column: Done at}}",
    f"{ENDED}{VERDICT.replace('In time', 'Done at')}",
    "event_log: {at: Done at, state: Status, states: {New: registered}}", "  customer: {name: Done at}",
])  # fmt: skip
def test_a_column_of_the_future_may_be_read_nowhere(load, naming):
    with pytest.raises(UsageError, match="'Done at' is listed under future"):
        load(f"{MINIMAL}{naming}\nfuture: [Done at]")


def test_formats_with_an_offset_or_the_year_first_need_nothing_more(load):
    assert (
        load(
            MINIMAL.replace(
                '{formats: "%d/%m/%Y %H:%M", day_first: true, timezone: Asia/Shanghai}', '{formats: "%Y-%m-%d %H:%M%z"}'
            )
        ).dates.timezone
        is None
    )


@pytest.mark.parametrize("path", ["absent.yaml", "."])
def test_a_mapping_that_cannot_be_read_is_one_line(tmp_path, path):
    with pytest.raises(UsageError, match="cannot read the mapping"):
        load_mapping(tmp_path / path)


@pytest.mark.parametrize("document", ["mapping.md", "mapping.zh-CN.md"])
def test_the_guide_names_every_key_and_its_snippets_load(load, document):
    text = (ROOT / "docs" / document).read_text(encoding="utf-8").rpartition("\n## ")[0]  # the last part: surveys
    models: list[type[BaseModel]] = [Mapping, Fields, Value, EventColumn, EventLog, Verdict, Attribute]
    keys = {key for model in models for key in model.model_fields}
    assert {key for key in keys if not re.search(rf"\b{key}\b", text)} == set()
    for snippet in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL):
        load(snippet if "source:" in snippet else MINIMAL + snippet)
        assert yaml.safe_load(snippet)
