"""Ladders as data: what the shipped ones say, which one counts for what, and what is refused in one line."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bihuan.errors import PolicyError
from bihuan.policy.escalation import EscalationPolicy
from bihuan.policy.loader import DEFAULTS, load_policy
from bihuan.policy.scope import Facts
from schemas.complaint import Severity
from schemas.deadline import Mode

BUSINESS, CALENDAR = Mode.BUSINESS, Mode.CALENDAR
H, MIN, D = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)

LADDERS = {
    # name: breaks quiet; rungs as (tell, wait, clock, can wait); acknowledgement; repeat (from, every, clock, at most)
    "general": (False, [("handler", None, BUSINESS, False), ("department_head", 2 * H, BUSINESS, False),
                        ("executive", 4 * H, BUSINESS, True)], (8 * H, BUSINESS), (2, 8 * H, BUSINESS, 2)),
    "urgent": (False, [("handler duty", None, BUSINESS, False), ("department_head", 30 * MIN, CALENDAR, False),
                       ("executive", 2 * H, CALENDAR, False)], (4 * H, CALENDAR), (2, 4 * H, CALENDAR, 3)),
    "major": (True, [("handler special_group duty", None, BUSINESS, False),
                     ("department_head", 15 * MIN, CALENDAR, False), ("executive", 30 * MIN, CALENDAR, False)],
              (2 * H, CALENDAR), (1, 2 * H, CALENDAR, 6)),
    "oversight": (True, [("executive", None, BUSINESS, False)], None, (1, 24 * H, CALENDAR, 30)),
    "improvement": (False, [("handler", None, BUSINESS, False), ("department_head", 3 * D, CALENDAR, False),
                            ("executive", 7 * D, CALENDAR, True)], None, (1, 7 * D, CALENDAR, 8)),
}  # fmt: skip

SCOPES = """
milestones: {satisfaction_follow_up: none, handled: urgent}
scopes:
  premium: {when: {tier: [premium]}, severity: {general: urgent}, milestones: {result_feedback: major}}
  premium_phone: {when: {tier: [premium], channel: [phone]}, severity: {general: none}}
