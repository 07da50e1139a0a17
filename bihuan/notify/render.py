"""Messages from templates: YAML files with a ``title`` and a ``body`` in Jinja, one per notice and language.

Values a notice takes (`title` is the complaint's; words and instants come already in the reader's language and zone):

- receipt: number, title, promises (a list of milestone and due_at)
- warning: number, title, severity, kind, department, handler, milestone, due_at, remaining, link, is_late
- breach: the same, with overdue_text instead of remaining
- negative: as a warning; milestone and due_at are of what it calls for, empty where policy sets no deadline;
  is_from_touchpoint (the answer was about no complaint, and became one)
- negative_told: number, title, result (a passage: what was done)
- result, follow_up and survey_reminder: number and title (empty where it is about no complaint), occasion and reference
  (of a touchpoint, else empty), link, good_until (when it expires), opt_out_link, others (further invitations in the
  letter: number, title, link); result also says result, what was done, empty where nobody said it
- silence and runs_again: sweep, silent (how long), last_at (of the last run, empty where it never ran), link
- month: title (the month), complaints and answers (counts), rates (name, before, now, n, outcome), candidates (rank,
  dimension, element), link
- interview: due_at (when it is), said (why this customer), number and title (of the latest complaint, or empty), link
- signal: count and extra (all but the first), headline (of the first), items (each headline, since, evidence, and
  changed, lines about slices), more, link
- work_due and work_late: number and title (of the improvement item), milestone (a measure, a decision in a role, an
  audit, or harm), what (is to be done), owner, department, due_at (the last day), remaining and overdue_text, link;
  late also rung and why (empty for whoever owes it)
- improved: number and title (of the reader's complaint), result (a passage: what was changed), due_at (since when)
- sign_in: link, due_at (until when it is good)
- digest: count, items (each number, title, milestone, overdue_text), more (how many are not listed), link; and how many
  are late or were held: for the end of quiet hours (quiet), for the morning (digest), after a letter (bundled)

and each one is_simulated. ``remaining`` and ``overdue_text`` are what `words.standing` says. More values do no harm.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from bihuan.errors import UsageError
from bihuan.notify.channel import LETTER_BYTES
from bihuan.notify.length import capped, fitted
from bihuan.notify.letter import Letter
from bihuan.notify.words import spoken, word

TITLE_BYTES = 160
VALUE_BYTES = 300
PASSAGE_BYTES = 1500
"""A passage that a person wrote for the reader: 500 Chinese characters."""
BRIEF_BYTES = 24
"""One item's title in a digest, so that eighteen items fit into one letter."""

FOLDER = Path(__file__).parent.parent / "templates" / "messages"

_UNSEEN = {"Cc", "Cf", "Cs"}
_LOOKALIKES = str.maketrans("<>[]@`*", "＜＞［］＠｀＊")


class Passage(str):
    """A value that may be longer than others: what a person wrote for the reader."""

    __slots__ = ()


def inert(value: object) -> str:
    """A value as one line of text that no channel can take for markup, a mention, a header or a hidden direction.

    Control, format (bidirectional marks, zero width) and surrogate characters are dropped, line breaks become spaces,
    characters that HTML, Markdown or a robot's own tags start with become their full-width lookalikes, and the rest
    is cut at 300 bytes, a passage at 1500. None is empty. Applied to every value a template prints, so none can
    forget it.
    """
    if value is None:
        return ""
    most = PASSAGE_BYTES if isinstance(value, Passage) else VALUE_BYTES
    start = str(value)[: 4 * most]
    shown = "".join(sign for sign in start if sign.isspace() or unicodedata.category(sign) not in _UNSEEN)
    return capped(" ".join(shown.split()).translate(_LOOKALIKES), most)


def environment() -> ImmutableSandboxedEnvironment:
    """The Jinja environment of messages: sandboxed, unknown names are errors, every printed value inert."""
    made = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        finalize=inert,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # letters are plain text: `finalize` takes the place of HTML escapes
    )
    made.filters["brief"] = lambda value: capped(inert(value), BRIEF_BYTES)
    return made


def source(notice: str, language: str) -> dict[str, str]:
    """The template file of a notice: its ``title`` and ``body`` as Jinja text.

    Raises:
        UsageError: No such notice.
    """
    file = FOLDER / spoken(language) / f"{notice}.yaml"
    if not file.is_file():
        raise UsageError(f"there is no message template {notice!r}", cure=f"add {file.parent.name}/{file.name}")
    content: dict[str, str] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return content


@cache
def _templates(notice: str, language: str) -> tuple[Template, Template]:
    text, jinja = source(notice, language), environment()
    return jinja.from_string(text["title"]), jinja.from_string(text["body"])


def render(notice: str, language: str, values: Mapping[str, Any]) -> Letter:
    """The letter a notice becomes for a reader of ``language``, short enough for every channel; its link is never cut.

    Simulated data is labelled in the title. A language without templates is served in English.

    Raises:
        UsageError: No such notice, or a value its template prints is missing.
    """
    reader = spoken(language)
    title, body = _templates(notice, reader)
    try:
        label = word("label", "simulated", reader) if values["is_simulated"] else ""
        line = capped(label + " ".join(title.render(values).split()), TITLE_BYTES)
        text = body.render(values).strip()
    except (TemplateError, KeyError, TypeError) as error:
        raise UsageError(f"message {reader}/{notice}: {error}", cure="give every value its template prints") from error
    link = inert(values.get("link"))
    within = fitted(text, LETTER_BYTES - len(line.encode()) - len("\r\n"), link)
    return Letter(title=line, body=within, link=link if link in within else "")
