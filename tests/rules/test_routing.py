"""Which department answers for a complaint that names none."""

from __future__ import annotations

import pytest

from bihuan.rules.routing import department_for
from schemas.complaint import Kind, Severity


@pytest.mark.parametrize(
    ("kind", "severity", "code"),
    [
        (Kind.PRODUCT, Severity.GENERAL, "product"),
        (Kind.SERVICE, Severity.GENERAL, "service"),
        (Kind.PROCESS, Severity.URGENT, "process"),
        (None, Severity.GENERAL, "front_desk"),
        (Kind.PRODUCT, Severity.MAJOR, "special_group"),
        (None, Severity.MAJOR, "special_group"),
    ],
)
def test_policy_names_the_department(policy, kind, severity, code):
    assert department_for(policy.routing, kind, severity) == code


def test_a_kind_the_policy_does_not_list_goes_to_the_default_department(policy):
    routing = policy.routing.model_copy(update={"department_of": {Kind.PRODUCT: "product"}})
    assert department_for(routing, Kind.SERVICE, Severity.GENERAL) == "front_desk"
