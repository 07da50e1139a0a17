"""The data pack of a month: a ZIP of CSV and JSON from which every figure of its report can be made again.

The same review packs into the same bytes, so one hash says which data a figure was made from. Texts are masked and
persons are keys: what is packed may leave the house.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any

import pandas as pd

from bihuan.analysis.candidates import Candidates, Parameters
from bihuan.analysis.cells import Floor
from bihuan.analysis.contribution import Gate
from bihuan.analysis.month import DIMENSIONS, checked, checked_answers
from bihuan.analysis.review import Period, Review, reviewed
from bihuan.analysis.rising import RisingParameters
from bihuan.analysis.topic import Topic, TopicParameters
from bihuan.report.table import csv
from bihuan.rules.formula import unguarded

_FORMAT = 1
_STAMP = (1980, 1, 1, 0, 0, 0)
"""A file's own time of day would change the hash."""
_DATA = ("complaints.csv", "answers.csv", "parameters.json")
"""What the figures are made from; the hash is over these."""


@dataclass(frozen=True, slots=True)
class Pack:
    """The files of a pack, and the hash of the data in it."""

    files: Mapping[str, bytes]
    sha256: str

    def zipped(self) -> bytes:
        """The pack as one file."""
        return _zip(self.files)


def packed(review: Review) -> Pack:
    """The pack of a review: its data, its parameters, and every figure that was told."""
    data = {
        "complaints.csv": csv(review.complaints),
        "answers.csv": csv(review.answers),
        "parameters.json": _json(_parameters(review)),
    }
    sha256 = hash_of(data)
    figures = {
        "indicators.json": _json(list(review.indicators)),
        "trend.json": _json(list(review.trend)),
        "problems.json": _json(asdict(review.problems)),
        "candidates.json": _json(_told(review.found)),
        "tested.csv": csv(review.found.tested),
        "splits.csv": csv(review.found.splits),
        "shares.csv": csv(review.found.shares),
        "delays.csv": csv(review.delays.reset_index()),
        **{f"pareto_{view}.csv": csv(one.rows.reset_index()) for view, one in review.paretos.items()},
        "quality.json": _json(review.quality),
    }
    about = {"format": _FORMAT, "sha256": sha256, "period": review.period.name, "scope": review.period.scope,
             "hashed": list(_DATA)}  # fmt: skip
    return Pack(data | figures | {"about.json": _json(about)}, sha256)


def hash_of(files: Mapping[str, bytes]) -> str:
    """The SHA-256 over the data files of a pack, in their order."""
    digest = hashlib.sha256()
    for name in _DATA:
        digest.update(f"{name} {len(files[name])}\n".encode())
        digest.update(files[name])
    return digest.hexdigest()


def sha256_of(content: bytes) -> str:
    """The hash that a pack says its data have."""
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        told: str = json.loads(file.read("about.json"))["sha256"]
    return told


def reviewed_again(content: bytes) -> Review:
    """The review that a pack's data give, made anew.

    Raises:
        ValueError: It is no pack, or its data are not those that its hash was made of.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            files = {name: file.read(name) for name in (*_DATA, "about.json", "indicators.json", "trend.json")}
    except (zipfile.BadZipFile, KeyError) as error:
        raise ValueError("this is no data pack of a month") from error
    about = json.loads(files["about.json"])
    if about["format"] != _FORMAT or about["sha256"] != hash_of(files):
        raise ValueError("the pack was changed: its data are not those of its hash")
    said = json.loads(files["parameters.json"])
    period = said["period"]
    review = reviewed(
        Period(date.fromisoformat(period["month_on"]), date.fromisoformat(period["until_on"]),
               date.fromisoformat(period["baseline_on"]), datetime.fromisoformat(period["as_of"]),
               period["timezone"], period["scope"]),
        checked(_frame(files["complaints.csv"])), checked_answers(_frame(files["answers.csv"])),
        parameters=_read_parameters(said["candidates"]), tier_weights=said["tier_weights"],
        known=[Topic(**one) for one in said["known_topics"]],
    )  # fmt: skip
    return replace(review, indicators=json.loads(files["indicators.json"]), trend=json.loads(files["trend.json"]))


def _parameters(review: Review) -> dict[str, Any]:
    it = review.parameters
    return {
        "period": asdict(review.period),
        "candidates": {
            "gate": it.gate._asdict() | {"floor": it.gate.floor._asdict()},
            "severity_weights": dict(it.severity_weights),
            "topics": it.topics._asdict() | {"by_language": dict(it.topics.by_language)},
            "rising": it.rising._asdict(),
            "domain_words": list(it.domain_words),
        },
        "tier_weights": dict(review.tier_weights),
        "known_topics": [one._asdict() | {"words": dict(one.words)} for one in review.known],
    }


def _read_parameters(said: Mapping[str, Any]) -> Parameters:
    gate = dict(said["gate"])
    return Parameters(
        Gate(**gate | {"floor": Floor(**gate["floor"])}), said["severity_weights"], TopicParameters(**said["topics"]),
        RisingParameters(**said["rising"]), tuple(said["domain_words"]),
    )  # fmt: skip


def _told(found: Candidates) -> dict[str, Any]:
    return {
        "candidates": [asdict(one) for one in found.candidates],
        "conclusions": [asdict(one) for one in found.conclusions],
        "topics": [one._asdict() | {"words": dict(one.words)} for one in found.topics.topics],
        "tests": found.tests,
    }


def _frame(content: bytes) -> pd.DataFrame:
    """A table of the pack; empty cells of text stay empty text."""
    table = pd.read_csv(io.BytesIO(content), dtype="str", keep_default_na=False, na_values=[])
    for name in (name for name in table if name in (*_TEXTS, *DIMENSIONS)):
        table[name] = table[name].map(unguarded)
    missing = table.replace("", pd.NA)
    for name in table:
        if name.endswith("_on"):
            table[name] = pd.to_datetime(table[name])
        elif name.startswith("is_"):
            table[name] = missing[name].map({"True": True, "False": False}).astype("boolean")
        elif name == "hours" or name.startswith("stage_"):
            table[name] = missing[name].astype("float64")
        elif name not in _TEXTS:
            table[name] = missing[name]
    for name in ("is_handled", "is_reopened", "is_ping_pong"):
        if name in table:
            table[name] = table[name].astype("bool")
    return table.assign(hand_offs=table["hand_offs"].astype("int64")) if "hand_offs" in table else table


_TEXTS = ("number", "person", "text")


def _json(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True, default=_plain).encode()


def _plain(value: Any) -> Any:
    """What JSON has no word for, as text or a plain number."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    if hasattr(value, "item"):
        return value.item()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence | frozenset | set):
        return list(value)
    return str(value)


def _zip(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as file:
        for name in sorted(files):
            file.writestr(zipfile.ZipInfo(name, _STAMP), files[name], zipfile.ZIP_DEFLATED)
    return out.getvalue()
