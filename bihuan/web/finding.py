"""What people do with the candidates 候选 of a month: work on one in a cycle, merge it into another, or reject it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bihuan.errors import BihuanError
from bihuan.services.item import dispose, draft_from_finding
from bihuan.web.improvement import Refused, actor
from bihuan.web.improvement_words import why
from bihuan.web.month import month_page
from bihuan.web.reader import reader_of
from bihuan.web.security import genuine_form
from bihuan.web.view import site
from schemas.improvement import Disposition

_NOT_WORKED_ON = {"merge": Disposition.MERGED, "reject": Disposition.REJECTED}


async def act(request: Request) -> Response:
    """Do what a form beside a candidate says: show the item that works on it, or the month again."""
    fields = await genuine_form(request, site(request).secret)
    return await run_in_threadpool(_act, request, fields)


def _act(request: Request, fields: Mapping[str, str]) -> Response:
    try:
        return RedirectResponse(_done(request, fields), 303)
    except BihuanError as error:
        words, status = why(error, f"finding_{fields.get('act', '')}", reader_of(request, site(request).settings))
        return month_page(request, Refused(words, fields, status))


def _done(request: Request, fields: Mapping[str, str]) -> str:
    """Do it; where to go then."""
    here, by, act, number = site(request), actor(request, fields), fields.get("act"), fields.get("key", "")
    with here.db.write() as session:
        given = session, here.policy, here.clock
        if act == "accept":
            language = reader_of(request, here.settings).language
            item = draft_from_finding(*given, fields.get("cycle", ""), number, by, language=language)
            return f"/improvement/{quote(item, safe='')}?done=draft"
        if act not in _NOT_WORKED_ON:
            raise HTTPException(400)
        dispose(*given, number, _NOT_WORKED_ON[act], fields.get("reason", ""), by)
    return f"/months/{quote(request.path_params['number'], safe='')}?done={act}#{quote(number, safe='')}"
