"""Legal hold: placed and released with a name and a reason; what it keeps from erasure is in test_retention."""

from __future__ import annotations

from typing import Any

import pytest

from bihuan.errors import RefusedError, UsageError
from bihuan.services import hold
from schemas.retention import LegalHold


def test_a_hold_wants_a_reason_and_a_name_and_stands_once(office: Any) -> None:
    number = office.register("1")

    def attempt(act: Any, why: str = "x", by: str = "y", of: str = number) -> None:
        with office.db.write() as session:
            act(session, of, why, by, office.at)

    for bad in ({"why": " "}, {"by": ""}, {"why": "x" * 501}, {"of": "nope"}):
        with pytest.raises(UsageError):
            attempt(hold.place_hold, **bad)
    with pytest.raises(RefusedError, match="no legal hold"):
        attempt(hold.release_hold)
    attempt(hold.place_hold)
    with pytest.raises(RefusedError, match="already"):
        attempt(hold.place_hold)
    attempt(hold.release_hold)
    attempt(hold.place_hold)
    assert len(office.rows(LegalHold)) == 2
