"""What the first readers would wait for is made before anybody is served."""

from __future__ import annotations

import contextlib
from math import inf
from typing import Any

import pytest

from bihuan.errors import UnavailableError
from bihuan.web import board, remembered, view
from bihuan.web.app import prepare


def _too_late(*_asked: Any) -> None:
    raise AssertionError


def test_the_first_reader_of_a_long_board_waits_for_no_count_and_no_template(
    app: Any, browser: Any, office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "MANY", 1)
    monkeypatch.setattr(remembered, "PAUSE", inf)
    office.complaint("开门以前就在的")
    view.environment.cache_clear()
    prepare(app)
    monkeypatch.setattr(board, "_count", _too_late)
    monkeypatch.setattr(view.environment().loader, "get_source", _too_late)
    assert browser.get("/").status_code == 200
    view.environment.cache_clear()


def test_every_template_of_a_page_is_ready(app: Any) -> None:
    view.environment.cache_clear()
    prepare(app)
    templates = view.environment()
    assert len(templates.cache or {}) == len(templates.list_templates())


def test_a_database_that_does_not_answer_keeps_no_page_from_starting(
    app: Any, browser: Any, office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> contextlib.AbstractContextManager[Any]:
        raise UnavailableError("the database does not answer", cure="start it")

    with monkeypatch.context() as down:
        down.setattr(office.db, "read", refuse)
        prepare(app)
        assert browser.get("/").status_code == 503
    assert browser.get("/").status_code == 200
