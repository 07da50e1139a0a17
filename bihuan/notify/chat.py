"""Slack, Telegram and Teams, strict: their own words for what went wrong, in plain text, to the chats named only.

Apprise logs the HTTP status and drops the reason; it takes Telegram's text for HTML, and asks Telegram for whoever
wrote to the bot first where a URL names no chat. What is raised here is caught where it is logged, so that the other
chats of a URL get their letter; `bihuan.notify.delivery` hears the exception with the line.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

import requests
from apprise.common import NotifyType
from apprise.manager_plugins import NotificationManager
from apprise.plugins.slack import NotifySlack, SlackMode
from apprise.plugins.telegram import NotifyTelegram
from apprise.plugins.workflows import NotifyWorkflows

from bihuan.notify.answer import ServiceError, post, seconds, spoken, unspoken, wait_asked
from schemas.outbox import AttemptOutcome

_SLACK_LATER = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded", "service_unavailable"})
_SLACK_PERHAPS = frozenset({"internal_error", "fatal_error", "request_timeout"})
"""Slack's own words for a failure that may have left something done."""
_SLACK_WORD = re.compile(r"[a-z][a-z_]{1,60}")
_LINK = re.compile(r"https?://[^\s()]+")


class StrictSlack(NotifySlack):
    """Slack: an incoming webhook, a bot's token or a workflow."""

    def _send(self, url: Any, payload: Any, attach: Any = None, http_method: Any = "post", params: Any = None,
              **kwargs: Any) -> Any:  # fmt: skip
        """The answer to one post; False, with the reason in the log, where it was not taken."""
        try:
            answer = requests.request(
                http_method,
                url,
                json=payload,
                params=params,
                headers={"User-Agent": self.app_id} | self._authorization(),
                verify=self.verify_certificate,
                timeout=self.request_timeout,
                allow_redirects=False,
            )
            return self._read(answer)
        except (ServiceError, requests.RequestException):
            self.logger.warning("Slack did not take it")
            return False

    def lookup_userid(self, email: Any) -> Any:
        """The id of the member with this address; False where a bot does not find one."""
        if self.mode is not SlackMode.BOT:
            raise ServiceError("only a bot's token finds members by their address", AttemptOutcome.REFUSED)
        said = self._send(self.api_url.format("users.lookupByEmail"), None, http_method="get", params={"email": email})
        return said and said["user"]["id"]

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"} if self.mode is SlackMode.BOT else {}

    def _read(self, answer: requests.Response) -> dict[str, Any]:
        said, text = spoken(answer), answer.text.strip()
        is_done = said.get("ok") is True if self.mode is SlackMode.BOT else answer.status_code == HTTPStatus.OK
        if is_done and (self.mode not in {SlackMode.WEBHOOK, SlackMode.WEBHOOK_GOV} or text == "ok"):
            return said or {"ok": True}
        word = str(said.get("error") or text)
        if _SLACK_WORD.fullmatch(word) is None:
            raise unspoken(answer)
        raise ServiceError(f"Slack answered {word}", _of_slack(word, answer.status_code), wait_asked(answer))


def _of_slack(word: str, status: int) -> AttemptOutcome:
    if word in _SLACK_PERHAPS:
        return AttemptOutcome.AMBIGUOUS
    is_passing = status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return AttemptOutcome.RETRY if is_passing or word in _SLACK_LATER else AttemptOutcome.REFUSED


class StrictTelegram(NotifyTelegram):
    """Telegram bot, to the chats of its URL."""

    def send(self, body: Any, title: Any = "", notify_type: Any = NotifyType.INFO, attach: Any = None,
             body_format: Any = None, **kwargs: Any) -> Any:  # fmt: skip
        """Send one text, the title in it, to each chat."""
        if not self.targets:
            raise ServiceError("the URL names no chat of the bot", AttemptOutcome.REFUSED)
        taken = [self._tell(chat, topic, body) for chat, topic in self.targets]
        return all(taken)

    def _tell(self, chat: int | str, topic: int | None, text: str) -> bool:
        payload = {"chat_id": chat, "text": text, "disable_web_page_preview": not self.preview,
                   "disable_notification": self.silent}  # fmt: skip
        try:
            answer = post(self, f"{self.notify_url}{self.bot_token}/sendMessage",
                          payload | ({"message_thread_id": topic} if topic else {}))  # fmt: skip
            _read_telegram(answer)
        except (ServiceError, requests.RequestException):
            self.logger.warning("Telegram did not take it")
            return False
        self.logger.info("Sent Telegram notification.")
        return True


def _read_telegram(answer: requests.Response) -> None:
    said = spoken(answer)
    if said.get("ok") is True:
        return
    code = said.get("error_code")
    if not isinstance(code, int):
        raise unspoken(answer)
    is_passing = code == HTTPStatus.TOO_MANY_REQUESTS or code >= HTTPStatus.INTERNAL_SERVER_ERROR
    parameters = said.get("parameters")
    asked = parameters.get("retry_after") if isinstance(parameters, dict) else None
    raise ServiceError(
        f"Telegram answered {code}: {said.get('description', '')}",
        AttemptOutcome.RETRY if is_passing else AttemptOutcome.REFUSED,
        seconds(asked) or wait_asked(answer),
    )


class ReadableWorkflows(NotifyWorkflows):
    """Teams by a workflow of Power Automate; the answer's HTTP status can be believed."""

    def gen_payload(self, body: Any, title: Any = "", notify_type: Any = NotifyType.INFO, **kwargs: Any) -> Any:
        """The card: Teams breaks a line only between paragraphs, and opens only what is written as a link."""
        lines = [_LINK.sub(lambda link: f"[{link[0]}]({link[0]})", line) for line in body.splitlines() if line.strip()]
        card = super().gen_payload("\n\n".join(lines), title, notify_type, **kwargs)  # type: ignore[no-untyped-call]
        for block in card["attachments"][0]["content"]["body"]:
            block["wrap"] = True  # otherwise a long title is cut where the card ends
        return card


def register() -> None:
    """Put these in the place of Apprise's own, for this process."""
    for service in (StrictSlack, StrictTelegram, ReadableWorkflows):
        NotificationManager().add(service, force=True)
