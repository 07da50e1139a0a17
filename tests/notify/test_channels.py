"""Every channel against a server on loopback that answers as the service does."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from apprise.plugins.twilio import NotifyTwilio

from bihuan.notify import chat, robots
from bihuan.notify.gateway import AppriseGateway
from bihuan.notify.letter import Letter
from bihuan.settings import Settings
from bihuan.testing import Answer, HttpServer, Request
from schemas.outbox import AttemptOutcome

SENT, REFUSED, RETRY, AMBIGUOUS = (
    AttemptOutcome.SENT,
    AttemptOutcome.REFUSED,
    AttemptOutcome.RETRY,
    AttemptOutcome.AMBIGUOUS,
)
pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
LINK = "https://care.example.com/complaints/20261122-000123"
LETTER = Letter("【超时】20261122-000123 “首次响应”已超时", f"为什么收到：已过截止时间。\n页面：{LINK}", LINK)
TOKEN, OTHER_TOKEN = "s3cretT0ken", "0therS3cret"
HIDDEN = (TOKEN, OTHER_TOKEN, "13800138000", "deadbeef", "clerk", "为什么收到")
"""What may stand in no log line, no error and no target, whatever was sent."""


@dataclass(frozen=True)
class Service:
    """A channel: its URL, what must be changed for it to call our server, its answer to a letter it took, and the text
    that a request of it holds."""

    url: str
    taken: Answer
    text: Callable[[Request], str]
    moved: dict[tuple[Any, str], str] = field(default_factory=dict)
    is_secure: bool = False
    arrived: str = f"{LETTER.title}\r\n{LETTER.body}"


def at(*path: Any) -> Callable[[Request], str]:
    def text(request: Request) -> str:
        found = json.loads(request.body)
        for name in path:
            found = found[name]
        return found

    return text


def parts_of_slack(request: Request) -> str:
    attachment = json.loads(request.body)["attachments"][0]
    return f"{attachment['title']}\r\n{attachment['text']}"


def parts_of_json(request: Request) -> str:
    found = json.loads(request.body)
    return f"{found['title']}\r\n{found['message']}"


def parts_of_form(request: Request) -> str:
    found = parse_qs(request.body.decode())
    return f"{found['title'][0]}\r\n{found['message'][0]}"


def parts_of_xml(request: Request) -> str:
    found = re.search(r"<Subject>(.*)</Subject><Message>(.*)</Message>", request.body.decode(), re.DOTALL)
    return "\r\n".join(found.groups())


def parts_of_twilio(request: Request) -> str:
    return parse_qs(request.body.decode())["Body"][0]


def parts_of_card(request: Request) -> str:
    title, body = json.loads(request.body)["attachments"][0]["content"]["body"]
    assert title["wrap"] is True
    assert f"[{LINK}]({LINK})" in body["text"]
    return f"{title['text']}\r\n{body['text']}".replace(f"[{LINK}]({LINK})", LINK).replace("\n\n", "\n")


BUSY = "isv.BUSINESS_LIMIT_CONTROL"
SLACK = {(chat.StrictSlack, "webhook_url"): "/services", (chat.StrictSlack, "api_url"): "/api/{}"}
TELEGRAM = {(chat.StrictTelegram, "notify_url"): "/bot"}
OK = Answer(body='{"errcode": 0, "errmsg": "ok"}')
FEISHU_OK = Answer(body='{"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"}')
SERVICES = {
    "wecombot": Service(f"wecombot://{TOKEN}", OK, at("text", "content"),
                        {(robots.StrictWeComBot, "notify_url"): "/send?key={key}"}),
    "dingtalk": Service(f"dingtalk://{OTHER_TOKEN}@{TOKEN}", OK, at("text", "content"),
                        {(robots.StrictDingTalk, "notify_url"): "/send?access_token={token}"}),
    "feishu": Service(f"feishu://{OTHER_TOKEN}@{TOKEN}", FEISHU_OK, at("content", "text"),
                      {(robots.StrictFeishu, "notify_url"): "/hook/{token}/"}),
    "lark": Service(f"lark://{OTHER_TOKEN}@{TOKEN}", FEISHU_OK, at("content", "text"),
                    {(robots.StrictLark, "notify_url"): "/hook/"}),
    "slack": Service(f"slack://T0{TOKEN}/B0{TOKEN}/{OTHER_TOKEN}", Answer(body="ok"), parts_of_slack, SLACK),
    "slack bot": Service(f"slack://xoxb-1234-{TOKEN}/#care", Answer(body='{"ok": true, "channel": "C1", "ts": "1.2"}'),
                         parts_of_slack, SLACK),
    "tgram": Service(f"tgram://123456789:{TOKEN}/-100987654", Answer(body='{"ok": true, "result": {"message_id": 1}}'),
                     at("text"), TELEGRAM),
    "workflows": Service(f"workflows://127.0.0.1:PORT/{OTHER_TOKEN}/{TOKEN}/?verify=no", Answer(202), parts_of_card,
                         is_secure=True),
    "json": Service(f"json://clerk:{TOKEN}@127.0.0.1:PORT/hook?+X-Key={OTHER_TOKEN}", Answer(204), parts_of_json),
    "form": Service(f"form://clerk:{TOKEN}@127.0.0.1:PORT/{OTHER_TOKEN}", Answer(), parts_of_form),
    "sms": Service(f"sms://{TOKEN}@127.0.0.1:PORT/send?to=%2B8613800138000&code=code&ok=0,OK&busy={BUSY}"
                   f"&+X-App={OTHER_TOKEN}", Answer(body='{"code": 0, "msg": "ok"}'), at("text"),
                   arrived=f"超时：20261122-000123 “首次响应”已超时 {LINK}"),
    "twilio": Service(f"twilio://ACdeadbeefdeadbeef:{TOKEN}@15005550006/+8613800138000",
                      Answer(201, '{"sid": "SM1", "status": "queued"}'), parts_of_twilio,
                      {(NotifyTwilio, "notify_sms_url"): "/Accounts/{sid}/Messages.json"},
                      arrived=f"超时：20261122-000123 “首次响应”已超时\n{LINK}"),
    "xml": Service(f"xml://clerk:{TOKEN}@127.0.0.1:PORT/{OTHER_TOKEN}", Answer(), parts_of_xml),
}  # fmt: skip


@pytest.fixture
def ask(monkeypatch, certificate):
    """Send a letter by a service to a server that gives these answers; the result, and what the server was sent."""

    def asked(name: str, *answers: Answer, letter: Letter = LETTER, url: str = ""):
        service = SERVICES[name]
        with HttpServer(tls=certificate if service.is_secure else None) as server:
            for (owner, attribute), path in service.moved.items():
                monkeypatch.setattr(owner, attribute, server.web_url + path)
            server.answers = list(answers or [service.taken])
            gateway = AppriseGateway(Settings(allow_private_targets=True, send_timeout_seconds=1))
            result = gateway.send((url or service.url).replace("PORT", str(server.port)), letter)
            return result, list(server.requests)

    return asked


@pytest.fixture(autouse=True)
def _nothing_hidden_is_logged(caplog):
    caplog.set_level(logging.DEBUG)
    yield
    for record in caplog.get_records("call"):
        assert not any(leak in record.getMessage() for leak in HIDDEN), record.name


def assert_is_clean(result):
    assert not any(leak in f"{result.error} {result.target}" for leak in HIDDEN)


every = pytest.mark.parametrize("name", SERVICES)


@every
def test_a_letter_arrives_whole(ask, name):
    result, requests = ask(name)
    assert (result.outcome, result.error) == (SENT, None)
    assert [SERVICES[name].text(request) for request in requests] == [SERVICES[name].arrived]
    assert_is_clean(result)


@every
def test_a_rate_limit_is_tried_again_after_the_wait_it_names(ask, name):
    result, requests = ask(name, Answer(429, headers={"Retry-After": "120"}))
    assert (result.outcome, result.retry_after, len(requests)) == (RETRY, timedelta(minutes=2), 1)
    assert "429" in result.error
    assert_is_clean(result)


@every
def test_a_redirect_is_refused_and_not_followed(ask, name):
    result, requests = ask(name, Answer(307, headers={"Location": "/elsewhere"}))
    assert (result.outcome, len(requests)) == (REFUSED, 1)
    assert result.error == "HTTP 307 Temporary Redirect: redirects are not followed"


@every
def test_a_time_out_may_have_been_taken(ask, name):
    result, requests = ask(name, Answer(delay=3))
    assert (result.outcome, len(requests)) == (AMBIGUOUS, 1)
    assert "no answer within the time allowed" in result.error
    assert_is_clean(result)


@every
@pytest.mark.parametrize(("status", "outcome"), [(401, REFUSED), (404, REFUSED), (500, RETRY), (503, RETRY)])
def test_a_status_without_words_decides(ask, name, status, outcome):
    result, _ = ask(name, Answer(status, "<html>no</html>"))
    assert result.outcome is outcome
    assert f"HTTP {status}" in result.error


@pytest.mark.parametrize("name", ["wecombot", "dingtalk", "feishu", "lark", "slack", "slack bot", "tgram", "sms"])
def test_success_in_the_words_of_somebody_else_is_not_believed(ask, name):
    result, _ = ask(name, Answer(200, "<html>Sign in to the network</html>"))
    assert result.outcome is AMBIGUOUS
    assert "cannot be read" in result.error


def telegram(code: int, description: str, **parameters: Any) -> Answer:
    more = {"parameters": parameters} if parameters else {}
    return Answer(code, json.dumps({"ok": False, "error_code": code, "description": description, **more}))


def robot(code: int, message: str, status: int = 200) -> Answer:
    return Answer(status, json.dumps({"errcode": code, "errmsg": message}))


def feishu(code: int, message: str, status: int = 200) -> Answer:
    return Answer(status, json.dumps({"code": code, "data": {}, "msg": message}))


@pytest.mark.parametrize(
    ("name", "answer", "outcome", "why"),
    [
        ("wecombot", robot(93000, "invalid webhook url"), REFUSED, "the robot answered 93000: invalid webhook url"),
        ("wecombot", robot(40058, "text.content exceed max length 2048"), REFUSED, "40058: text.content exceed"),
        ("wecombot", robot(45009, "api freq out of limit"), RETRY, "45009"),
        ("dingtalk", robot(300005, "token is not exist"), REFUSED, "300005: token is not exist"),
        ("dingtalk", robot(310000, "keywords not in content"), REFUSED, "310000: keywords not in content"),
        ("dingtalk", robot(310000, "sign not match"), REFUSED, "310000: sign not match"),
        ("dingtalk", robot(-1, "系统繁忙"), RETRY, "-1: 系统繁忙"),
        ("feishu", feishu(19024, "Key Words Not Found"), REFUSED, "19024: Key Words Not Found"),
        ("feishu", feishu(19021, "sign match fail or timestamp is not within one hour"), REFUSED, "19021: sign"),
        ("feishu", feishu(19001, "param invalid: incoming webhook access token invalid", 400), REFUSED, "19001"),
        ("feishu", feishu(9499, "too many request", 429), RETRY, "9499: too many request"),
        ("lark", feishu(11232, "frequency limited psm[lark.oapi.app_platform_runtime]"), RETRY, "11232"),
        ("lark", feishu(19022, "Ip Not Allowed"), REFUSED, "19022: Ip Not Allowed"),
        ("slack", Answer(400, "invalid_payload"), REFUSED, "Slack answered invalid_payload"),
        ("slack", Answer(403, "action_prohibited"), REFUSED, "Slack answered action_prohibited"),
        ("slack", Answer(404, "no_service"), REFUSED, "Slack answered no_service"),
        ("slack", Answer(410, "channel_is_archived"), REFUSED, "Slack answered channel_is_archived"),
        ("slack", Answer(500, "rollup_error"), RETRY, "Slack answered rollup_error"),
        ("slack bot", Answer(body='{"ok": false, "error": "invalid_auth"}'), REFUSED, "Slack answered invalid_auth"),
        ("slack bot", Answer(body='{"ok": false, "error": "not_in_channel"}'), REFUSED, "not_in_channel"),
        ("slack bot", Answer(body='{"ok": false, "error": "ratelimited"}'), RETRY, "Slack answered ratelimited"),
        ("slack bot", Answer(body='{"ok": false, "error": "fatal_error"}'), AMBIGUOUS, "Slack answered fatal_error"),
        ("tgram", telegram(400, "Bad Request: chat not found"), REFUSED, "Telegram answered 400: Bad Request: chat"),
        ("tgram", telegram(401, "Unauthorized"), REFUSED, "Telegram answered 401: Unauthorized"),
        ("tgram", telegram(403, "Forbidden: bot was kicked from the group chat"), REFUSED, "403: Forbidden: bot was"),
        ("tgram", telegram(502, "Bad Gateway"), RETRY, "Telegram answered 502: Bad Gateway"),
        ("workflows", Answer(401, '{"error": {"code": "DirectApiAuthorizationRequired"}}'), REFUSED, "HTTP 401"),
        ("workflows", Answer(400, '{"error": {"code": "WorkflowTriggerIsNotEnabled"}}'), REFUSED, "HTTP 400"),
        ("workflows", Answer(404, '{"error": {"code": "WorkflowNotFound"}}'), REFUSED, "HTTP 404 Not Found"),
        ("workflows", Answer(502, '{"error": {"code": "NoResponse"}}'), RETRY, "HTTP 502 Bad Gateway"),
        ("sms", Answer(body='{"code": "isv.MOBILE_NUMBER_ILLEGAL", "msg": "13800138000"}'), REFUSED,
         "the gateway answered isv.MOBILE_NUMBER_ILLEGAL"),
        ("sms", Answer(body=f'{{"code": "{BUSY}"}}'), RETRY, f"the gateway answered {BUSY}"),
        ("sms", Answer(400, f'{{"code": "{BUSY}"}}'), RETRY, f"the gateway answered {BUSY}"),
        ("sms", Answer(body='{"msg": "ok"}'), AMBIGUOUS, "its answer cannot be read"),
        ("twilio", Answer(400, '{"code": 21211, "message": "Invalid To +8613800138000"}'), REFUSED,
         "HTTP 400 Bad Request, code 21211"),
        ("twilio", Answer(401, '{"code": 20003, "message": "no"}'), REFUSED, "HTTP 401 Unauthorized, code 20003"),
        ("twilio", Answer(429, '{"code": 20429, "message": "no"}'), RETRY, "Too Many Requests, code 20429"),
        ("json", Answer(422, '{"detail": "no"}'), REFUSED, "HTTP 422"),
        ("form", Answer(504), AMBIGUOUS, "HTTP 504"),
        ("xml", Answer(410), REFUSED, "HTTP 410 Gone"),
    ],
)  # fmt: skip
def test_a_service_is_believed_in_its_own_words(ask, name, answer, outcome, why):
    result, requests = ask(name, answer)
    assert (result.outcome, len(requests)) == (outcome, 1)
    assert why in result.error
    assert_is_clean(result)


@pytest.mark.parametrize(
    ("name", "answer", "wait"),
    [
        ("dingtalk", robot(130101, "send too fast, exceed 20 times per minute"), timedelta(minutes=10)),
        ("tgram", telegram(429, "Too Many Requests: retry after 35", retry_after=35), timedelta(seconds=35)),
        ("slack", Answer(429, "rate_limited", {"Retry-After": "30"}), timedelta(seconds=30)),
        ("json", Answer(503, headers={"Retry-After": "Sun, 22 Nov 2026 12:10:00 GMT",
                                      "Date": "Sun, 22 Nov 2026 12:00:00 GMT"}), timedelta(minutes=10)),
        ("json", Answer(503, headers={"Retry-After": "999999999"}), timedelta(days=1)),
        ("json", Answer(503, headers={"Retry-After": "soon"}), None),
        ("json", Answer(503, headers={"Retry-After": "-5"}), None),
        ("json", Answer(404, headers={"Retry-After": "60"}), None),
        ("wecombot", robot(45009, "api freq out of limit"), None),
    ],
)  # fmt: skip
def test_a_wait_is_read_as_each_service_writes_it(ask, name, answer, wait):
    result, _ = ask(name, answer)
    assert result.retry_after == wait


@pytest.mark.parametrize(
    ("name", "url", "first", "second"),
    [
        ("slack bot", f"slack://xoxb-1234-{TOKEN}/#care/#ops", Answer(body='{"ok": true}'),
         Answer(body='{"ok": false, "error": "channel_not_found"}')),
        ("tgram", f"tgram://123456789:{TOKEN}/-100987654/4711", SERVICES["tgram"].taken, telegram(403, "Forbidden")),
    ],
)  # fmt: skip
def test_a_letter_that_one_chat_of_two_took_is_ambiguous_and_each_was_asked(ask, name, url, first, second):
    for answers in ((first, second), (second, first)):
        result, requests = ask(name, *answers, url=url)
        assert (result.outcome, len(requests)) == (AMBIGUOUS, 2)
        assert "only some of its addresses took it" in result.error


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ((telegram(403, "Forbidden"), telegram(429, "Too Many Requests")), RETRY),
        ((telegram(429, "Too Many Requests"), telegram(403, "Forbidden")), RETRY),
        ((Answer(is_cut=True), telegram(403, "Forbidden")), AMBIGUOUS),
        ((telegram(400, "Bad Request"), telegram(403, "Forbidden")), REFUSED),
    ],
)
def test_of_two_chats_that_did_not_take_it_the_more_hopeful_counts(ask, answers, outcome):
    result, _ = ask("tgram", *answers, url=f"tgram://123456789:{TOKEN}/-100987654/4711")
    assert result.outcome is outcome


def test_telegram_sends_to_nobody_who_is_not_named(ask):
    result, requests = ask("tgram", url=f"tgram://123456789:{TOKEN}/")
    assert (result.outcome, requests) == (REFUSED, [])
    assert "names no chat" in result.error


def test_telegram_gets_plain_text_for_a_topic(ask):
    letter = Letter("A&B <1>", "x _y_ &nbsp;\n\nz")
    _, (request,) = ask("tgram", letter=letter, url=f"tgram://123456789:{TOKEN}/-100987654:7")
    said = json.loads(request.body)
    assert (said["text"], said["message_thread_id"]) == ("A&B <1>\r\nx _y_ &nbsp;\n\nz", 7)
    assert "parse_mode" not in said


def test_a_slack_bot_finds_a_member_by_the_address(ask):
    url = f"slack://xoxb-1234-{TOKEN}/zhang@example.com"
    found = Answer(body='{"ok": true, "user": {"id": "U123"}}')
    result, (lookup, post) = ask("slack bot", found, SERVICES["slack bot"].taken, url=url)
    assert (result.outcome, json.loads(post.body)["channel"]) == (SENT, "U123")
    assert lookup.path == "/api/users.lookupByEmail?email=zhang%40example.com"
    result, requests = ask("slack bot", Answer(body='{"ok": false, "error": "users_not_found"}'), url=url)
    assert (result.outcome, result.error, len(requests)) == (REFUSED, "Slack answered users_not_found", 1)


def test_a_slack_workflow_gets_one_text(ask, monkeypatch):
    monkeypatch.setitem(SERVICES["slack"].moved, (chat.StrictSlack, "workflow_trigger_url"), "/triggers")
    url = f"https://hooks.slack.com/triggers/T0{TOKEN}/123/{OTHER_TOKEN}"
    result, (request,) = ask("slack", Answer(body='{"ok": true}'), url=url)
    assert (result.outcome, request.path) == (SENT, f"/triggers/T0{TOKEN}/123/{OTHER_TOKEN}")
    assert json.loads(request.body) == {"text": f"{LETTER.title}: {LETTER.body}"}


def test_an_sms_gateway_gets_what_a_template_needs_for_each_number(ask):
    url = f"sms://{TOKEN}@127.0.0.1:PORT/v1/send?to=13800138000,13900139000&sign=闭环&+X-App=a%20b"
    result, (first, second) = ask("sms", Answer(), Answer(), url=url)
    assert result.outcome is SENT
    said = json.loads(first.body)
    title = "超时：20261122-000123 “首次响应”已超时"
    assert said == {"phone": "13800138000", "text": f"{title} {LINK}", "title": title, "link": LINK, "sign": "闭环"}
    assert json.loads(second.body) == said | {"phone": "13900139000"}
    assert (first.path, first.headers["Authorization"], first.headers["X-App"]) == (
        "/v1/send",
        f"Bearer {TOKEN}",
        "a b",
    )


def test_an_sms_gateway_over_tls_is_spoken_to_in_tls(certificate):
    gateway = AppriseGateway(Settings(allow_private_targets=True))
    with HttpServer(tls=certificate) as server:
        result = gateway.send(f"smss://127.0.0.1:{server.port}/?to=13800138000&verify=no", LETTER)
    assert (result.outcome, len(server.requests)) == (SENT, 1)


def test_an_sms_of_which_one_number_is_refused_is_ambiguous(ask):
    url = SERVICES["sms"].url.replace("%2B8613800138000", "13800138000,13900139000")
    result, requests = ask("sms", Answer(body='{"code": 1}'), SERVICES["sms"].taken, url=url)
    assert (result.outcome, len(requests)) == (AMBIGUOUS, 2)
    assert "only some of its addresses took it: the gateway answered 1" in result.error


@pytest.mark.parametrize("numbers", ["x=1", "to=", "to=zhang", "to=13800138000,zhang", "to=123"])
def test_an_sms_to_what_is_no_number_is_refused(ask, numbers):
    result, requests = ask("sms", url=f"sms://{TOKEN}@127.0.0.1:PORT/send?{numbers}")
    assert (result.outcome, requests) == (REFUSED, [])
    assert "incomplete or wrong" in result.error


def test_a_letter_without_a_link_is_a_text_message_as_well(ask):
    result, (request,) = ask("sms", letter=Letter("我们已收到您的投诉 20261122-000123", "您好…"))
    assert (result.outcome, json.loads(request.body)["text"]) == (SENT, "我们已收到您的投诉 20261122-000123")


@pytest.mark.parametrize("name", ["feishu", "lark"])
def test_a_feishu_signature_is_made_of_the_secret_and_the_time(ask, name):
    _, (request,) = ask(name)
    said = json.loads(request.body)
    key = f"{said['timestamp']}\n{OTHER_TOKEN}".encode()
    assert said["sign"] == base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()
    _, (request,) = ask(name, url=f"{name}://{TOKEN}")
    assert "sign" not in json.loads(request.body)


@pytest.mark.parametrize(
    ("name", "url", "path"),
    [
        ("wecombot", f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={TOKEN}", f"/send?key={TOKEN}"),
        ("dingtalk", f"https://oapi.dingtalk.com/robot/send?access_token={TOKEN}", f"/send?access_token={TOKEN}"),
        ("feishu", f"https://open.feishu.cn/open-apis/bot/v2/hook/{TOKEN}", f"/hook/{TOKEN}/"),
        ("lark", f"https://open.larksuite.com/open-apis/bot/v2/hook/{TOKEN}", f"/hook/{TOKEN}"),
        ("slack", f"https://hooks.slack.com/services/T0{TOKEN}/B0{TOKEN}/{OTHER_TOKEN}",
         f"/services/T0{TOKEN}/B0{TOKEN}/{OTHER_TOKEN}"),
    ],
)  # fmt: skip
def test_the_address_that_a_service_gives_out_works_as_well(ask, name, url, path):
    result, (request,) = ask(name, url=url)
    assert (result.outcome, request.path) == (SENT, path)
    assert result.target == f"{url[: url.index('/', 8)]}/***"


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("prod-16.westeurope.logic.azure.com:443", "/workflows/"),
        ("default12.34.environment.api.powerplatform.com:443", "/powerautomate/automations/direct/workflows/"),
    ],
)
def test_the_address_that_teams_gives_out_works_as_well(monkeypatch, host, path):
    called = []
    monkeypatch.setattr("bihuan.notify.chat.NotifyWorkflows.send", lambda self, **_: called.append(self) or True)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", ("20.0.0.1", 443))])
    query = f"api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={TOKEN}"
    url = f"https://{host}{path}{OTHER_TOKEN}/triggers/manual/paths/invoke?{query}"
    result = AppriseGateway(Settings()).send(url, LETTER)
    assert (result.outcome, result.target) == (SENT, f"https://{host}/***")
    (flow,) = called
    assert (flow.workflow, flow.signature, flow.power_automate) == (OTHER_TOKEN, TOKEN, "powerautomate" in path)


@pytest.mark.parametrize("host", ["127.0.0.1", "192.168.1.9", "[::1]"])
@pytest.mark.parametrize(
    "url",
    [
        "json://{}/hook", "jsons://{}/hook", "form://{}/hook", "forms://{}/hook", "xml://{}/hook", "xmls://{}/hook",
        "sms://{}/send?to=13800138000", "smss://{}/send?to=13800138000",
        "workflows://{}/a/b", "workflow://{}/a/b", "mailtos://{}/?from=a@example.com&to=b@example.com",
        "mailto://example.com?smtp={}&from=a@example.com&to=b@example.com",
    ],
)  # fmt: skip
def test_a_private_address_is_refused_wherever_a_url_can_name_a_host(url, host, monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("it was called"))
    result = AppriseGateway(Settings(allow_private_targets=False)).send(url.format(host), LETTER)
    assert result.outcome is REFUSED
    assert "private network" in result.error or "not a URL" in result.error


@pytest.mark.parametrize("url", ["msteams://a/b/c", f"https://example.webhook.office.com/webhookb2/{TOKEN}"])
def test_the_connectors_that_teams_has_switched_off_are_refused(url):
    result = AppriseGateway(Settings()).send(url, LETTER)
    assert result.outcome is REFUSED
    assert "not a URL that can be sent to" in result.error
