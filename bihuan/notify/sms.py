"""Text messages by a company's own HTTP gateway: Apprise knows no vendor of China, and vendors want signed templates.

One post of JSON for each number, ``{"phone", "text", "title", "link", "sign"}``: a gateway that passes texts on takes
``text``, one in front of a vendor with templates fills its variables from ``title`` and ``link``.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

import requests
from apprise.common import NotifyType
from apprise.manager_plugins import NotificationManager
from apprise.plugins.base import NotifyBase

from bihuan.notify.answer import ServiceError, post, spoken, unspoken, wait_asked
from schemas.outbox import AttemptOutcome

_PHONE = re.compile(r"\+?\d{5,15}")
_PLAIN = re.compile(r"[^\w.-]")


class SmsGateway(NotifyBase):
    """An SMS gateway: ``smss://TOKEN@sms.example.com/send?to=13800138000&code=code&ok=0&busy=429``.

    Args:
        to: Telephone numbers, separated by commas.
        sign: The sender's signature 短信签名, passed on.
        code: The answer's field that holds the gateway's own code; without it the HTTP status decides.
        ok: The codes that mean taken, separated by commas; case does not count.
        busy: The codes that mean not now, likewise.
        headers: More HTTP headers, ``+X-Key=…`` in the URL.
        kwargs: What Apprise reads of any URL: host, port, path, ``verify=``.

    Raises:
        TypeError: No number, or one that is none.
    """

    service_name: Any = "SMS gateway"
    protocol: Any = "sms"
    secure_protocol: Any = "smss"
    title_maxlen = 0
    templates: Any = ("{schema}://{host}",)
    template_tokens = NotifyBase.template_tokens | {"host": {"name": "Hostname", "type": "string", "required": True}}

    def __init__(self, to: str = "", sign: str = "", code: str = "", ok: str = "0,ok", busy: str = "",
                 headers: dict[str, str] | None = None, **kwargs: Any) -> None:  # fmt: skip
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]
        self.phones = [phone for phone in re.split(r"[,;\s]+", to) if phone]
        if not self.phones or not all(map(_PHONE.fullmatch, self.phones)):
            raise TypeError("no telephone number")
        self.sign, self.code, self.headers = sign, code, headers or {}
        self.ok, self.busy = _codes(ok), _codes(busy)
        self.secure = self.schema == self.secure_protocol  # Apprise goes by the final s, which sms has as well
        self.path = kwargs.get("fullpath") or "/"

    def send(self, body: Any, title: Any = "", notify_type: Any = NotifyType.INFO, **kwargs: Any) -> Any:
        """Send one text, its link on the last line, to each number."""
        taken = [self._tell(phone, str(body)) for phone in self.phones]
        return all(taken)

    def _tell(self, phone: str, text: str) -> bool:
        title, _, link = text.partition("\n")
        payload = {"phone": phone, "text": f"{title} {link}".strip(), "title": title, "link": link}
        try:
            self._read(
                post(self, self._address(), payload | ({"sign": self.sign} if self.sign else {}), self._headers())
            )
        except (ServiceError, requests.RequestException):
            self.logger.warning("the SMS gateway did not take it")  # `delivery` hears the exception with the line
            return False
        self.logger.info("Sent SMS.")
        return True

    def _signature(self) -> dict[str, str]:
        return {"sign": self.sign} if self.sign else {}

    def _address(self) -> str:
        port = f":{self.port}" if self.port else ""
        return f"{'https' if self.secure else 'http'}://{self.host}{port}{self.path}"

    def _headers(self) -> dict[str, str]:
        return ({"Authorization": f"Bearer {self.user}"} if self.user else {}) | self.headers

    def _read(self, answer: requests.Response) -> None:
        """Believe the gateway's own code where the URL names its field; not its words, which may repeat the text."""
        said = spoken(answer)
        code = _PLAIN.sub("", str(said[self.code]))[:40] if self.code in said else ""
        if code and code.casefold() in self.busy:
            raise ServiceError(f"the gateway answered {code}", AttemptOutcome.RETRY, wait_asked(answer))
        if not HTTPStatus.OK <= answer.status_code < HTTPStatus.MULTIPLE_CHOICES or (self.code and not code):
            raise unspoken(answer)
        if code and code.casefold() not in self.ok:
            raise ServiceError(f"the gateway answered {code}", AttemptOutcome.REFUSED)

    @staticmethod
    def parse_url(url: Any, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        """The arguments that a URL gives; None where it is none."""
        parts: dict[str, Any] | None = NotifyBase.parse_url(url, *args, **kwargs)
        if parts is None:
            return None
        given = {name: parts["qsd"][name] for name in ("to", "sign", "code", "ok", "busy") if parts["qsd"].get(name)}
        return (
            parts
            | given
            | {"headers": {NotifyBase.unquote(k): NotifyBase.unquote(v) for k, v in parts["qsd+"].items()}}
        )


def _codes(listed: str) -> frozenset[str]:
    return frozenset(code.strip().casefold() for code in listed.split(",") if code.strip())


def register() -> None:
    """Make the scheme known to Apprise, for this process."""
    NotificationManager().add(SmsGateway, force=True)
