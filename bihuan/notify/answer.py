"""What a service answers to a post: the error it names, and how long it wants to be left alone."""

from __future__ import annotations

import re
from datetime import timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import requests

from schemas.outbox import AttemptOutcome

LONGEST_WAIT = timedelta(days=1)
"""No service is believed to want to be left alone for longer."""


class ServiceError(Exception):
    """A service answered, in its own words, that it did not take a message.

    ``outcome`` says whether it may take it later, ``wait`` how long it wants to be left alone, where it said so.
    """

    def __init__(self, why: str, outcome: AttemptOutcome, wait: timedelta | None = None) -> None:
        self.outcome, self.wait = outcome, wait
        super().__init__(why)


def post(service: Any, url: str, payload: dict[str, Any], headers: dict[str, str] | None = None) -> requests.Response:
    """Post JSON as an Apprise service would, once, following no redirect.

    Raises:
        requests.RequestException: The connection failed.
    """
    return requests.post(
        url,
        json=payload,
        headers={"User-Agent": service.app_id} | (headers or {}),
        verify=service.verify_certificate,
        timeout=service.request_timeout,
        allow_redirects=False,
    )


def spoken(answer: requests.Response) -> dict[str, Any]:
    """The JSON object of an answer; empty where it holds none."""
    try:
        said = answer.json()
    except requests.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}


def unspoken(answer: requests.Response) -> requests.RequestException:
    """The error of an answer that says nothing in the service's own words: its status, or that it cannot be read."""
    if HTTPStatus.OK <= answer.status_code < HTTPStatus.MULTIPLE_CHOICES:
        return requests.JSONDecodeError("the answer says nothing", "", 0)
    return requests.HTTPError(response=answer)


def wait_asked(answer: requests.Response) -> timedelta | None:
    """How long an answer's ``Retry-After`` asks to wait, a day at most; None where it does not say."""
    asked = answer.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}", asked):
        return seconds(int(asked))
    try:
        span = parsedate_to_datetime(asked) - parsedate_to_datetime(answer.headers.get("Date", ""))
    except (TypeError, ValueError):  # no date, or only one of them with a zone
        return None
    return seconds(span.total_seconds())


def seconds(asked: object) -> timedelta | None:
    """A wait in seconds, as services write it, a day at most; None for what is no positive number."""
    if isinstance(asked, bool) or not isinstance(asked, int | float) or not asked > 0:
        return None
    return timedelta(seconds=min(float(asked), LONGEST_WAIT.total_seconds()))
