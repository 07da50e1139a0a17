"""django-helpdesk's side: tickets of which some are due, and its own ``escalate_tickets``; run by the peer's Python.

Arguments: the database's URL, how many tickets are open, how many of them are due in a round, and how many rounds there
are. Prints the seconds of each round as JSON.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from datetime import timedelta
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import django
from django.conf import settings
from django.core.management import call_command

_APPS = (
    "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.sites",
    "django.contrib.humanize", "django.contrib.messages", "django.contrib.admin", "rest_framework", "helpdesk",
)  # fmt: skip
_URLS = "helpdesk_beside"
_STAFF = 300
_PAGE = 5000


def main(url: str, opened: int, due: int, rounds: int) -> None:
    """Migrate, fill, and escalate ``due`` others in each round, first with letters, then without."""
    _configure(url)
    call_command("migrate", verbosity=0)
    call_command("loaddata", "emailtemplate.json", verbosity=0)
    _fill(opened)
    with_letters = [_round(due) for _ in range(rounds)]
    from helpdesk.models import EmailTemplate, FollowUp, TicketChange

    EmailTemplate.objects.all().delete()
    without = [_round(due) for _ in range(rounds)]
    done = FollowUp.objects.count(), TicketChange.objects.count()
    print(json.dumps({"with letters": with_letters, "without letters": without, "done": done}))


def _round(due: int) -> float:
    """Seconds of the command over tickets none of which was escalated before."""
    from django.utils import timezone
    from helpdesk.models import Ticket

    fresh = Ticket.objects.filter(last_escalation__isnull=True).order_by("id").values_list("id", flat=True)[:due]
    Ticket.objects.filter(id__in=list(fresh)).update(created=timezone.now() - timedelta(days=3))
    start = time.perf_counter()
    call_command("escalate_tickets")
    return time.perf_counter() - start


def _configure(url: str) -> None:
    settings.configure(
        INSTALLED_APPS=_APPS, SECRET_KEY="benchmark", SITE_ID=1, USE_TZ=True, TIME_ZONE="UTC",  # noqa: S106 - signs nothing
        DATABASES={"default": _database(url)}, EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend",
        HELPDESK_TEAMS_MODE_ENABLED=False, HELPDESK_TEAMS_MODEL="auth.Group", HELPDESK_TEAMS_MIGRATION_DEPENDENCIES=[],
        ROOT_URLCONF=_URLS, LOGGING_CONFIG=None, DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    )  # fmt: skip
    logging.disable(logging.CRITICAL)
    django.setup()
    from django.urls import include, path

    pages: Any = ModuleType(_URLS)
    pages.urlpatterns = [path("", include(("helpdesk.urls", "helpdesk")))]
    sys.modules[_URLS] = pages


def _database(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": url.removeprefix("sqlite:///"),
                "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL"}}  # fmt: skip # the product's own files have it
    host = parse_qs(parts.query).get("host", [parts.hostname or ""])[0]
    return {"ENGINE": "django.db.backends.postgresql", "NAME": parts.path[1:], "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""), "HOST": host, "PORT": parts.port or ""}  # fmt: skip


def _fill(opened: int) -> None:
    from django.contrib.auth.models import User
    from helpdesk.models import Queue, Ticket

    queue = Queue.objects.create(title="complaints", slug="complaints", escalate_days=2, locale="en")
    staff = User.objects.bulk_create(
        User(username=f"s{number}", email=f"s{number}@example.test") for number in range(_STAFF)
    )
    for start in range(0, opened, _PAGE):
        Ticket.objects.bulk_create(
            Ticket(queue=queue, title="t", status=Ticket.OPEN_STATUS, priority=3, assigned_to=staff[number % _STAFF],
                   secret_key=str(number))
            for number in range(start, min(start + _PAGE, opened))
        )  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
