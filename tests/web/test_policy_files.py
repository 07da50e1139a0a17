"""The pages go by today's policy files: an edit counts at the next request, a slip changes nothing and is said once."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bihuan.clock import wall_clock
from bihuan.errors import PolicyError
from bihuan.policy import files, loader
from bihuan.policy.files import PolicyFiles
from bihuan.policy.loader import DEFAULTS
from bihuan.store.rows import table_of
from bihuan.web.app import create_app
from schemas.deadline import Deadline
from schemas.policy import PolicyEdition


@pytest.fixture
def edit(tmp_path):
    """Write another time for handling into the policy directory; gives its file."""
    folder = tmp_path / "my-policy"
    folder.mkdir()

    def write(target: str) -> Path:
        text = (DEFAULTS / "deadline.yaml").read_text(encoding="utf-8")
        file = folder / "deadline.yaml"
        file.write_text(text.replace("target: 48h", f"target: {target}", 1), encoding="utf-8")
        return file

    return write


@pytest.fixture
def browser(office, edit, browse):
    """A page that stays up while the files are edited."""
    source = PolicyFiles(edit("48h").parent)
    browser = browse()
    browser.app = create_app(office.settings, office.db, source, office.clock)
    return browser


def register(browser, title):
    answer = browser.submit("/complaints/new", "/complaints/new", title=title, severity="general", channel="phone")
    assert answer.status_code == 303, answer.text


def handled(office):
    d = table_of(Deadline).c
    with office.db.read() as session:
        rows = session.execute(select(d.due_at, d.started_at).where(d.milestone == "handled").order_by(d.id)).all()
    return [(due_at - started_at) / timedelta(hours=1) for due_at, started_at in rows]


def test_an_edit_counts_from_the_next_request_on(browser, office, edit):
    register(browser, "1")
    edit("24h")
    office.later(minutes=1)
    register(browser, "2")
    assert handled(office) == [48, 24]


def test_while_a_file_is_broken_the_last_good_one_counts_and_each_slip_is_logged_once(browser, office, edit, caplog):
    register(browser, "1")
    for target in ("24x", "24x", "24y", "24h"):
        file = edit(target)
        with caplog.at_level(logging.WARNING, logger="bihuan.policy.files"):
            office.later(minutes=1)
            register(browser, target)
            browser.get("/")
    assert handled(office) == [48, 48, 48, 48, 24]
    said = [record.what for record in caplog.records if record.name == "bihuan.policy.files"]
    assert len(said) == 2
    assert all(words.startswith(f"{file}:") for words in said)
    with office.db.read() as session:
        kept = session.execute(select(table_of(PolicyEdition).c.section)).scalars().all()
    assert kept.count("deadline") == 2


def test_a_directory_that_vanishes_for_a_moment_stops_no_page(browser, office, edit, tmp_path):
    (tmp_path / "my-policy").rename(tmp_path / "away")
    register(browser, "1")
    assert handled(office) == [48]


def test_files_that_settled_are_not_read_again_until_they_change(edit, monkeypatch):
    read = []
    load = loader.load_policy
    monkeypatch.setattr(files, "load_policy", lambda folder: read.append(folder) or load(folder))
    file = edit("48h")
    source = PolicyFiles(file.parent)
    assert source().version == source().version
    assert len(read) == 3  # just written: it may change once more without showing it
    monkeypatch.setattr(files, "wall_clock", lambda: wall_clock() + timedelta(hours=1))
    first, second = source(), source()
    assert len(read) == 4
    assert (second.version, second.loaded_at > first.loaded_at) == (first.version, True)
    edit("24h")
    assert source().version != first.version
    (file.parent / "survey.yaml").write_bytes((DEFAULTS / "survey.yaml").read_bytes() + b"# ours\n")
    assert "ours" in source().files["survey"].raw.decode()


def test_a_page_does_not_start_with_a_broken_file(edit):
    with pytest.raises(PolicyError, match="is not a span"):
        PolicyFiles(edit("24x").parent)


def test_as_shipped_there_is_nothing_to_edit(policy):
    assert PolicyFiles(None)().version == policy.version
