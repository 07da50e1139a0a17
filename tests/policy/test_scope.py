"""Scopes: for whom a line of the policy holds, which of several wins, and what is refused because nobody could tell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bihuan.errors import PolicyError
from bihuan.policy.deadline import DeadlinePolicy
from bihuan.policy.loader import DEFAULTS, load_policy
from bihuan.policy.scope import DIMENSIONS, Facts, When, by_specificity
from schemas.complaint import Channel, Kind

PREMIUM_PHONE = Facts(tier="premium", channel=Channel.PHONE, severity="general")
TARGET = "milestones: {handled: {severity: {general: {target: 24h, clock: calendar}}}}"


def scoped(folder: Path, *scopes: str, section: str = "deadline") -> Path:
    """The shipped file with these scopes at its end."""
    text = (DEFAULTS / f"{section}.yaml").read_text(encoding="utf-8")
    lines = "".join(f"  {scope}\n" for scope in scopes)
    (folder / f"{section}.yaml").write_text(f"{text}\nscopes:\n{lines}", encoding="utf-8")
    return folder


@pytest.fixture
def reads(tmp_path: Path) -> Callable[..., DeadlinePolicy]:
    """The deadlines with these scopes."""
    return lambda *scopes: load_policy(scoped(tmp_path, *scopes)).deadline


@pytest.fixture
def refusal(tmp_path: Path) -> Callable[..., str]:
    """What is said of these scopes, after the folder."""

    def said(*scopes: str, section: str = "deadline") -> str:
        with pytest.raises(PolicyError) as refused:
            load_policy(scoped(tmp_path, *scopes, section=section))
        assert str(refused.value).count("\n") == 0
        return str(refused.value).removeprefix(f"{tmp_path}/")

    return said


def last_line(section: str = "deadline") -> int:
    """The line on which the first of the scopes stands."""
    return (DEFAULTS / f"{section}.yaml").read_text(encoding="utf-8").count("\n") + 3


# --- for whom ---


@pytest.mark.parametrize(
    ("when", "facts", "holds"),
    [
        ({"tier": ["premium"]}, PREMIUM_PHONE, True),
        ({"tier": ["basic", "premium"]}, PREMIUM_PHONE, True),
        ({"tier": ["basic"]}, PREMIUM_PHONE, False),
        ({"tier": ["premium"], "channel": ["phone"]}, PREMIUM_PHONE, True),
        ({"tier": ["premium"], "channel": ["email"]}, PREMIUM_PHONE, False),
        ({"region": ["华东"]}, PREMIUM_PHONE, False),
        ({"region": ["华东"]}, Facts(region="华东"), True),
        ({"business_line": ["cards"]}, Facts(business_line="Cards"), False),
        ({"kind": ["product"], "severity": ["major"]}, Facts(kind=Kind.PRODUCT, severity="major"), True),
        ({"department": ["service"]}, Facts(), False),
    ],
)
def test_a_scope_holds_where_every_dimension_it_names_has_one_of_its_words(when, facts, holds):
    assert When.model_validate(when).holds(facts) is holds


def test_every_fact_can_be_named():
    assert set(When.model_fields) == set(DIMENSIONS)


# --- which wins ---


def test_the_scope_that_names_the_most_wins_wherever_it_stands(reads):
    broad = (
        "broad: {when: {tier: [premium]}, milestones: {handled: {severity: {general: {target: 30h, clock: calendar}}}}}"
    )
    narrow = f"narrow: {{when: {{tier: [premium], channel: [phone]}}, {TARGET}}}"
    for scopes in ((broad, narrow), (narrow, broad)):
        deadline = reads(*scopes)
        cells = [
            deadline.terms(facts).milestones["handled"] for facts in (PREMIUM_PHONE, Facts(tier="premium"), Facts())
        ]
        assert [cell.target.seconds / 3600 for cell in cells] == [24, 30, 48]
        assert [cell.said_at[1] for cell in cells] == ["narrow", "broad", "handled"]


def test_what_the_winner_does_not_say_the_next_one_does(reads):
    deadline = reads(
        "broad: {when: {tier: [premium]}, warn: ['50%'], milestones: {handled: {pauses: false}}}",
        f"narrow: {{when: {{tier: [premium], channel: [phone]}}, {TARGET}}}",
    )
    terms = deadline.terms(PREMIUM_PHONE)
    assert (terms.warn, terms.milestones["handled"].is_paused) == ((0.5,), False)
    assert terms.milestones["handled"].target.seconds == 24 * 3600
    assert deadline.terms(Facts()).warn == (0.8,)


def test_a_scope_can_take_a_deadline_away_for_its_complaints_only(reads):
    deadline = reads("quiet: {when: {channel: [email]}, milestones: {first_response: {severity: {general: none}}}}")
    assert deadline.terms(Facts(channel="email")).milestones["first_response"].target is None
    assert deadline.terms(Facts(channel="phone")).milestones["first_response"].target is not None
    assert deadline.terms(Facts(channel="email", severity="urgent")).milestones["first_response"].target is not None


def test_of_scopes_that_hold_the_most_specific_comes_first():
    class Line:
        def __init__(self, **when: list[str]) -> None:
            self.when = When.model_validate(when)

    lines = {"one": Line(tier=["premium"]), "two": Line(tier=["premium"], channel=["phone"]), "none": Line(tier=["x"])}
    assert [name for name, _ in by_specificity(lines, PREMIUM_PHONE)] == ["two", "one"]


def test_what_a_scope_leaves_out_does_not_make_another_version(reads):
    short = reads(f"a: {{when: {{tier: [premium]}}, {TARGET}}}").version
    assert reads(f"a: {{{TARGET}, when: {{region: [], tier: [premium]}}}}").version == short
    assert reads(f"a: {{when: {{tier: [basic]}}, {TARGET}}}").version != short


# --- what is refused ---


def test_two_as_specific_that_say_the_same_cell_are_refused_with_both_names(refusal):
    said = refusal(
        f"premium: {{when: {{tier: [premium]}}, {TARGET}}}", f"phone: {{when: {{channel: [phone]}}, {TARGET}}}"
    )
    assert said == (
        f"deadline.yaml:{last_line() + 1} scopes.phone.when: holds for the same complaints as 'premium', as specific, "
        "and both say milestones.handled.severity.general - "
        "let one of them name a dimension more, or keep their words apart"
    )


@pytest.mark.parametrize(
    "other",
    [
        f"b: {{when: {{tier: [basic]}}, {TARGET}}}",
        f"b: {{when: {{tier: [premium], channel: [phone]}}, {TARGET}}}",
        "b: {when: {channel: [phone]}, milestones: {handled: {pauses: false}}}",
        "b: {when: {channel: [phone]}, milestones: {handled: {severity: {urgent: none}}}}",
        "b: {when: {channel: [phone]}, warn: ['50%']}",
    ],
    ids=["other words", "more specific", "another key", "another severity", "warnings"],
)
def test_what_cannot_contradict_stands_side_by_side(reads, other):
    assert set(reads(f"a: {{when: {{tier: [premium]}}, {TARGET}}}", other).scopes) == {"a", "b"}


def test_two_calendars_for_the_same_complaints_are_refused(refusal):
    scopes = ("a: {when: {region: [华东]}, calendar: china}", "b: {when: {department: [service]}, calendar: china}")
    said = refusal(*scopes, section="calendar")
    assert said.startswith(
        f"calendar.yaml:{last_line('calendar') + 1} scopes.b.when: holds for the same complaints as 'a'"
    )


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        (f"a: {{when: {{}}, {TARGET}}}", "scopes.a.when: names no dimension - write at least one of business_line"),
        (f"a: {{{TARGET}}}", "scopes.a.when: is missing - add it"),
        ("a: {when: {teir: [premium]}}", "scopes.a.when.teir: unknown key - did you mean tier?"),
        ("a: {when: {channel: [telephone]}}", "scopes.a.when.channel.0: unknown word 'telephone' - "),
        ("a: {when: {severity: [grave]}}", "scopes.a.when.severity.0: unknown word 'grave' - "),
        ("a: {when: {tier: premium}}", "scopes.a.when.tier: 'premium' is not a list - put it in brackets"),
        ("a: {when: {tier: ['']}}", "scopes.a.when.tier.0: is empty - write a text"),
        ("a: {when: {tier: [x]}, milestones: {handeld: {pauses: false}}}",
         "scopes.a.milestones.handeld: unknown milestone - did you mean handled?"),
        ("a: {when: {tier: [x]}, milestones: {handled: {severity: {grave: none}}}}",
         "scopes.a.milestones.handled.severity.grave: unknown word 'grave' - "),
        ("a: {when: {tier: [x]}, milestones: {handled: {severity: {general: 24h}}}}",
         "scopes.a.milestones.handled.severity.general: '24h' is not a target - write it as {target: 24h, clock:"),
        ("a: {when: {tier: [x]}, pause: {who: [anybody]}}", "scopes.a.pause.who.0: unknown word 'anybody' - "),
        ("A: {when: {tier: [x]}}", "scopes.A: 'A' is not a name - use small letters"),
    ],
)  # fmt: skip
def test_a_slip_in_a_scope_is_named_by_file_line_and_key(refusal, scope, said):
    assert refusal(scope).startswith(f"deadline.yaml:{last_line()} {said}")


def test_a_scope_of_a_calendar_that_is_not_there_is_refused(refusal):
    said = refusal("a: {when: {region: [华东]}, calendar: chian}", section="calendar")
    assert said == (
        f"calendar.yaml:{last_line('calendar')} scopes.a.calendar: unknown calendar 'chian' - did you mean china?"
    )


def test_the_budget_of_pauses_is_read_and_dumped_as_written(reads):
    deadline = reads("a: {when: {tier: [x]}, pause: {longest: 10d, at_most: 3, who: [handler]}}")
    again = DeadlinePolicy.model_validate(deadline.model_dump(mode="json", by_alias=True))
    assert again.scopes == deadline.scopes
    assert again.version == deadline.version
