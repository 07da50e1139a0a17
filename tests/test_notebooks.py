"""Every notebook is kept without outputs, and runs from top to bottom on an installation with complaints."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bihuan.clock import fixed
from bihuan.policy.models import Policy
from bihuan.services.complaint import record, register
from bihuan.settings import settings
from bihuan.store.engine import Database
from schemas.complaint import ComplaintIn, EventIn, EventKind

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))
MONDAY = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)


def code_cells(notebook: Path) -> list[dict[str, Any]]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_is_kept_without_outputs(notebook: Path) -> None:
    assert [cell for cell in code_cells(notebook) if cell["outputs"] or cell["execution_count"]] == []


def ran(name: str, **parameters: Any) -> dict[str, Any]:
    """The names a notebook leaves after its cells ran from top to bottom, with some parameters set anew."""
    names: dict[str, Any] = {}
    for place, cell in enumerate(code_cells(NOTEBOOKS[0].with_name(f"{name}.ipynb"))):
        exec("".join(cell["source"]), names)  # noqa: S102 - our own notebook
        if place == 0:
            names |= parameters
    return names


def test_what_if_tells_what_a_stricter_target_would_have_done(
    db: Database, database_url: str, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    for hours in (10, 30, 60):
        complaint = ComplaintIn(source="desk", external_id=str(hours), registered_at=MONDAY, department="service")
        with db.write() as session:
            number = register(session, policy, settings(), fixed(MONDAY), complaint)
            at = MONDAY + timedelta(hours=hours)
            record(session, policy, fixed(at), number, EventIn(kind=EventKind.HANDLED, occurred_at=at))
    monkeypatch.setenv("BIHUAN_DATABASE_URL", database_url)
    settings.cache_clear()
    names = ran("what_if_policy", SINCE=MONDAY, UNTIL=MONDAY + timedelta(days=5))
    handled = names["table"].loc["handled"]
    assert (handled["breaches_today"], handled["breaches_draft"], names["found"].moved_count) == (1, 2, 1)


def test_on_time_shows_every_month_with_its_interval(
    db: Database, database_url: str, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    for month in range(2):
        at = MONDAY + timedelta(days=30 * month)
        complaint = ComplaintIn(source="desk", external_id=str(month), registered_at=at, department="service")
        with db.write() as session:
            number = register(session, policy, settings(), fixed(at), complaint)
            handled = EventIn(kind=EventKind.HANDLED, occurred_at=at + timedelta(hours=1 + 60 * month))
            record(session, policy, fixed(at + timedelta(days=9)), number, handled)
    monkeypatch.setenv("BIHUAN_DATABASE_URL", database_url)
    settings.cache_clear()
    names = ran("on_time")
    handled_by_month = names["table"].query("indicator == 'on_time_handled'").set_index("month")["value"]
    assert handled_by_month.to_dict() == {"2026-11": 1.0, "2026-12": 0.0}
