"""Runs ``bihuan`` and dies by SIGKILL at its n-th database step: ``python mortal.py N ARGUMENTS…``.

A step is a statement about to be executed or a commit about to be made, so that every gap between two writes, between
deciding and committing, and between sending and recording can be hit.
"""

from __future__ import annotations

import os
import signal
import sys
from itertools import count

from sqlalchemy import Engine, event

from bihuan.cli.main import main

_STEPS = count(1)
_LAST = int(sys.argv.pop(1))


def _step(*_: object) -> None:
    if next(_STEPS) == _LAST:
        os.kill(os.getpid(), signal.SIGKILL)


event.listen(Engine, "before_cursor_execute", _step)
event.listen(Engine, "commit", _step)
main()
