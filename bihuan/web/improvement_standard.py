"""The forms of an item's page from the judgement on: judge it, write its standard, put that in force, tell people."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException

from bihuan.errors import UsageError
from bihuan.services import item_field as field
from bihuan.services import standard as standards
from bihuan.services.effect import check
from bihuan.services.standard_told import tell_complainants
from bihuan.web.improvement_asked import Act, Asked
from bihuan.web.view import site


def _judge(asked: Asked) -> None:
    """Let the verification judge the effect, where the data are there."""
    session, policy, clock = asked.given
    check(session, policy, site(asked.request).settings, clock, asked.number)


def _write(asked: Asked) -> None:
    text = standards.Text(asked.says("title"), asked.says("content"), asked.says("owner"))
    standards.draft_standard(*asked.given, asked.number, text, asked.by)


def _number(asked: Asked) -> str:
    """Of the standard of the item.

    Raises:
        HTTPException: 400, it has none.
    """
    if asked.file.standard is None:
        raise HTTPException(400)
    return asked.file.standard.number


def _put_in_force(asked: Asked) -> None:
    day = field.needed_day(asked.session, asked.says("effective_on"))
    standards.put_in_force(*asked.given, _number(asked), day, asked.by, asked.says("elsewhere"))


def _train(asked: Asked) -> None:
    ratio = field.number(0, 1)(asked.session, asked.says("trained_ratio").rstrip("%") + "%")
    standards.record_training(*asked.given, _number(asked), ratio or 0.0, asked.by)


def _audit(asked: Asked) -> None:
    if asked.says("answer") not in {"kept", "broken"}:
        raise HTTPException(400)
    day = field.needed_day(asked.session, asked.says("key"))
    standards.record_audit(*asked.given, _number(asked), day, asked.by, is_kept=asked.says("answer") == "kept")


def _tell(asked: Asked) -> None:
    if not asked.says("words"):
        raise UsageError("what changed is missing", cure="say it in a sentence")
    tell_complainants(*asked.given, _number(asked), asked.says("words"), asked.by)


STANDARD_ACTS: Mapping[str, Act] = {
    "judge": Act("checks", "judge", _judge), "standard": Act("standard", "standard", _write),
    "in_force": Act("standard", "in_force", _put_in_force), "train": Act("standard", "train", _train),
    "audit": Act("standard", "audit", _audit), "tell": Act("standard", "tell", _tell),
}  # fmt: skip
"""By the form's ``act``."""
