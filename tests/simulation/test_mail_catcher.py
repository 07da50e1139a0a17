"""The demo's post office, over a real connection."""

from __future__ import annotations

import smtplib
import socket
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from bihuan.clock import fixed, parse_instant
from bihuan.errors import UnavailableError
from bihuan.settings import Settings
from bihuan.simulation.mail_catcher import MailCatcher, catcher_port, mail_folder

CLOCK = fixed(parse_instant("2026-11-22T14:00+08:00"))


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def send(port: int, subject: str) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "bihuan@heyu.example", "wen@heyu.example", subject
    mail.set_content("投诉已超时，请尽快处理。")
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as smtp:
        smtp.send_message(mail)


def test_a_mail_is_kept_as_it_was_sent(tmp_path, port):
    with MailCatcher(tmp_path / "mail", port, CLOCK):
        send(port, "超时提醒")
    (file,) = (tmp_path / "mail").glob("*")
    kept = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert (file.suffix, kept["Subject"], kept["To"]) == (".eml", "超时提醒", "wen@heyu.example")
    assert "请尽快处理" in kept.get_content()


def test_only_the_newest_mails_stay(tmp_path, port):
    ticks = iter(range(100))
    with MailCatcher(tmp_path, port, lambda: CLOCK().replace(microsecond=next(ticks)), kept=2):
        for subject in "abc":
            send(port, subject)
    kept = [message_from_bytes(file.read_bytes())["Subject"] for file in sorted(tmp_path.glob("*.eml"))]
    assert kept == ["b", "c"]


def test_a_taken_port_is_one_line_with_a_cure(tmp_path, port):
    refused = pytest.raises(UnavailableError, match=f"port {port}.*--port")
    with MailCatcher(tmp_path, port, CLOCK), refused, MailCatcher(tmp_path, port, CLOCK):
        pass


@pytest.mark.parametrize(("web_port", "expected"), [(8700, 8701), (65535, 65534)])
def test_the_catcher_listens_beside_the_page(web_port, expected, tmp_path):
    here = Settings(web_port=web_port, data_dir=tmp_path)
    assert catcher_port(here) == expected
    assert mail_folder(here) == tmp_path / "mail"
