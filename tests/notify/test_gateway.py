"""Letters through real servers on loopback: each way a sending can end is a result that says why, without secrets."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from email.header import decode_header, make_header
from urllib.parse import parse_qs, urlsplit

import pytest

from bihuan.notify import robots
from bihuan.notify.gateway import AppriseGateway
from bihuan.notify.letter import Letter
from bihuan.settings import Settings
from bihuan.testing import Answer, HttpServer, RecordingGateway, SmtpServer
from schemas.outbox import AttemptOutcome

SENT, REFUSED, RETRY, AMBIGUOUS = (
    AttemptOutcome.SENT,
    AttemptOutcome.REFUSED,
    AttemptOutcome.RETRY,
    AttemptOutcome.AMBIGUOUS,
)
LETTER = Letter(title="【超时】20261122-000123", body="为什么收到：…\n页面：http://127.0.0.1:8700/")
SECRET = "s3cret-T0ken"
SERVICES = [
    ("wecombot", robots.StrictWeComBot, f"wecombot://{SECRET}", "/send?key={key}", "errcode"),
    ("dingtalk", robots.StrictDingTalk, "dingtalk://s3cretT0ken", "/send?access_token={token}", "errcode"),
    ("feishu", robots.StrictFeishu, f"feishu://{SECRET}", "/hook/{token}/", "code"),
    ("lark", robots.StrictLark, f"lark://{SECRET}", "/hook/", "code"),
]


@pytest.fixture
def gateway():
    return AppriseGateway(Settings(allow_private_targets=True, send_timeout_seconds=1))


@pytest.fixture
def mail():
    with SmtpServer() as server:
        yield server


@pytest.fixture
def web():
    with HttpServer() as server:
        yield server


@pytest.fixture(autouse=True)
def _nothing_secret_is_logged(caplog):
    """Whatever a test sends, no log line of any library at any level shows the token or the text."""
    caplog.set_level(logging.DEBUG)
    yield
    for leak in (SECRET, "s3cretT0ken", "open-sesame", "为什么收到"):
        assert not any(leak in record.getMessage() for record in caplog.get_records("call"))


def test_mail_arrives_as_plain_text_with_its_title(gateway, mail):
    result = gateway.send(mail.url, LETTER)
    assert (result.outcome, result.error) == (SENT, None)
    message = mail.messages[0]
    assert str(make_header(decode_header(message["Subject"]))) == LETTER.title
    assert message.get_content_type() == "text/plain"
    assert message.get_content().replace("\r\n", "\n").strip() == LETTER.body


def test_mail_with_a_login_arrives(gateway, mail):
    assert gateway.send(mail.login_url, LETTER).outcome is SENT


@pytest.mark.parametrize(
    ("behaviour", "outcome", "why"),
    [
        ("greet_never", RETRY, "no mail could be handed over"),
        ("refuse_login", RETRY, "login refused: 535"),
        ("refuse_recipient", REFUSED, "the mail server answered 550 5.1.1 no mailbox ***"),
        ("defer_recipient", RETRY, "the mail server answered 450"),
        ("refuse_text", REFUSED, "the mail server answered 554"),
        ("hang", AMBIGUOUS, "may have been taken"),
        ("kill", AMBIGUOUS, "may have been taken"),
    ],
)
def test_a_mail_server_that_does_not_take_it(gateway, mail, behaviour, outcome, why):
    mail.behaviour = behaviour
    result = gateway.send(mail.login_url, LETTER)
    assert result.outcome is outcome
    assert why in result.error
    assert_is_clean(result)


def test_mail_of_which_one_address_is_refused_is_ambiguous(gateway, mail):
    mail.handle_RCPT = refusing("second@example.com")
    result = gateway.send(f"{mail.url},second@example.com", LETTER)
    assert len(mail.messages) == 1
    assert result.outcome is AMBIGUOUS
    assert "only some of its addresses took it" in result.error


def refusing(refused):
    async def handle(server, session, envelope, address, options):
        if address == refused:
            return "550 no"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    return handle


def test_a_webhook_gets_title_and_body(gateway, web):
    assert gateway.send(web.url, LETTER).outcome is SENT
    assert (web.messages[0]["title"], web.messages[0]["message"]) == (LETTER.title, LETTER.body)


@pytest.mark.parametrize(
    ("answer", "outcome", "why"),
    [
        (Answer(500), RETRY, "HTTP 500 Internal Server Error"),
        (Answer(503), RETRY, "HTTP 503"),
        (Answer(429), RETRY, "HTTP 429 Too Many Requests"),
        (Answer(408), RETRY, "HTTP 408"),
        (Answer(504), AMBIGUOUS, "HTTP 504"),
        (Answer(400), REFUSED, "HTTP 400"),
        (Answer(401), REFUSED, "HTTP 401"),
        (Answer(404), REFUSED, "HTTP 404 Not Found"),
        (Answer(307, headers={"Location": "/elsewhere"}), REFUSED, "redirects are not followed"),
        (Answer(delay=5), AMBIGUOUS, "no answer within the time allowed"),
        (Answer(is_cut=True), AMBIGUOUS, "the connection broke"),
    ],
)
def test_a_webhook_that_does_not_take_it(gateway, web, answer, outcome, why):
    web.answer = answer
    result = gateway.send(f"{web.url}/{SECRET}?redirect=yes&rto=60&+X-Key={SECRET}&-token={SECRET}", LETTER)
    assert result.outcome is outcome
    assert why in result.error
    assert len(web.requests) == 1
    assert_is_clean(result)


@pytest.mark.parametrize("scheme", ["json", "mailto"])
def test_a_refused_connection_is_tried_again(gateway, scheme):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = gateway.send(f"{scheme}://user:{SECRET}@127.0.0.1:{port}/?from=a@example.com&to=b@example.com", LETTER)
    assert result.outcome is RETRY
    assert "refused" in result.error.lower()
    assert_is_clean(result)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "not a URL"),
        ("not a url", "not a URL"),
        (f"nosuch://{SECRET}@host", "not a URL"),
        (f"json://user:{SECRET}@", "not a URL"),
        (f"wecombot://{SECRET}!!/", "incomplete or wrong"),
        (f"syslog://{SECRET}", "sending by syslog is not allowed"),
        (f"slack://{SECRET}/x/y?template=/etc/passwd", "may not use template="),
        (f"mailto://u:{SECRET}@example.com?pgpprv=/etc/passwd", "may not use pgpprv="),
        ("json://" + "a" * 70 + ".example.com/", "not a URL"),
    ],
)
def test_a_url_that_can_never_work_is_refused(gateway, url, why):
    result = gateway.send(url, LETTER)
    assert result.outcome is REFUSED
    assert why in result.error
    assert_is_clean(result)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.1.2.3", "169.254.169.254", "[::1]", "[::ffff:a00:1]"])
@pytest.mark.parametrize(
    "url",
    [
        "json://{}/hook",
        "mailto://{}?from=a@example.com&to=b@example.com",
        "mailto://example.com?smtp={}&from=a@example.com&to=b@example.com",
    ],
)
def test_private_targets_are_refused_unless_allowed(url, host):
    result = AppriseGateway(Settings(allow_private_targets=False)).send(url.format(host), LETTER)
    assert result.outcome is REFUSED
    assert "private network" in result.error or "not a URL" in result.error


def test_a_host_that_is_not_found_is_tried_again():
    result = AppriseGateway(Settings()).send(f"json://no-such-host.invalid/{SECRET}", LETTER)
    assert result.outcome is RETRY
    assert "not found" in result.error
    assert_is_clean(result)


@pytest.mark.parametrize(("name", "robot", "url", "path", "key"), SERVICES, ids=[row[0] for row in SERVICES])
@pytest.mark.parametrize(
    ("code", "status", "outcome"),
    [
        (0, 200, SENT),
        (45009, 200, RETRY),
        (11232, 400, RETRY),
        (-1, 200, RETRY),
        (93000, 200, REFUSED),
        (None, 200, AMBIGUOUS),
        (None, 502, RETRY),
        (None, 404, REFUSED),
        (None, 302, REFUSED),
    ],
)
def test_a_robot_is_believed_by_its_own_code(
    gateway,
    web,
    monkeypatch,
    name,
    robot,
    url,
    path,
    key,
    code,
    status,
    outcome,
):
    monkeypatch.setattr(robot, "notify_url", web.web_url + path)
    web.answer = Answer(status, "<html>" if code is None else f'{{"{key}": {code}, "msg": "x", "errmsg": "x"}}')
    result = gateway.send(url, LETTER)
    assert result.outcome is outcome
    assert len(web.requests) == 1
    if code:
        assert f"the robot answered {code}: x" in result.error
    assert_is_clean(result)


def test_a_robot_says_in_words_that_it_is_busy(gateway, web, monkeypatch):
    monkeypatch.setattr(robots.StrictDingTalk, "notify_url", web.web_url + "/send?access_token={token}")
    web.answer = Answer(body='{"errcode": 777, "errmsg": "send too fast, exceed 20 times per minute"}')
    assert gateway.send("dingtalk://s3cretT0ken", LETTER).outcome is RETRY


@pytest.mark.parametrize(("answer", "outcome"), [(Answer(delay=5), AMBIGUOUS), (Answer(is_cut=True), AMBIGUOUS)])
def test_a_robot_that_breaks_off_may_have_taken_it(gateway, web, monkeypatch, answer, outcome):
    monkeypatch.setattr(robots.StrictFeishu, "notify_url", web.web_url + "/hook/{token}/")
    web.answer = answer
    assert gateway.send(f"feishu://{SECRET}", LETTER).outcome is outcome


@pytest.mark.parametrize(("name", "robot", "url", "path", "key"), SERVICES, ids=[row[0] for row in SERVICES])
def test_a_robot_gets_title_and_body_in_one_text(gateway, web, monkeypatch, name, robot, url, path, key):
    monkeypatch.setattr(robot, "notify_url", web.web_url + path)
    web.answer = Answer(body=f'{{"{key}": 0}}')
    gateway.send(url, LETTER)
    message = web.messages[0]
    text = message["text"]["content"] if "text" in message else message["content"]["text"]
    assert text == f"{LETTER.title}\r\n{LETTER.body}"


def test_a_dingtalk_signature_arrives_as_it_was_made(gateway, web, monkeypatch):
    monkeypatch.setattr(robots.StrictDingTalk, "notify_url", web.web_url + "/send?access_token={token}")
    web.answer = Answer(body='{"errcode": 0}')
    gateway.send("dingtalk://SECabc123@s3cretT0ken", LETTER)
    query = parse_qs(urlsplit(web.requests[0].path).query)
    signed = f"{query['timestamp'][0]}\nSECabc123".encode()
    expected = base64.b64encode(hmac.new(b"SECabc123", signed, hashlib.sha256).digest()).decode()
    assert query["sign"] == [expected]


def test_the_address_a_service_gives_out_works_as_well(gateway, web, monkeypatch):
    monkeypatch.setattr(robots.StrictWeComBot, "notify_url", web.web_url + "/send?key={key}")
    web.answer = Answer(body='{"errcode": 0}')
    native = f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={SECRET}"
    result = gateway.send(native, LETTER)
    assert (result.outcome, result.target) == (SENT, "https://qyapi.weixin.qq.com/***")


def test_a_second_message_to_the_same_target_does_not_wait(gateway, mail):
    started = time.perf_counter()
    assert [gateway.send(mail.url, LETTER).outcome for _ in range(2)] == [SENT, SENT]
    assert time.perf_counter() - started < 1


def test_what_the_caller_was_handling_is_not_taken_for_the_reason(gateway, web):
    web.answer = Answer(404)
    try:
        raise TimeoutError("of an earlier message")
    except TimeoutError:
        result = gateway.send(web.url, LETTER)
    assert (result.outcome, result.error) == (REFUSED, "HTTP 404 Not Found")


def test_two_sendings_at_once_do_not_hear_each_other(gateway):
    lost, broken = HttpServer(Answer(404, delay=0.1)), HttpServer(Answer(500, delay=0.1))
    with lost, broken, ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda url: gateway.send(url, LETTER), [lost.url, broken.url] * 8))
    assert [result.outcome for result in results] == [REFUSED, RETRY] * 8


def test_the_recording_gateway_keeps_letters_and_answers_as_told():
    recording = RecordingGateway([RETRY])
    results = [recording.send(f"wecombot://{SECRET}", LETTER) for _ in range(2)]
    assert [result.outcome for result in results] == [RETRY, SENT]
    assert recording.sent == [(f"wecombot://{SECRET}", LETTER)] * 2


def assert_is_clean(result):
    said = f"{result.error} {result.target}"
    assert not any(leak in said for leak in (SECRET, "s3cretT0ken", "open-sesame", "clerk", "staff@example.com"))
    assert result.error is None or ("\n" not in result.error and len(result.error) <= 500)
