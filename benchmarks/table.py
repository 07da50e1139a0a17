"""All that was measured, as one Markdown table: every figure of every file in benchmarks/results.

Run: ``python -m benchmarks.table``; ``make bench`` ends with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.ground import RESULTS

_ABOUT = ("benchmark", "python", "machine", "at")
"""What a file says of itself, not of what it measured."""


def table(folder: Path) -> str:
    """The Markdown of all results in a folder, by name of the benchmark; a line where there are none."""
    records = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json"))]
    if not records:
        return f"No results in {folder} yet: run `make bench`."
    lines = [line for record in records for line in _lines(record)]
    return "\n".join(("| benchmark | figure | value |", "| --- | --- | ---: |", *lines))


def _lines(record: dict[str, Any]) -> Iterator[str]:
    name = record["benchmark"]
    about = ", ".join(str(record[word]) for word in _ABOUT[1:] if word in record)
    yield f"| **{name}** | {_plain(about)} | |"
    for figure, value in record.items():
        if figure not in _ABOUT:
            yield f"| {name} | {_plain(figure)} | {_plain(_shown(value))} |"


def _shown(value: object) -> str:
    """Three digits of what was measured, all of what was counted."""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"  # noqa: PLR2004 - three digits of it
    return f"{value:,}" if isinstance(value, int) else str(value)


def _plain(words: str) -> str:
    """A bar would end the cell."""
    return words.replace("|", "\\|")


if __name__ == "__main__":
    print(table(RESULTS))
