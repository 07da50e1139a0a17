"""The complaint behind an arrival: pure, and a function of the company's seed and the arrival alone.

So no script is stored: whoever meets the complaint later writes the same one again from its external id.
"""

from __future__ import annotations

import random
from datetime import datetime
from typing import Any

from bihuan.simulation.arrival import Arrival, Way
from bihuan.simulation.catalogue import CHANNELS, PROBLEMS, PRODUCTS, REGIONS, SEVERITIES, SLOW_REGION
from bihuan.simulation.chance import dice, pick
from bihuan.simulation.company import SOURCE, Company
from bihuan.simulation.life import Course, write_life
from schemas.complaint import ComplaintIn, Kind, Severity

_DEPARTMENT = {Kind.PRODUCT: "product", Kind.SERVICE: "service", Kind.PROCESS: "process", None: "front_desk"}
_PLANTED = {Way.UNANSWERED: Severity.URGENT, Way.UNHANDLED: Severity.GENERAL}
_PRODUCTS = {product: product.weight for product in PRODUCTS}
_PROBLEMS = {
    is_installed: {problem: problem.weight for problem in PROBLEMS if is_installed or not problem.is_installed}
    for is_installed in (False, True)
}


def complaint(company: Company, arrival: Arrival, *, until: datetime | None = None) -> ComplaintIn:
    """The complaint that arrives then, with its scripted life up to and including ``until``; None: to its end."""
    chance = dice(company.seed, arrival.external_id)
    matter = _matter(chance)
    severity = _PLANTED.get(arrival.way) or pick(chance, SEVERITIES)
    department = "special_group" if severity is Severity.MAJOR else _DEPARTMENT[matter["kind"]]
    handler = chance.choice(company.handlers[department])
    customer = chance.choice(company.customers)
    course = Course(
        arrival.way, arrival.at, severity, department, handler.code, handler.name, matter["region"] == SLOW_REGION
    )
    events = write_life(chance, course)
    is_assigned = arrival.way is not Way.LIVE
    return ComplaintIn(
        source=SOURCE,
        external_id=arrival.external_id,
        registered_at=arrival.at,
        severity=severity,
        customer=customer,
        tier=customer.tier,
        is_simulated=True,
        events=tuple(event for event in events if until is None or event.occurred_at <= until),
        department=department if is_assigned else None,
        handler=handler.code if is_assigned else None,
        **matter,
    )


def _matter(chance: random.Random) -> dict[str, Any]:
    product, region = pick(chance, _PRODUCTS), pick(chance, REGIONS)
    problem = pick(chance, _PROBLEMS[product.is_installed])
    filled = {"product": product.name, "region": region}
    return {
        **filled,
        "business_line": product.business_line,
        "channel": pick(chance, CHANNELS),
        "kind": problem.kind,
        "title": problem.title.format(**filled),
        "matter": problem.matter.format(**filled),
        "demand": problem.demand,
    }
