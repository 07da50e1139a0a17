"""The check-up behind ``bihuan doctor``: everything an operator would look at, each with its cure."""

from __future__ import annotations

from bihuan.clock import Clock
from bihuan.errors import BihuanError
from bihuan.services.checkup import access, edition, engine, ledger, machine, operations, people
from bihuan.services.checkup.finding import Check, Finding, Level, Visit, problem
from bihuan.settings import Settings

__all__ = ["Finding", "Level", "check_up"]

_CHECKS: dict[Check, tuple[Check, ...]] = {
    machine.data_folder: (),
    machine.secret: (),
    machine.time_zone: (),
    machine.import_names: (),
    machine.policy: (),
    machine.calendar: (machine.policy,),
    machine.pdf_reports: (),
    ledger.database: (),
    ledger.revision: (ledger.database,),
    ledger.integrity: (ledger.revision,),
    edition.policy_edition: (machine.policy, ledger.revision),
    edition.policy_turns: (ledger.revision,),
    ledger.contacts: (ledger.revision,),
    ledger.reach: (ledger.revision,),
    people.rungs: (machine.policy, ledger.revision),
    ledger.messages: (ledger.revision,),
    ledger.outbox_audit: (ledger.revision,),
    ledger.sweeps: (ledger.revision,),
    access.sign_in: (),
    access.operators: (ledger.revision,),
    access.api_keys: (ledger.revision,),
    operations.back_up: (ledger.revision,),
    operations.retention: (machine.policy, ledger.revision),
    operations.metrics: (ledger.revision,),
    machine.web_page: (),
    engine.prefect_server: (),
    engine.deployments: (engine.prefect_server,),
}
"""Every check in the order it is shown, and those without whose OK it would only repeat what is wrong."""


def check_up(settings: Settings, clock: Clock) -> list[Finding]:
    """Make every check; none of them changes anything, and none stops the others."""
    visit = Visit(settings, clock)
    found: dict[Check, Finding] = {}
    for check, needed in _CHECKS.items():
        if all(one in found and found[one].level is Level.OK for one in needed):
            found[check] = _made(check, visit)
    visit.leave()
    return list(found.values())


def _made(check: Check, visit: Visit) -> Finding:
    try:
        answer = check(visit)
    except BihuanError as error:
        answer = problem(error.what, error.cure)
    except Exception as error:  # noqa: BLE001 - a doctor who faints helps nobody
        answer = problem(
            f"the check itself failed: {type(error).__name__}: {error}".splitlines()[0],
            "report it, with `bihuan --version` and what was done before",
        )
    return Finding(check.__name__.replace("_", " "), *answer)
