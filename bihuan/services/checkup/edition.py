"""Checks of the editions of the policy: are the files those that count, and do all processes read the same ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Row

from bihuan.policy.loader import load_policy
from bihuan.services.checkup.finding import Answer, Visit, note, ok, problem
from bihuan.services.policy import history, unused

_MOST_RETURNS = 3
_TOGETHER = timedelta(days=1)


def policy_edition(visit: Visit) -> Answer:
    """The policy files are what was used last."""
    with visit.db.read() as session:
        changed = unused(session, load_policy(visit.settings.policy_dir))
        has_any = bool(history(session))
    if not has_any:
        return ok("none used yet: the files count from the first complaint on")
    if changed:
        return note(
            f"edited and not used yet: {', '.join(changed)}; what they say now counts from the next act on",
            "`bihuan policy apply` lets it count at once, with --open for open deadlines too; "
            "`bihuan policy history` lists what was used",
        )
    return ok("the files are those that were used last")


def policy_turns(visit: Visit) -> Answer:
    """No two editions take turns, as they do where processes read different policy directories."""
    with visit.db.read() as session:
        recent = sorted(history(session), key=attrgetter("section"))
    since = visit.clock() - _TOGETHER
    turns = [
        f"{section} {count} times"
        for section, editions in groupby(recent, key=attrgetter("section"))
        if (count := sum(_returns(list(editions), since))) > _MOST_RETURNS
    ]
    if turns:
        return problem(
            f"went back to an earlier edition within a day: {', '.join(turns)}",
            "let every process read the same BIHUAN_POLICY_DIR, and restart those that read another; "
            "see `bihuan policy history`",
        )
    return ok("no two editions take turns")


def _returns(editions: Sequence[Row[Any]], since: Any) -> Iterator[bool]:
    """For each edition of the last day whether it was used before that day's, or in it."""
    for place, edition in enumerate(editions):
        if edition.recorded_at > since:
            yield any(earlier.version == edition.version for earlier in editions[:place])
