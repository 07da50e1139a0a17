"""Surveys 问卷回访: who is asked what, when, how often, and which answer is a negative one.

A follow-up belongs to a milestone that starts with the handling: its deadline says until when, this file what is asked
and how early. Every invitation keeps the edition it was planned under.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from bihuan.policy.base import PolicyModel, Section
from bihuan.policy.escalation import TimeOfDay
from bihuan.policy.flaw import Flaw, KeyPath, nearest
from bihuan.policy.questionnaire import Questionnaire
from bihuan.policy.span import parse_span, span_text
from bihuan.policy.value import Name, Span, Words
from schemas.complaint import TIER_LENGTH, Channel, ComplaintState, Kind, Severity

AT_ONCE = "at_once"
"""What a policy writes where nothing is waited for."""


def _wait(raw: object) -> timedelta:
    return timedelta() if raw == AT_ONCE else raw if isinstance(raw, timedelta) else parse_span(raw)


def _wait_text(wait: timedelta) -> str:
    return span_text(wait) if wait else AT_ONCE


Wait = Annotated[
    timedelta, BeforeValidator(_wait), PlainSerializer(_wait_text),
    WithJsonSchema({"type": "string", "examples": [AT_ONCE, "48h"]}),
]  # fmt: skip


class AskAgain(PolicyModel):
    """The reminder to those who did not answer."""

    after: Span = Field(description="After the letter before.")
    at_most: int = Field(strict=True, ge=1, le=5, description="How often.")


class Asking(PolicyModel):
    """How one questionnaire reaches somebody."""

    questionnaire: Name
    send: Wait = Field(description="How long after the occasion it goes out, at_once or a span.")
    expires: Span = Field(timedelta(days=14), description="How long after that it can be answered.")
    reminder: AskAgain | None = Field(None, description="Without it, nobody is reminded.")
    call_after: Span | None = Field(
        None, description="Whoever is silent so long after the last letter is called; without it, nobody is."
    )


class FollowUp(Asking):
    """A follow-up 回访 of a handled complaint."""

    letter: Literal["result", "follow_up"] = Field("follow_up", description="Which letter brings it.")


class ComplaintPolicy(PolicyModel):
    """The complaint as which a negative answer about a touchpoint is registered."""

    channel: Channel = Field(Channel.WEB, description="How it came in.")
    kind: Kind = Field(Kind.SERVICE, description="What it is about: routing goes by it.")
    severity: Severity = Field(Severity.GENERAL, description="How grave it is.")


class TouchpointPolicy(Asking):
    """Something that other systems tell us of 关键节点, and that is asked about where nobody is bothered by it."""

    words: Words
    within: Span = Field(timedelta(hours=72), description="Later than so long after it, nobody is asked any more.")
    priority: int = Field(strict=True, ge=1, le=99, description="Of several at once the one with the lowest is asked.")
    reference: Annotated[str, Field(min_length=1, max_length=60)] | None = Field(
        None, description="The fact by which the person knows it, such as the order's number: letters say it."
    )
    complaint: ComplaintPolicy = Field(
        default=ComplaintPolicy(), description="What a negative answer is registered as."
    )


class ContactPolicy(PolicyModel):
    """When complainants are written to."""

    window: tuple[TimeOfDay, TimeOfDay] = Field(description="Between these times of day, in the person's own zone.")
    once_a_day: bool = Field(
        default=True, strict=True, description="One letter a day to one person, as long as that breaks no deadline."
    )
    unsolicited_every: Span = Field(
        timedelta(days=30), description="A person who was asked is not asked about a touchpoint before this is over."
    )

    @model_validator(mode="after")
    def _opens(self) -> Self:
        if self.window[0] == self.window[1]:
            raise Flaw("begins when it ends", 'write two times of day: ["09:00", "20:00"]', ("window",))
        return self


class Exempt(PolicyModel):
    """Complaints that are not followed up."""

    states: tuple[ComplaintState, ...] = Field(default=(), description="Those that stand so.")
    outcomes: tuple[Annotated[str, Field(min_length=1, max_length=60)], ...] = Field(
        default=(), description="Those whose handling, or whose attributes, name one of these as ``outcome``."
    )


class ReviewPolicy(PolicyModel):
    """An open text that speaks against the score above it is looked at by a person."""

    csat_at_least: int = Field(4, strict=True, ge=1, le=5)
    nps_at_least: int = Field(9, strict=True, ge=0, le=10)
    words: tuple[Annotated[str, Field(min_length=1, max_length=60)], ...] = Field(
        min_length=1, description="Words, in any language, of which one makes a text negative."
    )


class NegativePolicy(PolicyModel):
    """Which answers are negative 负面反馈."""

    unsolved: bool = Field(default=True, strict=True, description='Whether "not solved" is one.')
    csat_at_most: int = Field(2, strict=True, ge=1, le=5)
    nps_at_most: int = Field(6, strict=True, ge=0, le=10)
    review: ReviewPolicy | None = None


class AgainAfter(PolicyModel):
    """When somebody who was not reached by telephone is called again."""

    no_answer: Span = Field(timedelta(hours=4), description="After a call that nobody took.")
    busy: Span = Field(timedelta(minutes=30), description="After an engaged line.")


class CallPolicy(PolicyModel):
    """How those are called who cannot be written to, or stay silent."""

    at_most: int = Field(3, strict=True, ge=1, le=9, description="Tries; so many meet the duty where nobody answers.")
    again_after: AgainAfter = Field(default=AgainAfter())


class InterviewPolicy(PolicyModel):
    """Which customers are worth an in-depth interview 深度访谈; one reason is enough."""

    tiers: tuple[Annotated[str, Field(min_length=1, max_length=TIER_LENGTH)], ...] = Field(
        default=("premium",), description="Tiers whose customers count as high-value 高价值客户."
    )
    complaints_at_least: int = Field(2, strict=True, ge=1, le=99, description="So many complaints make a candidate.")
    within: Span = Field(timedelta(days=90), description="Complaints, and earlier interviews, count for so long.")


class SurveyPolicy(Section):
    """The questionnaires, whom they are sent to, and what their answers set in motion."""

    questionnaires: dict[Name, Questionnaire]
    follow_ups: dict[Name, FollowUp] = Field(default={}, description="By milestone.")
    touchpoints: dict[Name, TouchpointPolicy] = Field(default={}, description="By kind.")
    contact: ContactPolicy
    exempt: Exempt = Field(default=Exempt())
    negative: NegativePolicy = Field(default=NegativePolicy())
    calls: CallPolicy = Field(default=CallPolicy())
    interviews: InterviewPolicy = Field(default=InterviewPolicy())

    @model_validator(mode="after")
    def _knows_its_questionnaires(self) -> Self:
        for name in self.touchpoints.keys() & self.follow_ups.keys():
            raise Flaw("is the name of a follow-up too", "give the touchpoint another", ("touchpoints", name))
        for at, asking in self._askings():
            if asking.questionnaire not in self.questionnaires:
                cure = nearest(asking.questionnaire, self.questionnaires)
                raise Flaw(f"unknown questionnaire {asking.questionnaire!r}", cure, (*at, "questionnaire"))
        return self

    def asking(self, duty: str) -> Asking | None:
        """How the questionnaire of a milestone, or of a kind of touchpoint, is sent; None where none is any more."""
        return self.follow_ups.get(duty) or self.touchpoints.get(duty)

    def _askings(self) -> list[tuple[KeyPath, Asking]]:
        found: list[tuple[KeyPath, Asking]] = [(("follow_ups", name), one) for name, one in self.follow_ups.items()]
        return found + [(("touchpoints", name), one) for name, one in self.touchpoints.items()]
