"""`bihuan doctor`: happy when nothing is wrong, and each broken thing names its cure."""

from __future__ import annotations

import json
import sqlite3
import sys
import threading
from contextlib import closing, contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from bihuan.clock import fixed, parse_instant, wall_clock
from bihuan.policy.loader import DEFAULTS, load_policy
from bihuan.services.checkup import Level, check_up, edition, engine, ledger, machine
from bihuan.services.checkup.finding import Visit
from bihuan.services.heartbeat import beat, watch
from bihuan.services.letter import NOBODY
from bihuan.services.people import save_department, save_staff
from bihuan.services.policy import adopt
from bihuan.services.schedule import FILE, intervals, schedule_of
from bihuan.settings import settings
from bihuan.testing import Answer, HttpServer, SmtpServer
from schemas.outbox import Audience, Message, MessageState, Notice
from schemas.people import StaffIn

pytestmark = pytest.mark.usefixtures("quiet_ports")
SECRET = "a secret of sixteen characters or more"


@pytest.fixture
def findings(run):
    """What doctor finds, by the check's name, once its exit code is the one its findings ask for."""

    def found():
        done = run("doctor", "--json")
        by_name = {finding["name"]: finding for finding in done.data["findings"]}
        problems = [name for name, finding in by_name.items() if finding["level"] == "problem"]
        assert (done.code, done.data["is_fine"]) == (1 if problems else 0, not problems)
        assert all(finding["cure"] for finding in by_name.values() if finding["level"] != "ok")
        return by_name

    return found


@pytest.fixture
def visit(installed):
    """What a check may look at, with an upgraded database; its sessions bring about what is to be found."""
    place = Visit(settings().model_copy(update={"database_url": installed}), wall_clock)
    yield place
    place.leave()


def problem(finding, *words):
    """Whether it is a problem whose words and cure hold ``words``."""
    said = f"{finding['says']} - {finding['cure']}"
    return finding["level"] == "problem" and not [word for word in words if word not in said]


# --- the whole of it -------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("installed")
def test_a_fresh_installation_is_fine_and_its_notes_say_how_to_begin(findings):
    found = findings()
    notes = {name for name, finding in found.items() if finding["level"] == "note"}
    assert {"secret", "reach", "sweeps", "web page", "prefect server"} <= notes
    assert {found[name]["level"] for name in ("database", "revision", "integrity", "outbox audit", "policy")} == {"ok"}
    assert "`bihuan up`" in found["sweeps"]["cure"]


def test_before_the_upgrade_it_says_so_and_makes_nothing(findings, tmp_path):
    assert problem(findings()["database"], "no database", "`bihuan db upgrade`")
    assert not (tmp_path / "var").exists()


def test_for_reading_it_is_a_line_a_check_and_the_problems_by_name(run):
    done = run("doctor")
    assert done.code == 1
    assert [line.split()[0] for line in done.out.splitlines()[:2]] == ["name", "data"]
    assert done.err == "to be mended: database\n"


def test_what_cannot_be_looked_at_is_left_out_rather_than_said_twice(findings, monkeypatch):
    monkeypatch.setenv("BIHUAN_DATABASE_URL", "postgresql://nobody:geheim@127.0.0.1:1/none")
    found = findings()
    assert problem(found["database"], "Connection refused", "check BIHUAN_DATABASE_URL")
    assert not {"revision", "messages", "sweeps", "deployments"} & found.keys()
    assert "geheim" not in json.dumps(found)


def test_a_check_that_breaks_is_a_problem_and_the_others_are_made(monkeypatch):
    monkeypatch.setattr(machine, "TemporaryFile", lambda **_: 1 / 0)
    found = {finding.name: finding for finding in check_up(settings(), wall_clock)}
    assert found["data folder"].level is Level.PROBLEM
    assert "ZeroDivisionError" in found["data folder"].says
    assert found["policy"].is_fine


# --- this machine ----------------------------------------------------------------------------------------------------


