"""``bihuan stats``: the calculator behind the reports, for checking it from outside."""

from __future__ import annotations

from bihuan.cli.json_lines import RequestFile, answer_all, requests
from bihuan.cli.output import JsonOption


def stats(file: RequestFile = None, is_json: JsonOption = True) -> None:
    """Compute statistics 统计: control charts, intervals, tests, survival, decomposition.

    A line holds id, kind and inputs; its answer holds id and result, or error. The kinds with their inputs stand in
    docs/statistics.md.
    """
    from bihuan.cli.kinds.registry import answer

    asked = list(requests(file))
    inputs_of = {str(one.get("id")): one.get("inputs") for one in asked if isinstance(one, dict)}
    answer_all(asked, lambda request: answer(request, inputs_of))
