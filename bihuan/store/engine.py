"""The database behind three doors: ``write`` takes the lock before it reads, ``read`` and ``look`` take none.

SQLite: WAL, foreign keys, a busy time-out, full synchronisation (what was recorded as sending must survive a power
cut), and BEGIN IMMEDIATE for writers: a plain BEGIN lets two writers read the same rows and fail at commit.
PostgreSQL: READ COMMITTED; claims lock rows with SKIP LOCKED. What is bound to a statement shows in no error of
either: it may be a person's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from math import inf
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

from bihuan.errors import UnavailableError, UsageError
from bihuan.settings import Settings

_BUSY_SECONDS = 30
_RESTED_SECONDS = 1.0
"""A connection that has not been used for so long is tried before it is used again."""
_LOOKS, _LOOK_EVERY, _PAUSE = 2000, 0.0005, Event()
"""How often, and every how many seconds, a writer on SQLite looks whether another has finished."""
_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
_CURES = (
    ("database or disk is full", "free space on its disk; nothing of this step was kept"),
    ("no space left", "free space on its disk; nothing of this step was kept"),
    ("no such table", "run `bihuan db upgrade`"),
    ("does not exist", "create it, then run `bihuan db upgrade`"),
    ("undefinedtable", "run `bihuan db upgrade`"),
    ("unable to open database", "check that the folder exists and may be written"),
    ("readonly database", "check who owns the file, or use another BIHUAN_DATABASE_URL"),
    ("not a database", "BIHUAN_DATABASE_URL names a file that is no SQLite database"),
    ("malformed", "stop everything and put the last back-up in its place"),
    ("disk i/o error", "check its disk: free space, file size limits, damage; nothing of this step was kept"),
    ("value too long", "shorten what is longer than the column takes; nothing of this step was kept"),
    ("invalid connection option", "check what follows the ? in BIHUAN_DATABASE_URL"),
    ("locked", "another process holds the database for long; try again"),
    ("password", "check the user and password in BIHUAN_DATABASE_URL"),
    ("connection", "check BIHUAN_DATABASE_URL, and that the server runs"),
    ("could not translate host", "check the host in BIHUAN_DATABASE_URL"),
    ("failed to resolve host", "check the host in BIHUAN_DATABASE_URL"),
)


_SNAPSHOT = {"isolation_level": "REPEATABLE READ"}
_SQLITE_STATE = "now"
"""States of SQLite have no names: who begins while nobody writes sees the same."""
Look = Session | Connection
"""What statements that only read are executed with."""


class Database:
    """One database by URL; sessions come from ``read`` and ``write``."""

    def __init__(self, url: str) -> None:
        """Prepare the engine; nothing is connected yet.

        Raises:
            UsageError: The URL names no database this build can talk to.
        """
        self.engine = _make_engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._writer = self.engine.execution_options(is_writer=True)
        self._onlooker = self.engine.execution_options(is_alone=True) if self.is_sqlite else _autocommit_engine(url)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction that may write: committed at the end, rolled back on any error.

        Raises:
            UnavailableError: The database did not answer, or could not keep what was written.
        """
        with _explained(self.engine), Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """One consistent look; nothing is written.

        Raises:
            UnavailableError: The database did not answer.
        """
        with _explained(self.engine), Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def read_still(self, tell: Callable[[str], None] | None = None, *, state: str = "") -> Iterator[Session]:
        """One look that sees one state throughout, whatever others write meanwhile.

        Args:
            tell: Hears the name of that state, while another process can still begin to see it.
            state: The name that another process tells; empty: as it is now.

        Raises:
            UnavailableError: The database did not answer.
        """
        with _explained(self.engine), Session(self.engine, expire_on_commit=False) as session:
            if not self.is_sqlite:
                name = _see(session.connection(execution_options=_SNAPSHOT), state)
                if tell:
                    tell(name)
            elif tell:
                with self.write():  # nobody else writes while both begin
                    _begin_to_read(session)
                    tell(_SQLITE_STATE)
            else:
                _begin_to_read(session)
            yield session

    @contextmanager
    def look(self) -> Iterator[Connection]:
        """For single statements, each a look of its own: nothing is begun or ended, which costs more than a small look.

        Raises:
            UnavailableError: The database did not answer.
        """
        with _explained(self.engine), self._onlooker.connect() as connection:
            yield connection

    def analyze(self) -> None:
        """Let the planner count again: after a bulk load its old figures lead to plans a hundred times slower.

        Raises:
            UnavailableError: The database did not answer.
        """
        with _explained(self.engine), self.engine.connect() as connection:
            connection.exec_driver_sql("ANALYZE")
            connection.commit()

    def close(self) -> None:
        """Give every pooled connection back."""
        self.engine.dispose()
        self._onlooker.dispose()


