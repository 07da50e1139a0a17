"""Group robots of WeCom, DingTalk, Feishu and Lark, strict: they answer HTTP 200 with a code of their own.

Apprise looks at the HTTP status only and takes a wrong key, a rate limit and a bad signature for success. These
subclasses send the same payload, read the code, and raise instead of logging; `bihuan.notify.outcome` judges.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import Any

import requests
from apprise.common import NotifyType
from apprise.manager_plugins import NotificationManager
from apprise.plugins.base import NotifyBase
from apprise.plugins.dingtalk import NotifyDingTalk
from apprise.plugins.feishu import NotifyFeishu
from apprise.plugins.lark import NotifyLark
from apprise.plugins.wecombot import NotifyWeComBot

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
        11232,
        230020,
        99991400,  # Feishu and Lark: internal error, rate limits of tenant, chat and application
    }
)
_BUSY_WORDS = re.compile(r"too (fast|many)|freq|over limit|rate limit|busy|限流|频率|频繁|繁忙", re.IGNORECASE)
"""Not every code is written down anywhere; the services say it in words as well."""


class RobotError(Exception):
    """A robot's service answered with a code other than success."""

    def __init__(self, code: int, message: str) -> None:
        self.is_busy = code in _BUSY_CODES or _BUSY_WORDS.search(message) is not None
        super().__init__(f"the robot answered {code}: {message}")


def _tell(robot: Any, url: str, payload: dict[str, Any]) -> bool:
    """Post the payload and read the robot's own code.

    Raises:
        RobotError: It answered with a code other than success, whatever the HTTP status.
        requests.RequestException: The connection failed, or the answer holds no code.
    """
    answer = requests.post(
        url,
        json=payload,
        headers={"User-Agent": robot.app_id},
        verify=robot.verify_certificate,
        timeout=robot.request_timeout,
        allow_redirects=False,
    )
    code, message = _code(answer)
    if code is None:
        raise requests.HTTPError(response=answer) if answer.status_code != requests.codes.ok else _unreadable()
    if code:
        raise RobotError(code, message)
    return True


def _code(answer: requests.Response) -> tuple[int | None, str]:
    try:
        said = answer.json()
    except requests.JSONDecodeError:
        return None, ""
    names = ("errcode", "code", "StatusCode")
    code = next((said[name] for name in names if name in said), None) if isinstance(said, dict) else None
    return (code, str(said.get("errmsg") or said.get("msg") or "")) if isinstance(code, int) else (None, "")


def _unreadable() -> requests.RequestException:
    return requests.JSONDecodeError("no code in the answer", "", 0)


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


class StrictFeishu(_Strict, NotifyFeishu):
    """Feishu group robot 飞书群机器人."""

    def request(self, text: str) -> tuple[str, dict[str, Any]]:
        """The address and the payload of a text."""
        return self.notify_url.format(token=self.token), {"msg_type": "text", "content": {"text": text}}


class StrictLark(_Strict, NotifyLark):
    """Lark group robot: Feishu outside China."""

    title_maxlen = 0  # the title stands above the text, as at the other robots

    def request(self, text: str) -> tuple[str, dict[str, Any]]:
        """The address and the payload of a text."""
        return self.webhook_url, {"msg_type": "text", "content": {"text": text}}


def register() -> None:
    """Put the strict robots in the place of Apprise's own, for this process."""
    for robot in (StrictWeComBot, StrictDingTalk, StrictFeishu, StrictLark):
        NotificationManager().add(robot, force=True)
