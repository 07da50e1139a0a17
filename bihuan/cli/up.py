"""``bihuan up``: everything on this machine, in the foreground, until Ctrl-C."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bihuan.cli.output import say
from bihuan.clock import wall_clock
from bihuan.errors import UnavailableError, UsageError
from bihuan.settings import Settings, settings, settings_file
from bihuan.up_lock import held

if TYPE_CHECKING:
    from bihuan.cli.children import Children, Signals

HOST = "127.0.0.1"
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Address:
    """Something that answers HTTP once it is up."""

    what: str
    port: int
    path: str = "/"
    host: str = HOST

    def answers(self) -> bool:
        """Whether it does."""
        connection = HTTPConnection(self.host, self.port, timeout=2)
        try:
            connection.request("GET", self.path)
            return connection.getresponse().status < 500  # noqa: PLR2004 - any page is an answer, an error is none
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


def up(
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port of the web page.")] = None,
    prefect_port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port of Prefect's page.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the database, the logs and Prefect's own data.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="With a simulated company; refused on real data.")] = False,
) -> None:
    """Start everything on this machine: database, Prefect server, all deployments, web page. Ctrl-C ends it all.

    BIHUAN_DATABASE_URL, where set, names the database; the rest lies in the data folder.
    """
    from bihuan.cli.children import Children, Signals

    here = _settings(port, prefect_port, data)
    _require_checkout()
    here.listening_host()
    with held(here), Signals() as signals:
        _require_free_ports(here, demo)
        _prepare(here, demo)
        with Children(_environment(here), _logs(here), signals) as children:
            children.start("prefect", "deployments.serve")
            children.start("web", "bihuan.web")
            if demo:
                children.start("simulation", "bihuan.simulation")
            _watch(here, children, signals)
            say("ending …")


def _watch(here: Settings, children: Children, signals: Signals) -> None:
    """Say each address once it answers, then wait for a signal; a child that ends is an error."""
    awaited = [
        Address("page    ", here.web_port, host=here.reached_at()),
        Address("Prefect ", here.prefect_port, "/api/health"),
    ]
    say(f"starting; output of each part in {_logs(here)}")
    while not signals.wait(0.5 if awaited else None):
        if child := children.ended():
            code = child.process.returncode
            raise UnavailableError(f"{child.name} has ended (exit {code}), so everything ends", cure=f"see {child.log}")
        for address in [address for address in awaited if address.answers()]:
            awaited.remove(address)
            host = f"[{address.host}]" if ":" in address.host else address.host
            typer.echo(f"{address.what} http://{host}:{address.port}")
            if not awaited:
                say("running; Ctrl-C ends it all")


def _settings(port: int | None, prefect_port: int | None, data: Path | None) -> Settings:
    """The installation's settings with what the command line says laid over them."""
    given: dict[str, object] = {"web_port": port, "prefect_port": prefect_port, "data_dir": data}
    here = settings().model_copy(update={name: value for name, value in given.items() if value is not None})
    also: dict[str, object] = {"data_dir": here.data_dir.resolve()}
    if "web_url" not in here.model_fields_set:
        also["web_url"] = f"http://{HOST}:{here.web_port}"
    return here.model_copy(update=also)


def _require_checkout() -> None:
    if not (_ROOT / "deployments" / "serve.py").is_file():
        raise UsageError(
            "`bihuan up` needs the folder deployments/, which the installed package does not have",
            cure="run it from a checkout: git clone, make up",
        )


def _require_free_ports(here: Settings, demo: bool) -> None:
    if here.web_port == here.prefect_port:
        raise UsageError(f"port {here.web_port} cannot serve both pages", cure="choose another with --port")
    _require_free(here.web_port, "--port", here.web_host)
    _require_free(here.prefect_port, "--prefect-port")
    if demo:
        from bihuan.simulation.mail_catcher import catcher_port

        _require_free(catcher_port(here), "--port; the caught mail takes the one after it, here")


def _require_free(port: int, option: str, host: str = HOST) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError as error:
            raise UnavailableError(
                f"port {port} is not yours to use", cure=f"choose one above 1023 with {option}"
            ) from error
        except OSError as error:
            raise UnavailableError(
                f"port {port} is in use", cure=f"stop what uses it, or choose another with {option}"
            ) from error


def _prepare(here: Settings, demo: bool) -> None:
    """Bring the database to this version; make it the demo's where asked, before any sweep could send its past."""
    from bihuan.policy.loader import load_policy
    from bihuan.store.engine import open_database
    from bihuan.store.migrations import upgrade

    policy, db = load_policy(here.policy_dir), open_database(here)
    upgrade(db)
    if demo:
        from bihuan.simulation.demo import prepare
        from bihuan.simulation.mail_catcher import catcher_settings

        say("preparing the simulated company")
        prepare(db, policy, here, wall_clock)
        settings_file(here.data_dir).write_text(catcher_settings(here), encoding="utf-8")
    db.close()


def _logs(here: Settings) -> Path:
    folder = here.data_dir / "logs"
    folder.mkdir(exist_ok=True)
    return folder


def _environment(here: Settings) -> dict[str, str]:
    """What the children are told: the settings as they stand here, and the checkout to run from.

    Their working folder stays ours, so that relative paths in settings mean the same; the checkout goes first on the
    search path instead, and nothing lying in the working folder hides it.
    """
    ours = {
        "BIHUAN_DATA_DIR": str(here.data_dir),
        "BIHUAN_WEB_PORT": str(here.web_port),
        "BIHUAN_WEB_URL": here.web_url,
        "BIHUAN_PREFECT_PORT": str(here.prefect_port),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH", "")])),
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
    }
    return {**os.environ, **ours}
