"""The demo's post office: an SMTP server on loopback that delivers nothing and keeps every mail as a file."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

from bihuan.clock import Clock
from bihuan.errors import UnavailableError
from bihuan.settings import Settings
from bihuan.simulation.company import DOMAIN

KEPT = 500
"""Newest mails kept; older files are removed as new ones come."""
_HIGHEST_PORT = 65535


def catcher_port(settings: Settings) -> int:
    """The catcher's port: the one after the web page's (before it, where there is none after)."""
    return settings.web_port + (1 if settings.web_port < _HIGHEST_PORT else -1)


def catcher_settings(settings: Settings) -> str:
    """The settings file of a demo: whatever address mail is for, the catcher on loopback gets it."""
    account = f"mailto://127.0.0.1:{catcher_port(settings)}/?from=bihuan@{DOMAIN}&mode=insecure&format=text"
    return f"BIHUAN_MAIL_URL={account}\nBIHUAN_ALLOW_PRIVATE_TARGETS=true\n"


def mail_folder(settings: Settings) -> Path:
    """Where the caught mails lie: ``.eml`` files whose names sort by arrival."""
    return settings.data_dir / "mail"


class MailCatcher:
    """Catches while it is entered as a context.

    Attributes:
        folder: Where mails go; made if missing.
        port: On 127.0.0.1.
        clock: Dates the files' names.
        kept: How many of the newest stay.
    """

    def __init__(self, folder: Path, port: int, clock: Clock, *, kept: int = KEPT) -> None:
        self._folder, self._port, self._clock, self._kept = folder, port, clock, kept
        self._controller: Controller | None = None

    def __enter__(self) -> Self:
        """Listen from now on.

        Raises:
            UnavailableError: The port is taken.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        controller = Controller(self, hostname="127.0.0.1", port=self._port)
        try:
            # aiosmtpd notices a taken port only after its time-out.
            socket.create_server(("127.0.0.1", self._port)).close()
            controller.start()
        except OSError as error:
            controller.loop.close()
            raise UnavailableError(
                f"port {self._port} for the caught mail is in use",
                cure="choose another --port; the mail takes the one after it",
            ) from error
        self._controller = controller
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening."""
        if self._controller:
            self._controller.stop()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep one mail; a reader never sees half of it."""
        name = f"{self._clock():%Y%m%dT%H%M%S%f}-{uuid4().hex[:8]}"
        unfinished = self._folder / f"{name}.part"
        unfinished.write_bytes(envelope.original_content or b"")
        unfinished.rename(unfinished.with_suffix(".eml"))
        for old in sorted(self._folder.glob("*.eml"))[: -self._kept]:
            old.unlink(missing_ok=True)
        return "250 kept"
