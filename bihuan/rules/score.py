"""What one answer says in figures: solved or not, CSAT, NPS, the satisfaction index, and whether it is negative."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from bihuan.policy.questionnaire import QuestionKind, Questionnaire
from bihuan.policy.survey import NegativePolicy, ReviewPolicy
from bihuan.rules.questionnaire import Answers
from bihuan.rules.satisfaction import Dimension, satisfaction_index
from schemas.survey import Review

DECIDED = frozenset({Review.NEGATIVE, Review.DISMISSED})
"""A person has looked at the text."""


class Why(StrEnum):
    """What makes an answer a negative one, or one to be looked at."""

    UNSOLVED = "unsolved"
    CSAT = "csat"
    NPS = "nps"
    TEXT = "text"
    """An open text that speaks against a high score: a person looks at it, it is not negative by itself."""


@dataclass(frozen=True, slots=True)
class Score:
    """One answer in figures; None for what was not answered."""

    is_solved: bool | None = None
    csat: int | None = None
    """1 to 5."""
    nps: int | None = None
    """0 to 10."""
    index: float | None = None
    """Mean of the dimensions answered by their weights, each from 0 (the worst end) to 100."""
    index_weight: float | None = None
    """Share of the weights that were answered, 0..1; None where the questionnaire has no dimensions."""
    comment: str = ""
    """The open texts, a line each."""
    why: tuple[Why, ...] = ()

    @property
    def is_negative(self) -> bool:
        """Whether it opens work."""
        return bool(set(self.why) - {Why.TEXT})

    @property
    def is_for_review(self) -> bool:
        """Whether a person is to look at its text."""
        return Why.TEXT in self.why


def score(questionnaire: Questionnaire, answers: Answers, policy: NegativePolicy) -> Score:
    """The figures of an answer.

    Args:
        questionnaire: The one it answers.
        answers: Checked, see ``bihuan.rules.questionnaire.read_answers``.
        policy: What makes an answer negative.
    """
    solved, csat, nps = answers.get("solved"), answers.get("csat"), answers.get("nps")
    texts = [str(answers[one.name]) for one in questionnaire
             if one.kind is QuestionKind.TEXT and one.name in answers]  # fmt: skip
    index, weight = _index(questionnaire, answers)
    plain = Score(
        solved if isinstance(solved, bool) else None, _whole(csat), _whole(nps), index, weight, "\n".join(texts)
    )
    return Score(plain.is_solved, plain.csat, plain.nps, index, weight, plain.comment, tuple(_why(plain, policy)))


def _whole(answer: bool | int | str | None) -> int | None:
    return answer if isinstance(answer, int) and not isinstance(answer, bool) else None


def _index(questionnaire: Questionnaire, answers: Answers) -> tuple[float | None, float | None]:
    dimensions = {
        one.name: Dimension(one.weight, one.start, one.to) for one in questionnaire
        if one.weight is not None and one.start is not None and one.to is not None
    }  # fmt: skip
    if not dimensions:
        return None, None
    given = {name: answer for name in dimensions if (answer := _whole(answers.get(name))) is not None}
    found = satisfaction_index(given, dimensions)
    return (found.value, min(found.answered_ratio, 1.0)) if found else (None, 0.0)


def _why(it: Score, policy: NegativePolicy) -> Iterator[Why]:
    if it.is_solved is False and policy.unsolved:
        yield Why.UNSOLVED
    if it.csat is not None and it.csat <= policy.csat_at_most:
        yield Why.CSAT
    if it.nps is not None and it.nps <= policy.nps_at_most:
        yield Why.NPS
    if policy.review and _speaks_against(it, policy.review):
        yield Why.TEXT


def _speaks_against(it: Score, review: ReviewPolicy) -> bool:
    is_high = (it.csat is not None and it.csat >= review.csat_at_least) or (
        it.nps is not None and it.nps >= review.nps_at_least
    )
    text = it.comment.casefold()
    return is_high and any(word.casefold() in text for word in review.words)


def review_after(old: Review | None, old_comment: str, *, is_for_review: bool, comment: str) -> Review | None:
    """What stands of a review once an answer was saved again: what was decided of the same text stays so.

    Args:
        old: What stood before; None for a first answer.
        old_comment: The text it was about.
        is_for_review: Whether a person is to look at what is saved now.
        comment: The text that is saved now.
    """
    if old in DECIDED and comment == old_comment:
        return old
    return Review.PENDING if is_for_review else None
