"""What improvements came to, on pages: the scoreboard 成效榜, a standard 标准, and the case library 案例库."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bihuan.services import scoreboard as services
from bihuan.services.lesson import find_lessons
from bihuan.services.trend_words import figure
from bihuan.store.queries import board
from bihuan.store.queries import improvement_result as queries
from bihuan.web.improvement_effect import change, indicator_name
from bihuan.web.reader import Reader, reader_of
from bihuan.web.view import page, site
from schemas.verification import Verdict

SHOWN = 50
"""Cases shown at once."""
_LONGEST = 200
"""Characters of what is searched for."""


def scoreboard(request: Request) -> Response:
    """Every verdict with what it rests on, which of them luck could have made, and how many effects still hold."""
    here, reader = site(request), reader_of(request, site(request).settings)
    with here.db.read() as session:
        told = services.board(session)
        checks = queries.final_checks(session, [row["number"] for row in told["items"]])
        is_simulated = board.is_simulated(session)
    known, rate = here.policy.kpi.indicators, told["sustained"]
    effects = {row["number"]: change(checks[row["number"]], known.get(row["indicator"]), reader)
               for row in told["items"]}  # fmt: skip
    return page(request, "improvement_scoreboard.html", {
        "rows": told["items"], "effects": effects, "is_simulated": is_simulated, "rate": rate,
        "counts": [(one, told["verdicts"].get(one.value, 0)) for one in Verdict],
        "figures": {name: figure(rate[name], "share", reader.language) for name in ("value", "low", "high")},
        "claims": {Verdict.EFFECTIVE, Verdict.PARTIAL},
        "indicator_name": lambda name: indicator_name(here.policy, name, reader),
    })  # fmt: skip


def standard(request: Request) -> Response:
    """One standard with its versions, the complaints it came from, and who was told."""
    number = request.path_params["standard"]
    with site(request).db.read() as session:
        versions = queries.versions(session, number)
        if not versions:
            raise HTTPException(404)
        evidence = list(dict.fromkeys(one for version in versions for one in version.evidence))
        values: dict[str, Any] = {
            "it": versions[0],
            "versions": versions,
            "complaints": queries.complaints(session, evidence),
            "told": queries.told(session, [version.id for version in versions]),
            "is_simulated": board.is_simulated(session),
        }
    return page(request, "improvement_standard.html", values)


def lessons(request: Request) -> Response:
    """The case library, or what of it holds every word that is searched for."""
    wanted = request.query_params.get("q", "").strip()[:_LONGEST]
    reader = reader_of(request, site(request).settings)
    with site(request).db.read() as session:
        found = find_lessons(session, wanted)
        is_simulated = board.is_simulated(session)
    return page(request, "improvement_lessons.html", {
        "found": [one | {"advice": _advice(one["advice"], reader)} for one in found[:SHOWN]],
        "more": max(len(found) - SHOWN, 0), "q": wanted, "is_simulated": is_simulated,
    })  # fmt: skip


def _advice(kept: str, reader: Reader) -> str:
    """What was kept as words of limits, as sentences; whatever people wrote as it is."""
    known = reader.section("limitation")
    return "\n".join(known.get(line, line) for line in kept.splitlines())
