"""How a page is made: the site's parts, the templates, and the answer with its cookies."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from bihuan.clock import Clock, zone
from bihuan.errors import UsageError
from bihuan.notify.gateway import Gateway
from bihuan.notify.words import LANGUAGES
from bihuan.policy.models import Policy
from bihuan.policy.questionnaire import word_of
from bihuan.settings import Settings
from bihuan.store.engine import Database
from bihuan.web import security
from bihuan.web.access import SIGNED_IN, may, person, who_of
from bihuan.web.form import LIMITS
from bihuan.web.reader import LANGUAGE_COOKIE, ZONE_COOKIE, Reader, masked, reader_of
from bihuan.web.recent import Recent
from bihuan.web.remembered import Remembered
from bihuan.web.throttle import Throttle
from schemas.access import Role

_FILES = (("style", "style.css"), ("icon", "icon.svg"))
STATIC = Path(str(files("bihuan"))) / "web" / "static"
_YEAR_SECONDS = 365 * 86400
ZONES = ("Asia/Shanghai", "Asia/Tokyo", "Europe/Berlin", "Europe/London", "America/New_York", "America/Los_Angeles",
         "UTC")  # fmt: skip
"""Offered at the foot of each page; ``?tz=`` takes any."""
ASKS_PER_MINUTE = 20
"""Links to sign in that one address may ask for."""
REQUESTS_PER_MINUTE = 120
"""Requests that another system may send with one key, to each process of ours."""
BAD = 400
"""The first status that says no."""


@dataclass(frozen=True)
class Site:
    """What every page is made from."""

    settings: Settings
    db: Database
    policy_source: Callable[[], Policy]
    clock: Clock
    open_gateway: Callable[[], Gateway]
    throttle: Throttle = field(default_factory=lambda: Throttle(ASKS_PER_MINUTE))
    """Counts who asks for links to sign in."""
    answers: Throttle = field(default_factory=lambda: Throttle(ASKS_PER_MINUTE))
    """Counts the answers that come by one link; apart, so that made-up links push no asker out of memory."""
    keys: Throttle = field(default_factory=lambda: Throttle(REQUESTS_PER_MINUTE))
    """Counts the requests that come with one key."""
    board: Remembered[Any] = field(default_factory=Remembered)
    """The last count of the board, where it is a long one."""

    looks: Recent = field(default_factory=Recent)
    """Remembers which looks at personal data were noted just now."""

    @property
    def policy(self) -> Policy:
        """Today's policy, as its source has it now."""
        return self.policy_source()

    @cached_property
    def secret(self) -> str:
        """The installation's secret, read once."""
        return self.settings.secret_value()

    @property
    def mail_dir(self) -> Path:
        """Where the demo's mail catcher leaves what it caught."""
        return self.settings.data_dir / "mail"


def site(request: Request) -> Site:
    """The site that serves this request."""
    found: Site = request.app.state.site
    return found


@cache
def environment() -> Environment:
    """The templates: everything escaped, a missing name an error."""
    templates = Environment(
        loader=PackageLoader("bihuan", "templates/pages"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, auto_reload=False,
    )  # fmt: skip
    templates.filters["masked"] = masked
    templates.globals["chosen"] = lambda answer, word: answer is not None and word_of(answer) == word
    templates.globals |= {"limits": LIMITS, "zones": ZONES} | {name: _address(file) for name, file in _FILES}
    return templates


def compile_pages() -> None:
    """Make every template ready, some 10 ms each: no reader waits for that."""
    templates = environment()
    for name in templates.list_templates():
        templates.get_template(name)


def _address(file: str) -> str:
    """Where our own file is found; a new content has a new address, so browsers may keep what they have."""
    return f"/static/{file}?v={hashlib.sha256((STATIC / file).read_bytes()).hexdigest()[:12]}"


def page(request: Request, template: str, values: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
    """``template`` filled with ``values`` for this reader; remembers a language or zone the reader chose just now."""
    here = site(request)
    try:
        reader = reader_of(request, here.settings)
    except UsageError:
        if status < BAD:
            raise
        reader = Reader(here.settings.language, zone(here.settings.timezone))
    cookie = security.form_cookie(request) or security.new_cookie()
    common = {
        "w": reader.words,
        "reader": reader,
        "now": here.clock(),
        "path": request.url.path,
        "has_mail": here.mail_dir.is_dir(),
        "person": person(request),
        "sign_in": here.settings.sign_in,
        "may": lambda path, method="GET": may(request, path, method),
        "seen_by": _seen_by(request, reader),
        "form_token": security.token(here.secret, cookie),
        "is_simulated": False,
        "other_language": _in_other_language(request, reader.language),
    }
    html = environment().get_template(template).render({**common, **values})
    response = HTMLResponse(html, status)
    _remember(request, response, cookie)
    return response


def _seen_by(request: Request, reader: Reader) -> str:
    """Who may see the page that is asked for, in the reader's words; empty where there is no such page."""
    who, words = who_of(request), reader.words
    if who is None:
        return ""
    if who.has_link:
        return words["seen_link"]
    if site(request).settings.sign_in == "off":
        return words["seen_off"]
    if who.roles is None or who == SIGNED_IN:
        return words["seen_anybody" if who.roles is None else "seen_signed_in"]
    return words["seen_joint"].join(reader.word("role", role) for role in Role if role in who.roles)


def _in_other_language(request: Request, language: str) -> str:
    """The query that shows this very page in the other language."""
    other = next(one for one in LANGUAGES if one != language)
    return "?" + urlencode({**request.query_params, "lang": other})


def _remember(request: Request, response: HTMLResponse, form_cookie: str) -> None:
    """Set the cookies the browser lacks."""
    if security.form_cookie(request) != form_cookie:
        security.set_form_cookie(request, response, form_cookie)
    if response.status_code >= BAD:
        return
    language, zone_name = request.query_params.get("lang", ""), request.query_params.get("tz", "")
    for name, value in ((LANGUAGE_COOKIE, language if language in LANGUAGES else ""), (ZONE_COOKIE, zone_name)):
        if value:
            security.set_cookie(request, response, name, value, _YEAR_SECONDS)
