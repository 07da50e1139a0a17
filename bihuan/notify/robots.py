"""Group robots of WeCom, DingTalk, Feishu and Lark, strict: they answer HTTP 200 with a code of their own.

Apprise looks at the HTTP status only and takes a wrong key, a rate limit and a bad signature for success. These
subclasses send the same payload, read the code, and raise instead of logging; `bihuan.notify.outcome` judges.
"""

from __future__ import annotations

import base64
import hmac
import re
from abc import abstractmethod
from datetime import timedelta
from typing import Any

from apprise.common import NotifyType
from apprise.manager_plugins import NotificationManager
from apprise.plugins.base import NotifyBase
from apprise.plugins.dingtalk import NotifyDingTalk
from apprise.plugins.feishu import NotifyFeishu
from apprise.plugins.lark import NotifyLark
from apprise.plugins.wecombot import NotifyWeComBot

from bihuan.clock import wall_clock
from bihuan.notify.answer import ServiceError, post, spoken, unspoken, wait_asked
from schemas.outbox import AttemptOutcome

_BUSY_CODES = frozenset(
    {
        -1,  # WeCom and DingTalk: the system is busy
        45009,
        45033,  # WeCom: calls too frequent, too many at once
        90030,
        130101,
        302033,
        410100,  # DingTalk: robot over its limit, send too fast
        2200,
        9499,
        11232,
        230020,
        99991400,  # Feishu and Lark: internal error, rate limits of tenant, chat and application
    }
)
_BUSY_WORDS = re.compile(r"too (fast|many)|freq|over limit|rate limit|busy|限流|频率|频繁|繁忙", re.IGNORECASE)
"""Not every code is written down anywhere; the services say it in words as well."""
_WAITS = dict.fromkeys((130101, 410100), timedelta(minutes=10))
"""DingTalk shuts a robot out for ten minutes once it sends more than 20 messages in one."""


def _tell(robot: Any, url: str, payload: dict[str, Any]) -> bool:
    """Post the payload and read the robot's own code.

    Raises:
        ServiceError: It answered with a code other than success, whatever the HTTP status.
        requests.RequestException: The connection failed, or the answer holds no code.
    """
    answer = post(robot, url, payload)
    said = spoken(answer)
    code = next((said[name] for name in ("errcode", "code", "StatusCode") if name in said), None)
    if not isinstance(code, int):
        raise unspoken(answer)
    if code:
        raise _error(code, str(said.get("errmsg") or said.get("msg") or ""), wait_asked(answer))
    return True


def _error(code: int, message: str, wait: timedelta | None) -> ServiceError:
    is_busy = code in _BUSY_CODES or _BUSY_WORDS.search(message) is not None
    why = f"the robot answered {code}: {message}"
    if not is_busy:
        return ServiceError(why, AttemptOutcome.REFUSED)
    return ServiceError(why, AttemptOutcome.RETRY, wait or _WAITS.get(code))


class _Strict(NotifyBase):
    """Sends one text and believes the answer's own code."""

    def send(self, body: Any, title: Any = "", notify_type: Any = NotifyType.INFO, **kwargs: Any) -> Any:
        """Send one text; the title already stands in it."""
        del title, notify_type, kwargs
        return _tell(self, *self.request(body))

    @abstractmethod
    def request(self, text: str) -> tuple[str, dict[str, Any]]:
        """The address and the payload of a text."""


class StrictWeComBot(_Strict, NotifyWeComBot):
    """WeCom group robot 企业微信群机器人: 20 messages a minute, each up to 2,048 bytes."""

    def request(self, text: str) -> tuple[str, dict[str, Any]]:
        """The address and the payload of a text."""
        return self.api_url, {"msgtype": "text", "text": {"content": text}}


class StrictDingTalk(_Strict, NotifyDingTalk):
    """DingTalk group robot 钉钉群机器人: 20 messages a minute; signed where the URL has a secret."""

    def request(self, text: str) -> tuple[str, dict[str, Any]]:
        """The address, signed, and the payload of a text."""
        url = self.notify_url.format(token=self.token)
        if self.secret:
            timestamp, sign = self.get_signature()  # type: ignore[no-untyped-call]
            url += f"&timestamp={timestamp}&sign={sign}"  # it comes encoded: as `params` it would be encoded twice
        return url, {"msgtype": "text", "text": {"content": text}, "at": {"atMobiles": self.targets, "isAtAll": False}}

    @staticmethod
    def parse_native_url(url: str) -> dict[str, Any] | None:
        """What the address that DingTalk gives out means; None for any other."""
        return _native(StrictDingTalk, r"https://oapi\.dingtalk\.com/robot/send/?\?access_token=(\w+)", url)


class StrictFeishu(_Strict, NotifyFeishu):
    """Feishu group robot 飞书群机器人; signed where the URL has a secret, ``feishu://SECRET@TOKEN``."""

    def request(self, text: str) -> tuple[str, dict[str, Any]]:
        """The address and the payload of a text, signed."""
        return self.notify_url.format(token=self.token), _signed(self.user, text)

    @staticmethod
    def parse_native_url(url: str) -> dict[str, Any] | None:
        """What the address that Feishu gives out means; None for any other."""
        return _native(StrictFeishu, r"https://open\.feishu\.cn/open-apis/bot/v2/hook/([\w-]+)/?", url)


class StrictLark(_Strict, NotifyLark):
    """Lark group robot: Feishu outside China; signed in the same way."""

    title_maxlen = 0  # the title stands above the text, as at the other robots

    def request(self, text: str) -> tuple[str, dict[str, Any]]:
        """The address and the payload of a text, signed."""
        return self.webhook_url, _signed(self.user, text)


def _signed(secret: str | None, text: str) -> dict[str, Any]:
    payload = {"msg_type": "text", "content": {"text": text}}
    if not secret:
        return payload
    timestamp = str(int(wall_clock().timestamp()))
    key = f"{timestamp}\n{secret}".encode()
    return {"timestamp": timestamp, "sign": base64.b64encode(hmac.digest(key, b"", "sha256")).decode()} | payload


def _native(robot: Any, pattern: str, url: str) -> dict[str, Any] | None:
    found = re.fullmatch(pattern, url.strip())
    parsed: dict[str, Any] | None = robot.parse_url(f"{robot.secure_protocol}://{found[1]}") if found else None
    return parsed


def register() -> None:
    """Put the strict robots in the place of Apprise's own, for this process."""
    for robot in (StrictWeComBot, StrictDingTalk, StrictFeishu, StrictLark):
        NotificationManager().add(robot, force=True)
