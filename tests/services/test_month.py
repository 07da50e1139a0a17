"""The month analysed: once, from what was known at its instant, with the quality managers told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from bihuan.analysis.candidate import Outcome
from bihuan.policy.improvement import MonthScope
from bihuan.policy.scope import When
from bihuan.report.month_files import PACK
from bihuan.report.pack import hash_of, packed, reviewed_again
from bihuan.services import month_report
from bihuan.services.month import Due, due, kept, review
from bihuan.services.month_report import analyse, analyse_due
from bihuan.services.people import save_department
from bihuan.services.survey import follow_up
from bihuan.store.rows import insert_rows
from schemas.access import Role
from schemas.complaint import CustomerIn, EventIn, EventKind
from schemas.improvement import AnalysisRun, Finding, Problem
from schemas.outbox import Message, MessageState, Notice
from schemas.people import Staff
from schemas.survey import Answer, AnswerSource, Invitation, InvitationState

SHANGHAI = ZoneInfo("Asia/Shanghai")
SEPTEMBER, OCTOBER = date(2026, 9, 1), date(2026, 10, 1)
ANALYSED = datetime(2026, 11, 2, 0, 0, tzinfo=UTC)
"""Monday 2 November, 08:00 in Shanghai: the first working day after October."""
DAYS = timedelta(days=25)
PRODUCTS = ("扫地机器人", "空气净化器", "电饭煲", "洗衣机", "冰箱")


@pytest.fixture(autouse=True)
def _pack_alone(monkeypatch):
    """Only the data pack is written: pages and PDF have tests of their own, and take ten seconds a month."""
    monkeypatch.setattr(month_report, "files", lambda made, _words, _imprint: {PACK: packed(made).zipped()})


@pytest.fixture
def quality(office, tmp_path):
    """An office whose washing machines were late in October, and a quality manager."""
    office.settings = office.settings.model_copy(update={"data_dir": tmp_path})
    office.department("service", "json://hooks.example.com/desk")
    office.staff("anna")
    office.staff("qian", roles=[Role.QUALITY_MANAGER])
    office.at = ANALYSED
    office.take_in(*complaints(office))
    office.db.analyze()  # as every import does
    return office


def complaints(office, seed: int = 3):
    """240 a month from August on, a tenth of them late; of October's washing machines seven tenths."""
    chance = np.random.default_rng(seed)
    for month in (8, 9, 10):
        for number in range(240):
            at = datetime(2026, month, 1, tzinfo=SHANGHAI) + timedelta(minutes=int(chance.integers(30 * 1440 - 60)))
            product = PRODUCTS[int(chance.integers(5))]
            is_late = chance.random() < (0.7 if (month, product) == (10, "洗衣机") else 0.1)
            handled = at + timedelta(hours=30 if is_late else 6)
            yield office.complaint(
                f"{month}-{number}", product=product, registered_at=at, deadlines={"handled": at + timedelta(days=1)},
                title=f"{product}坏了", matter="我叫王小明，电话 13800138000", severity="general",
                customer=CustomerIn(external_id=f"c{month}-{number}", name="王小明"),
                events=(EventIn(kind=EventKind.HANDLED, occurred_at=handled),),
            )  # fmt: skip


def reviewed(office, month_on=OCTOBER, scope=""):
    return review(office.db, office.policy, office.settings, month_on, scope)


def test_the_place_where_it_got_worse_is_named_with_its_evidence(quality):
    made = reviewed(quality)
    late = next(one for one in made.found.conclusions if one.indicator == "late")
    first = made.found.candidates[0]
    assert late.outcome is Outcome.LOCALIZED
    assert (first.dimension, first.element, first.indicator) == ("product", "洗衣机", "late")
    assert set(first.evidence) <= {row.number for row in quality.complaints if row.product == "洗衣机"}
    assert (made.quality["complaints"], made.quality["without_sla"]) == (240, 0)