def test_a_file_in_place_of_the_data_folder(findings, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("BIHUAN_DATA_DIR", str(tmp_path / "file" / "var"))
    assert problem(findings()["data folder"], str(tmp_path / "file"), "BIHUAN_DATA_DIR")


@pytest.mark.parametrize(("free", "level"), [(5_000_000_000, "ok"), (500_000_000, "note"), (50_000_000, "problem")])
def test_a_disk_that_is_nearly_full(findings, monkeypatch, free, level):
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: type("Usage", (), {"free": free}))
    assert findings()["data folder"]["level"] == level


@pytest.mark.parametrize(
    ("lack", "level"), [(None, "ok"), ("pango is missing, so no PDF can be made: no library", "note")]
)
def test_a_machine_that_cannot_make_a_pdf_is_told_what_to_install(findings, monkeypatch, lack, level):
    monkeypatch.setattr(machine, "lacking", lambda: lack)
    finding = findings()["pdf reports"]
    assert finding["level"] == level
    assert lack is None or (finding["says"] == lack and "`apt-get install libpango-1.0-0 " in finding["cure"])


def test_a_secret_others_may_read(findings):
    settings().secret_value()
    file = settings().data_dir / "secret.key"
    assert findings()["secret"]["level"] == "ok"
    file.chmod(0o644)
    assert problem(findings()["secret"], "0644", f"`chmod 600 {file}`")


def test_a_secret_that_was_lost_from_its_file(findings):
    settings().secret_value()
    (settings().data_dir / "secret.key").write_text("", encoding="ascii")
    assert problem(findings()["secret"], "is empty", "put the earlier one back")


def test_a_short_secret_is_worth_a_note(findings, monkeypatch):
    monkeypatch.setenv("BIHUAN_SECRET", "geheim")
    assert findings()["secret"]["level"] == "note"


def test_a_zone_that_is_none(findings, monkeypatch):
    monkeypatch.setenv("BIHUAN_TIMEZONE", "Mars/Base")
    assert problem(findings()["time zone"], "Mars/Base", "Asia/Shanghai")


def test_a_bad_policy_file(findings, tmp_path, monkeypatch):
    (tmp_path / "routing.yaml").write_text("departments: [1]\n", encoding="utf-8")
    monkeypatch.setenv("BIHUAN_POLICY_DIR", str(tmp_path))
    found = findings()
    assert problem(found["policy"], f"{tmp_path / 'routing.yaml'}:1")
    assert not {"calendar", "policy edition"} & found.keys()


def test_the_policy_in_force_and_its_own_files_are_named(findings, tmp_path, monkeypatch, policy):
    assert policy.version in findings()["policy"]["says"]
    (tmp_path / "kpi.yaml").write_bytes((Path(machine.__file__).parents[2] / "policy/default/kpi.yaml").read_bytes())
    monkeypatch.setenv("BIHUAN_POLICY_DIR", str(tmp_path))
    assert "kpi.yaml" in findings()["policy"]["says"]


@pytest.mark.parametrize(
    ("at", "estimated"),
    [("2026-09-30T15:59Z", ""), ("2026-09-30T16:00Z", "china 2027"), ("2026-12-31T16:00Z", "china 2027"),
     ("2027-09-30T16:00Z", "china 2027, china 2028")],
)  # fmt: skip
def test_a_year_without_its_official_notice_is_a_note_and_the_next_one_from_its_october_on(at, estimated):
    level, says, cure = machine.calendar(Visit(settings(), fixed(parse_instant(at))))
    assert (level, says.endswith(estimated)) == (Level.NOTE if estimated else Level.OK, True)
    assert ("`bihuan calendar update FILE`" in cure) is bool(estimated)


def test_a_notice_taken_in_ends_that(tmp_path, monkeypatch):
    (tmp_path / "calendar.d").mkdir()
    (tmp_path / "calendar.d" / "2027.yaml").write_text("years: {2027: {off_days: [2027-01-01]}}\n", encoding="utf-8")
    monkeypatch.setenv("BIHUAN_POLICY_DIR", str(tmp_path))
    settings.cache_clear()
    assert machine.calendar(Visit(settings(), fixed(parse_instant("2026-12-01T00:00Z"))))[0] is Level.OK