def open_database(settings: Settings) -> Database:
    """The installation's database; the folder of an embedded one is made."""
    url = settings.database()
    if url.startswith("sqlite:///") and (name := make_url(url).database):
        try:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UnavailableError(
                f"cannot make {Path(name).parent}: {error.strerror}",
                cure="choose another folder with --data or BIHUAN_DATA_DIR",
            ) from error
    return Database(url)


def _see(connection: Connection, state: str) -> str:
    """Let a connection see that state, or one of its own; the name of the state."""
    if state:
        connection.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{state}'")
        return state
    return str(connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one())


def _begin_to_read(session: Session) -> None:
    session.execute(text("SELECT 1 FROM sqlite_master"))


def _autocommit_engine(url: str) -> Engine:
    """Connections of their own: to change one's mode and back takes as long as the rest of a small look."""
    return _make_engine(url, isolation_level="AUTOCOMMIT", pool_reset_on_return=None)


def _make_engine(url: str, **options: Any) -> Engine:
    try:
        parsed = make_url(url)
        driver = _DRIVERS.get(parsed.get_backend_name(), parsed.drivername)
        parsed = parsed.set(drivername=driver)  # Prefect's URLs name an asynchronous driver
        if driver == "sqlite":
            engine = create_engine(
                parsed, connect_args={"isolation_level": None, "timeout": _BUSY_SECONDS}, hide_parameters=True
            )
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            return engine
        waits = {"connect_timeout": 10}
        return _watched(create_engine(parsed, connect_args=waits, hide_parameters=True, **options))
    except (ArgumentError, ImportError, ValueError) as error:
        raise UsageError(
            "BIHUAN_DATABASE_URL is not a database URL this build knows",
            cure="use sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME",
        ) from error


def _watched(engine: Engine) -> Engine:
    event.listen(engine, "checkin", _note_return)
    event.listen(engine, "checkout", partial(_ping_where_rested, engine.dialect))
    return engine


def _note_return(_driver: object, record: ConnectionPoolEntry) -> None:
    record.info["back_at"] = monotonic()


def _ping_where_rested(dialect: Dialect, driver: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
    """Make sure that the server is still there, where the connection has not been used just now.

    Raises:
        DisconnectionError: It is not; the pool connects anew.
    """
    if monotonic() - record.info.get("back_at", inf) < _RESTED_SECONDS:
        return
    try:
        dialect.do_ping(driver)
    except dialect.loaded_dbapi.Error as error:
        raise DisconnectionError from error


def _prepare_sqlite(connection: Any, _record: object) -> None:
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    is_writer = options.get("is_writer", False)
    if not options.get("is_alone", False) and not (is_writer and _begin_soon(connection.connection.driver_connection)):
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writer else "BEGIN")


def _begin_soon(driver: Any) -> bool:
    """Begin to write as soon as nobody else does; False where that takes longer than a small transaction.

    SQLite itself looks after 1, 2, 5, 10, 15 … 100 ms whether another process has finished: most have long before.
    """
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        for _ in range(_LOOKS):
            with suppress(sqlite3.OperationalError):
                driver.execute("BEGIN IMMEDIATE")
                return True
            _PAUSE.wait(_LOOK_EVERY)
        return False
    finally:
        driver.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}")


def _leave_out_rows(error: DBAPIError) -> None:
    """PostgreSQL adds the row that it refuses in lines of their own: such an error may end in a log."""
    for said in (error, error.orig):
        if said is not None and said.args:
            said.args = (str(said.args[0]).partition("\n")[0], *said.args[1:])


@contextmanager
def _explained(engine: Engine) -> Iterator[None]:
    """Turn what a database says into one line with a cure; what it does not recognise passes unchanged."""
    try:
        yield
    except DBAPIError as error:
        said = f"{type(error.orig).__name__}: {error.orig}".splitlines()[0]
        lower = str(error.orig).lower() + type(error.orig).__name__.lower()
        cure = next((cure for sign, cure in _CURES if sign in lower), None)
        if cure is None and not isinstance(error, OperationalError):
            _leave_out_rows(error)
            raise
        where = engine.url.render_as_string(hide_password=True)
        raise UnavailableError(f"database {where}: {said}", cure=cure or "see docs/operate.md") from error
