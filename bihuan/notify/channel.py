"""What each service takes: how long a letter may be, how many a minute, and where only a few words arrive.

One table for the whole house: letters are cut to the narrowest line of it, the outbox paces each target by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

SMS_CHARACTERS = 201
"""Three segments of 67 characters: a text with any Chinese in it travels as UCS-2, 70 alone, 67 where it is split."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One service.

    ``letter_bytes``: title, line break and body together, in UTF-8. ``per_minute``: letters that one target gets in any
    minute; None where only the setting limits them. ``is_short``: it gets the title and the link, nothing else.
    """

    letter_bytes: int
    per_minute: int | None = None
    is_short: bool = False


_MAIL = Channel(1_000_000)
_WEBHOOK = Channel(1_000_000)
_ROBOT = Channel(6_000, 100)  # 20 KB a request, in which JSON writes one byte as up to three; a hundred a minute
_TEAMS = Channel(8_000, 60)  # 28 KB a request, likewise, less the card around it
_SMS = Channel(3 * SMS_CHARACTERS, 5, is_short=True)
_VENDORS = """twilio vonage nexmo sinch plivo clickatell clicksend msg91 msgbird bulksms bulkvs burstsms d7sms httpsms
    kavenegar octopush seven sfr smpp smpps smseagle smseagles smsmanager sns voipms"""

OTHER = Channel(2_048)
"""A service of Apprise that nobody here has looked at."""


def _table() -> Iterator[tuple[str, Channel]]:
    yield "wecombot", Channel(2_048, 20)
    yield "dingtalk", Channel(20_000, 20)  # above, the robot is shut out for ten minutes
    yield "slack", Channel(4_000, 60)  # one a second; a text above 4,000 characters may be split
    yield "tgram", Channel(4_096, 20)  # characters, which are never more than bytes; twenty a minute to a group
    for channel, schemes in (
        (_ROBOT, "feishu lark"),
        (_TEAMS, "workflow workflows"),
        (_MAIL, "mailto mailtos"),
        (_WEBHOOK, "json jsons form forms xml xmls"),
        (_SMS, f"sms smss {_VENDORS}"),
    ):
        yield from ((scheme, channel) for scheme in schemes.split())


CHANNELS = dict(_table())
"""Each service by the scheme of its Apprise URL."""

_GIVEN_OUT = {
    "qyapi.weixin.qq.com": "wecombot",
    "oapi.dingtalk.com": "dingtalk",
    "open.feishu.cn": "feishu",
    "open.larksuite.com": "lark",
    "hooks.slack.com": "slack",
}
"""Hosts in the addresses that services themselves give out."""

LETTER_BYTES = min(channel.letter_bytes for channel in CHANNELS.values() if not channel.is_short)
"""What a letter may measure wherever it goes: 2,048 bytes, what a WeCom robot takes."""


def channel_of(url: str) -> Channel:
    """The service that a contact's URL belongs to; `OTHER` where it is not known."""
    return CHANNELS.get(scheme_of(url), OTHER)


def scheme_of(url: str) -> str:
    """The Apprise scheme of a contact's URL, also where it is one that its service gave out; "" where it is no URL."""
    found = re.match(r"\s*([a-z][a-z0-9+.-]*):(?://([^/?#:]*))?", url, re.IGNORECASE)
    if found is None:
        return ""
    scheme, host = found[1].lower(), (found[2] or "").lower()
    is_teams = host.endswith((".logic.azure.com", ".api.powerplatform.com"))
    given_out = "workflows" if is_teams else _GIVEN_OUT.get(host, "")
    return given_out or scheme if scheme in {"http", "https"} else scheme


def per_minute(url: str, most: int) -> int:
    """How many letters the target of a URL gets in any minute: what its service bears, and never more than ``most``."""
    return min(most, channel_of(url).per_minute or most)
