"""The book of the policy in the database: what was used is kept, and reaches what is open as far as it should."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from sqlalchemy import func, select

from bihuan.policy.document import read_document
from bihuan.policy.frame import DAYS
from bihuan.policy.loader import DEFAULTS, SECTIONS, load_policy
from bihuan.policy.models import Policy
from bihuan.services.complaint import record
from bihuan.services.explanation import accounts
from bihuan.services.integrity import inspect_database
from bihuan.services.policy import Adoption, adopt, apply_to_open, history, in_force, unused
from bihuan.store.engine import Database
from bihuan.store.rows import table_of
from schemas.complaint import Channel, EventIn, EventKind
from schemas.deadline import Deadline, Mode
from schemas.policy import PolicyEdition

HANDLED = ("handled", 1)
RESPONSE = ("first_response", 1)
MONDAY_OFF = "closures: {2026-11-16: 盘点}\n"
"""The Monday on which these complaints come in."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "policy"
    folder.mkdir()
    return folder


@pytest.fixture
def edited(folder: Path) -> Callable[..., Policy]:
    """Write these keys over a section's shipped file; the policy as it is read then."""

    def edit(section: str = "deadline", **keys: object) -> Policy:
        content = read_document(section, (DEFAULTS / f"{section}.yaml").read_bytes()).content
        text = yaml.safe_dump(_laid(content, keys), allow_unicode=True, sort_keys=False)
        (folder / f"{section}.yaml").write_text(f"# ours\n{text}", encoding="utf-8")
        return load_policy(folder)

    return edit


def _laid(below: object, above: object) -> object:
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return below | {key: _laid(below.get(key), value) for key, value in above.items()}


def handled_in(target: str) -> dict[str, object]:
    """What to write over the deadlines for another time to handle general complaints."""
    return {"milestones": {"handled": {"severity": {"general": {"target": target, "clock": "calendar"}}}}}


@pytest.fixture
def closed(folder: Path) -> Callable[..., Policy]:
    """The policy with a notice that closes the house on these days."""

    def close(notice: str = MONDAY_OFF) -> Policy:
        (folder / "calendar.d").mkdir(exist_ok=True)
        (folder / "calendar.d" / "house.yaml").write_text(notice, encoding="utf-8")
        return load_policy(folder)

    return close


@pytest.fixture
def adopts(office) -> Callable[..., Adoption]:
    """Today's policy is taken in at the office's present."""

    def take_in(policy: Policy, act: Callable[..., Adoption] = adopt) -> Adoption:
        office.policy = policy
        with office.db.write() as session:
            return act(session, policy, office.at)

    return take_in


def editions(office, section: str = "deadline") -> list:
    return [row for row in office.rows(PolicyEdition) if row.section == section]


def is_sound(office) -> bool:
    report = inspect_database(office.db, office.policy)
    assert report.differences == []
    return report.is_sound


# --- what is kept ---


def test_editions_are_kept_when_they_are_first_used_and_once(office):
    assert office.rows(PolicyEdition) == []
    office.register()
    office.register("2")
    office.check(1)
    kept = office.rows(PolicyEdition)
    assert [row.section for row in kept] == list(SECTIONS)
    assert {row.section: row.version for row in kept} == office.policy.versions
    assert {(row.recorded_at, row.effective_at) for row in kept} == {(office.after(0), office.after(0))}


def test_only_the_section_that_changed_is_kept_again(office, edited, adopts):
    office.register()
    assert adopts(edited("kpi", indicators={"on_time_handled": {"min_n": 7}})).sections == ("kpi",)
    assert Counter(row.section for row in office.rows(PolicyEdition)) == Counter([*SECTIONS, "kpi"])


def test_a_comment_or_another_way_to_write_it_is_no_edition(office, folder, adopts):
    office.register()
    text = (DEFAULTS / "deadline.yaml").read_text(encoding="utf-8")
    (folder / "deadline.yaml").write_text("# a word more\n" + text.replace("48h", "2d"), encoding="utf-8")
    assert adopts(load_policy(folder)).sections == ()