def test_another_package_that_owns_one_of_our_names(findings, tmp_path, monkeypatch):
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tasks", raising=False)
    assert problem(findings()["import names"], f"tasks is {tmp_path / 'tasks'}", "PYTHONPATH")


# --- the database ----------------------------------------------------------------------------------------------------


def test_a_database_without_tables(findings, monkeypatch, tmp_path):
    (tmp_path / "empty.db").touch()
    monkeypatch.setenv("BIHUAN_DATABASE_URL", f"sqlite:///{tmp_path / 'empty.db'}")
    assert problem(findings()["revision"], "stands at nothing", "`bihuan db upgrade`")


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "postgresql://host:port/x"])
def test_an_address_that_is_no_database(findings, monkeypatch, url):
    monkeypatch.setenv("BIHUAN_DATABASE_URL", url)
    assert problem(findings()["database"], "BIHUAN_DATABASE_URL", "sqlite:///FILE")


def test_a_damaged_file(findings, sqlite_url, monkeypatch):
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(file)) as connection:
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'customer'").fetchone()[0]
    with file.open("r+b") as pages:
        pages.seek((page - 1) * size)
        pages.write(b"\xff" * size)
    monkeypatch.setenv("BIHUAN_DATABASE_URL", sqlite_url)
    assert problem(findings()["integrity"], "damaged", "back-up")


def test_contacts_sealed_with_a_secret_that_is_gone(visit, findings):
    with visit.db.write() as session:
        save_department(session, "service", "客服部", contact_url="json://example.com/hook", secret=SECRET)
    assert problem(findings()["contacts"], "1 of 1", "another secret", "BIHUAN_SECRET")
    assert not (settings().data_dir / "secret.key").exists()


def test_contacts_the_secret_opens(visit, findings, monkeypatch):
    monkeypatch.setenv("BIHUAN_SECRET", SECRET)
    with visit.db.write() as session:
        save_department(session, "service", "客服部", contact_url="json://example.com/hook", secret=SECRET)
    assert findings()["contacts"]["level"] == "ok"


def test_plain_mail_addresses_and_no_account_to_send_from(visit, findings, monkeypatch):
    monkeypatch.setenv("BIHUAN_SECRET", SECRET)
    with visit.db.write() as session:
        save_department(session, "service", "客服部", contact_url="mailto:service@example.com", secret=SECRET)
    assert problem(findings()["contacts"], "no mail account", "BIHUAN_MAIL_URL")


# --- editions of the policy -------------------------------------------------------------------------------------------


