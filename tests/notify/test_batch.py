"""A batch of mail on one connection: each letter ends as it would alone, and answers stay with their letters."""

from __future__ import annotations

import asyncio
import os
import ssl
import threading
from contextlib import suppress

import pytest

from bihuan.notify.gateway import AppriseGateway
from bihuan.notify.letter import Letter
from bihuan.settings import Settings
from bihuan.testing import HttpServer, SmtpServer
from schemas.outbox import AttemptOutcome

SENT, REFUSED, RETRY, AMBIGUOUS = (
    AttemptOutcome.SENT,
    AttemptOutcome.REFUSED,
    AttemptOutcome.RETRY,
    AttemptOutcome.AMBIGUOUS,
)
LETTER = Letter(title="【超时】20261122-000123", body="为什么收到：…")


@pytest.fixture
def gateway():
    return AppriseGateway(Settings(allow_private_targets=True, send_timeout_seconds=1))


@pytest.fixture
def mail():
    with SmtpServer() as server:
        yield server


@pytest.fixture(params=["starttls", "ssl"])
def secure_mail(request, certificate):
    with SmtpServer(tls=certificate, is_tls_only=request.param == "ssl") as server:
        server.secure_url = f"{server.login_url.replace('mailto', 'mailtos')}&mode={request.param}"
        yield server


def outcomes(gateway, mail, behaviours, url=None):
    """How the letters of one batch ended, the server behaving for each as told."""
    found = []
    with gateway.session() as sender:
        for behaviour in behaviours:
            mail.behaviour = behaviour
            found.append(sender.send(url or mail.login_url, LETTER).outcome)
    return found


def test_a_batch_goes_out_on_one_connection_with_a_result_for_each(gateway, mail):
    with gateway.session() as sender:
        results = [sender.send(f"{mail.url}&name={number}", LETTER) for number in range(20)]
    assert [result.outcome for result in results] == [SENT] * 20
    assert len({message["Message-ID"] for message in mail.messages}) == 20
    assert mail.connections == 1


def test_the_next_batch_gets_a_connection_of_its_own(gateway, mail):
    assert [outcomes(gateway, mail, ["accept", "accept"]) for _ in range(2)] == [[SENT, SENT]] * 2
    assert mail.connections == 2


def test_an_account_with_another_login_gets_a_connection_of_its_own(gateway, mail):
    other = mail.login_url.replace("clerk", "clerk2")
    with gateway.session() as sender:
        assert [sender.send(url, LETTER).outcome for url in (mail.url, mail.login_url, other) * 2] == [SENT] * 6
    assert mail.connections == 3


@pytest.mark.parametrize(
    ("behaviour", "outcome", "connections"),
    [
        ("refuse_recipient", REFUSED, 1),  # the conversation goes on
        ("refuse_text", REFUSED, 1),
        ("defer_recipient", RETRY, 2),  # perhaps the connection's fault: asked once more on a fresh one
        ("hang", AMBIGUOUS, 2),  # never asked again: the next letter gets a fresh one
        ("kill", AMBIGUOUS, 2),
    ],
)
def test_in_the_middle_of_a_batch_a_letter_ends_as_it_would_alone(gateway, mail, behaviour, outcome, connections):
    assert outcomes(gateway, mail, ["accept", behaviour, "accept", "accept"]) == [SENT, outcome, SENT, SENT]
    assert mail.connections == connections
    assert len(mail.messages) == 3 + (outcome is AMBIGUOUS)


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        ("greet_never", RETRY),
        ("refuse_login", RETRY),
        ("refuse_recipient", REFUSED),
        ("defer_recipient", RETRY),
        ("refuse_text", REFUSED),
        ("kill", AMBIGUOUS),
    ],
)
def test_a_batch_of_which_the_first_letter_fails_goes_on(gateway, mail, behaviour, outcome):
    assert outcomes(gateway, mail, [behaviour, "accept", behaviour]) == [
        outcome,
        SENT,
        SENT if behaviour in {"greet_never", "refuse_login"} else outcome,  # already greeted and logged in
    ]


def test_a_connection_closed_while_idle_is_noticed_before_the_text(gateway, mail):
    assert outcomes(gateway, mail, ["leave"] * 5) == [SENT] * 5
    assert (mail.connections, len(mail.messages)) == (5, 5)


def test_a_server_that_is_gone_meanwhile_is_tried_again_later(gateway):
    with SmtpServer("leave") as mail, gateway.session() as sender:
        found = [sender.send(mail.url, LETTER).outcome]
        mail.behaviour = "greet_never"
        found.append(sender.send(mail.url, LETTER).outcome)
    assert found == [SENT, RETRY]


