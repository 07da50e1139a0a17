"""Questionnaires as data: what the shipped ones say, what a new question takes, and what is refused in one line."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bihuan.errors import PolicyError
from bihuan.policy.loader import DEFAULTS, load_policy
from bihuan.policy.survey import SurveyPolicy
from schemas.complaint import ComplaintState

H, D = timedelta(hours=1), timedelta(days=1)
SOLVED = "      - name: solved\n"
OPEN = "        when: {solved: no}\n"
LOW = "        when: {csat: [1, 2]}\n"
SPEED = "        weight: 25%   # ours\n"
RESULT = "  result_feedback:\n    questionnaire: result\n"
WINDOW = 'window: ["09:00", "20:00"]'

WRONG = [
    # what is replaced, by what, how the message after file and line begins
    (OPEN, "        when: {sovled: no}\n",
     "questionnaires.result.questions.1.when.sovled: no question 'sovled' comes before - did you mean solved?"),
    (OPEN, "        when: {still_open: no}\n",
     "questionnaires.result.questions.1.when.still_open: depends on itself - write one of solved"),
    (OPEN, "        when: {solved: nope}\n",
     "questionnaires.result.questions.1.when.solved: 'nope' is no answer to 'solved' - did you mean no?"),
    (OPEN, "        when: {solved: []}\n",
     "questionnaires.result.questions.1.when.solved: is empty - name at least one"),
    (SOLVED, f"{SOLVED}        when: {{csat: 1}}\n",
     "questionnaires.result.questions.0.when.csat: no question comes before - ask that first"),
    (LOW, "        when: {csat: [1, 6]}\n",
     "questionnaires.satisfaction.questions.1.when.csat: 6 is no answer to 'csat' - write one of 1, 2, 3, 4, 5"),
    (SPEED, "        weight: 20%\n",
     "questionnaires.satisfaction.questions.5.weight: the weights of the dimensions make 95% - let them make 100%"),
    (SPEED, "        weight: 0.25\n", "questionnaires.satisfaction.questions.2.weight: 0.25 is not a percentage"),
    (SPEED, "", "questionnaires.satisfaction.questions.2: has no weight - write `weight: 25%`"),
    ("        from: 0\n        to: 10\n", "        from: 1\n        to: 10\n",
     "questionnaires.satisfaction.questions.6: 'nps' is what indicators count - keep `kind: scale, from: 0, to: 10`"),
    ("        kind: yes_no\n", "        kind: text\n",
     "questionnaires.result.questions.0: 'solved' is what indicators count - keep `kind: yes_no`"),
    ("        kind: yes_no\n", "        kind: yesno\n",
     "questionnaires.result.questions.0.kind: unknown word 'yesno' - did you mean yes_no?"),
    ("        kind: yes_no\n", "        kind: yes_no\n        at_most: 5\n",
     "questionnaires.result.questions.0.at_most: is not for yes_no - leave it out, or make it text"),
    ("        at_most: 1000\n", "        at_most: 9000\n",
     "questionnaires.satisfaction.questions.7.at_most: 9000 should be less than or equal to 5000"),
    ("      - name: attitude\n", "      - name: speed\n",
     "questionnaires.satisfaction.questions.3.name: 'speed' is asked twice - give it a name of its own"),
    ("        required: true\n", "        requierd: true\n",
     "questionnaires.result.questions.0.requierd: unknown key - did you mean required?"),
    (RESULT, "  result_feedback:\n    questionnaire: resutl\n",
     "follow_ups.result_feedback.questionnaire: unknown questionnaire 'resutl' - did you mean result?"),
    (RESULT, "  result_fedback:\n    questionnaire: result\n",
     "follow_ups.result_fedback: unknown milestone 'result_fedback' - did you mean result_feedback?"),
    (RESULT, "  first_response:\n    questionnaire: result\n",
     "follow_ups.first_response: milestone 'first_response' does not start with `handled`"),
    ("    send: at_once  ", "    send: soon  ", "follow_ups.result_feedback.send: 'soon' is not a span"),
    ("reminder: {after: 48h, at_most: 1}   #", "reminder: {after: 48h, at_most: 9}   #",
     "follow_ups.result_feedback.reminder.at_most: 9 should be"),
    ("    letter: result\n", "    letter: invitation\n",
     "follow_ups.result_feedback.letter: unknown word 'invitation' - write one of result, follow_up"),
    (WINDOW, 'window: ["09:00", "09:00"]', "contact.window: begins when it ends"),
    (WINDOW, 'window: ["9:00", "20:00"]', "contact.window.0: '9:00' is not a time of day"),
    ("states: [withdrawn, merged]", "states: [withdrawn, merge]",
     "exempt.states.1: unknown word 'merge' - did you mean merged?"),
    ("csat_at_most: 2", "csat_at_most: 6", "negative.csat_at_most: 6 should be"),
    ("    priority: 1\n", "", "touchpoints.after_sales_done.priority: is missing - add it"),
    ("  at_most: 3   ", "  at_most: 0   ", "calls.at_most: 0 should be"),
    ("no_answer: 4h", "no_anwser: 4h", "calls.again_after.no_anwser: unknown key - did you mean no_answer?"),
    ("busy: 30min", "busy: soon", "calls.again_after.busy: 'soon' is not a span"),
]  # fmt: skip


def own(folder: Path, old: str = "", new: str = "") -> Path:
    """A policy directory with the shipped surveys, one place of them replaced."""
    text = (DEFAULTS / "survey.yaml").read_text(encoding="utf-8")
    assert old in text
    (folder / "survey.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
    return folder


@pytest.mark.parametrize(("old", "new", "message"), WRONG, ids=[one[2][:60] for one in WRONG])
def test_a_slip_is_named_by_file_line_and_key(tmp_path, old, new, message):
    with pytest.raises(PolicyError) as caught:
        load_policy(own(tmp_path, old, new))
    said = str(caught.value)
    place, _, rest = said.removeprefix(f"{tmp_path}/survey.yaml:").partition(" ")
    assert rest.startswith(message), said
    assert said.count("\n") == 0
    assert int(place.rstrip(":")) > 1


def test_the_result_is_told_at_once_and_the_follow_up_after_two_days(policy):
    said = policy.survey.follow_ups
    assert {name: (one.questionnaire, one.letter, one.send) for name, one in said.items()} == {
        "result_feedback": ("result", "result", timedelta()),
        "satisfaction_follow_up": ("satisfaction", "follow_up", 48 * H),
    }
    assert all((one.reminder.after, one.reminder.at_most, one.expires) == (48 * H, 1, 14 * D) for one in said.values())


def test_every_shipped_follow_up_has_a_deadline_that_starts_with_the_handling(policy, tmp_path):
    assert load_policy(own(tmp_path)).survey == policy.survey


def test_people_are_written_to_by_day_and_asked_once_in_thirty_days(policy):
    contact = policy.survey.contact
    assert (contact.window, contact.once_a_day, contact.unsolicited_every) == (("09:00", "20:00"), True, 30 * D)


def test_whoever_withdrew_or_was_merged_is_not_asked(policy):
    assert set(policy.survey.exempt.states) == {ComplaintState.WITHDRAWN, ComplaintState.MERGED}
    assert {"invalid", "无效投诉"} <= set(policy.survey.exempt.outcomes)


def test_the_lines_of_a_negative_answer_are_those_of_the_plans(policy):
    negative = policy.survey.negative
    assert (negative.unsolved, negative.csat_at_most, negative.nps_at_most) == (True, 2, 6)


def test_the_shipped_questions_ask_what_the_plans_ask(policy):
    asked = {name: [(one.name, one.kind.value) for one in said] for name, said in policy.survey.questionnaires.items()}
    assert asked["result"][0] == ("solved", "yes_no")
    kinds = dict(asked["satisfaction"])
    assert (kinds["csat"], kinds["nps"], kinds["suggestion"]) == ("scale", "scale", "text")
    assert list(kinds.values()).count("dimension") == 4


def test_a_new_question_is_one_entry(tmp_path):
    entry = "      - {name: again, kind: yes_no, words: {zh: 还会来吗？, en: Will you come back?}}\n"
    added = load_policy(own(tmp_path, SOLVED, entry + SOLVED)).survey.questionnaires["result"]
    assert [one.name for one in added] == ["again", "solved", "still_open"]


def test_what_is_written_back_means_the_same(policy):
    again = SurveyPolicy.model_validate(policy.written()["survey"])
    assert (again, again.version) == (policy.survey, policy.survey.version)


def test_an_edition_from_before_there_were_calls_loads_and_is_the_same_edition(policy):
    said = policy.written()["survey"]
    del said["calls"]
    before = SurveyPolicy.model_validate(said)
    assert (before.calls, before.version) == (policy.survey.calls, policy.survey.version)
    assert (before.calls.at_most, before.calls.again_after.no_answer, before.calls.again_after.busy) == (
        3,
        4 * H,
        H / 2,
    )
