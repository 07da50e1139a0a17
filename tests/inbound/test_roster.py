"""A roster of staff: what it needs, what it may leave out, and how a wrong row stops all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bihuan.errors import UsageError
from bihuan.inbound.roster import read_roster

HEADER = "code,name,department,is_head,contact_url,language,timezone\n"


def roster(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "staff.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_what_is_left_out_takes_its_usual_value(tmp_path: Path) -> None:
    (person,) = read_roster(roster(tmp_path, "code,name,department\nli,李,service\n"))
    assert (person.is_head, person.is_active, person.language, person.timezone, person.contact_url) == (
        False, True, "zh", "Asia/Shanghai", None,
    )  # fmt: skip


def test_every_column_is_read(tmp_path: Path) -> None:
    (person,) = read_roster(roster(tmp_path, HEADER + "li,李,service,是,mailto:li@a.example,en,Europe/Berlin\n"))
    assert (person.is_head, person.contact_url, person.language, person.timezone) == (
        True, "mailto:li@a.example", "en", "Europe/Berlin",
    )  # fmt: skip


@pytest.mark.parametrize(("row", "said"), [
    (",李,service,no,,,", "line 2: code is empty"),
    ("li,,service,no,,,", "line 2: name is empty"),
    ("li,李,,no,,,", "line 2: department is empty"),
    ("li,李,service,perhaps,,,", "line 2: is_head is 'perhaps'"),
    ("li,李,service,no,somewhere,,", "line 2: contact_url is not usable"),
    ("li,李,service,no,,fr,", "line 2: language is 'fr'"),
    ("li,李,service,no,,,Mars/Olympus", "line 2: unknown time zone"),
    ("x" * 61 + ",李,service,no,,,", "line 2: code is 'xxx"),
])  # fmt: skip
def test_a_wrong_row_names_line_and_column(tmp_path: Path, row: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_roster(roster(tmp_path, HEADER + row + "\n"))


def test_a_contact_that_cannot_be_used_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        read_roster(roster(tmp_path, HEADER + "li,李,service,no,s3cret-token,,\n"))
    assert "s3cret" not in str(refused.value)


def test_a_missing_column_is_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no column department - it has: code, name"):
        read_roster(roster(tmp_path, "code,name\nli,李\n"))
