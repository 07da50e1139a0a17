"""A form with one file, of which no more is read than it may bring."""

from __future__ import annotations

import hmac
from collections.abc import AsyncGenerator
from typing import NamedTuple

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from bihuan.web.security import LARGEST_BODY, TOKEN_FIELD, form_cookie, is_same_origin, token

_KIND = "multipart/form-data"
_FIELDS = 10


class Upload(NamedTuple):
    """What was sent."""

    fields: dict[str, str]
    content: bytes
    """Of the file; empty where none was chosen."""


async def genuine_upload(request: Request, secret: str, largest: int) -> Upload:
    """The fields and the file of a form that this installation gave to this very browser.

    Args:
        request: Its body is read as it comes, and left alone from the first byte too many on.
        secret: The installation's.
        largest: Bytes that the file may have.

    Raises:
        HTTPException: 403 not from one of our pages, 413 too large, 415 not such a form, 400 not readable.
    """
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != _KIND:
        raise HTTPException(415)
    cookie = form_cookie(request)
    if cookie is None or not is_same_origin(request):
        raise HTTPException(403)
    parser = MultiPartParser(request.headers, _at_most(request, largest + LARGEST_BODY), max_files=1,
                             max_fields=_FIELDS, max_part_size=LARGEST_BODY)  # fmt: skip
    try:
        form = await parser.parse()
    except (MultiPartException, ClientDisconnect, KeyError) as error:
        raise HTTPException(400) from error
    fields = {name: value.strip() for name, value in form.multi_items() if isinstance(value, str)}
    files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    content = await files[0].read() if files else b""
    await form.close()
    if not hmac.compare_digest(fields.pop(TOKEN_FIELD, "").encode(), token(secret, cookie).encode()):
        raise HTTPException(403)
    if len(content) > largest:
        raise HTTPException(413)
    return Upload(fields, content)


async def _at_most(request: Request, largest: int) -> AsyncGenerator[bytes, None]:
    seen = 0
    async for chunk in request.stream():
        seen += len(chunk)
        if seen > largest:
            raise HTTPException(413)
        yield chunk
