"""A look beside another: a second process reads the very state that the first one sees, and both work at once.

Threads share one interpreter, and within SQLite one lock for all memory: two of them take longer than one. A process
takes two seconds to start, so it is for who reads hundreds of thousands of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from sqlmodel import Session

from bihuan.companion import Pipe, companion
from bihuan.errors import BihuanError
from bihuan.store.engine import Database

Look = Callable[..., Iterator[Any]]


@contextmanager
def beside(db: Database, look: Look, *given: Any, is_apart: bool = True) -> Iterator[tuple[Session, Iterator[Any]]]:
    """A session, and what ``look`` yields from another one at the same state of the database.

    Args:
        db: Where both read.
        look: A function of a module; it is called with a session and ``given``.
        given: What else it is called with. Like all that it yields, it can be pickled.
        is_apart: Whether ``look`` gets a process of its own, where it begins at once; otherwise it has the same
            session, and begins when it is asked.

    Raises:
        UnavailableError: The database did not answer, or the other process has gone.
        BihuanError: As ``look`` raises it, when it is asked for more.
    """
    if not is_apart:
        with db.read_still() as session:
            yield session, look(session, *given)
        return
    with companion(_serve) as pipe:
        pipe.send(db.engine.url.render_as_string(hide_password=False))
        _hear(pipe)  # it has started
        with db.read_still(partial(_begin, pipe)) as session:
            pipe.send((look, given))
            yield session, _told(pipe)


def _begin(pipe: Pipe, state: str) -> None:
    pipe.send(state)
    _hear(pipe)


def _told(pipe: Pipe) -> Iterator[Any]:
    """What the other process yields, to its end."""
    while heard := _hear(pipe):
        yield heard[0]


def _hear(pipe: Pipe) -> tuple[Any, ...]:
    """The next word of the other process: one thing that it yields, or nothing.

    Raises:
        BihuanError: It could not go on, or has gone.
    """
    heard: tuple[Any, ...] | BihuanError = pipe.hear()
    if isinstance(heard, BihuanError):
        raise heard
    return heard


def _serve(pipe: Pipe) -> None:
    """What the other process does: it says when it has started, and when it sees the state that it is told.

    Only then it loads what ``look`` needs: that takes longest, and nobody waits for it.
    """
    db = Database(pipe.hear())
    try:
        pipe.send(())
        with db.read_still(state=pipe.hear()) as session:
            pipe.send(())
            look, given = pipe.hear()
            for one in look(session, *given):
                pipe.send((one,))
        pipe.send(())
    except BihuanError as error:
        pipe.send(error)
    finally:
        db.close()