def test_there_and_back_again_is_three_editions(office, edited):
    for number, target in enumerate(["24h", "12h", "24h"]):
        office.at, office.policy = office.after(number), edited(**handled_in(target))
        office.register(str(number))
    first, second, third = editions(office)
    assert first.version == third.version != second.version
    assert [office.after(number) for number in range(3)] == [row.effective_at for row in (first, second, third)]
    due = [row.due_at - row.started_at for row in office.rows(Deadline) if row.milestone == "handled"]
    assert due == [timedelta(hours=hours) for hours in (24, 12, 24)]
    assert is_sound(office)


def test_reading_keeps_nothing(office):
    with office.db.read() as session:
        assert history(session) == []
        assert unused(session, office.policy) == list(SECTIONS)
    assert inspect_database(office.db, office.policy).is_sound
    assert office.rows(PolicyEdition) == []


def test_what_is_edited_and_not_used_yet_is_named(office, edited):
    office.register()
    with office.db.read() as session:
        assert unused(session, office.policy) == []
        assert unused(session, edited(warn=["50%"])) == ["deadline"]


def test_an_old_deadline_shows_the_line_of_its_own_edition(office, edited, folder):
    office.policy = edited(**handled_in("24h"))
    old_line = 1 + next(n for n, text in enumerate((folder / "deadline.yaml").read_text(encoding="utf-8").splitlines())
                        if text == "  handled:")  # fmt: skip
    number = office.register()
    office.policy = edited(late_after="20min", **handled_in("12h"))
    (folder / "deadline.yaml").write_text("# moved\n" * 40 + (folder / "deadline.yaml").read_text(encoding="utf-8"))
    office.policy = load_policy(folder)
    with office.db.read() as session:
        [account] = accounts(session, office.policy, number, office.at, "handled")
    file, _, key = account.policy_line.partition(" ")
    assert key == "milestones.handled.severity.general"
    assert file.partition(":")[0] == "deadline.yaml"
    assert old_line < int(file.partition(":")[2]) < old_line + 20
    assert account.policy_version == editions(office)[0].version


def test_a_calendar_is_kept_with_its_days_written_out(office):
    office.register()
    [kept] = editions(office, "calendar")
    said = read_document(kept.file, kept.text.encode()).content
    assert said["calendars"]["china"]["notices"]["2026"]["makeup_workdays"]["2026-02-14"] == ""
    assert said["calendars"]["china"]["notices"]["2027"]["status"] == "estimate"


# --- from when on ---


def test_what_is_open_keeps_the_edition_that_set_it(office, edited):
    number = office.register()
    office.policy = edited(**handled_in("12h"))
    office.check(1)
    assert office.deadlines[HANDLED].due_at == office.after(48)
    office.record(number, EventKind.HANDLED)
    office.at = office.after(2)
    office.record(number, EventKind.REOPENED)
    assert office.deadlines["handled", 2].due_at == office.after(14)
    assert is_sound(office)


def test_an_edition_with_an_instant_ahead_counts_for_what_starts_then(office, edited):
    office.register("1")
    office.policy = edited(effective_at="2026-11-17T09:00+08:00", **handled_in("12h"))
    for number, hours in (("2", 1), ("3", 23.9), ("4", 24), ("5", 30)):
        office.at = office.after(hours)
        office.register(number)
    due = [row.due_at - row.started_at for row in office.rows(Deadline) if row.milestone == "handled"]
    assert [span / timedelta(hours=1) for span in due] == [48, 48, 48, 12, 12]
    assert (editions(office)[1].recorded_at, editions(office)[1].effective_at) == (office.after(1), office.after(24))
    assert is_sound(office)


def test_an_instant_that_has_passed_means_from_now_on(office, edited):
    office.register("1")
    office.at, office.policy = office.after(5), edited(effective_at="2026-11-01T00:00+08:00", **handled_in("12h"))
    office.register("2")
    assert editions(office)[1].effective_at == office.after(5)
    office.register("3", hours=1)  # as the edition in force then had it
    due = [row.due_at - row.started_at for row in office.rows(Deadline) if row.milestone == "handled"]
    assert [span / timedelta(hours=1) for span in due] == [48, 12, 48]


# --- calendars reach what is open ---