"""

EXECUTIVE = "{tell: [executive], wait: 4h, can_wait: true}"
REPEAT = "repeat: {from: 2, every: 8h, at_most: 2}"
SEVERITY = "severity: {general: general, urgent: urgent, major: major}"
TIED = """
  a: {when: {tier: [x]}, severity: {major: none}}
  b: {when: {channel: [phone]}, severity: {major: urgent}}"""
WORKING = "write working hours: three working days of 8 h are 24h"
FIRST = "is not for the first rung - leave it out: the first rung is told at once"
A_TIME = 'write it as "22:00"'

WRONG = [
    # what is replaced, by what, how the message after file and line begins
    ("[department_head], wait: 2h", "[departmenthead], wait: 2h",
     "ladders.general.rungs.1.tell.0: 'departmenthead' is nobody a rung can tell - did you mean department_head?"),
    ("tell: [handler]}", "tell: ['duty:']}",
     "ladders.general.rungs.0.tell.0: 'duty:' is nobody a rung can tell - did you mean duty?"),
    ("tell: [handler]}", "tell: [handler, staff]}",
     "ladders.general.rungs.0.tell.1: 'staff' is nobody a rung can tell"),
    ("tell: [handler]}", "tell: []}", "ladders.general.rungs.0.tell: is empty - name at least one"),
    ("tell: [handler]}", "tell: handler}",
     "ladders.general.rungs.0.tell: 'handler' is not a list - put it in brackets"),
    ("tell: [handler]}", "tell: [handler], wait: 5min}", f"ladders.general.rungs.0.wait: {FIRST}"),
    ("tell: [handler]}", 'tell: [handler], hours: ["09:00", "18:00"]}', f"ladders.general.rungs.0.hours: {FIRST}"),
    ("tell: [handler]}", "tell: [handler], weekdays: [mon]}", f"ladders.general.rungs.0.weekdays: {FIRST}"),
    (EXECUTIVE, "{tell: [executive], can_wait: true}",
     "ladders.general.rungs.2: has no wait - write how much silence it waits for: `wait: 2h`"),
    (EXECUTIVE, "{tell: [executive], wait: 1d}",
     f"ladders.general.rungs.2.wait: '1d' has no fixed length on the business clock - {WORKING}"),
    (EXECUTIVE, "{tell: [executive], wait: 1 d, clock: business}",
     f"ladders.general.rungs.2.wait: '1 d' has no fixed length on the business clock - {WORKING}"),
    (EXECUTIVE, "{tell: [executive], wait: 0min}", "ladders.general.rungs.2.wait: '0min' has no length"),
    (EXECUTIVE, "{tell: [executive], wait: 4h, clock: busines}",
     "ladders.general.rungs.2.clock: unknown word 'busines' - did you mean business?"),
    (EXECUTIVE, '{tell: [executive], wait: 4h, hours: ["09:00", "09:00"]}',
     'ladders.general.rungs.2.hours: begins when it ends - write two times of day: ["09:00", "18:00"]'),
    (EXECUTIVE, '{tell: [executive], wait: 4h, hours: ["9:00", "18:00"]}',
     f"ladders.general.rungs.2.hours.0: '9:00' is not a time of day - {A_TIME}"),
    (EXECUTIVE, '{tell: [executive], wait: 4h, hours: ["09:00", "24:00"]}',
     f"ladders.general.rungs.2.hours.1: '24:00' is not a time of day - {A_TIME}"),
    (EXECUTIVE, "{tell: [executive], wait: 4h, weekdays: [monday]}",
     "ladders.general.rungs.2.weekdays.0: unknown word 'monday' - did you mean mon?"),
    (EXECUTIVE, "{tell: [executive], wait: 4h, can_wait: 'yes'}", "ladders.general.rungs.2.can_wait: 'yes' should be"),
    (EXECUTIVE, "{tell: [executive], wait: 4h, channels: [SMS]}",
     "ladders.general.rungs.2.channels.0: 'SMS' is not a name - use small letters"),
    (EXECUTIVE, "{tell: [executive], wait: 4h, channels: [the_pager_in_the_cellar]}",
     "ladders.general.rungs.2.channels.0: 'the_pager_in_the_cellar' is no channel - use at most 20 characters"),
    (REPEAT, "repeat: {from: 4, every: 8h, at_most: 2}",
     "ladders.general.repeat.from: starts again from rung 4 of 3 - write a number from 1 to 3"),
    (REPEAT, "repeat: {from: 0, every: 8h, at_most: 2}", "ladders.general.repeat.from: 0 should be"),
    (REPEAT, "repeat: {from: 2, every: 2d, at_most: 2}",
     f"ladders.general.repeat.every: '2d' has no fixed length on the business clock - {WORKING}"),
    (REPEAT, "repeat: {from: 2, every: 8h}", "ladders.general.repeat.at_most: is missing - add it"),
    (REPEAT, "repeat: {from: 2, every: 8h, at_most: 51}", "ladders.general.repeat.at_most: 51 should be"),
    ("acknowledgement: {holds: 8h}", "acknowledgement: {holds: 1d}",
     f"ladders.general.acknowledgement.holds: '1d' has no fixed length on the business clock - {WORKING}"),
    (SEVERITY, "severity: {general: general, urgent: urgent, major: mayor}",
     "severity.major: unknown ladder 'mayor' - did you mean major?"),
    (SEVERITY, "severity: {general: general, urgent: urgent}",
     "severity: says nothing of major - write `major: none` where nobody further is told"),
    (SEVERITY, "severity: {general: general, urgent: urgent, major: }",
     "severity.major: nothing is not a ladder - write the name of one, or none"),
    (SEVERITY, f"{SEVERITY}\nmilestones: {{handeld: none}}",
     "milestones.handeld: unknown milestone 'handeld' - did you mean handled?"),
    (SEVERITY, f"{SEVERITY}\nmilestones: {{handled: urgnt}}",
     "milestones.handled: unknown ladder 'urgnt' - did you mean urgent?"),
    (SEVERITY, f"{SEVERITY}\nscopes: {{a: {{when: {{tier: [x]}}, severity: {{general: urgnt}}}}}}",
     "scopes.a.severity.general: unknown ladder 'urgnt' - did you mean urgent?"),
    (SEVERITY, f"{SEVERITY}\nscopes: {{a: {{when: {{tier: [x]}}, milestones: {{handled: urgnt}}}}}}",
     "scopes.a.milestones.handled: unknown ladder 'urgnt' - did you mean urgent?"),
    (SEVERITY, f"{SEVERITY}\nscopes: {{a: {{when: {{tier: [x]}}, milestones: {{handeld: none}}}}}}",
     "scopes.a.milestones.handeld: unknown milestone 'handeld' - did you mean handled?"),
    (SEVERITY, f"{SEVERITY}\nscopes:{TIED}",
     "scopes.b.when: holds for the same complaints as 'a', as specific, and both say severity.major - let one"),
    ("oversight: {severity: [major], ladder: oversight}", "oversight: {severity: [major], ladder: none}",
     "oversight.ladder: unknown ladder 'none' - write one of general, urgent, major, oversight"),
    ("oversight: {severity: [major], ladder: oversight}", "oversight: {severity: [], ladder: oversight}",
     "oversight.severity: is empty - name at least one"),
    ('quiet: {from: "22:00", until: "08:00"}', 'quiet: {from: "22", until: "08:00"}',
     f"reminders.quiet.from: '22' is not a time of day - {A_TIME}"),
    ("bundle_within: 5min", "bundle: 5min", "reminders.bundle: unknown key - did you mean bundle_within?"),
    ("link_expires: 14d", "link_expires: forever", "reminders.link_expires: 'forever' is not a span"),
]  # fmt: skip


def own(folder: Path, old: str = "", new: str = "", *, after: str = "") -> Path:
    """A policy directory with the shipped ladders, one place of them replaced, and more lines at their end."""
    text = (DEFAULTS / "escalation.yaml").read_text(encoding="utf-8")
    assert old in text
    (folder / "escalation.yaml").write_text(text.replace(old, new, 1) + after, encoding="utf-8")
    return folder


@pytest.fixture
def scoped(tmp_path: Path) -> EscalationPolicy:
    return load_policy(own(tmp_path, after=SCOPES)).escalation


# --- what is shipped ---


@pytest.mark.parametrize("name", LADDERS)
def test_each_shipped_ladder_says_what_its_comments_say(policy, name):
    ladder = policy.escalation.ladders[name]
    breaks_quiet, rungs, holds, repeat = LADDERS[name]
    assert ladder.breaks_quiet is breaks_quiet
    assert [(" ".join(one.tell), one.wait, one.clock, one.can_wait) for one in ladder.rungs] == rungs
    assert (ladder.acknowledgement and (ladder.acknowledgement.holds, ladder.acknowledgement.clock)) == holds
    again = ladder.repeat
    assert (again.start, again.every, again.clock, again.at_most) == repeat


def test_no_other_ladder_is_shipped(policy):
    assert policy.escalation.ladders.keys() == LADDERS.keys()


def test_every_severity_has_the_ladder_of_its_name_and_major_is_watched(policy):
    said = policy.escalation
    assert said.severity == {one: one.value for one in Severity}
    assert (said.oversight.severity, said.oversight.ladder) == ((Severity.MAJOR,), "oversight")


def test_staff_are_let_be_from_ten_to_eight(policy):
    reminders = policy.escalation.reminders
    assert (reminders.quiet.start, reminders.quiet.end) == ("22:00", "08:00")
    assert (reminders.digest.at, reminders.digest.before_due, reminders.bundle_within) == ("08:30", 4 * H, 5 * MIN)


# --- which ladder ---


@pytest.mark.parametrize(
    ("facts", "milestone", "ladder", "said_by"),
    [
        (Facts(severity="general"), "first_response", "general", "severity.general"),
        (Facts(), "first_response", "general", "severity.general"),
        (Facts(severity="major"), "first_response", "major", "severity.major"),
        (Facts(severity="major"), "handled", "urgent", "milestones.handled"),
        (Facts(severity="major"), "satisfaction_follow_up", None, "milestones.satisfaction_follow_up"),
        (Facts(severity="general", tier="premium"), "first_response", "urgent", "scopes.premium.severity.general"),
        (Facts(severity="major", tier="premium"), "first_response", "major", "severity.major"),
        (Facts(severity="general", tier="premium"), "handled", "urgent", "scopes.premium.severity.general"),
        (Facts(severity="major", tier="premium"), "handled", "urgent", "milestones.handled"),
        (Facts(severity="general", tier="premium"), "result_feedback", "major",
         "scopes.premium.milestones.result_feedback"),
        (Facts(severity="general", tier="premium", channel="phone"), "first_response", None,
         "scopes.premium_phone.severity.general"),
        (Facts(severity="urgent", tier="premium", channel="phone"), "result_feedback", "major",
         "scopes.premium.milestones.result_feedback"),
    ],
)  # fmt: skip
def test_the_narrowest_scope_wins_and_in_one_place_the_milestone_does(scoped, facts, milestone, ladder, said_by):
    name, at = scoped.ladder_for(facts, milestone)
    assert (name, ".".join(at)) == (ladder, said_by)
    assert scoped.ladder_for(facts, milestone) == (name, at), "the answer is kept"


def test_what_is_written_reads_back_the_same(scoped):
    again = EscalationPolicy.model_validate(scoped.model_dump(mode="json", by_alias=True))
    assert again == scoped
    assert again.version == scoped.version


def test_naming_people_rotas_and_departments_is_allowed(tmp_path):
    told = "tell: ['duty:night', 'staff:anna.li', 'department:客服部', department, liaison, quality_manager, operator]}"
    rung = load_policy(own(tmp_path, "tell: [handler]}", told)).escalation.ladders["general"].rungs[0]
    assert rung.tell[:3] == ("duty:night", "staff:anna.li", "department:客服部")


def test_times_of_day_need_no_quotes(tmp_path):
    rung = load_policy(own(tmp_path, EXECUTIVE, "{tell: [executive], wait: 4h, hours: [09:00, 18:00]}"))
    assert rung.escalation.ladders["general"].rungs[2].hours == ("09:00", "18:00")


def test_days_are_allowed_on_the_calendar_clock(tmp_path):
    rung = load_policy(own(tmp_path, EXECUTIVE, "{tell: [executive], wait: 2d, clock: calendar}"))
    assert rung.escalation.ladders["general"].rungs[2].wait == 48 * H


# --- what is refused ---


@pytest.mark.parametrize(("old", "new", "message"), WRONG, ids=[one[1][:50] for one in WRONG])
def test_a_slip_is_named_by_file_line_and_key(tmp_path, old, new, message):
    with pytest.raises(PolicyError) as caught:
        load_policy(own(tmp_path, old, new))
    said = str(caught.value)
    place, _, rest = said.removeprefix(f"{tmp_path}/escalation.yaml:").partition(" ")
    assert rest.startswith(message), said
    assert said.count("\n") == 0
    lines = (tmp_path / "escalation.yaml").read_text(encoding="utf-8").splitlines()
    wrong = new.splitlines()[-1].strip()
    assert wrong in lines[int(place.rstrip(":")) - 1]
