"""Today's policy for a process that stays: the files as they are now, the last good ones while they are broken."""

from __future__ import annotations

import logging
from pathlib import Path

from bihuan.errors import PolicyError
from bihuan.policy.loader import load_policy
from bihuan.policy.models import Policy

log = logging.getLogger(__name__)


class PolicyFiles:
    """Gives the policy of a directory, read anew each time; what did not change is not parsed again."""

    def __init__(self, directory: Path | None) -> None:
        """Read it once.

        Raises:
            PolicyError: It cannot be used; names file, line and key.
        """
        self._directory = directory
        self._last_good = load_policy(directory)
        self._said = ""

    def __call__(self) -> Policy:
        """Today's policy, or the last one that could be used; each new fault is logged once."""
        try:
            self._last_good = load_policy(self._directory)
            self._said = ""
        except PolicyError as error:
            if str(error) != self._said:
                log.warning("the earlier policy goes on counting", extra={"what": error.what, "cure": error.cure})
            self._said = str(error)
        return self._last_good