def test_a_new_calendar_moves_open_business_deadlines_and_lists_them(office, closed, adopts):
    office.register()
    before = office.deadlines
    assert (before[RESPONSE].mode, before[RESPONSE].due_at) == (Mode.BUSINESS, office.after(2))
    office.at = office.after(0.5)
    done = adopts(closed())
    assert (done.sections, done.moved_count) == (("calendar",), len(done.moved))
    moved = {one.milestone: one for one in done.moved}
    assert set(moved) == {name for (name, _), row in before.items() if row.mode is Mode.BUSINESS and not row.met_at}
    assert (moved["first_response"].old_due_at, moved["first_response"].new_due_at) == (
        office.after(2),
        office.after(26),
    )
    after = office.deadlines
    assert after[RESPONSE].due_at == office.after(26)
    assert after[RESPONSE].calendar_version == office.policy.calendars.default.version
    assert after[HANDLED] == before[HANDLED], "every hour counts there: no calendar has a say"
    assert editions(office, "calendar")[1].moved == done.moved_count
    assert is_sound(office)


def test_taking_the_same_calendar_in_again_changes_nothing(office, closed, adopts):
    office.register()
    adopts(closed())
    before = office.rows(Deadline), office.rows(PolicyEdition)
    office.at = office.after(1)
    assert adopts(closed()) == Adoption()
    assert (office.rows(Deadline), office.rows(PolicyEdition)) == before


def test_a_sweep_takes_a_new_calendar_in_before_it_decides(office, closed):
    office.register()
    office.policy = closed()
    assert [office.check(hours).breached for hours in (1, 3)] == [0, 0]
    assert office.deadlines[RESPONSE].due_at == office.after(26)


def test_a_calendar_that_makes_a_day_shorter_makes_nothing_due_before_it_is_taken_in(office, closed, adopts):
    """Open from midnight on, the two hours would have ended at 02:00: it is due now, and can still be met."""
    office.register()
    office.at = office.after(1)
    done = adopts(closed("half_days: {2026-11-16: [['00:00', '09:30'], ['09:30', '24:00']]}\n"))
    assert done.moved_count == 0
    office.at = office.after(1.5)
    assert adopts(closed("half_days: {2026-11-16: [['09:00', '18:00']]}\n")).moved_count == 0
    assert is_sound(office)


def test_what_was_due_under_the_old_calendar_stays_due(office, closed):
    office.register()
    office.policy = closed()
    office.at = office.after(5)
    with office.db.write() as session:
        assert [one.milestone for one in adopt(session, office.policy, office.at).moved] == []
    assert office.deadlines[RESPONSE].due_at == office.after(2)
    assert office.check(6).breached > 0
    assert is_sound(office)


def test_nothing_moves_where_nothing_was_known_before(office, closed, adopts):
    assert adopts(closed()).moved == ()
    office.register()
    assert office.deadlines[RESPONSE].due_at == office.after(26)


def test_if_the_act_fails_neither_edition_nor_move_is_kept(office, closed):
    office.register()
    before = office.rows(Deadline), office.rows(PolicyEdition)
    policy = closed()

    def fails() -> None:
        with office.db.write() as session:
            assert adopt(session, policy, office.at).moved_count
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert (office.rows(Deadline), office.rows(PolicyEdition)) == before


# --- several calendars ---


ALWAYS = {"timezone": "Asia/Shanghai",
          "weekly": {day: [["00:00", "24:00"]] for day in DAYS}}  # fmt: skip
EARLY = {"timezone": "Asia/Urumqi", "weekly": {"mon": [["08:00", "10:00"]], "tue": [["08:00", "10:00"]]}}


@pytest.fixture
def several(edited, folder) -> Policy:
    """The hotline works around the clock, the west by its own sun, and the west's hotline as the west does."""
    content = read_document("calendar", (DEFAULTS / "calendar.yaml").read_bytes()).content
    content["calendars"] |= {"always": ALWAYS, "west": EARLY}
    content["scopes"] = {
        "hotline": {"when": {"department": ["hotline"]}, "calendar": "always"},
        "west": {"when": {"region": ["新疆"], "department": ["hotline", "service"]}, "calendar": "west"},
    }
    (folder / "calendar.yaml").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return load_policy(folder)


