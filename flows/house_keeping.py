"""House-keeping: Prefect's own leftovers."""

from __future__ import annotations

from prefect import flow

from tasks.housekeeping import clear_dead_runs


@flow(name="house-keeping")
def house_keeping() -> dict[str, int]:
    """Delete runs that Prefect will never start.

    Returns:
        Counts by why they were deleted.
    """
    return clear_dead_runs()