@pytest.fixture
def uses(visit):
    """Let a policy have been used so long ago."""

    def use(policy, **ago):
        with visit.db.write() as session:
            adopt(session, policy, wall_clock() - timedelta(**ago))

    return use


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Another deadline policy, read from the directory that the settings name."""

    def read(late_after="20min"):
        text = (DEFAULTS / "deadline.yaml").read_text(encoding="utf-8")
        folder = tmp_path / "my-policy"
        folder.mkdir(exist_ok=True)
        (folder / "deadline.yaml").write_text(text.replace("late_after: 15min", f"late_after: {late_after}"))
        monkeypatch.setenv("BIHUAN_POLICY_DIR", str(folder))
        return load_policy(folder)

    return read


def test_before_the_first_complaint_no_edition_is_missing(visit, findings):
    assert findings()["policy edition"]["says"].startswith("none used yet")


def test_files_that_were_used_are_fine(findings, uses, own):
    uses(own(), hours=1)
    assert findings()["policy edition"]["level"] == "ok"


def test_files_that_were_edited_since_are_named_by_their_section(findings, uses, own, policy):
    uses(policy, hours=1)
    own()
    found = findings()["policy edition"]
    assert found["level"] == "note"
    assert found["says"].startswith("edited and not used yet: deadline; ")
    assert all(words in found["says"] + found["cure"] for words in ("from the next act on", "`bihuan policy apply`"))


def test_two_processes_with_two_policy_directories_are_found_out(findings, uses, own, policy):
    other = own()
    for hours in range(6, 0, -1):
        uses(policy if hours % 2 else other, hours=hours)
    found = findings()["policy turns"]
    assert problem(found, "deadline 4 times", "BIHUAN_POLICY_DIR", "`bihuan policy history`")
    assert "kpi" not in found["says"]


@pytest.mark.parametrize("ago", [{"hours": 1}, {"days": 1}], ids=["a few", "slowly"])
def test_changing_ones_mind_is_no_fault(visit, uses, own, policy, ago):
    other = own()
    (name, unit), turns = next(iter(ago.items())), 5 if "hours" in ago else 9
    for times in range(turns, 0, -1):
        uses(policy if times % 2 else other, **{name: unit * times})
    assert edition.policy_turns(visit)[0] is Level.OK


def test_new_editions_one_after_the_other_are_no_turns(visit, uses, own):
    for minutes in range(30, 20, -1):
        uses(own(f"{minutes}min"), minutes=minutes)
    assert edition.policy_turns(visit)[0] is Level.OK


# --- what goes out ---------------------------------------------------------------------------------------------------


def planned(recipient, state, reason=None, number=1):
    """A message row."""
    return Message(
        key=f"k{number}", subject_id=1, notice=Notice.BREACH, audience=Audience.STAFF, recipient=recipient,
        state=state, reason=reason, planned_at=wall_clock(),
    )  # fmt: skip


def person(code, **values):
    """Someone on the roster of the service department."""
    return StaffIn(code=code, name=code, department="service", **values)


def test_who_cannot_be_told_is_a_note_until_a_message_failed_for_it(visit, findings):
    with visit.db.write() as session:
        save_department(session, "service", "客服部")
        staff_id = save_staff(session, person("zhang"), SECRET)
    assert findings()["reach"]["says"] == "nobody can be told in: service"
    with visit.db.write() as session:
        session.add(planned(f"staff:{staff_id}", MessageState.FAILED, NOBODY))
    assert problem(findings()["reach"], "1 messages failed", "`bihuan staff import FILE`", "BIHUAN_OPERATOR_URL")


def test_who_got_a_contact_since_is_no_problem_any_more(visit):
    with visit.db.write() as session:
        save_department(session, "service", "客服部", contact_url="json://example.com", secret=SECRET)
        staff_id = save_staff(session, person("zhang", is_head=True, contact_url="json://example.com"), SECRET)
        session.add(planned(f"staff:{staff_id}", MessageState.FAILED, NOBODY))
    assert ledger.reach(visit)[0] is Level.OK


def test_an_operator_hears_what_nobody_else_can_be_told(visit, monkeypatch, findings):
    monkeypatch.setenv("BIHUAN_OPERATOR_URL", "json://example.com/secret-token")
    found = findings()
    assert found["reach"]["level"] == "ok"
    assert "secret-token" not in json.dumps(found)


def test_failed_and_unknown_messages_are_counted_and_the_command_that_lists_them_named(visit, findings):
    with visit.db.write() as session:
        session.add(planned("operator", MessageState.UNKNOWN, number=1))
        session.add(planned("operator", MessageState.FAILED, "refused", number=2))
    found = findings()["messages"]
    assert (found["level"], found["says"]) == ("note", "1 unknown, 1 failed")
    assert "`bihuan outbox list --state unknown`" in found["cure"]


def test_a_message_called_sent_without_proof(visit, findings):
    with visit.db.write() as session:
        session.add(planned("operator", MessageState.SENT))
    assert problem(findings()["outbox audit"], "1 messages called sent without proof", "`bihuan outbox audit`")


def beats(visit, **ages):
    """Let every sweep have completed just now, or so long ago; None: never."""
    with visit.db.write() as session:
        for sweep in intervals():
            age = ages.get(sweep.replace("-", "_"), timedelta(0))
            if age is not None:
                beat(session, fixed(wall_clock() - age), sweep, 0)


def test_a_sweep_that_fell_silent(visit, findings):
    beats(visit, sla_check=timedelta(hours=3), outbox_delivery=timedelta(minutes=1))
    found = findings()["sweeps"]
    assert problem(found, "sla-check for 3 hours", "`bihuan up`")
    assert "outbox-delivery" not in found["says"]


@pytest.mark.parametrize(("minutes", "level"), [(5, Level.OK), (7, Level.PROBLEM)])
def test_silence_counts_after_three_intervals_of_two_minutes(visit, minutes, level):
    beats(visit, sla_check=timedelta(minutes=minutes))
    assert ledger.sweeps(visit)[0] is level


def test_a_sweep_that_never_ran_is_a_note(visit):
    beats(visit, outbox_delivery=None)
    assert ledger.sweeps(visit)[:2] == (Level.NOTE, "never ran: outbox-delivery")


def test_silence_that_nobody_would_be_told_of_says_so(visit, findings, monkeypatch):
    beats(visit, sla_check=timedelta(hours=3))
    assert "BIHUAN_OPERATOR_URL" in findings()["sweeps"]["cure"]
    monkeypatch.setenv("BIHUAN_OPERATOR_URL", "json://example.com/hook")
    assert "BIHUAN_OPERATOR_URL" not in findings()["sweeps"]["cure"]


def test_a_sweep_that_never_ran_though_it_was_watched_for_long_is_a_problem(visit):
    beats(visit, outbox_delivery=None)
    with visit.db.write() as session:
        watch(session, wall_clock() - timedelta(hours=2))
    level, says, _ = ledger.sweeps(visit)
    assert (level, says) == (Level.PROBLEM, "silent: outbox-delivery for 2 hours")


def test_intervals_are_those_of_prefect_yaml_else_the_usual_ones(monkeypatch, tmp_path):
    from bihuan.services import schedule

    written = intervals()
    assert {name: written[name] for name in ("sla-check", "escalation-sweep", "outbox-delivery")} == {
        "sla-check": timedelta(minutes=2), "escalation-sweep": timedelta(minutes=10),
        "outbox-delivery": timedelta(minutes=2),
    }  # fmt: skip
    monkeypatch.setattr(schedule, "FILE", tmp_path / "prefect.yaml")
    assert intervals() == written


@pytest.mark.parametrize(
    ("entry", "minutes"),
    [
        ({"cron": "*/5 * * * *"}, 5),
        ({"cron": "1-59/2 * * * *"}, 2),
        ({"interval": 90}, 1.5),
        ({"cron": "0 9 * * 1"}, 1440),
    ],
)
def test_the_interval_of_a_schedule_is_read_where_it_is_plain_else_a_day(entry, minutes):
    assert schedule_of(entry).interval == timedelta(minutes=minutes)


# --- Prefect and the page --------------------------------------------------------------------------------------------


def served():
    """What Prefect's server says when everything of prefect.yaml is served."""
    rows = []
    for entry in yaml.safe_load(FILE.read_text(encoding="utf-8"))["deployments"]:
        times = [
            {"slug": each["slug"], "active": True, "schedule": {"cron": each["cron"], "timezone": each["timezone"]}}
            for each in entry["schedules"]
        ]  # fmt: skip
        rows.append({"name": entry["name"], "paused": False, "schedules": times})
    return rows


