"""What docs/policy says can be done, can be done: every snippet goes through the loader."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from bihuan.errors import PolicyError
from bihuan.policy.difference import differences
from bihuan.policy.document import read_document
from bihuan.policy.loader import DEFAULTS, load_policy
from bihuan.policy.notice import FOLDER
from schemas.complaint import EventKind, Severity

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = ("policy.md", "policy.zh-CN.md")


def snippets(page: str) -> list[tuple[str, str]]:
    """File name and YAML of each snippet, in the page's order."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(r"^```yaml\n# ([\w./]+\.yaml)\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def laid_over(below, above):
    """The copy of a shipped file with the lines of a snippet changed or added."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return below | {key: laid_over(below.get(key), value) for key, value in above.items()}


def put(folder: Path, name: str, snippet: str) -> None:
    file = folder / name
    if name.startswith(FOLDER):
        file.parent.mkdir(exist_ok=True)
        file.write_text(snippet, encoding="utf-8")
        return
    start = file if file.exists() else DEFAULTS / name
    content = laid_over(read_document(name, start.read_bytes()).content, read_document(name, snippet.encode()).content)
    file.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_every_snippet_loads_and_changes_what_it_shows(page, tmp_path, policy):
    before = policy
    for name, snippet in snippets(page):
        put(tmp_path, name, snippet)
        after = load_policy(tmp_path)
        section = re.split(r"\.|/", name)[0]
        assert {change.key.partition(".")[0] for change in differences(before, after)} == {section}
        before = after


def test_no_yaml_of_the_pages_escapes_the_test():
    for page in PAGES:
        assert (DOCS / page).read_text(encoding="utf-8").count("```yaml") == len(snippets(page)) > 0


def test_both_languages_show_the_same_snippets():
    english, chinese = map(snippets, PAGES)
    assert english == chinese


def test_the_new_milestone_of_the_page_has_its_targets(tmp_path):
    for name, snippet in snippets("policy.md"):
        put(tmp_path, name, snippet)
    policy = load_policy(tmp_path)
    assert policy.deadline.milestones["reopened_response"].target(Severity.MAJOR).seconds == 15 * 60
    assert policy.deadline.milestones["satisfaction_follow_up"].target(Severity.MAJOR) is None
    assert policy.deadline.warn == (0.5, 0.8)


@pytest.mark.parametrize("page", PAGES)
def test_the_page_lists_every_event(page):
    listed = re.findall(r"^\| `(\w+)` \|", (DOCS / page).read_text(encoding="utf-8"), flags=re.MULTILINE)
    named = dict.fromkeys(word for word in listed if word in set(EventKind))  # some name an indicator further down too
    assert list(named) == [kind.value for kind in EventKind]


@pytest.mark.parametrize("page", PAGES)
def test_the_error_on_the_page_is_the_one_that_comes(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = Path("my-policy")
    folder.mkdir()
    text = (DEFAULTS / "deadline.yaml").read_text(encoding="utf-8")
    handled = text.index("  handled:")
    slip = text[:handled] + text[handled:].replace("urgent: {target: 24h", "urgent: {target: 24x", 1)
    (folder / "deadline.yaml").write_text(slip, encoding="utf-8")
    with pytest.raises(PolicyError) as caught:
        load_policy(folder)
    assert f"bihuan: {caught.value}\n" in (DOCS / page).read_text(encoding="utf-8")
