"""Whoever looks at an installation finds it on the ports that its `bihuan up` was given."""

from __future__ import annotations

from pathlib import Path

import pytest

from bihuan.errors import UnavailableError
from bihuan.settings import Settings
from bihuan.up_lock import as_up, held


def ports(here: Settings) -> tuple[int, int]:
    return here.web_port, here.prefect_port


def test_the_ports_of_who_holds_the_folder_are_told_until_it_ends(tmp_path: Path) -> None:
    plain = Settings(data_dir=tmp_path)
    with held(Settings(data_dir=tmp_path, web_port=8777, prefect_port=4277)):
        assert ports(as_up(plain)) == (8777, 4277)
    assert as_up(plain) == plain


def test_the_next_one_tells_its_own(tmp_path: Path) -> None:
    for web_port in (8777, 89):
        with held(Settings(data_dir=tmp_path, web_port=web_port)):
            assert as_up(Settings(data_dir=tmp_path)).web_port == web_port


def test_what_a_killed_one_left_says_nothing_of_who_serves_now(tmp_path: Path) -> None:
    (tmp_path / "up.lock").write_text('{"web_port": 8777, "prefect_port": 4277}', encoding="ascii")
    here = Settings(data_dir=tmp_path)
    assert as_up(here) == here


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"web_port": 8777}', '{"web_port": "x", "prefect_port": 1}'])
def test_a_note_that_says_nothing_leaves_the_settings(tmp_path: Path, text: str) -> None:
    here = Settings(data_dir=tmp_path)
    with held(here):
        (tmp_path / "up.lock").write_text(text, encoding="ascii")
        assert as_up(here) == here


def test_a_folder_that_cannot_be_made_is_one_line_with_the_cure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnavailableError, match=r"cannot write in .*--data"), held(Settings(data_dir=tmp_path / "file")):
        pass
