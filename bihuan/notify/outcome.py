"""How an attempt ended, read from the exception, the HTTP status or the log lines it left.

The line that matters is drawn between *not taken* (try again) and *perhaps taken* (ambiguous): a complainant must not
get the same message twice, so whatever breaks once the message itself is on its way counts as perhaps taken.
"""

from __future__ import annotations

import json
import logging
import re
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from datetime import timedelta
from http import HTTPStatus
from types import CodeType
from typing import NamedTuple

import requests
from requests import exceptions as web
from urllib3.exceptions import NewConnectionError

from bihuan.notify.answer import ServiceError, wait_asked
from schemas.outbox import AttemptOutcome

REFUSED, RETRY, AMBIGUOUS = AttemptOutcome.REFUSED, AttemptOutcome.RETRY, AttemptOutcome.AMBIGUOUS

_PERMANENT = 500
"""SMTP reply codes from here on are final."""
_STATUS = re.compile(r"\berror=(\d{3,6})\b")
_PASSING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
_UNUSABLE = (web.InvalidURL, web.InvalidSchema, web.MissingSchema, web.InvalidHeader)
_PERHAPS_TAKEN = "it may have been taken"


class Verdict(NamedTuple):
    """An outcome, why it was not sent, and how long the service wants to be left alone, where it said so."""

    outcome: AttemptOutcome
    why: str | None
    wait: timedelta | None = None


class Heard(NamedTuple):
    """One log line of Apprise, with the exception it was handling and the answer it was looking at, if any."""

    level: int
    text: str
    error: BaseException | None
    answer: requests.Response | None = None


def of_log(heard: Sequence[Heard]) -> Verdict:
    """Why a service said no, from what it logged meanwhile.

    A service with several addresses that logged one sending as done was half taken: ambiguous.
    """
    return of_part(heard, _of_signs(heard))


def of_part(heard: Sequence[Heard], verdict: Verdict) -> Verdict:
    """The verdict, or ambiguous where one of several addresses had taken it before."""
    if any(line.level == logging.INFO and line.text.startswith("Sent") for line in heard):
        return Verdict(AMBIGUOUS, f"only some of its addresses took it: {verdict.why}", verdict.wait)
    return verdict


def _of_signs(heard: Sequence[Heard]) -> Verdict:
    """Of several addresses that did not take it, the one that may have counts, then one that may later, then the last.

    Its lines without a sign count where no line has one.
    """
    verdicts = [verdict for line in reversed(heard) if (verdict := _of_line(line)) is not None]
    if verdicts:
        return min(verdicts, key=lambda verdict: (AMBIGUOUS, RETRY, REFUSED).index(verdict.outcome))
    warnings = [line.text for line in heard if line.level >= logging.WARNING]
    return Verdict(RETRY, warnings[-1] if warnings else "the service did not take it and did not say why")


def _of_line(line: Heard) -> Verdict | None:
    if line.error is not None:
        return of_error(line.error)
    if line.level < logging.WARNING:
        return None
    if line.answer is not None:
        return _of_answer(line.answer, line.text)
    return of_status(int(status[1])) if (status := _STATUS.search(line.text)) else None


def _of_answer(answer: requests.Response, text: str) -> Verdict:
    """What an answer means that a service's line was about; the line may name the service's own code."""
    verdict = of_status(answer.status_code, wait_asked(answer))
    code = _STATUS.search(text)
    if code is None or int(code[1]) == answer.status_code:
        return verdict
    return verdict._replace(why=f"{verdict.why}, code {code[1]}")


def of_status(status: int, wait: timedelta | None = None) -> Verdict:
    """What an HTTP status means with which a letter was not taken.

    504 says that somebody behind the gateway may have taken it, and success that the service was there but that its
    answer was not the one expected.
    """
    try:
        said = f"HTTP {status} {HTTPStatus(status).phrase}"
    except ValueError:
        said = f"HTTP {status}"
    if status == HTTPStatus.GATEWAY_TIMEOUT:
        return Verdict(AMBIGUOUS, f"{said}: {_PERHAPS_TAKEN}", wait)
    if status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Verdict(RETRY, said, wait)
    if status >= HTTPStatus.BAD_REQUEST:
        return Verdict(REFUSED, said)
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        return Verdict(REFUSED, f"{said}: redirects are not followed")
    return Verdict(AMBIGUOUS, f"{said}, but not the answer of a service that took it: {_PERHAPS_TAKEN}")


def of_error(error: BaseException) -> Verdict:
    """What an exception means that broke off a sending."""
    if isinstance(error, ServiceError):
        return Verdict(error.outcome, str(error), error.wait)
    if isinstance(error, requests.RequestException):
        return _of_request(error)
    if isinstance(error, OSError):  # smtplib's own exceptions are among them
        return _of_mail(error)
    if isinstance(error, UnicodeError):
        return Verdict(REFUSED, "the address cannot be written in the way the service wants")
    return Verdict(AMBIGUOUS, f"{type(error).__name__}: {error}")


def _of_request(error: requests.RequestException) -> Verdict:
    causes = list(_causes(error))
    if isinstance(error, web.HTTPError) and error.response is not None:
        return of_status(error.response.status_code, wait_asked(error.response))
    if isinstance(error, _UNUSABLE):
        return Verdict(REFUSED, f"the address cannot be used ({type(error).__name__})")
    if isinstance(error, web.ConnectTimeout):
        return Verdict(RETRY, "no connection within the time allowed")
    if isinstance(error, web.ProxyError) or any(isinstance(cause, NewConnectionError) for cause in causes):
        return Verdict(RETRY, f"no connection: {_reason(causes[-1])}")
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return Verdict(RETRY, "its certificate is not trusted")
    if isinstance(error, web.ReadTimeout):
        return Verdict(AMBIGUOUS, f"no answer within the time allowed: {_PERHAPS_TAKEN}")
    if isinstance(error, json.JSONDecodeError):
        return Verdict(AMBIGUOUS, f"its answer cannot be read: {_PERHAPS_TAKEN}")
    return Verdict(AMBIGUOUS, f"the connection broke ({type(causes[-1]).__name__}): {_PERHAPS_TAKEN}")


def _of_mail(error: OSError) -> Verdict:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
        return _of_reply(code, said)
    if isinstance(error, smtplib.SMTPSenderRefused | smtplib.SMTPDataError):
        return _of_reply(error.smtp_code, error.smtp_error)
    if _passed_through(error, smtplib.SMTP.data.__code__):
        return Verdict(AMBIGUOUS, f"the mail server broke off ({_reason(error)}): {_PERHAPS_TAKEN}")
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return Verdict(RETRY, f"login refused: {error.smtp_code} {_text(error.smtp_error)}")
    if isinstance(error, ssl.SSLCertVerificationError):
        return Verdict(RETRY, "the mail server's certificate is not trusted")
    return Verdict(RETRY, f"no mail could be handed over: {_reason(error)}")


def _of_reply(code: int, said: bytes | str) -> Verdict:
    outcome = REFUSED if code >= _PERMANENT else RETRY
    return Verdict(outcome, f"the mail server answered {code} {_text(said)}")


def _text(said: bytes | str) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer within the time allowed"
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and what it came from, outermost first."""
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__


def _passed_through(error: BaseException, code: CodeType) -> bool:
    """Whether the error came out of that function: smtplib does not tell otherwise how far it had got."""
    frames = error.__traceback__
    while frames is not None:
        if frames.tb_frame.f_code is code:
            return True
        frames = frames.tb_next
    return False
