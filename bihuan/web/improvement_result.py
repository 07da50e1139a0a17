"""What improvements came to, on pages: the scoreboard 成效榜, a standard 标准, and the case library 案例库."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import Row
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bihuan.analysis.proportion import wilson
from bihuan.services.trend_words import figure
from bihuan.store.queries import board
from bihuan.store.queries import improvement_result as queries
from bihuan.web.improvement_effect import change, indicator_name
from bihuan.web.reader import reader_of
from bihuan.web.view import page, site
from schemas.verification import Verdict

SHOWN = 50
"""Cases shown at once."""
_LONGEST = 200
"""Characters of what is searched for."""


def scoreboard(request: Request) -> Response:
    """Every verdict with what it rests on, and how many effects still hold."""
    here, reader = site(request), reader_of(request, site(request).settings)
    with here.db.read() as session:
        rows = queries.judged(session)
        checks = queries.final_checks(session, [row.id for row in rows])
        held, n = queries.sustained(session)
        is_simulated = board.is_simulated(session)
    known = here.policy.kpi.indicators
    effects = {key: change(check, known.get(row.indicator), reader) for row in rows if (key := row.id) in checks
               for check in [checks[key]]}  # fmt: skip
    counts = Counter(row.verdict for row in rows)
    ends = [figure(end, "share", reader.language) for end in wilson(held, n)] if n else []
    return page(request, "improvement_scoreboard.html", {
        "rows": rows, "effects": effects, "counts": [(one, counts[one]) for one in Verdict], "held": held, "n": n,
        "rate": figure(held / n, "share", reader.language) if n else "", "ends": ends, "is_simulated": is_simulated,
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
    with site(request).db.read() as session:
        found = [row for row in queries.lessons(session) if is_about(row, wanted)]
        is_simulated = board.is_simulated(session)
    return page(request, "improvement_lessons.html", {
        "found": found[:SHOWN], "more": max(len(found) - SHOWN, 0), "q": wanted, "is_simulated": is_simulated,
    })  # fmt: skip


def is_about(row: Row[Any], wanted: str) -> bool:
    """Whether a lesson holds every word, whatever its case; no word is in every one."""
    parts = (row.item, row.title, row.problem, *row.causes, *row.measures, row.effect, row.advice)
    text = "\n".join(parts).casefold()
    return all(word in text for word in wanted.casefold().split())