def test_each_complaint_is_counted_on_the_calendar_of_its_department_and_region(office, several):
    office.policy = several
    office.department("hotline")
    start = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)
    office.at = start  # Monday 20:00 in Shanghai, 18:00 in Urumqi
    for number, facts in enumerate([{}, {"department": "hotline"}, {"department": "service", "region": "新疆"},
                                    {"department": "hotline", "region": "新疆"}, {"region": "北京"}]):  # fmt: skip
        office.take_in(office.complaint(str(number), 11, **facts))
    rows = [row for row in office.rows(Deadline) if row.milestone == "first_response"]
    tuesday_eleven, tuesday_west = datetime(2026, 11, 17, 3, 0, tzinfo=UTC), datetime(2026, 11, 17, 4, 0, tzinfo=UTC)
    assert [row.due_at for row in rows] == [
        tuesday_eleven, start + timedelta(hours=2), tuesday_west, tuesday_west, tuesday_eleven,
    ]  # fmt: skip
    versions = {name: calendar.version for name, calendar in several.calendars.items()}
    names = ["china", "always", "west", "west", "china"]
    assert [row.calendar_version for row in rows] == [versions[name] for name in names]
    assert is_sound(office)


def test_naming_another_calendar_for_a_department_moves_only_what_counts_on_it(office, edited, several, adopts):
    office.department("hotline")
    office.at = office.after(11)
    office.policy = load_policy(None)
    mine, other = office.register("1", department="hotline"), office.register("2", department="service")
    ids = {row.number: row.id for row in office.complaints}
    done = adopts(several)
    assert {one.complaint_id for one in done.moved} == {ids[mine]} != {ids[other]}
    assert is_sound(office)


# --- applied to what is open ---


def test_applied_it_reaches_what_is_open_and_says_what_moved(office, edited, adopts):
    number, done = office.register("1"), office.register("2")
    office.record(done, EventKind.HANDLED)
    office.at = office.after(1)
    found = adopts(edited(**handled_in("12h")), apply_to_open)
    assert [(one.milestone, one.new_due_at) for one in found.moved] == [("handled", office.after(12))]
    assert found.sections == ("deadline",)
    [_, edition] = editions(office)
    assert (edition.applied_at, edition.moved) == (office.after(1), 1)
    with office.db.read() as session:
        [account] = accounts(session, office.policy, number, office.at, "handled")
    assert (account.due_at, account.recounts[-1].at) == (office.after(12), office.after(1))
    assert is_sound(office)


def test_applied_it_makes_nothing_due_before_that(office, edited, adopts):
    office.register()
    office.at = office.after(20)
    [moved] = adopts(edited(**handled_in("12h")), apply_to_open).moved
    assert moved.new_due_at == office.after(20)
    assert office.check(20).breached == 2, "response and assignment were due long ago, this one can still be met"
    assert office.check(20.1).breached == 1
    assert is_sound(office)


def test_applied_it_leaves_what_is_due_or_breached_as_it_was(office, edited, adopts):
    office.register()
    office.check(60)
    assert office.deadlines[HANDLED].breached_at
    before = office.rows(Deadline)
    assert adopts(edited(**handled_in("96h")), apply_to_open).moved == ()
    assert office.rows(Deadline) == before
    assert is_sound(office)


def test_applying_it_again_moves_nothing_and_keeps_the_first_instant(office, edited, adopts):
    office.register()
    policy = edited(**handled_in("12h"))
    assert adopts(policy, apply_to_open).moved_count == 1
    before = office.rows(Deadline), office.rows(PolicyEdition)
    office.at = office.after(3)
    assert adopts(policy, apply_to_open) == Adoption()
    assert (office.rows(Deadline), office.rows(PolicyEdition)) == before
    assert is_sound(office)


def test_an_edition_with_an_instant_ahead_counts_at_once_where_it_is_applied(office, edited, adopts):
    office.register("1")
    policy = edited(effective_at="2026-12-01T00:00+08:00", **handled_in("12h"))
    assert adopts(policy, apply_to_open).moved_count == 1
    office.register("2")
    assert [row.due_at for row in office.rows(Deadline) if row.milestone == "handled"] == [office.after(12)] * 2
    assert is_sound(office)


