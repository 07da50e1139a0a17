"""The way out: a gateway hands one letter to one target and says how that ended.

Nothing here raises for a target that fails: a bad URL, a refused login, a time-out and a 500 are results, because each
must end in a row that says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from bihuan.notify.contact import masked, scrubbed
from bihuan.notify.letter import Letter
from bihuan.settings import Settings
from schemas.outbox import AttemptOutcome

if TYPE_CHECKING:
    from bihuan.notify.delivery import Limits
    from bihuan.notify.mail import Connections

ERROR_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class SendResult:
    """How one attempt ended: ``error`` says why it was not sent, ``target`` is the URL masked; neither holds a secret.

    ``sent``: the target took it. ``refused``: it will never take it. ``retry``: it did not take it and may later.
    ``ambiguous``: it may have taken it, or only some of its addresses did. ``retry_after``: how long the service asked
    to be left alone, where it did.
    """

    outcome: AttemptOutcome
    error: str | None
    target: str
    retry_after: timedelta | None = None


class Sender(Protocol):
    """Whatever can deliver a letter."""

    def send(self, url: str, letter: Letter) -> SendResult:
        """Hand ``letter`` to the target of an Apprise URL, once, and say how it ended."""
        ...


class Gateway(Sender, Protocol):
    """A sender that can keep what it opens for a batch; tests use `bihuan.testing.RecordingGateway`."""

    def session(self) -> AbstractContextManager[Sender]:
        """The sender of one batch: what it opens is used again within the batch, and closed when the batch ends."""
        ...


class AppriseGateway:
    """Sends through Apprise, under the installation's rules for schemes, private networks and time-outs."""

    def __init__(self, settings: Settings) -> None:
        # Apprise takes 0.2 s to import and 0.3 s to load its services: only who sends pays for it.
        from bihuan.notify.delivery import Limits  # noqa: PLC0415

        self._limits = Limits(
            schemes=settings.schemes(),
            timeout_seconds=settings.send_timeout_seconds,
            is_private_allowed=settings.allow_private_targets,
        )

    def send(self, url: str, letter: Letter) -> SendResult:
        """Hand ``letter`` to the target, once. Safe to call from several threads; takes no attachments."""
        with self.session() as sender:
            return sender.send(url, letter)

    @contextmanager
    def session(self) -> Iterator[Sender]:
        """The sender of one batch, for the thread that asks: each mail account is connected to once."""
        from bihuan.notify.mail import Connections  # noqa: PLC0415

        with Connections() as connections:
            yield _Batch(self._limits, connections)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Sends the letters of one batch."""

    limits: Limits
    connections: Connections

    def send(self, url: str, letter: Letter) -> SendResult:
        """Hand ``letter`` to the target, once."""
        from bihuan.notify.delivery import deliver  # noqa: PLC0415

        outcome, why, wait = deliver(url, letter, self.limits, self.connections)
        error = " ".join(scrubbed(why, url).split())[:ERROR_CHARACTERS] if why else None
        return SendResult(outcome=outcome, error=error, target=masked(url), retry_after=wait)
