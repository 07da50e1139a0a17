"""Approvals 审批 that wait, on a page: what, until when, and who may decide; decided on the item's own page."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from bihuan.services.approval import waiting
from bihuan.services.item_people import active_staff
from bihuan.store.queries import board
from bihuan.web.access import person
from bihuan.web.view import page, site


def show(request: Request) -> Response:
    """What waits for whoever asks, and what waits for others; the earliest term first."""
    here, who = site(request), person(request)
    with here.db.read() as session:
        found = waiting(session, here.policy, here.clock)
        people = {one.code: one.name for one in active_staff(session)}
        is_simulated = board.is_simulated(session)
    own = [one for one in found if who is not None and who.code in one.staff]
    return page(request, "improvement_approvals.html", {
        "own": own, "others": [one for one in found if one not in own], "people": people, "is_simulated": is_simulated,
    })  # fmt: skip