def test_a_preview_leaves_nothing(office, edited, adopts):
    office.register()
    before = office.rows(Deadline), office.rows(PolicyEdition)
    policy = edited(**handled_in("12h"))
    with office.db.write() as session:
        assert apply_to_open(session, policy, office.at).moved_count == 1
        session.rollback()
    assert (office.rows(Deadline), office.rows(PolicyEdition)) == before
    office.register("2")
    assert [row.due_at for row in office.rows(Deadline) if row.milestone == "handled"] == [office.after(48)] * 2
    assert adopts(policy, apply_to_open).moved_count == 2
    assert is_sound(office)


# --- several at once ---


@pytest.fixture
def another(office):
    """Opens the database once more, as another process would."""
    opened: list[Database] = []

    def open_it() -> Database:
        opened.append(Database(office.db.engine.url.render_as_string(hide_password=False)))
        return opened[-1]

    yield open_it
    for database in opened:
        database.close()


@pytest.mark.parametrize("act", [adopt, in_force, apply_to_open])
def test_workers_that_use_it_at_once_keep_one_edition(office, closed, another, act):
    office.register()
    policy, start = closed(), threading.Barrier(4)

    def work(_: int) -> object:
        database = another()
        start.wait()
        with database.write() as session:
            return act(session, policy, office.at)

    with ThreadPoolExecutor(4) as workers:
        done = list(workers.map(work, range(4)))
    assert Counter(row.section for row in office.rows(PolicyEdition)) == Counter([*SECTIONS, "calendar"])
    if act is not in_force:
        assert sorted(one.moved_count for one in done) == [0, 0, 0, 2]
    office.policy = policy
    assert is_sound(office)


def test_news_written_while_a_calendar_is_taken_in_are_not_lost(office, closed, another):
    """Whoever takes it in derives from the log, and must not read one that somebody is adding to."""
    number, policy = office.register(), closed()
    is_written, at = threading.Event(), office.after(0.5)

    def take_in() -> int:
        is_written.wait()
        with another().write() as session:
            return adopt(session, policy, at).moved_count

    with ThreadPoolExecutor(1) as worker:
        moved = worker.submit(take_in)
        with office.db.write() as session:
            answered = EventIn(kind=EventKind.RESPONDED, occurred_at=office.at, data={})
            record(session, office.policy, lambda: at, number, answered)
            is_written.set()
            threading.Event().wait(0.5)  # long enough for the other to come to the same rows
    assert (moved.result(), office.deadlines[RESPONSE].met_at) == (0, office.at)
    office.policy = policy
    assert is_sound(office)


def test_a_great_many_open_deadlines_are_counted_though_not_all_are_listed(office, closed, adopts, monkeypatch):
    from bihuan.services import policy as module

    office.take_in(*(office.complaint(str(number), channel=Channel.EMAIL) for number in range(12)))
    monkeypatch.setattr(module, "_LISTED", 5)
    done = adopts(closed())
    with office.db.read() as session:
        moved = session.execute(
            select(func.count()).where(table_of(Deadline).c.due_at == office.after(26), table_of(Deadline).c.step == 0)
        ).scalar_one()
    assert (done.moved_count, len(done.moved), moved) == (24, 5, 24)


def test_a_process_that_read_its_policy_before_others_went_on_brings_nothing_back(office, edited):
    """An import that runs for an hour after somebody edited the files."""
    stale = edited(**handled_in("40h"))
    fresh = edited(**handled_in("30h"))
    for number, policy in (("1", stale), ("2", fresh)):
        office.policy = policy
        office.register(number)
    at = fresh.loaded_at
    edition = table_of(PolicyEdition)
    with office.db.write() as session:
        newest = select(func.max(edition.c.id)).scalar_subquery()
        session.execute(edition.update().where(edition.c.id == newest).values(recorded_at=at, effective_at=at))
    office.at = at
    office.policy = stale
    office.register("3")
    with office.db.read() as session:
        assert [row.version for row in history(session) if row.section == "deadline"] == [
            stale.deadline.version, fresh.deadline.version,
        ]  # fmt: skip
    third = max((row for row in office.rows(Deadline) if row.milestone == "handled"), key=lambda row: row.id)
    assert third.policy_version == fresh.deadline.version
