"""The pace of delivery: what each service bears in a minute, and the wait that it asks for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bihuan.notify.gateway import AppriseGateway, SendResult
from bihuan.notify.letter import Letter
from bihuan.services.outbox import Delivered, deliver_all, deliver_due
from bihuan.services.people import save_staff
from bihuan.settings import Settings
from bihuan.testing import Answer, HttpServer, RecordingGateway
from schemas.outbox import MessageState
from schemas.people import StaffIn


def warned_at(office, url: str, count: int) -> None:
    """Letters for somebody who reads at ``url``, due now."""
    person = StaffIn(code="anna", name="Anna", department="service", contact_url=url)
    with office.db.write() as session:
        save_staff(session, person, office.settings.secret_value())
    office.at = office.after(8.01)
    for number in range(count):
        office.register(str(number), 0, handler="anna", deadlines={"handled": office.after(10)})
    office.check()


@pytest.mark.parametrize(("url", "share"), [("wecombot://KEY", 20), ("smss://sms.example.com/?to=13800138000", 5)])
def test_a_service_gets_what_it_bears_in_a_minute_however_much_the_setting_allows(office, url, share):
    office.settings = office.settings.model_copy(update={"send_per_minute": 1000})
    warned_at(office, url, 22)
    assert office.deliver() == Delivered(claimed=22, sent=share, deferred=22 - share)
    office.at += timedelta(seconds=61)
    assert office.deliver().sent == min(share, 22 - share)


@pytest.mark.parametrize(("asked", "wait"), [("600", timedelta(minutes=10)), ("1", timedelta(minutes=1))])
def test_a_target_is_left_alone_for_as_long_as_it_asks_and_never_shorter_than_the_back_off(office, asked, wait):
    with HttpServer(Answer(429, headers={"Retry-After": asked})) as busy:
        warned_at(office, busy.url, 1)
        deliver_all(office.db, AppriseGateway(Settings(allow_private_targets=True)), office.settings, office.clock)
    (row,) = office.messages
    assert (row.state, row.reason) == (MessageState.PLANNED, "HTTP 429 Too Many Requests")
    assert wait <= row.next_at - office.at <= wait * 1.25


class SlowServer(RecordingGateway):
    """Takes so long for each letter, by the office's own clock."""

    def __init__(self, office, seconds: int) -> None:
        super().__init__()
        self.office, self.span = office, timedelta(seconds=seconds)

    def send(self, url: str, letter: Letter) -> SendResult:
        self.office.at += self.span
        return super().send(url, letter)


def test_a_slow_server_keeps_a_round_for_a_minute_and_the_rest_is_anybodys_at_once(office):
    """A dead mail server let fifty letters wait for it one by one: runs piled up until none was left to decide."""
    warned_at(office, "json://hooks.example.com/anna", 9)
    slow, began_at = SlowServer(office, 15), office.at
    done = deliver_due(office.db, slow, office.settings, office.clock, owner="slow")
    assert done == Delivered(claimed=9, sent=4, deferred=5)
    assert office.at - began_at == timedelta(minutes=1)
    other = RecordingGateway()
    assert deliver_all(office.db, other, office.settings, office.clock) == Delivered(claimed=5, sent=5)
    assert len(slow.sent + other.sent) == 9
