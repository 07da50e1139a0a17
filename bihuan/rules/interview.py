"""Why a customer is worth an in-depth interview 深度访谈."""

from __future__ import annotations

from enum import StrEnum

from bihuan.policy.survey import InterviewPolicy


class Why(StrEnum):
    """Why a customer is offered for one."""

    TIER = "tier"
    """A high-value customer 高价值客户."""
    REPEATED = "repeated"
    """Complained more than once."""


def why(tier: str | None, complaints: int, policy: InterviewPolicy) -> tuple[Why, ...]:
    """Why a customer is offered; nothing: they are not.

    Args:
        tier: The customer's 客户分层; None: not known.
        complaints: Those within the policy's span, 0 or more.
        policy: Which customers are worth one.
    """
    is_high_value = complaints > 0 and tier in policy.tiers
    is_repeated = complaints >= policy.complaints_at_least
    return (Why.TIER,) * is_high_value + (Why.REPEATED,) * is_repeated
