"""What a letter with an invitation says: what was done, the private link that answers it, the one that ends the asking.

One invitation has one link, whichever of its letters brings it: the token is made from the invitation's own key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from bihuan.notify.letter import Letter
from bihuan.notify.link import token_of
from bihuan.notify.render import render
from bihuan.notify.words import instant, spoken
from bihuan.policy.survey import SurveyPolicy
from bihuan.rules.touchpoint import reference_of
from bihuan.services.link import NewLink
from bihuan.services.policy import kept_survey
from bihuan.store.queries.survey import handlings, invitations_of
from bihuan.store.queries.touchpoint import SUBJECT, of_invitations
from schemas.access import Purpose
from schemas.outbox import SURVEYS, Notice

_OPT_OUT_LIFE = timedelta(days=400)
"""An opt-out opens long after the answer: somebody who finds an old letter still gets rid of us."""
_OTHERS = 5
_FIRST = (Notice.RESULT, Notice.FOLLOW_UP, Notice.SURVEY_REMINDER)
"""Of several in one letter the one that comes first here gives the letter its words."""


@dataclass(frozen=True, slots=True)
class SurveyFacts:
    """What is known of the invitations of a batch of letters."""

    secret: str = ""
    web_url: str = ""
    invitations: Mapping[int, Row[Any]] = field(default_factory=dict)
    """By message."""
    said: Mapping[tuple[int, datetime], Mapping[str, Any]] = field(default_factory=dict)
    """Of each handling, by complaint and instant."""
    touchpoints: Mapping[int, Row[Any]] = field(default_factory=dict)
    editions: Mapping[str, SurveyPolicy] = field(default_factory=dict)
    """Of the policy, by version, under which touchpoints are asked about."""

    def write(self, rows: Sequence[Row[Any]], language: str, timezone: str) -> Letter:
        """The letter of one invitation, or of several to one person."""
        first, *others = sorted(rows, key=lambda row: (_FIRST.index(row.notice), row.id))
        listed = [_listed(self._item(row, language)) for row in others[:_OTHERS]]
        it = self.invitations[first.id]
        return render(first.notice.value, language, self._item(first, language) | {
            "result": self._result(it), "good_until": instant(it.expires_at, timezone)[:16], "others": listed,
            "opt_out_link": f"{self.web_url}/o/{self.token(first.id, Purpose.OPT_OUT)}",
            "is_simulated": any(row.is_simulated for row in rows),
        })  # fmt: skip

    def token(self, message_id: int, purpose: Purpose) -> str:
        """The token of a private link of the invitation that a message brings."""
        return token_of(self.secret, purpose, self.invitations[message_id].key)

    def links(self, message_ids: Sequence[int], recipient: str, at: datetime) -> Iterator[NewLink]:
        """The links that go out with these messages."""
        for message_id in message_ids:
            expires_at = self.invitations[message_id].expires_at
            for purpose, until in ((Purpose.SURVEY, expires_at), (Purpose.OPT_OUT, expires_at + _OPT_OUT_LIFE)):
                yield NewLink(self.token(message_id, purpose), purpose, message_id, recipient, at, until)

    def _item(self, row: Row[Any], language: str) -> dict[str, Any]:
        link = f"{self.web_url}/s/{self.token(row.id, Purpose.SURVEY)}"
        words, reference = self._occasion(row, spoken(language))
        return {"number": row.number or "", "title": row.title or "", "link": link, "occasion": words,
                "reference": reference}  # fmt: skip

    def _occasion(self, row: Row[Any], language: str) -> tuple[str, str]:
        """What happened in the words of the policy, and the fact by which the person knows it; "" of a complaint."""
        it = self.invitations[row.id]
        touchpoint = self.touchpoints.get(it.subject_id) if it.subject_kind == SUBJECT else None
        if touchpoint is None:
            return "", ""
        survey = self.editions.get(it.policy_version)
        asking = survey.touchpoints.get(it.duty) if survey else None
        if asking is None:
            return it.duty.replace("_", " "), ""
        return getattr(asking.words, language), reference_of(touchpoint.facts, asking.reference)

    def _result(self, it: Row[Any]) -> str:
        """What was done, where whoever handled it said so for the complainant; notes are for the house."""
        is_complaint = it.subject_kind == "complaint"
        return str(self.said.get((it.subject_id, it.started_at), {}).get("result", "")) if is_complaint else ""


def survey_facts(session: Session, secret: str, web_url: str, rows: Sequence[Row[Any]]) -> SurveyFacts:
    """What the letters of these messages need; nothing is asked where none brings an invitation."""
    mine = [row for row in rows if row.notice in SURVEYS]
    if not mine:
        return SurveyFacts()
    invitations = invitations_of(session, [row.id for row in mine])
    told = {it.subject_id for it in invitations.values() if it.subject_kind == "complaint"}
    said = handlings(session, sorted(told)) if told else {}
    touched = [it for it in invitations.values() if it.subject_kind == SUBJECT]
    if not touched:
        return SurveyFacts(secret, web_url, invitations, said)
    touchpoints = of_invitations(session, {it.subject_id for it in touched})
    editions = {version: found for version in {it.policy_version for it in touched}
                if (found := kept_survey(session, version))}  # fmt: skip
    return SurveyFacts(secret, web_url, invitations, said, touchpoints, editions)


def _listed(item: dict[str, Any]) -> dict[str, Any]:
    """An item of a list: a touchpoint stands there under its own name."""
    return item | {"number": item["occasion"], "title": item["reference"]} if item["occasion"] else item
