"""Every notebook is kept without outputs, and runs from top to bottom on an installation with complaints."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bihuan.analysis.month import DIMENSIONS, STAGES, checked, no_answers
from bihuan.analysis.review import Period, Review, reviewed
from bihuan.clock import fixed
from bihuan.notify.words import words
from bihuan.policy.models import Policy
from bihuan.report.pack import packed
from bihuan.rules.content import hash_of, verification_content
from bihuan.services.complaint import record, register
from bihuan.services.effect import check
from bihuan.settings import settings
from bihuan.store.engine import Database
from schemas.complaint import (
    Channel,
    Complaint,
    ComplaintIn,
    ComplaintState,
    EventIn,
    EventKind,
    Severity,
)
from schemas.deadline import Deadline, DeadlineState, Mode
from schemas.item import Cycle, CycleKind, Item, ItemState
from schemas.plan import Measure, MeasureKind, MeasureState, Strength, VerificationPlan
from schemas.verification import Verdict

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


def small_month() -> Review:
    """A month with a baseline, small enough to be looked at line by line."""
    n = 400
    frame = pd.DataFrame({
        "number": [f"C-{at:03}" for at in range(n)],
        "registered_on": pd.Timestamp("2026-10-01") + pd.to_timedelta(np.arange(n) % 61, unit="D"),
        **dict.fromkeys(DIMENSIONS, "desk"), "product": np.where(np.arange(n) % 3 == 0, "电饭煲", "净水器"),
        "severity": "general", "kind": "product", "channel": "phone", "person": "",
        "text": "客服电话打不通", "hours": 5.0,
        "is_handled": True, "is_late": pd.Series(np.arange(n) % 7 == 0, dtype="boolean"), "is_reopened": False,
        "is_negative": pd.Series(pd.NA, range(n), dtype="boolean"), "hand_offs": 0, "is_ping_pong": False,
        **dict.fromkeys(STAGES, 60.0),
    })  # fmt: skip
    as_of = MONDAY + timedelta(days=20)
    period = Period(date(2026, 11, 1), date(2026, 12, 1), date(2026, 10, 1), as_of, "Asia/Shanghai")
    return reviewed(period, checked(frame), no_answers())


@pytest.mark.parametrize("language", ["zh", "en"])
def test_month_in_review_makes_every_figure_again_from_the_pack_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], language: str
) -> None:
    monkeypatch.setenv("BIHUAN_DATABASE_URL", "sqlite:////nowhere/at/all.db")
    file = tmp_path / "pack.zip"
    file.write_bytes(packed(small_month()).zipped())
    names = ran("month_in_review", PACK=str(file), LANGUAGE=language)
    assert names["same"].all()
    assert names["again"].sha256 == names["about"]["sha256"]
    month = names["pareto"].loc["count"]
    assert month.loc["净水器", "value"] == names["by_hand"] > 0
    assert names["Drawn"](names["charts"][0].wide)._repr_svg_().startswith("<svg")
    assert f"[?] {words(language)['month']['unknown_silent']}" in capsys.readouterr().out


def test_month_in_review_refuses_a_pack_that_was_changed(tmp_path: Path) -> None:
    content = io.BytesIO(packed(small_month()).zipped())
    changed = tmp_path / "pack.zip"
    with zipfile.ZipFile(content) as whole, zipfile.ZipFile(changed, "w") as other:
        for name in whole.namelist():
            other.writestr(name, whole.read(name).replace(b"C-001", b"C-999"))
    with pytest.raises(ValueError, match="the pack was changed"):
        ran("month_in_review", PACK=str(changed))


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


IN_FORCE = date(2026, 9, 1)


def deadline(complaint: Complaint, *, is_late: bool) -> Deadline:
    due_at = complaint.registered_at + timedelta(hours=10 if is_late else 30)
    return Deadline(
        subject_id=complaint.id or 0, milestone="handled", mode=Mode.CALENDAR, started_at=complaint.registered_at,
        due_at=due_at, state=DeadlineState.ENDED, met_at=complaint.handled_at, breached_at=due_at if is_late else None,
        policy_version="1", calendar_version="1",
    )  # fmt: skip


def complained(day: date, n: int, late: int) -> list[tuple[Complaint, bool]]:
    """So many a day about washing machines, of which so many are handled late; as many about fridges, all on time."""
    at = datetime(day.year, day.month, day.day, 2, tzinfo=UTC)
    return [
        (Complaint(
            number=f"{day}-{product}-{place}", source="past", external_id=f"{day} {product} {place}",
            channel=Channel.PHONE, severity=Severity.GENERAL, product=product, state=ComplaintState.HANDLED,
            registered_at=at, handled_at=at + timedelta(hours=20),
        ), product == "洗衣机" and place < late)
        for product in ("洗衣机", "冰箱") for place in range(n)
    ]  # fmt: skip


def judged_item(db: Database, policy: Policy) -> str:
    """An item of washing machines: two in five late until it was done, one in ten since; judged by its frozen plan."""
    days = [IN_FORCE + timedelta(days=n) for n in range(-92, 61)]
    with db.write() as session:
        made = [one for day in days for one in complained(day, 5, 2 if day < IN_FORCE else day.day % 2)]
        session.add_all(complaint for complaint, _ in made)
        session.flush()
        session.add_all(deadline(complaint, is_late=is_late) for complaint, is_late in made)
        cycle = Cycle(number="PDCA-2026-08", kind=CycleKind.MONTHLY, period_on=date(2026, 8, 1), opened_at=MONDAY,
                      policy_version="1")  # fmt: skip
        session.add(cycle)
        session.flush()
        item = Item(number="PDCA-2026-08-01", cycle_id=cycle.id or 0, state=ItemState.OBSERVING, name="洗衣机",
                    indicator="on_time_handled", dimension="product", element="洗衣机", baseline_x=270,
                    baseline_n=450, target_value=0.85, opened_at=MONDAY)  # fmt: skip
        session.add(item)
        session.flush()
        session.add(Measure(item_id=item.id or 0, place=1, kind=MeasureKind.CORRECTIVE, strength=Strength.STRONG,
                            what="parts in the shop", state=MeasureState.DONE, implemented_on=IN_FORCE,
                            coverage_ratio=0.9, evidence="stock list"))  # fmt: skip
        plan = VerificationPlan(
            item_id=item.id or 0, indicator="on_time_handled", dimension="product", element="洗衣机",
            baseline_on=date(2026, 6, 1), baseline_until_on=IN_FORCE, n_required=60, weekly_n=35, frozen_at=MONDAY,
        )  # fmt: skip
        plan.frozen_hash = hash_of(verification_content(plan.model_dump()))
        session.add(plan)
        session.flush()
        check(session, policy, settings(), fixed(MONDAY), item.number, date(2026, 10, 30))
        item.state, item.verdict = ItemState.VERDICT, Verdict.EFFECTIVE
        return item.number


@pytest.mark.parametrize("language", ["zh", "en"])
def test_effect_of_a_cycle_tells_every_verdict_with_its_limits_and_counts_one_again(
    db: Database, database_url: str, policy: Policy, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    number = judged_item(db, policy)
    monkeypatch.setenv("BIHUAN_DATABASE_URL", database_url)
    settings.cache_clear()
    names = ran("effect_of_a_cycle", CYCLE="PDCA-2026-08", LANGUAGE=language)
    line = names["effects"].loc[number]
    assert line["before"] == "60.0% [55.5%–64.4%] n=460"
    assert line["verdict"] == words(language)["verdict"]["effective"]
    assert words(language)["limitation"]["no_control"] in line["limitations"]
    assert names["scoreboard"].set_index("number").loc[number, "n"] == 460 + 295
    assert names["by_hand"] == {"before": (276, 460), "after": (295 - 30, 295)}
    assert names["chart"]._repr_svg_().startswith("<svg")


def test_effect_of_a_cycle_without_a_verdict_shows_nothing(
    db: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIHUAN_DATABASE_URL", database_url)
    settings.cache_clear()
    names = ran("effect_of_a_cycle")
    assert (len(names["effects"]), names["chart"], names["by_hand"]) == (0, None, {})
