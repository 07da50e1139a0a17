"""No letter reaches this machine or a private network, however its address is written, whatever its name turns into."""

from __future__ import annotations

import socket
from collections.abc import Callable
from threading import Thread

import pytest

from bihuan.errors import RefusedError
from bihuan.notify.destination import guarded, is_public, require_public
from bihuan.notify.gateway import AppriseGateway
from bihuan.notify.letter import Letter
from bihuan.settings import Settings
from bihuan.testing import HttpServer, SmtpServer
from schemas.outbox import AttemptOutcome

LETTER = Letter(title="【超时】20261122-000123", body="页面：http://127.0.0.1:8700/")
PUBLIC, PRIVATE = "20.0.0.1", "127.0.0.1"


@pytest.fixture
def gateway():
    return AppriseGateway(Settings(send_timeout_seconds=2))


@pytest.fixture
def rebound(monkeypatch) -> Callable[[int], None]:
    """A name that leads to the open internet when it is first looked up, and to a port of this machine after that."""
    real = socket.getaddrinfo

    def lead_to(port: int) -> None:
        answers = iter([PUBLIC])

        def look_up(host, service, *more, **how):
            if host != "moving.example":
                return real(host, service, *more, **how)
            address = next(answers, PRIVATE)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port if address == PRIVATE else 443))]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)

    return lead_to


@pytest.mark.parametrize("host", [
    "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "0", "0.0.0.1", "10.0.0.1", "172.16.0.1",
    "192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.2.1", "224.0.0.1", "255.255.255.255", "[::]", "[::1]",
    "[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1]", "[fd00::1]",
    "[ff02::1]", "localhost", "LOCALHOST", "１２７．０．０．１",
])  # fmt: skip
def test_every_way_to_write_a_private_address_is_refused(host: str):
    with pytest.raises(RefusedError, match=r"is on a private network|is not a host name"):
        require_public(host)


@pytest.mark.parametrize("host", [
    "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
])  # fmt: skip
def test_a_webhook_at_such_an_address_gets_nothing(gateway, host: str, monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("it was called"))
    result = gateway.send(f"json://{host}/hook", LETTER)
    assert result.outcome is AttemptOutcome.REFUSED


@pytest.mark.parametrize("address", ["20.0.0.1", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_of_the_open_internet_pass(address: str):
    assert is_public(address)


def test_a_name_that_turns_private_after_it_was_looked_up_reaches_no_webhook(gateway, rebound):
    with HttpServer() as server:
        rebound(server.port)
        result = gateway.send(f"json://moving.example:{server.port}/hook", LETTER)
        assert (result.outcome, server.requests) == (AttemptOutcome.REFUSED, [])
    assert "into a private network - see BIHUAN_ALLOW_PRIVATE_TARGETS" in str(result.error)


def test_a_name_that_turns_private_after_it_was_looked_up_reaches_no_mail_server(gateway, rebound):
    with SmtpServer() as server:
        rebound(server.port)
        result = gateway.send("mailto://moving.example/?from=a@b.example&to=c@d.example&mode=insecure", LETTER)
        assert (result.outcome, server.connections) == (AttemptOutcome.REFUSED, 0)


def test_a_service_whose_own_host_leads_home_is_refused(gateway, monkeypatch):
    """A URL of Slack names no host; the hosts file of this machine, or its resolver, may have another idea of it."""
    home = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (PRIVATE, 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: home)
    result = gateway.send("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", LETTER)
    assert (result.outcome, result.target) == (AttemptOutcome.REFUSED, "slack://***")
    assert "private network" in str(result.error)


def test_letters_go_through_the_machine_s_own_proxy(gateway, monkeypatch):
    """A proxy looks hosts up itself, and often lies in the own network: whoever runs the machine named it."""
    real = socket.getaddrinfo
    public = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (PUBLIC, 80))]
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *more, **how: public if "example" in host else real(host, *more, **how)
    )
    with HttpServer() as proxy:
        monkeypatch.setenv("http_proxy", proxy.web_url)
        assert gateway.send("json://hooks.example/hook", LETTER).outcome is AttemptOutcome.SENT
        assert [request.path for request in proxy.requests] == ["http://hooks.example/hook"]


def test_the_guard_holds_for_its_thread_and_its_time_alone():
    with HttpServer() as server:
        address = (PRIVATE, server.port)

        def connect() -> None:
            socket.create_connection(address).close()

        with guarded():
            with pytest.raises(RefusedError):
                connect()
            other = Thread(target=connect)
            other.start()
            other.join()
        connect()


def test_no_socket_of_this_machine_is_a_target(tmp_path):
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "socket"))
    server.listen()
    with guarded(), socket.socket(socket.AF_UNIX) as mine, pytest.raises(RefusedError):
        mine.connect(str(tmp_path / "socket"))
    server.close()
