"""Routing 分派: which department answers for a complaint that names none."""

from __future__ import annotations

from bihuan.policy.models import RoutingPolicy
from schemas.complaint import Kind, Severity


def department_for(policy: RoutingPolicy, kind: Kind | None, severity: Severity) -> str:
    """The code of the department: the special group for a major complaint, else by kind, else the default one."""
    if severity is Severity.MAJOR:
        return policy.special_group
    return policy.department_of.get(kind, policy.default_department) if kind else policy.default_department