def test_a_process_beside_finds_what_one_alone_does(quality, monkeypatch):
    alone = reviewed(quality)
    monkeypatch.setattr("bihuan.services.month.MANY", 1)
    together = reviewed(quality)
    pd.testing.assert_frame_equal(together.complaints, alone.complaints)
    assert together.indicators == alone.indicators
    assert together.found.candidates == alone.found.candidates


def test_nobody_can_be_recognised_in_what_is_analysed(quality):
    made = reviewed(quality)
    assert not made.complaints["text"].str.contains("13800138000|王小明").any()
    content = packed(made).zipped()
    assert b"13800138000" not in content
    again = reviewed_again(content)
    assert not again.complaints["person"].str.contains("王小明").any()


def test_the_pack_makes_every_figure_again_and_a_changed_one_is_refused(quality):
    made = reviewed(quality)
    pack = packed(made)
    assert packed(reviewed_again(pack.zipped())).zipped() == pack.zipped()
    assert hash_of(dict.fromkeys(("complaints.csv", "answers.csv", "parameters.json"), b"")) != pack.sha256
    with pytest.raises(ValueError, match="no data pack"):
        reviewed_again(b"something else")


def test_it_is_analysed_once_and_whoever_looks_after_quality_is_told(quality, tmp_path):
    done = analyse_due(quality.db, quality.policy, quality.settings, ANALYSED)
    assert done == ["M-2026-08", "M-2026-09", "M-2026-10"]
    rows = [len(quality.rows(table)) for table in (AnalysisRun, Problem, Finding, Message)]
    assert analyse_due(quality.db, quality.policy, quality.settings, ANALYSED) == []
    assert analyse(quality.db, quality.policy, quality.settings, Due(OCTOBER), ANALYSED) is None
    assert [len(quality.rows(table)) for table in (AnalysisRun, Problem, Finding, Message)] == rows
    told = [row for row in quality.messages if row.notice is Notice.MONTH]
    qian = next(row.id for row in quality.rows(Staff) if row.code == "qian")
    assert {(row.recipient, row.state) for row in told} == {(f"staff:{qian}", MessageState.PLANNED)}
    assert [row.is_late for row in told] == [True, True, False]
    run = quality.rows(AnalysisRun)[-1]
    assert (tmp_path / run.files["pack.zip"]).is_file()
    assert packed(reviewed_again((tmp_path / run.files["pack.zip"]).read_bytes())).sha256 == run.sha256


def test_the_letter_says_what_changed_and_where_to_look_first(quality):
    analyse(quality.db, quality.policy, quality.settings, Due(OCTOBER), ANALYSED)
    quality.at = ANALYSED + timedelta(hours=2)
    quality.deliver()
    letter = next(letter for url, letter in quality.mail.sent if "qian" in url)
    assert "2026-10" in letter.title
    assert "洗衣机" in letter.body
    assert "变差，已定位" in letter.body
    assert "/months/M-2026-10" in letter.body


def test_the_report_is_given_the_names_of_departments_and_no_names_of_people(quality, monkeypatch):
    given = []
    monkeypatch.setattr(
        month_report, "files", lambda made, _words, imprint: given.append(imprint) or {PACK: packed(made).zipped()}
    )
    with quality.db.write() as session:
        save_department(session, "repair", "维修部", name_en="Repair", secret=quality.settings.secret_value())
        save_department(session, "repair-2", "维修部", secret=quality.settings.secret_value())
    analyse(quality.db, quality.policy, quality.settings, Due(OCTOBER), ANALYSED)
    assert given[0].departments == {
        "service": {"zh": "service 部", "en": "service 部"}, "repair": {"zh": "维修部 (repair)", "en": "Repair"},
        "repair-2": {"zh": "维修部 (repair-2)", "en": "维修部 (repair-2)"},
    }  # fmt: skip
    assert given[0].handlers == {"anna": "service", "qian": "service"}