@pytest.mark.parametrize("answer", ["451 MI:DMC too many mails", "421 4.7.0 too many mails"])
def test_a_server_that_takes_few_mails_a_connection_gets_more_connections(gateway, mail, answer):
    """NetEase and others count mails by connection and put off what is above their share."""
    shares = {}

    async def handle(server, session, envelope, address, options):
        shares[session] = shares.get(session, 0) + 1
        if shares[session] > 3:
            return answer
        envelope.mail_from = address
        return "250 OK"

    mail.handle_MAIL = handle
    assert outcomes(gateway, mail, ["accept"] * 7) == [SENT] * 7
    assert (mail.connections, len(mail.messages)) == (3, 7)


def test_a_server_that_lets_a_used_connection_wait_is_not_asked_twice(gateway, mail):
    """A letter must not wait twice: it would outlive its lease."""
    waits = []

    async def handle(server, session, envelope, address, options):
        if mail.behaviour == "hang":
            waits.append(address)
            await asyncio.Event().wait()
        envelope.mail_from = address
        return "250 OK"

    mail.handle_MAIL = handle
    assert outcomes(gateway, mail, ["accept", "hang", "accept"]) == [SENT, RETRY, SENT]
    assert (len(waits), mail.connections) == (1, 2)


def test_a_letter_that_perhaps_reached_one_address_is_not_sent_to_the_next(gateway, mail):
    """Else the last address would decide, and the first might get its mail twice."""
    assert outcomes(gateway, mail, ["accept", "kill"], f"{mail.url},second@example.com") == [SENT, AMBIGUOUS]
    assert len(mail.messages) == 3


def test_a_batch_broken_off_closes_its_connection(gateway, mail):
    with suppress(KeyboardInterrupt), gateway.session() as sender:
        sender.send(mail.url, LETTER)
        (connection,) = sender.connections._idle.values()
        raise KeyboardInterrupt
    assert connection.sock is None


def test_a_letter_broken_off_leaves_no_connection_to_the_next(gateway, mail, monkeypatch):
    """The answer to the one must not be read as the answer to the other."""
    with gateway.session() as sender:
        sender.send(mail.url, LETTER)
        with monkeypatch.context() as patch:
            patch.setattr("smtplib.SMTP.getreply", interrupted)
            with pytest.raises(KeyboardInterrupt):
                sender.send(mail.url, LETTER)
        assert sender.send(mail.url, LETTER).outcome is SENT
    assert mail.connections == 2


def interrupted(connection):
    raise KeyboardInterrupt


def test_another_thread_does_not_get_the_connection(gateway, mail):
    with gateway.session() as sender:
        sender.send(mail.url, LETTER)
        found = []
        thread = threading.Thread(target=lambda: found.append(sender.send(mail.url, LETTER).outcome))
        thread.start()
        thread.join()
        assert sender.send(mail.url, LETTER).outcome is SENT
    assert found == [SENT]
    assert mail.connections == 2


def test_another_process_does_not_get_the_connection(gateway, mail, monkeypatch):
    with gateway.session() as sender:
        sender.send(mail.url, LETTER)
        with monkeypatch.context() as patch:
            patch.setattr(os, "getpid", lambda: 0)
            assert sender.send(mail.url, LETTER).outcome is SENT
        assert sender.send(mail.url, LETTER).outcome is SENT
    assert mail.connections == 2


def test_mail_and_webhooks_mix_in_a_batch(gateway, mail):
    with HttpServer() as web, gateway.session() as sender:
        assert [sender.send(url, LETTER).outcome for url in (mail.url, web.url) * 3] == [SENT] * 6
    assert (mail.connections, len(mail.messages), len(web.messages)) == (1, 3, 3)


def test_a_batch_over_tls_needs_one_connection_and_one_context(gateway, secure_mail, monkeypatch):
    made, create = [], ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda: made.append(1) or create())
    behaviours = ["accept", "kill", "accept", "accept"]
    assert outcomes(gateway, secure_mail, behaviours, f"{secure_mail.secure_url}&verify=no") == [
        SENT, AMBIGUOUS, SENT, SENT,
    ]  # fmt: skip
    assert (secure_mail.connections, len(made)) == (2, 1)


def test_a_certificate_nobody_vouches_for_is_not_trusted_in_a_batch_either(gateway, secure_mail):
    with gateway.session() as sender:
        results = [sender.send(secure_mail.secure_url, LETTER) for _ in range(2)]
    assert [(result.outcome, result.error) for result in results] == [
        (RETRY, "the mail server's certificate is not trusted")
    ] * 2
    assert secure_mail.messages == []