@contextmanager
def prefect(monkeypatch, rows, status=200, wanted=None):
    """A server on loopback that answers as Prefect's; ``wanted`` is the Authorization it asks for."""
    answers = {("GET", "/api/health"): (200, True), ("POST", "/api/deployments/filter"): (status, rows)}

    class Responder(BaseHTTPRequestHandler):
        def answer(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, content = answers[self.command, self.path]
            if wanted and self.command == "POST" and self.headers["Authorization"] != wanted:
                status, content = 401, {"exception_message": "Unauthorized"}
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815 - http.server's names

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Responder) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        monkeypatch.setenv("BIHUAN_PREFECT_PORT", str(server.server_address[1]))
        yield
        server.shutdown()


def test_a_server_that_serves_what_prefect_yaml_says(findings, monkeypatch):
    with prefect(monkeypatch, served()):
        found = findings()
    assert [found[name]["level"] for name in ("prefect server", "deployments")] == ["ok", "ok"]


def test_a_proxy_of_the_environment_is_not_asked(findings, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with prefect(monkeypatch, served()):
        assert findings()["prefect server"]["level"] == "ok"


def test_missing_deployments(findings, monkeypatch):
    with prefect(monkeypatch, served()[1:]):
        assert problem(findings()["deployments"], "sla-check is not served", "restart `bihuan up`")


def test_a_deployment_on_another_schedule(findings, monkeypatch):
    rows = served()
    rows[0]["schedules"][0]["schedule"]["cron"] = "0 3 * * *"
    with prefect(monkeypatch, rows):
        assert problem(findings()["deployments"], "sla-check runs on other schedules", "0 3 * * *")


def test_a_schedule_that_was_left_running_beside_the_new_one(findings, monkeypatch):
    rows = served()
    rows[0]["schedules"].append({**rows[0]["schedules"][0], "slug": "old"})
    with prefect(monkeypatch, rows):
        assert problem(findings()["deployments"], "sla-check runs on other schedules", "deleted in Prefect's page")


@pytest.mark.parametrize(("change", "fault"), [({"paused": True}, "is paused"), ({"schedules": []}, "no schedule")])
def test_a_deployment_that_will_not_start(findings, monkeypatch, change, fault):
    rows = served()
    rows[1] |= change
    with prefect(monkeypatch, rows):
        assert problem(findings()["deployments"], rows[1]["name"], fault)


def test_a_server_that_does_not_say_what_it_serves(findings, monkeypatch):
    with prefect(monkeypatch, [], status=503):
        assert problem(findings()["deployments"], "503", "bihuan up")


def test_a_server_that_wants_its_user_is_told_what_the_workers_tell_it(findings, monkeypatch):
    with prefect(monkeypatch, served(), wanted="Basic YWRtaW46YTpi"):
        assert problem(findings()["deployments"], "wants its user", "/etc/bihuan/environment")
        monkeypatch.setenv("PREFECT_API_AUTH_STRING", "admin:a:b")
        found = findings()
    assert found["deployments"]["level"] == "ok"
    assert "a:b" not in json.dumps(found)


def test_an_installation_without_prefect_yaml_has_nothing_to_compare(monkeypatch, tmp_path):
    from bihuan.services import schedule

    monkeypatch.setattr(schedule, "FILE", tmp_path / "prefect.yaml")
    assert engine.deployments(Visit(settings(), wall_clock))[0] is Level.OK


@pytest.mark.parametrize(
    ("setting", "name"), [("BIHUAN_PREFECT_PORT", "prefect server"), ("BIHUAN_WEB_PORT", "web page")]
)
@pytest.mark.parametrize("stranger", [lambda: HttpServer(Answer(body='{"detail": "not here"}')), SmtpServer])
def test_a_port_that_somebody_else_holds(findings, monkeypatch, setting, name, stranger):
    with stranger() as other:
        monkeypatch.setenv(setting, str(other.port))
        assert problem(findings()[name], str(other.port), setting)


@pytest.mark.parametrize(("status", "level"), [(200, "ok"), (503, "problem")])
def test_our_own_page_says_how_it_is(findings, monkeypatch, status, level):
    with HttpServer(Answer(status=status, body='{"status": "…", "heartbeats": []}')) as page:
        monkeypatch.setenv("BIHUAN_WEB_PORT", str(page.port))
        assert findings()["web page"]["level"] == level
