"""``python -m bihuan.simulation``: prepare the demo, catch its mail and let it live until SIGTERM or Ctrl-C."""

from __future__ import annotations

import logging
import signal
import sys
from threading import Event

from bihuan.clock import wall_clock
from bihuan.errors import BihuanError
from bihuan.log import configure
from bihuan.policy.files import PolicyFiles
from bihuan.settings import settings
from bihuan.simulation.demo import live, prepare
from bihuan.simulation.mail_catcher import MailCatcher, catcher_port, mail_folder
from bihuan.store.engine import open_database

log = logging.getLogger("bihuan.simulation")


def main() -> int:
    """Run the demo; its exit code."""
    stop = Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: stop.set())
    try:
        _run(stop)
    except BihuanError as error:
        sys.stderr.write(f"bihuan: {error}\n")
        return error.exit_code
    return 0


def _run(stop: Event) -> None:
    here = settings()
    configure(here)
    db, policy = open_database(here), PolicyFiles(here.policy_dir)
    with MailCatcher(mail_folder(here), catcher_port(here), wall_clock):
        added = prepare(db, policy(), here, wall_clock)
        log.info("demo prepared", extra={"complaints": added, "mail_port": catcher_port(here)})
        live(db, policy, here, wall_clock, stop)
    db.close()


if __name__ == "__main__":
    sys.exit(main())
