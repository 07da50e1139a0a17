"""A batch of the ledger over one mail connection: one result a message, whatever became of the one before it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from bihuan.notify.gateway import AppriseGateway
from bihuan.services.outbox import Delivered, deliver_all, deliver_due
from bihuan.services.people import save_staff
from bihuan.testing import SmtpServer
from schemas.outbox import AttemptOutcome, MessageState
from schemas.people import StaffIn

SENT, REFUSED, RETRY, AMBIGUOUS = (
    AttemptOutcome.SENT,
    AttemptOutcome.REFUSED,
    AttemptOutcome.RETRY,
    AttemptOutcome.AMBIGUOUS,
)


@pytest.fixture
def mail() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def gateway(office, mail) -> AppriseGateway:
    account = SecretStr(f"mailto://clerk:open-sesame@127.0.0.1:{mail.port}/?from=bihuan@example.com")
    given = {"mail_url": account, "allow_private_targets": True, "send_timeout_seconds": 1}
    office.settings = office.settings.model_copy(update=given)
    return AppriseGateway(office.settings)


def warned(office, *codes: str) -> None:
    """A handler with an address each, to be warned now in a mail of their own."""
    office.at = office.after(8.01)
    for code in codes:
        contact = f"mailto:{code}@example.com"
        person = StaffIn(code=code, name=code, department="service", contact_url=contact)
        with office.db.write() as session:
            save_staff(session, person, office.settings.secret_value())
        office.register(code, 0, handler=code, deadlines={"handled": office.after(10)})
    office.check()


def test_a_batch_is_one_connection_and_every_message_has_its_attempt(office, gateway, mail):
    codes = [f"s{number}" for number in range(12)]
    warned(office, *codes)
    assert deliver_due(office.db, gateway, office.settings, office.clock, owner="me") == Delivered(claimed=12, sent=12)
    assert mail.connections == 1
    assert sorted(message["To"] for message in mail.messages) == sorted(f"{code}@example.com" for code in codes)
    assert sorted(row.message_id for row in office.attempts) == [row.id for row in office.messages]
    assert {row.outcome for row in office.attempts} == {SENT}
    assert office.audit().holds


def test_every_batch_of_a_pass_is_a_connection(office, gateway, mail):
    warned(office, *(f"s{number}" for number in range(7)))
    assert deliver_all(office.db, gateway, office.settings, office.clock, limit=3).sent == 7
    assert mail.connections == 3


def test_each_message_of_a_batch_ends_as_the_server_answered_for_it(office, gateway, mail):
    async def handle(server, session, envelope, address, options):
        mail.behaviour = "kill" if address.startswith("cut") else "accept"
        if address.startswith("gone"):
            return "550 no such mailbox"
        if address.startswith("busy"):
            return "450 later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    mail.handle_RCPT = handle
    warned(office, "ann", "gone", "ben", "busy", "cut", "eve")
    done = deliver_due(office.db, gateway, office.settings, office.clock, owner="me")
    assert done == Delivered(claimed=6, sent=3, failed=1, retried=2)
    assert [row.outcome for row in office.attempts] == [SENT, REFUSED, SENT, RETRY, AMBIGUOUS, SENT]
    assert [(row.state, row.is_repeated) for row in office.messages] == [
        (MessageState.SENT, False),
        (MessageState.FAILED, False),
        (MessageState.SENT, False),
        (MessageState.PLANNED, False),
        (MessageState.PLANNED, True),
        (MessageState.SENT, False),
    ]
    assert office.audit().holds
