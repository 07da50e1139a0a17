"""Malformed requests of schemathesis: it follows, and breaks, a description of our forms made from the routes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis import GenerationMode

from bihuan.web.access import PageRoute
from bihuan.web.form import LIMITS

URLENCODED = "application/x-www-form-urlencoded"


def described(routes: list[Any]) -> dict[str, Any]:
    """An OpenAPI document of our forms and pages, whose links are never ones that open."""
    form = {"type": "object", "properties": {
        "solved": {"enum": ["yes", "no"]}, "csat": {"type": "integer", "minimum": 1, "maximum": 5},
        "nps": {"type": "integer", "minimum": 0, "maximum": 10}, "suggestion": {"type": "string", "maxLength": 1000},
        "title": {"type": "string", "maxLength": LIMITS["title"]}, "email": {"type": "string", "format": "email"},
        "who": {"type": "string"}, "again": {"const": "yes"}, "token": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    }}  # fmt: skip
    kinds = {"token": {"type": "string", "pattern": "^x[A-Za-z0-9_-]{20}$"}, "int": {"type": "integer"}}
    paths: dict[str, Any] = {}
    for route in (each for each in routes if isinstance(each, PageRoute)):
        path = re.sub(r":int}", "}", route.path)
        places = [
            {"name": name, "in": "path", "required": True, "schema": kinds.get(kind or name, {"type": "string"})}
            for name, kind in re.findall(r"{(\w+)(?::(\w+))?}", route.path)
        ]  # fmt: skip
        asks = [{"name": name, "in": "query", "schema": schema} for name, schema in (
            ("lang", {"enum": ["zh", "en"]}), ("tz", {"type": "string"}), ("saved", {"const": "1"}),
        )]  # fmt: skip
        for method in (method for method in route.methods or () if method != "HEAD"):
            content = {"application/json" if "/api/" in path else URLENCODED: {"schema": form}}
            body = {"requestBody": {"content": content}} if method == "POST" else {}
            operation = {"parameters": places + asks, "responses": {"200": {"description": "said"}}, **body}
            paths.setdefault(path, {})[method.lower()] = operation
    return {"openapi": "3.0.3", "info": {"title": "forms", "version": "1"}, "paths": paths}


def raw_of(case: Any) -> tuple[str, bytes, dict[str, str], list[bytes]]:
    """A request of schemathesis as it would go over the wire; nobody has one of our forms' proofs."""
    with suppress(ValueError):  # what cannot be put into a URL or a header is never sent
        made = requests.Request(**case.as_transport_kwargs(base_url="http://127.0.0.1")).prepare()
        headers = {**{name.lower(): str(value) for name, value in made.headers.items()}, "host": "127.0.0.1"}
        body = made.body.encode() if isinstance(made.body, str) else made.body or b""
        return str(made.method), made.path_url.encode(), headers, [body]
    return "GET", b"/", {"host": "127.0.0.1"}, []


@pytest.mark.parametrize("examples", [3, pytest.param(40, marks=pytest.mark.fuzz)])
def test_requests_that_follow_and_break_a_description_of_our_forms_change_nothing(victim, examples):
    document = described(list(victim.app.routes))
    operations = [each.ok() for each in schemathesis.openapi.from_dict(document).get_all_operations()]
    assert len(operations) > 40
    with asyncio.Runner() as runner:
        for operation in operations:
            _exhaust(operation, examples, lambda raw: runner.run(victim.take(raw)))
    assert victim.statuses.total() >= len(operations) * examples


def _exhaust(operation: Any, examples: int, take: Callable[[Any], None]) -> None:
    @hypothesis_settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def send(case: Any) -> None:
        take(raw_of(case))

    send()
