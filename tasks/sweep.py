"""What the tasks of all sweeps have in common: they act, so none is answered from a cache, and each is tried again."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

P = ParamSpec("P")
R = TypeVar("R")


def sweep_task(
    timeout_seconds: int, *, retries: int = 3, backoff_seconds: int = 2
) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a function the task of a sweep.

    Args:
        timeout_seconds: After which it is given up; what it had not committed is still due.
        retries: How often it is tried again.
        backoff_seconds: Before the first of these, give or take chance; doubled before each further one.
    """
    return task(
        cache_policy=NO_CACHE, retries=retries, retry_delay_seconds=exponential_backoff(backoff_factor=backoff_seconds),
        retry_jitter_factor=1, timeout_seconds=timeout_seconds,
    )  # fmt: skip
