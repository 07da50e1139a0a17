"""Mail on one connection a batch: Apprise opens one, with a TLS context of its own, for every message.

Apprise stays the interpreter of mail URLs and the writer of the mails; only the conversation with the server is ours. A
connection is used again where the server's last answer left it clean, and nowhere else, so that no answer is ever taken
for another letter's.
"""

from __future__ import annotations

import os
import smtplib
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from apprise.common import NotifyType
from apprise.manager_plugins import NotificationManager
from apprise.plugins.email import EmailMessage, NotifyEmail, SecureMailMode

from bihuan.notify.outcome import of_error
from schemas.outbox import AttemptOutcome

_IN_WORDS = (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused, smtplib.SMTPDataError)
"""The server said no to one mail; the conversation may go on."""
_DONE = 250


@dataclass(frozen=True, slots=True)
class Account:
    """A mail account and how it is reached: mails for equal accounts share a connection."""

    host: str
    port: int
    mode: str | None
    user: str | None
    password: str | None = field(repr=False)
    is_verified: bool
    timeout_seconds: float


class Connections:
    """The connections of one batch, one a mail account, closed when it is left as a context.

    They belong to the thread that made it: any other thread or process gets a connection of its own for each mail.
    """

    def __init__(self) -> None:
        self._idle: dict[Account, smtplib.SMTP] = {}
        self._contexts: dict[bool, ssl.SSLContext] = {}
        self._home = _here()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        is_ours = self._home == _here()
        while self._idle:
            _, connection = self._idle.popitem()
            _close(connection, in_peace=is_ours and kind is None)

    def send(self, account: Account, sender: str, mail: EmailMessage) -> None:
        """Hand one mail over, on the account's connection where there is one.

        What that one puts off, or breaks off before the text, may be its own fault: closed while idle, or its share of
        mails used up. The mail is then offered once more, on a fresh connection, and ends as it ends there.

        Raises:
            OSError: Not handed over, as `smtplib` says it; `bihuan.notify.outcome` judges.
        """
        used = self._idle.pop(account, None) if self._home == _here() else None
        if used is not None:
            try:
                self._hand_over(used, account, sender, mail)
            except OSError as error:
                if not _is_worth_a_fresh_one(error):
                    raise
            else:
                return
            if (left := self._idle.pop(account, None)) is not None:
                _close(left, in_peace=True)
        self._hand_over(self._open(account), account, sender, mail)

    def _hand_over(self, connection: smtplib.SMTP, account: Account, sender: str, mail: EmailMessage) -> None:
        is_clean = False
        try:
            connection.sendmail(sender, mail.to_addrs, mail.body)
            is_clean = True
        except _IN_WORDS:
            is_clean = _is_reset(connection)
            raise
        finally:
            if is_clean and self._home == _here():
                self._idle[account] = connection
            else:
                _close(connection, in_peace=is_clean)

    def _open(self, account: Account) -> smtplib.SMTP:
        if account.mode == SecureMailMode.SSL:
            context = self._context(account)
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                account.host, account.port, timeout=account.timeout_seconds, context=context
            )
        else:
            connection = smtplib.SMTP(account.host, account.port, timeout=account.timeout_seconds)
        try:
            if account.mode == SecureMailMode.STARTTLS:
                connection.starttls(context=self._context(account))
            if account.user and account.password:
                connection.login(account.user, account.password)
        except BaseException:
            _close(connection, in_peace=False)
            raise
        return connection

    def _context(self, account: Account) -> ssl.SSLContext:
        """Loading the certificates takes longer than the mail."""
        if (known := self._contexts.get(account.is_verified)) is not None:
            return known
        context = ssl.create_default_context()
        if not account.is_verified:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return self._contexts.setdefault(account.is_verified, context)


class BatchEmail(NotifyEmail):
    """Apprise's mail service; in a batch, on its ``connections``."""

    connections: Connections | None = None

    def send(
        self, body: Any, title: Any = "", notify_type: Any = NotifyType.INFO, attach: Any = None, **kwargs: Any
    ) -> Any:
        """Send one text, in a mail of its own to each address; attachments and PGP only outside a batch."""
        if self.connections is None:
            return super().send(body, title, notify_type, attach, **kwargs)  # type: ignore[no-untyped-call]
        if not self.targets:
            self.logger.warning("There are no Email recipients to notify")
            return False
        port: int = self.port or 0
        account = Account(self.smtp_host, port, self.secure_mode, self.user, self.password,
                          self.verify_certificate, self.socket_connect_timeout)  # fmt: skip
        return self._send_each(self.connections, account, title, body)

    def _send_each(self, connections: Connections, account: Account, title: Any, body: Any) -> bool:
        """Whether every address took it. Logs in Apprise's words; after a broken connection the rest are not tried."""
        is_taken = True
        for mail in self._mails(title, body):
            try:
                connections.send(account, str(self.from_addr[1]), mail)
            except _IN_WORDS:
                self.logger.warning('Sending email to "%s" failed.', mail.recipient)
                is_taken = False
            except (OSError, RuntimeError):
                self.logger.warning('Connection error while submitting email to "%s"', account.host)
                return False
            else:
                self.logger.info("Sent Email to %s", mail.recipient)
        return is_taken

    def _mails(self, title: Any, body: Any) -> Any:
        return self.prepare_emails(
            subject=title,
            body=body,
            notify_format=self.notify_format,
            from_addr=self.from_addr,
            to=self.targets,
            cc=self.cc,
            bcc=self.bcc,
            reply_to=self.reply_to,
            smtp_host=self.smtp_host,
            headers={"X-Application": self.app_id} | self.headers,
            names=self.names,
            tzinfo=self.tzinfo,
        )


def register() -> None:
    """Put the mail service that shares connections in the place of Apprise's own, for this process."""
    NotificationManager().add(BatchEmail, force=True)


def _here() -> tuple[int, int]:
    return os.getpid(), threading.get_ident()


def _is_worth_a_fresh_one(error: OSError) -> bool:
    """Not taken for a passing reason; a server that let us wait in vain is not asked twice."""
    return of_error(error).outcome is AttemptOutcome.RETRY and not isinstance(error.__context__, TimeoutError)


def _is_reset(connection: smtplib.SMTP) -> bool:
    """Whether the server has put the refused mail aside and waits for the next."""
    try:
        return connection.rset()[0] == _DONE
    except OSError:
        return False


def _close(connection: smtplib.SMTP, *, in_peace: bool) -> None:
    if in_peace:
        with suppress(OSError):
            connection.quit()
    connection.close()
