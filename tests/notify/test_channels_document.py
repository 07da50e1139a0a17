"""The page of channels: its examples work, its limits are the ones kept, and nothing secret of an address gets out."""

from __future__ import annotations

import io
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from bihuan.notify.channel import CHANNELS, LETTER_BYTES, SMS_CHARACTERS, channel_of
from bihuan.notify.contact import masked, scrubbed
from bihuan.notify.gateway import AppriseGateway
from bihuan.notify.letter import Letter
from bihuan.settings import Settings
from bihuan.testing import HttpServer, SmtpServer
from schemas.outbox import AttemptOutcome

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "docs" / name for name in ("channels.md", "channels.zh-CN.md")]
TEXTS = {document.name: document.read_text(encoding="utf-8") for document in DOCUMENTS}
EXAMPLES = re.findall(r"^- `([a-z]+://[^`]+)`", TEXTS["channels.md"], re.MULTILINE)
LETTER = Letter("【超时】20261122-000123", "页面：https://care.example.com/c/1", "https://care.example.com/c/1")
PERSONAL = ("13800138000", "zhang@example.com")
every = pytest.mark.parametrize("url", EXAMPLES)


def secrets_in(url: str) -> set[str]:
    marked = re.findall(r"[\w-]*S3CRET[\w-]*", url)
    assert marked, "an example shows what is secret in it"
    return {*marked, *(found for found in PERSONAL if found in url)}


def said_by(result) -> str:
    return f"{result.target} {result.error}"


def test_both_languages_show_the_same_examples_and_the_same_command():
    wanted = re.compile(r"^- `([a-z]+://[^`]+)`|(^read -rs.*?^EOF$)", re.MULTILINE | re.DOTALL)
    shown = [wanted.findall(text) for text in TEXTS.values()]
    assert shown[0] == shown[1]
    assert len(shown[0]) == len(EXAMPLES) + 1


def test_every_scheme_that_may_be_used_has_an_example_or_a_twin_with_one():
    shown = {masked(url).partition(":")[0] for url in EXAMPLES}
    twins = {scheme.removesuffix("s") for scheme in shown} | {f"{scheme}s" for scheme in shown}
    assert set(Settings().allowed_schemes.split(",")) <= shown | twins


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_the_table_shows_the_limits_that_are_kept(text):
    rows = re.findall(r"^\| [^|]+ \| (`[a-z`、, ]+)[^|]* \| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)
    assert len(rows) == 9
    for schemes, size, pace in rows:
        for scheme in re.findall(r"`([a-z]+)`", schemes):
            channel = CHANNELS[scheme]
            most = SMS_CHARACTERS if channel.is_short else channel.letter_bytes
            assert (f"{most:,} " in size) or most > 100_000
            assert pace == str(channel.per_minute) or channel.per_minute is None
    assert f"{LETTER_BYTES:,}" in text


def echo(status: int, urls: list[str]) -> Callable[..., requests.Response]:
    """In the place of the network: answers every request with all that it held, and notes its address."""

    def answer(adapter, request, **_):
        urls.append(request.url)
        made = requests.Response()
        made.status_code, made.url, made.request = status, request.url, request
        made.raw = io.BytesIO(f"{request.url} {request.headers} {request.body}".encode())
        return made

    return answer


@pytest.fixture
def all_logs(caplog):
    """Every line of every logger while a letter is sent, tracebacks in it."""
    caplog.set_level(logging.DEBUG)
    formatter = logging.Formatter()
    return lambda: "\n".join(formatter.format(record) for record in caplog.records)


@pytest.mark.parametrize("url", [url for url in EXAMPLES if not url.startswith("mail")])
@pytest.mark.parametrize("status", [200, 302, 400, 429, 500])
def test_an_example_can_be_sent_to_and_hides_its_secrets_whatever_comes_back(monkeypatch, all_logs, url, status):
    urls: list[str] = []
    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", echo(status, urls))
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(0, 0, 0, "", ("20.0.0.1", 443))])
    result = AppriseGateway(Settings()).send(url, LETTER)
    assert len(urls) == 1, result
    assert (status == 200) or result.outcome is not AttemptOutcome.SENT
    assert not any(secret in said_by(result) + all_logs() for secret in secrets_in(url))


@every
def test_an_example_hides_its_secrets_where_nobody_answers(monkeypatch, all_logs, url):
    def refused(address, *_, **__):
        raise ConnectionRefusedError(f"{address} refused {url}")

    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("20.0.0.1", 443))])
    monkeypatch.setattr("urllib3.util.connection.create_connection", refused)
    monkeypatch.setattr("socket.create_connection", refused)
    result = AppriseGateway(Settings()).send(url, LETTER)
    assert result.outcome is AttemptOutcome.RETRY
    assert not any(secret in said_by(result) + all_logs() for secret in secrets_in(url))


@every
def test_an_example_hides_its_secrets_where_it_is_not_allowed(all_logs, url):
    result = AppriseGateway(Settings(allowed_schemes="none")).send(url, LETTER)
    assert result.outcome is AttemptOutcome.REFUSED
    assert not any(secret in said_by(result) + all_logs() for secret in secrets_in(url))


def test_the_mail_example_hides_its_secrets_from_a_real_server(all_logs):
    (url,) = (url for url in EXAMPLES if url.startswith("mail"))
    with SmtpServer("refuse_login") as server:
        here = url.replace("smtp.example.com", f"127.0.0.1:{server.port}") + "&mode=insecure&to=zhang@example.com"
        result = AppriseGateway(Settings(allow_private_targets=True)).send(here.replace("mailtos", "mailto"), LETTER)
    assert "login refused" in result.error
    assert not any(secret in said_by(result) + all_logs() for secret in secrets_in(here))


@given(st.sampled_from(EXAMPLES), st.from_regex(r"[A-Za-z0-9]{4,30}", fullmatch=True))
def test_whatever_the_secret_is_neither_the_mask_nor_a_scrubbed_text_shows_it(url, secret):
    secret = f"Q{secret}Q"  # no part of a host or of a word in the sentence
    made = url.replace("S3CRET", secret)
    assert secret not in masked(made)
    assert secret not in scrubbed(f"no route to {made}: {requests.utils.unquote(made)}", made)


@every
def test_an_example_belongs_to_a_known_channel(url):
    assert channel_of(url) in CHANNELS.values()


def test_the_command_that_tries_an_address_sends_one_letter(tmp_path):
    (command,) = re.findall(r"<<'EOF'\n(.*?)^EOF$", TEXTS["channels.md"], re.MULTILINE | re.DOTALL)
    with HttpServer() as server:
        done = subprocess.run(
            [sys.executable, "-"], input=command, text=True, capture_output=True, check=True, cwd=tmp_path,
            env=os.environ | {"URL": server.url, "BIHUAN_ALLOW_PRIVATE_TARGETS": "true", "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    assert server.messages[0]["title"] == "bihuan"
    assert "AttemptOutcome.SENT" in done.stdout
