"""The Gantt chart of one item: what of a plan it shows, and what a screen reader says of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bihuan.notify.words import words
from bihuan.policy.models import Policy
from bihuan.report.gantt import gantt_label
from bihuan.report.plan_wording import PlanWording
from bihuan.services.dossier import today_of
from schemas.plan_book import PlanBook


def item_book(policy: Policy, at: datetime, it: Mapping[str, Any]) -> PlanBook:
    """The plan of one item, as far as its chart shows it.

    Args:
        policy: Says in which zone it is today.
        at: Now.
        it: As ``bihuan.services.item.show`` has it.
    """
    today, here = today_of(policy, at), str(policy.calendars.default.zone)
    return PlanBook(it["number"], it["name"], today.replace(day=1), at, here, today, [it])


def gantt_said(policy: Policy, at: datetime, it: Mapping[str, Any], language: str) -> str:
    """What the chart shows; empty where nothing has a day, and so there is none."""
    return gantt_label(PlanWording.of(item_book(policy, at, it), words(language)))
