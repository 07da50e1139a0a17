"""The month analysed 月度分析: once a month and scope, from data frozen by their hash, kept with all that was found.

The analysis itself holds no lock: whoever comes second finds the run of the first and leaves it as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from importlib.metadata import version
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import Table, select
from sqlmodel import Session

from bihuan.analysis.candidate import Candidate
from bihuan.analysis.candidates import Parameters
from bihuan.analysis.cells import Floor
from bihuan.analysis.contribution import Gate
from bihuan.analysis.problem import ProblemLine
from bihuan.analysis.review import Period, Review, reviewed
from bihuan.analysis.topic import Topic, TopicParameters
from bihuan.analysis.words import CHINESE, ENGLISH
from bihuan.clock import zone
from bihuan.companion import MANY
from bihuan.errors import UsageError
from bihuan.policy.improvement import MonthPolicy
from bihuan.policy.models import Policy
from bihuan.rules.business_time import BusinessClock
from bihuan.rules.month import analysed_at, due_months, month_of, months_before, next_month
from bihuan.rules.outbox import message_key
from bihuan.rules.roster import OPERATOR, PREFERRED
from bihuan.services.kpi import Look
from bihuan.services.month_frame import frames
from bihuan.services.month_indicators import Rows, by_month, of_month
from bihuan.services.month_way import ways
from bihuan.services.people import roster
from bihuan.settings import Settings
from bihuan.store.beside import beside
from bihuan.store.engine import Database
from bihuan.store.lock import hold
from bihuan.store.queries.cut import Cut
from bihuan.store.queries.month import Stretch, count, first_registered
from bihuan.store.rows import insert_rows, table_of
from schemas.improvement import AnalysisRun, Finding, Problem
from schemas.outbox import MONTH, Audience, Message, MessageState, Notice, Urgency

_R = table_of(AnalysisRun)
_LATE = timedelta(days=1)
"""A report that comes so long after its instant is marked late."""


@dataclass(frozen=True, slots=True)
class Due:
    """A month of the whole house, or of a scope, that is to be analysed."""

    month_on: date
    scope: str = ""


def due(session: Session, policy: Policy, settings: Settings, at: datetime) -> list[Due]:
    """What can be analysed at an instant and has not been, oldest first."""
    first = first_registered(session)
    if first is None:
        return []
    month = policy.improvement.month
    first_on = first.astimezone(zone(settings.timezone)).date()
    months = due_months(first_on, at, policy.calendars.default, _hour(month), month.catch_up)
    known = {(row.period_on, row.scope) for row in session.execute(select(_R.c.period_on, _R.c.scope))}
    wanted = (Due(month_on, scope) for month_on in months for scope in ("", *month.scopes))
    return [one for one in wanted if (one.month_on, one.scope) not in known]


def _hour(month: MonthPolicy) -> time:
    return time.fromisoformat(month.at)


def review(db: Database, policy: Policy, settings: Settings, month_on: date, scope: str = "") -> Review:
    """The review of a month, as of the instant from which it is to be analysed.

    Args:
        db: Where to read.
        policy: Calendar, baseline, weights, what is claimed.
        settings: The zone in which months begin, and the secret that hides persons.
        month_on: First day of the month.
        scope: Name of a scope in the policy; empty: the whole house.

    Raises:
        UsageError: There is no such scope.
    """
    said, here = policy.improvement.month, zone(settings.timezone)
    if scope and scope not in said.scopes:
        raise UsageError(f"no scope {scope!r}", cure="one of improvement.yaml, or none for the whole house")
    calendar = policy.calendars.default
    as_of = analysed_at(month_on, calendar, _hour(said)).astimezone(UTC)
    period = Period(
        month_on, next_month(month_on), months_before(month_on, said.baseline), as_of, settings.timezone, scope
    )
    since, until = (
        datetime.combine(day, time(), here).astimezone(UTC) for day in (period.baseline_on, period.until_on)
    )
    when = said.scopes[scope].when if scope else None
    stretch, cut = Stretch(since, until, as_of, when), Cut(since, until, "month", scope=when)
    with db.read() as session:
        is_large = count(session, stretch) >= MANY
    aside = beside(db, _read_aside, stretch, cut, here, policy, is_apart=is_large)
    with aside as (session, told):
        found = frames(session, stretch, partial(next, told), here, settings.secret_value())
        made = reviewed(
            period, found.complaints, found.answers, parameters=_parameters(policy), tier_weights=said.weights.tier,
            known=_known_topics(session, month_on, scope),
        )  # fmt: skip
        moved = next(told)
    return replace(made, indicators=of_month(moved, period.name), trend=moved)


def _read_aside(
    session: Session, stretch: Stretch, cut: Cut, here: ZoneInfo, policy: Policy
) -> Iterator[pd.DataFrame | Rows]:
    """What need not wait for the complaints: their ways, then the indicators by month."""
    yield ways(session, stretch, BusinessClock(policy.calendars.default))
    yield by_month(Look(session, here, cut), policy)


def _parameters(policy: Policy) -> Parameters:
    said = policy.improvement.month
    return Parameters(
        gate=Gate(said.claim.q, said.claim.contribution, Floor(said.claim.least_n, said.claim.least_expected)),
        severity_weights={severity.value: weight for severity, weight in said.weights.severity.items()},
        topics=TopicParameters(by_language={CHINESE: said.topics.chinese, ENGLISH: said.topics.english}),
        domain_words=said.topics.words,
    )


def _known_topics(session: Session, month_on: date, scope: str) -> list[Topic]:
    """The topics that the newest analysis before this month knew."""
    before = select(_R.c.conclusion).where(_R.c.scope == scope, _R.c.period_on < month_on)
    said = session.execute(before.order_by(_R.c.period_on.desc()).limit(1)).scalar()
    return [Topic(**one) for one in (said or {}).get("topics", [])]


def keep(
    session: Session, policy: Policy, made: Review, sha256: str, files: Mapping[str, str], at: datetime
) -> str | None:
    """Keep an analysis with its problem list and candidates, and tell the quality managers, in one transaction.

    Args:
        session: Inside ``Database.write``.
        policy: Says who is told.
        made: What was found.
        sha256: Of the data it was made from.
        files: Where its report lies, by name, below the data folder.
        at: Now.

    Returns:
        The number of the analysis; None where that month had one already.
    """
    hold(session, "month")
    period = made.period
    taken = select(_R.c.id).where(_R.c.period_on == period.month_on, _R.c.scope == period.scope)
    if session.execute(taken).first() is not None:
        return None
    number = f"M-{period.name}" + (f"-{period.scope}" if period.scope else "")
    run = AnalysisRun(
        number=number, period_on=period.month_on, until_on=period.until_on, scope=period.scope, as_of=period.as_of,
        sha256=sha256, complaints=int(made.quality["complaints"]), answers=int(made.quality["answers"]),
        response_ratio=_response(made), tests=made.found.tests, params=_said(policy), quality=dict(made.quality),
        conclusion=_conclusion(made), policy_version=policy.version, code_version=version("bihuan"), files=dict(files),
        made_at=at,
    )  # fmt: skip
    session.add(run)
    session.flush()
    assert run.id is not None
    insert_rows(session, Problem, [_problem(run.id, line) for line in made.problems.lines])
    insert_rows(session, Finding, [_finding(run.id, number, one) for one in made.found.candidates])
    insert_rows(session, Message, list(_messages(session, policy, run.id, period, at)))
    return number


def _said(policy: Policy) -> dict[str, Any]:
    said: dict[str, Any] = policy.improvement.month.model_dump(mode="json", by_alias=True)
    return said


def _response(made: Review) -> float | None:
    found = next((row for row in made.indicators if row["indicator"] == "response_rate"), None)
    return found["value"] if found else None


def _conclusion(made: Review) -> dict[str, Any]:
    """What the month says of each rate, and the topics by which the next one is told apart."""
    return {
        "rates": [
            {"indicator": one.indicator, "outcome": one.outcome.value, "low": one.low, "high": one.high,
             **{name: float(count) for name, count in zip(("x0", "n0", "x1", "n1"), one.everything[:4], strict=True)}}
            for one in made.found.conclusions
        ],
        "topics": [one._asdict() | {"words": dict(one.words)} for one in made.found.topics.topics],
    }  # fmt: skip


def _problem(run_id: int, line: ProblemLine) -> dict[str, Any]:
    told = asdict(line) | {"stage": str(line.stage), "evidence": list(line.evidence)}
    del told["per_thousand"]
    return {"run_id": run_id, **told}


def _finding(run_id: int, number: str, one: Candidate) -> dict[str, Any]:
    told = asdict(one) | {
        "n0": round(one.n0), "n1": round(one.n1), "evidence": list(one.evidence), "details": dict(one.details),
        "refuted_by": one.refuted_by.value, "dimension": one.dimension[:40], "element": one.element[:160],
    }  # fmt: skip
    return {"run_id": run_id, "number": f"{number.replace('M-', 'F-', 1)}-{one.rank:02}", **told}


def _messages(session: Session, policy: Policy, run_id: int, period: Period, at: datetime) -> Iterator[dict[str, Any]]:
    """One message to each quality manager; to the operator where there is none that can be told."""
    found = roster(session, policy, at).resolve("quality_manager", None, None).recipients or ((OPERATOR, PREFERRED),)
    for recipient, channel in found:
        yield {
            "key": message_key(f"{MONTH}:{run_id}", MONTH, recipient, channel, "report"),
            "subject_kind": MONTH, "subject_id": run_id, "notice": Notice.MONTH, "audience": Audience.STAFF,
            "recipient": recipient, "channel": channel, "urgency": Urgency.USUAL, "is_repeated": False,
            "is_late": at > period.as_of + _LATE, "state": MessageState.PLANNED, "planned_at": at, "next_at": at,
            "attempts": 0,
        }  # fmt: skip


def months(session: Session) -> Sequence[Any]:
    """The analyses there are, newest first: without their topics."""
    kept = select(_R.c.id, _R.c.number, _R.c.period_on, _R.c.scope, _R.c.complaints, _R.c.answers, _R.c.conclusion,
                  _R.c.made_at, _R.c.files)  # fmt: skip
    return session.execute(kept.order_by(_R.c.period_on.desc(), _R.c.scope)).all()


def kept(session: Session, month_on: date, scope: str = "") -> dict[str, Any] | None:
    """The analysis of a month with its problems and candidates, as plain values; None where there is none."""
    mine = select(_R).where(_R.c.period_on == month_on, _R.c.scope == scope)
    run = session.execute(mine).mappings().first()
    if run is None:
        return None
    said = {name: value for name, value in run.items() if name not in {"params", "conclusion"}}
    rates = run["conclusion"]["rates"]
    found = {"problems": _lines(session, table_of(Problem), run["id"]),
             "candidates": _lines(session, table_of(Finding), run["id"])}  # fmt: skip
    return said | {"rates": rates} | found


def _lines(session: Session, table: Table, run_id: int) -> list[dict[str, Any]]:
    rows = session.execute(select(table).where(table.c.run_id == run_id).order_by(table.c.rank)).mappings()
    return [{name: value for name, value in row.items() if name not in {"id", "run_id"}} for row in rows]


def month_start(text: str) -> date:
    """The first day of the month that ``2026-10`` names.

    Raises:
        UsageError: It names none.
    """
    try:
        return month_of(date.fromisoformat(f"{text}-01"))
    except ValueError as error:
        raise UsageError(f"{text!r} is no month", cure="write it as 2026-10") from error
