"""``bihuan NOUN VERB``: the whole command line, and the one place that turns errors into a line and an exit code."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import NoReturn

import typer
from typer.exceptions import Abort, TyperException

from bihuan import __version__
from bihuan.cli import (
    access,
    calendar,
    complaint,
    database,
    doctor,
    explain,
    improvement,
    key,
    kpi,
    outbox,
    policy,
    retention,
    run,
    sla,
    staff,
    stats,
    survey,
    up,
    watchdog,
)
from bihuan.cli.output import harmless
from bihuan.errors import BihuanError
from bihuan.log import configure, ended
from bihuan.settings import settings

app = typer.Typer(
    name="bihuan", no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False,
    help="Complaint follow-up that never forgets a promise 闭环: complaints in, deadlines checked, alerts out.",
)  # fmt: skip
app.command("up")(up.up)
app.command("run")(run.run)
app.command("doctor")(doctor.doctor)
app.command("watchdog")(watchdog.watchdog)
app.command("explain")(explain.explain)
app.command("stats")(stats.stats)
app.add_typer(complaint.app, name="complaint")
app.add_typer(survey.app, name="survey")
app.add_typer(sla.app, name="sla")
app.add_typer(outbox.app, name="outbox")
app.add_typer(kpi.app, name="kpi")
app.add_typer(improvement.app, name="improvement")
app.add_typer(staff.app, name="staff")
app.add_typer(key.app, name="key")
app.add_typer(access.app, name="access")
app.add_typer(policy.app, name="policy")
app.add_typer(calendar.app, name="calendar")
app.add_typer(database.app, name="db")
app.add_typer(retention.app, name="retention")


def _version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _start(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print it."),
) -> None:
    configure(settings())


def main() -> None:
    """Run one command; errors a person can act on are one line on standard error and an exit code."""
    try:
        sys.exit(app(standalone_mode=False))
    except BihuanError as error:
        _end(str(error), error.exit_code)
    except TyperException as error:
        _end(_explained(error), error.exit_code)
    except Abort:
        _end("", 1)
    except UnicodeEncodeError:
        _end("a text is not UTF-8 - type it again, or correct it where it comes from", 2)
    except OSError as error:
        with suppress(OSError):  # where the output itself failed, what it still holds would fail again at the end
            sys.stdout.close()
        where = f"{error.filename}: " if error.filename else ""
        _end(f"{where}{error.strerror or error} - check free space and permissions where the output goes", 3)


def _explained(error: TyperException) -> str:
    """A word the command line does not know; "" where help was shown instead."""
    words = " ".join(error.format_message().replace("Value error, ", "").split()).rstrip(".")
    context = getattr(error, "ctx", None)
    return f"{words} - see `{context.command_path if context else 'bihuan'} --help`" if words else ""


def _end(words: str, code: int) -> NoReturn:
    if words:
        typer.echo(ended(harmless(" ".join(words.splitlines()))), err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