def test_without_a_quality_manager_the_operator_is_told(office, tmp_path):
    office.settings = office.settings.model_copy(update={"data_dir": tmp_path})
    office.department("service")
    office.take_in(*complaints(office), at=ANALYSED)
    office.db.analyze()
    analyse(office.db, office.policy, office.settings, Due(OCTOBER), ANALYSED)
    assert [row.recipient for row in office.messages if row.notice is Notice.MONTH] == ["operator"]


def test_a_month_looked_at_late_says_what_it_would_have_said_in_time(quality):
    in_time = packed(reviewed(quality)).sha256
    quality.at = ANALYSED + timedelta(days=60)
    number = quality.complaints[-1].number
    quality.record(number, EventKind.REOPENED)
    quality.register("later", hours=0)
    assert packed(reviewed(quality)).sha256 == in_time


def test_a_month_before_its_first_working_day_is_not_due(quality):
    with quality.db.read() as session:
        before = due(session, quality.policy, quality.settings, ANALYSED - timedelta(minutes=1))
        on_time = due(session, quality.policy, quality.settings, ANALYSED)
    assert Due(OCTOBER) not in before
    assert on_time[-1] == Due(OCTOBER)


def test_a_scope_has_a_month_of_its_own(quality):
    scope = MonthScope(when=When(channel=["phone"]))
    month = quality.policy.improvement.month.model_copy(update={"scopes": {"phone": scope}, "catch_up": 1})
    improvement = quality.policy.improvement.model_copy(update={"month": month})
    quality.policy = quality.policy.model_copy(update={"improvement": improvement})
    done = analyse_due(quality.db, quality.policy, quality.settings, ANALYSED)
    assert done == ["M-2026-10", "M-2026-10-phone"]
    with quality.db.read() as session:
        assert kept(session, OCTOBER, "phone")["complaints"] == 0
        assert kept(session, SEPTEMBER) is None


def test_scores_below_the_limits_are_bad_and_scores_that_were_not_given_are_neither(quality):
    by_number = sorted(quality.complaints, key=lambda row: row.number)
    about = [row.id for row in by_number if row.registered_at > ANALYSED - DAYS][:4]
    said = [{"nps": 6, "csat": 4}, {"nps": 7, "csat": 3}, {"nps": None, "csat": 5}, {"nps": 10, "csat": None}]
    at = ANALYSED - timedelta(days=3)
    asked = {
        "duty": "satisfaction_follow_up", "questionnaire": "satisfaction", "policy_version": "x", "started_at": at,
        "send_at": at, "due_at": at, "expires_at": at, "state": InvitationState.ANSWERED,
    }  # fmt: skip
    told = {"channel": AnswerSource.WEB, "values": {}, "changed_at": at, "is_negative": False}
    with quality.db.write() as session:
        insert_rows(session, Invitation, [
            asked | {"id": one, "key": f"i{one}", "subject_id": one} for one in about
        ])  # fmt: skip
        insert_rows(session, Answer, [
            told | scores | {"invitation_id": one, "subject_id": one, "external_id": str(one),
                             "answered_at": at}
            for one, scores in zip(about, said, strict=True)
        ])  # fmt: skip
    found = reviewed(quality).answers
    assert found["is_detractor"].tolist() == [True, False, pd.NA, False]
    assert found["is_unsatisfied"].tolist() == [False, True, False, pd.NA]


def test_where_nothing_was_registered_nothing_is_due(office):
    with office.db.read() as session:
        assert due(session, office.policy, office.settings, ANALYSED) == []


def test_the_analysis_sends_complainants_nothing(quality):
    follow_up(quality.db, quality.policy, quality.settings, ANALYSED)
    before = len(quality.messages)
    analyse(quality.db, quality.policy, quality.settings, Due(OCTOBER), ANALYSED)
    assert [row.audience for row in quality.messages[before:]] == ["staff"]
