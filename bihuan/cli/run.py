"""``bihuan run FLOW``: one pass of a flow's service, without Prefect."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any

import typer

from bihuan.cli.office import Office, office, refuse_in_production
from bihuan.cli.output import AtOption, JsonOption, emit
from bihuan.clock import zone
from bihuan.settings import settings


class Flow(StrEnum):
    """Flows that have a service of their own."""

    SLA_CHECK = "sla-check"
    ESCALATION_SWEEP = "escalation-sweep"
    SURVEY_FOLLOW_UP = "survey-follow-up"
    OUTBOX_DELIVERY = "outbox-delivery"
    IMPROVEMENT_MONTH = "improvement-month"
    KPI_SNAPSHOT = "kpi-snapshot"
    IMPROVEMENT_VERIFICATION = "improvement-verification"
    IMPROVEMENT_PROGRESS = "improvement-progress"
    RETENTION = "retention"


def run(flow: Annotated[Flow, typer.Argument(help="Which.")], at: AtOption = None, is_json: JsonOption = False) -> None:
    """One pass of a flow's service, now or at a given instant; what happened later does not count.

    `--at` steps the clock for rehearsals and is refused in production.
    """
    refuse_in_production(settings(), at)
    with office(at) as here:
        emit({"flow": flow, "at": here.clock(), **_PASSES[flow](here)}, is_json)


def _sla_check(here: Office) -> dict[str, Any]:
    from bihuan.services.deadline import check_all

    checked = check_all(here.db, here.policy, here.clock())
    return asdict(checked) | {"rungs": _escalation_sweep(here)}


def _escalation_sweep(here: Office) -> dict[str, Any]:
    from bihuan.services.escalation import climb_all

    return asdict(climb_all(here.db, here.policy, here.clock()))


def _survey_follow_up(here: Office) -> dict[str, Any]:
    from bihuan.services.survey import follow_up

    return asdict(follow_up(here.db, here.policy, here.settings, here.clock()))


def _outbox_delivery(here: Office) -> dict[str, Any]:
    from bihuan.notify.gateway import AppriseGateway
    from bihuan.services.outbox import deliver_all

    reminders = here.policy.escalation.reminders
    return asdict(deliver_all(
        here.db, AppriseGateway(here.settings), here.settings, here.clock, reminders=reminders,
        contact=here.policy.survey.contact,
    ))  # fmt: skip


def _improvement_month(here: Office) -> dict[str, Any]:
    from bihuan.services.month_report import analyse_due

    return {"months": analyse_due(here.db, here.policy, here.settings, here.clock())}


def _kpi_snapshot(here: Office) -> dict[str, Any]:
    from bihuan.services.kpi_snapshot import take_all
    from bihuan.services.trend import watch

    taken = take_all(here.db, here.policy, zone(here.settings.timezone), here.clock())
    return asdict(taken) | {"signals": asdict(watch(here.db, here.policy, here.settings, here.clock()))}


def _improvement_verification(here: Office) -> dict[str, Any]:
    from bihuan.services.improvement_day import live_a_day

    return live_a_day(here.db, here.policy, here.settings, here.clock)


def _improvement_progress(here: Office) -> dict[str, Any]:
    from bihuan.services.checkpoint import review_week

    return asdict(review_week(here.db, here.policy, here.clock))


def _retention(here: Office) -> dict[str, Any]:
    from bihuan.services.retention import erase_all

    return asdict(erase_all(here.db, here.policy, here.clock()))


_PASSES = {
    Flow.SLA_CHECK: _sla_check, Flow.ESCALATION_SWEEP: _escalation_sweep, Flow.SURVEY_FOLLOW_UP: _survey_follow_up,
    Flow.OUTBOX_DELIVERY: _outbox_delivery, Flow.IMPROVEMENT_MONTH: _improvement_month,
    Flow.KPI_SNAPSHOT: _kpi_snapshot, Flow.IMPROVEMENT_VERIFICATION: _improvement_verification,
    Flow.IMPROVEMENT_PROGRESS: _improvement_progress, Flow.RETENTION: _retention,
}  # fmt: skip
