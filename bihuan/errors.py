"""Errors a person can act on.

BihuanError                 one line: what is wrong, where, and the cure
├── UsageError              wrong use: a bad argument, file, date or mapping              (exit 2)
│   └── PolicyError         a policy file is wrong: file, line and key                    (exit 2)
├── RefusedError            understood, but not done: it would break a promise or a guard (exit 3)
└── UnavailableError        something outside did not answer: database, port, disk        (exit 3)
"""

from __future__ import annotations

from collections.abc import Callable


class BihuanError(Exception):
    """Base of all; ``cure`` says what to do next."""

    exit_code = 3

    def __init__(self, what: str, *, cure: str = "") -> None:
        """Say what is wrong and how to mend it, one line each."""
        self.what = what
        self.cure = cure
        super().__init__(f"{what} - {cure}" if cure else what)

    def __reduce__(self) -> tuple[Callable[..., BihuanError], tuple[type[BihuanError], str, str]]:
        """Let it go from one process to another as it is."""
        return _again, (type(self), self.what, self.cure)


class UsageError(BihuanError):
    """The caller gave something that cannot be used."""

    exit_code = 2


class PolicyError(UsageError):
    """A policy file is wrong."""


class RefusedError(BihuanError):
    """The request was understood and is not carried out."""


class UnavailableError(BihuanError):
    """Something outside bihuan did not answer."""


def _again(kind: type[BihuanError], what: str, cure: str) -> BihuanError:
    return kind(what, cure=cure)
