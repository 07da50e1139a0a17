"""How staff are let be: which messages wait, until when and why, and which of them go as one letter.

A message that can wait is held for the morning digest 晨报, anything usual over quiet hours 免打扰时段, and what comes
soon after a letter until the window behind that letter has passed. What is urgent goes out at once and alone. It is
decided each time a message is claimed, so a changed preference counts, and what is tried again waits as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bihuan.policy.escalation import DigestPolicy, ReminderPolicy
from bihuan.rules.wall_time import on_day, window_at
from schemas.outbox import Audience, Notice, Urgency

_DAY = timedelta(days=1)


class Hold(StrEnum):
    """Why a message is held; the row keeps it as its reason until it is sent."""

    QUIET = "quiet"
    BUNDLED = "bundled"
    DIGEST = "digest"


class Held(NamedTuple):
    """Until when a message is held, UTC, and why."""

    until: datetime
    why: Hold


class Waiting(NamedTuple):
    """What holding a claimed message back depends on."""

    urgency: Urgency
    notice: Notice
    planned_at: datetime
    due_at: datetime | None = None
    """Of its deadline; None where it speaks of none."""
    reason: str | None = None
    """What the row says: why it was held before, if it was."""


class Hours(NamedTuple):
    """Where somebody reads, and their own quiet hours: None as policy says, both times equal none at all."""

    zone: ZoneInfo
    quiet: tuple[str, str] | None = None


def may_wait(audience: Audience, urgency: Urgency, notice: Notice) -> bool:
    """Whether a message is one that can be held, or share a letter, at all."""
    return audience is Audience.STAFF and urgency is not Urgency.URGENT and notice is not Notice.SIGN_IN


def sort_out(
    messages: Sequence[Waiting], hours: Hours, last_at: datetime | None, policy: ReminderPolicy, at: datetime
) -> list[Held | None]:
    """Which of one recipient's messages go now, as one letter, and which are held.

    A letter that goes anyway takes along what would only have waited for the window behind the last one.

    Args:
        messages: Claimed together; none that ``may_wait`` excludes.
        hours: The recipient's.
        last_at: When a letter like these last went to the recipient; None where that is not known or long ago.
        policy: What holds for all.
        at: Now.

    Returns:
        For each message, in their order: until when it is held and why; None where it goes now.
    """
    verdicts = [held(message, hours, last_at, policy, at) for message in messages]
    if None not in verdicts:
        return verdicts
    return [None if verdict and verdict.why is Hold.BUNDLED else verdict for verdict in verdicts]


def held(message: Waiting, hours: Hours, last_at: datetime | None, policy: ReminderPolicy, at: datetime) -> Held | None:
    """Until when a message that may wait is held, looked at alone; None where it goes now.

    Nothing is held for the window twice, and the digest that counts is the first one after it was planned: a message
    that is claimed whenever it is due goes out within a day, the quiet hours and the window.
    """
    quiet = quiet_hours(hours, policy)
    digest_at = _digest_for(message, hours, policy.digest, quiet)
    if digest_at and at < digest_at:
        return Held(digest_at, Hold.DIGEST)
    quiet_until = _end_of_quiet(at, hours.zone, quiet)
    if quiet_until:
        return Held(quiet_until, Hold.QUIET)
    window_until = last_at + policy.bundle_within if last_at and policy.bundle_within else at
    return Held(window_until, Hold.BUNDLED) if at < window_until and message.reason != Hold.BUNDLED else None


def quiet_hours(hours: Hours, policy: ReminderPolicy) -> tuple[str, str] | None:
    """From when until when somebody is let be, as local times of day; None where never."""
    said = hours.quiet or (policy.quiet and (policy.quiet.start, policy.quiet.end))
    return said if said and said[0] != said[1] else None


def held_bundle(recipient: str, channel: str, until: datetime) -> str:
    """The letter of everything that is held until one instant for one recipient, whatever it is held for."""
    return f"held {recipient} {channel} {until.astimezone(UTC).replace(tzinfo=None).isoformat()}"


def joined_bundle(recipient: str, channel: str, first_id: int) -> str:
    """The letter of messages to one recipient that came due together, by the first of them."""
    return f"joined {recipient} {channel} {first_id}"


def _digest_for(
    message: Waiting, hours: Hours, digest: DigestPolicy | None, quiet: tuple[str, str] | None
) -> datetime | None:
    """The digest that a message waits for; None for a message that waits for none.

    A warning waits where that leaves its reader the time that the policy wants.
    """
    is_warning = message.notice in {Notice.WARNING, Notice.WORK_DUE} and message.due_at is not None
    if digest is None or not (message.urgency is Urgency.CAN_WAIT or is_warning):
        return None
    digest_at = _next_at(message.planned_at, digest.at, hours.zone)
    digest_at = _end_of_quiet(digest_at, hours.zone, quiet) or digest_at
    if message.urgency is Urgency.CAN_WAIT:
        return digest_at
    return digest_at if message.due_at and digest_at + digest.before_due <= message.due_at else None


def _next_at(after: datetime, time_of_day: str, zone: ZoneInfo) -> datetime:
    """The first instant from ``after`` on at which that time of day comes."""
    today = after.astimezone(zone).date()
    at = on_day(today, time_of_day, zone)
    return at if at >= after else on_day(today + _DAY, time_of_day, zone)


def _end_of_quiet(at: datetime, zone: ZoneInfo, quiet: tuple[str, str] | None) -> datetime | None:
    """When the quiet hours end that an instant lies in; None where it lies in none."""
    window = window_at(at, *quiet, zone) if quiet else None
    return window[1] if window else None
