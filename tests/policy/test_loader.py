"""A policy loads whole or is refused in one line that says where and what to do."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

import pytest

from bihuan.errors import PolicyError
from bihuan.policy.difference import Difference, differences
from bihuan.policy.document import read_document
from bihuan.policy.loader import DEFAULTS, SECTIONS, load_policy, schemas
from schemas.complaint import Severity

HANDLED_URGENT = "urgent: {target: 24h, clock: calendar}     # ours"
LATE = "late_after: 15min"
WARN = 'warn: ["80%"]'
MAJOR = "major: none"
TARGET_OR_NONE = "write it as {target: 24h, clock: calendar}, or none"
WORKING_DAYS = "write working hours: three working days of 8 h are 24h"

WRONG = [
    # file, what is replaced, by what, the message after the file's name
    ("deadline", HANDLED_URGENT, "urgent: {target: 24x, clock: calendar}",
     "milestones.handled.severity.urgent.target: '24x' is not a span - write it as 30min, 24h or 3d"),
    ("deadline", "    until: [handled, closed]", "    untill: [handled, closed]",
     "milestones.handled.untill: unknown key - did you mean until?"),
    ("deadline", "    until: [handled, closed]", "    until: [handld]",
     "milestones.handled.until.0: unknown word 'handld' - did you mean handled?"),
    ("deadline", "    until: [handled, closed]", "    until: handled",
     "milestones.handled.until: 'handled' is not a list - put it in brackets: [one, another]"),
    ("deadline", "    until: [handled, closed]", "    until: []",
     "milestones.handled.until: is empty - name at least one"),
    ("deadline", "    until: [handled, closed]", "    until: [reopened]",
     "milestones.handled.until.0: 'reopened' also starts it - an event starts a milestone or meets it"),
    ("deadline", MAJOR, "major:",
     f"milestones.assigned.severity.major: nothing is not a target - {TARGET_OR_NONE}"),
    ("deadline", MAJOR, "major: 2h",
     f"milestones.assigned.severity.major: '2h' is not a target - {TARGET_OR_NONE}"),
    ("deadline", MAJOR, "minor: none", "milestones.assigned.severity.minor: unknown key - did you mean major?"),
    ("deadline", MAJOR, "major: {target: 3d, clock: business}",
     f"milestones.assigned.severity.major.target: '3d' has no fixed length on the business clock - {WORKING_DAYS}"),
    ("deadline", MAJOR, "major: {target: 3, clock: calendar}",
     "milestones.assigned.severity.major.target: 3 is not a span - write it as 30min, 24h or 3d"),
    ("deadline", MAJOR, "major: {target: 0h, clock: calendar}",
     "milestones.assigned.severity.major.target: '0h' has no length - write it as 30min, 24h or 3d"),
    ("deadline", MAJOR, "major: {target: 3h, clock: calender}",
     "milestones.assigned.severity.major.clock: unknown word 'calender' - did you mean calendar?"),
    ("deadline", MAJOR, "major: {target: 3h}", "milestones.assigned.severity.major.clock: is missing - add it"),
    ("deadline", WARN, "warn: [80]", "warn.0: 80 is not a percentage - write it as 80%"),
    ("deadline", WARN, "warn: [100%]",
     "warn.0: '100%' is no warning before the deadline - write it between 1% and 99%"),
    ("deadline", WARN, "warn: [180%]", "warn.0: '180%' is more than the whole - write 100% or less"),
    ("deadline", "  handled:  #", "  Handled:  #",
     "milestones.Handled: 'Handled' is not a name - use small letters, digits and _, at most 40"),
    ("deadline", "  handled:  #", "  assigned:  #",
     "milestones.assigned: is written twice, first on line 32 - keep one of them"),
    ("deadline", LATE, "late_after: !soon 15min", "late_after: the tag !soon is not read in a policy - leave it out"),
    ("deadline", LATE, "late_after: &a 15min\nwarn_after: *a",
     "warn_after: an alias is not read in a policy - write the value out"),
    ("deadline", LATE, "? [late, after]\n: 15min", "a key is not a word - write `key: value`"),
    ("calendar", "country: CN", "country: XX", "calendars.china.country: unknown word 'XX' - write one of CN"),
    ("calendar", "timezone: Asia/Shanghai", "timezone: Asia/Shanghi",
     "calendars.china.timezone: unknown time zone 'Asia/Shanghi' - use an IANA name such as Asia/Shanghai"),
    ("calendar", "official_years: [2024", "official_years: [year",
     "calendars.china.official_years.0: 'year' is not a whole number - write it without quotes or a fraction"),
    ("routing", "special_group: special_group", "special_group: special_grop",
     "special_group: unknown department 'special_grop' - did you mean special_group?"),
    ("routing", "  product: product", "  produkt: product",
     "department_of.produkt: unknown word 'produkt' - did you mean product?"),
    ("routing", "  front_desk: {", "  404: {", "departments.404: 404 is not text - put it in quotes"),
    ("kpi", "milestone: handled", "milestone: handeld",
     "indicators.on_time_handled.milestone: unknown milestone 'handeld' - did you mean handled?"),
    ("kpi", "milestone: handled", "counts: source_verdickt",
     "indicators.on_time_handled.counts: unknown word 'source_verdickt' - did you mean source_verdict?"),
    ("kpi", "counts: nps", "counts: mps", "indicators.nps.counts: unknown word 'mps' - did you mean nps?"),
    ("kpi", "target: 30\n", "target: 30%\n",
     "indicators.nps.target: '30%' is no target of nps - write a number from -100 to 100"),
    ("kpi", "target: 4\n", "target: 5.5\n",
     "indicators.csat_mean.target: 5.5 is no target of csat_mean - write a number from 1 to 5"),
    ("kpi", "    counts: csat_mean\n", "    counts: csat_mean\n    reasons: [why]\n",
     "indicators.csat_mean.reasons: only the net promoter score has reasons - leave it out"),
    ("kpi", "milestone: handled", "milestone: handled\n    counts: source_verdict",
     "indicators.on_time_handled.counts: counts two things - keep `milestone` or `counts`"),
    ("kpi", "    milestone: handled\n", "",
     "indicators.on_time_handled: says nothing that it counts - add `milestone: handled` or `counts: source_verdict`"),
    ("kpi", "target: 98%", "target: 0.98",
     "indicators.on_time_assigned.target: 0.98 is not a percentage - write it as 80%"),
    ("kpi", "min_n: 30", "min_n: 0",
     "indicators.on_time_assigned.min_n: 0 should be greater than or equal to 1 - see docs/policy.md"),
]  # fmt: skip


def _replaced(folder: Path, section: str, old: str, new: str) -> Path:
    text = (DEFAULTS / f"{section}.yaml").read_text(encoding="utf-8")
    assert old in text
    file = folder / f"{section}.yaml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return file


@pytest.mark.parametrize(("section", "old", "new", "message"), WRONG, ids=lambda value: str(value)[:40])
def test_a_slip_is_named_by_file_line_and_key(tmp_path, section, old, new, message):
    file = _replaced(tmp_path, section, old, new)
    key = message.partition(": ")[0].rpartition(".")[2].strip()
    with pytest.raises(PolicyError) as caught:
        load_policy(tmp_path)
    said = str(caught.value)
    assert said.startswith(f"{file}:")
    place, _, rest = said.removeprefix(f"{file}:").partition(" ")
    assert (rest, said.count("\n")) == (message, 0)
    line = file.read_text(encoding="utf-8").splitlines()[int(place.rstrip(":")) - 1]
    assert key in line or new.splitlines()[0] in line


def test_of_several_slips_the_first_line_is_named(tmp_path):
    file = _replaced(tmp_path, "deadline", HANDLED_URGENT, "urgent: {target: 24x, clock: calendar}")
    file.write_text(file.read_text(encoding="utf-8").replace(LATE, "late_after: soon"), encoding="utf-8")
    lines = file.read_text(encoding="utf-8").splitlines()
    line = next(number for number, text in enumerate(lines, start=1) if text.startswith("late_after: soon"))
    with pytest.raises(PolicyError, match=rf"deadline.yaml:{line} late_after: 'soon' is not a span"):
        load_policy(tmp_path)


def test_a_file_replaces_the_shipped_one_as_a_whole_and_the_others_stay(tmp_path, policy):
    _replaced(tmp_path, "deadline", HANDLED_URGENT, "urgent: {target: 12h, clock: calendar}")
    own = load_policy(tmp_path)
    assert own.deadline.milestones["handled"].target(Severity.URGENT).seconds == 12 * 3600
    assert own.routing == policy.routing


def test_an_empty_directory_is_the_shipped_policy(tmp_path, policy):
    assert load_policy(tmp_path).version == policy.version


def test_an_edit_counts_from_the_next_load_on(tmp_path):
    _replaced(tmp_path, "deadline", LATE, "late_after: 20min")
    before = load_policy(tmp_path)
    _replaced(tmp_path, "deadline", LATE, "late_after: 25min")
    assert load_policy(tmp_path).deadline.late_after > before.deadline.late_after


def test_hidden_files_are_passed_over(tmp_path, policy):
    (tmp_path / ".gitkeep").touch()
    assert load_policy(tmp_path).version == policy.version


@pytest.mark.parametrize(
    ("name", "cure"),
    [("deadlines.yaml", "did you mean deadline.yaml?"), ("kpi.yml", "did you mean kpi.yaml?"),
     ("notes.txt", f"write one of {', '.join(f'{section}.yaml' for section in SECTIONS)}")],
)  # fmt: skip
def test_a_file_of_another_name_is_refused(tmp_path, name, cure):
    (tmp_path / name).touch()
    with pytest.raises(PolicyError) as caught:
        load_policy(tmp_path)
    assert str(caught.value) == f"{tmp_path / name}: is not a policy file - {cure}"


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", ":1: holds no keys"),
        (b"# nothing yet\n", ":1: holds no keys"),
        (b"- a\n- b\n", ":1: holds no keys"),
        (b"warn: ['80%'\nlate_after: 15min\n", ":2: is not YAML: did not find expected ',' or ']'"),
        (b"warn: 1\n---\nwarn: 2\n", ":2: is not YAML"),
        ("名称: 投诉".encode("gbk"), ": is not UTF-8 text - save it as UTF-8"),
        (b"\x00\x01\x02", ": is not YAML a policy could hold"),
        (b"warn: " + b"[" * 900 + b"]" * 900, ":1: nests more than 50 deep"),
        (b"<<: {}", ":1 <<: unknown key"),
    ],
)
def test_a_file_that_is_no_policy_gives_one_line(tmp_path, raw, message):
    (tmp_path / "deadline.yaml").write_bytes(raw)
    with pytest.raises(PolicyError) as caught:
        load_policy(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'deadline.yaml'}{message}")
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_gives_one_line(tmp_path):
    (tmp_path / "kpi.yaml").mkdir()
    with pytest.raises(PolicyError, match=r"kpi\.yaml: cannot be read: Is a directory - make it readable"):
        load_policy(tmp_path)


@pytest.mark.parametrize("name", ["absent", "file"])
def test_a_directory_that_is_none_gives_one_line(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(PolicyError, match=r"cannot be read: (No such file or|Not a) directory - name a directory"):
        load_policy(tmp_path / name)


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path, policy):
    raw = (DEFAULTS / "kpi.yaml").read_bytes()
    (tmp_path / "kpi.yaml").write_bytes(b"\xef\xbb\xbf" + raw)
    assert load_policy(tmp_path).kpi == policy.kpi


def test_times_dates_and_yes_stay_the_words_they_are():
    document = read_document("any.yaml", b"open: [12:30, 09:30-18:00]\n2026-10-01: yes\nn: 8\ndraft: true\nrest: ~\n")
    assert document.content == {
        "open": ["12:30", "09:30-18:00"], "2026-10-01": "yes", "n": 8, "draft": True, "rest": None,
    }  # fmt: skip


def test_the_version_follows_the_meaning_and_not_the_writing(tmp_path, policy):
    for section in SECTIONS:
        text = (DEFAULTS / f"{section}.yaml").read_text(encoding="utf-8")
        (tmp_path / f"{section}.yaml").write_text(f"# a word more\n{text}".replace("48h", "2d"), encoding="utf-8")
    assert load_policy(tmp_path).version == policy.version


def test_the_version_changes_with_one_cell_and_only_in_its_section(tmp_path, policy):
    _replaced(tmp_path, "deadline", HANDLED_URGENT, "urgent: {target: 25h, clock: calendar}")
    own = load_policy(tmp_path)
    assert own.version != policy.version
    assert {name for name in SECTIONS if own.versions[name] != policy.versions[name]} == {"deadline"}


def test_versions_are_sixteen_hexadecimal_digits(policy):
    for version in (policy.version, *policy.versions.values(), policy.deadline.version):
        assert (len(version), int(version, 16) >= 0) == (16, True)


def test_a_difference_names_the_key_and_both_values(tmp_path, policy):
    _replaced(tmp_path, "deadline", HANDLED_URGENT, "urgent: {target: 12h, clock: calendar}")
    (tmp_path / "routing.yaml").write_text(
        (DEFAULTS / "routing.yaml").read_text(encoding="utf-8").replace("  process: process\n", ""), encoding="utf-8"
    )
    assert differences(policy, load_policy(tmp_path)) == [
        Difference("deadline.milestones.handled.severity.urgent.target", "24h", "12h"),
        Difference("routing.department_of.process", "process", None),
    ]


def test_a_milestone_given_up_takes_no_other_file_with_it(tmp_path):
    text = (DEFAULTS / "deadline.yaml").read_text(encoding="utf-8")
    start, end = text.index("  satisfaction_follow_up:"), text.index("  negative_taken_on:")
    (tmp_path / "deadline.yaml").write_text(text[:start] + text[end:], encoding="utf-8")
    assert "satisfaction_follow_up" not in load_policy(tmp_path).deadline.milestones


@pytest.mark.parametrize("section", SECTIONS)
def test_the_shipped_file_fits_its_own_schema(section):
    jsonschema = pytest.importorskip("jsonschema", reason="comes with Prefect; without it nothing can judge a schema")
    document = read_document("shipped", (DEFAULTS / f"{section}.yaml").read_bytes())
    assert list(jsonschema.Draft202012Validator(schemas()[section]).iter_errors(document.content)) == []


def test_a_second_load_costs_next_to_nothing(policy):
    started = perf_counter()
    for _ in range(10):
        load_policy(None)
    assert perf_counter() - started < 0.5
