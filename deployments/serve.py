"""``python -m deployments.serve``: Prefect's server and every deployment of ``prefect.yaml``, on this machine."""

from __future__ import annotations

import os
import sys

from bihuan.errors import BihuanError
from bihuan.log import ended
from bihuan.settings import settings
from deployments.environment import prefect_environment


def main() -> int:
    """Serve until SIGTERM or Ctrl-C; the exit code."""
    try:
        here = settings()
        environment = prefect_environment(here, os.environ)
        os.environ.clear()
        os.environ.update(environment)
        from deployments.engine import run  # noqa: PLC0415 - Prefect reads its settings while it is imported

        run(here.prefect_port)
    except BihuanError as error:
        sys.stderr.write(f"{ended(str(error))}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
