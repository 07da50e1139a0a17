"""Today's policy for a process that stays: the files as they are now, the last good ones while they are broken."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from bihuan.clock import wall_clock
from bihuan.errors import PolicyError
from bihuan.policy.loader import DEFAULTS, load_policy
from bihuan.policy.models import Policy
from bihuan.policy.notice import FOLDER

log = logging.getLogger(__name__)

_SETTLED_NS = 2_000_000_000
"""A file changed less than this ago may change once more without showing it: clocks of file systems are coarse."""
_Seen = dict[str, tuple[int, int, int, int]]
_DEFAULT = (str(DEFAULTS),)


class PolicyFiles:
    """Gives the policy of a directory as it is now; files that have not changed are not read again."""

    def __init__(self, directory: Path | None) -> None:
        """Read it once.

        Raises:
            PolicyError: It cannot be used; names file, line and key.
        """
        self._directory = directory
        self._seen: _Seen | None = None
        self._last_good = load_policy(directory)
        self._said = ""

    def __call__(self) -> Policy:
        """Today's policy, or the last one that could be used; each new fault is logged once."""
        seen = _seen(self._directory)
        if seen is not None and seen == self._seen:
            return self._last_good.model_copy(update={"loaded_at": wall_clock()})
        self._seen = None
        try:
            self._last_good = load_policy(self._directory)
            self._said = ""
            self._seen = seen if seen is not None and _is_settled(seen) else None
        except PolicyError as error:
            if str(error) != self._said:
                log.warning("the earlier policy goes on counting", extra={"what": error.what, "cure": error.cure})
            self._said = str(error)
        return self._last_good


def _seen(directory: Path | None) -> _Seen | None:
    """How the files of a policy look from outside, by path; None where that cannot be told."""
    found: _Seen = {}
    try:
        for folder in _DEFAULT if directory is None else (*_DEFAULT, str(directory), str(directory / FOLDER)):
            with os.scandir(folder) as entries:
                found |= {entry.path: _look(entry.stat()) for entry in entries}
    except FileNotFoundError:  # few have notices
        return found
    except OSError:
        return None
    return found


def _look(it: os.stat_result) -> tuple[int, int, int, int]:
    return it.st_ino, it.st_size, it.st_mtime_ns, it.st_ctime_ns


def _is_settled(seen: _Seen) -> bool:
    now = wall_clock().timestamp() * 1e9
    return all(now - max(changed) > _SETTLED_NS for _, _, *changed in seen.values())
