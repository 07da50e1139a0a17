"""Why the deadlines of a complaint are as they are, on a page."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from bihuan.services.explanation import accounts
from bihuan.services.explanation_words import passages, title
from bihuan.store.queries import board
from bihuan.web.complaint import find, standing, standing_hold
from bihuan.web.look import note
from bihuan.web.reader import reader_of
from bihuan.web.view import page, site
from schemas.access import Seen


def show(request: Request) -> Response:
    """Each deadline with what started it, the count, the instant, and each notice or the reason for silence."""
    here, number = site(request), request.path_params["number"]
    at, reader = here.clock(), reader_of(request, here.settings)
    with here.db.read() as session:
        it = find(session, number)
        found = accounts(session, here.policy, number, at)
        is_simulated = board.is_simulated(session) or it.is_simulated
        hold = standing_hold(session, it.id)
    note(request, Seen.COMPLAINT, number)
    explained = [
        (account, title(account, reader.language), standing(account, at),
         passages(account, reader.language, reader.zone.key))
        for account in found
    ]  # fmt: skip
    values = {"it": it, "hold": hold, "explained": explained, "is_simulated": is_simulated}
    return page(request, "explain.html", values)
