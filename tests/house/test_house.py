"""What the linters cannot see: the shape of the tree, what loads what at run time, what may not be written down."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("bihuan", "flows", "tasks", "schemas", "deployments")
FILE_LINES, FUNCTION_LINES = 300, 60
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
TEXT = {
    ".py",
    ".md",
    ".toml",
    ".yaml",
    ".yml",
    ".lock",
    ".html",
    ".css",
    ".js",
    ".txt",
    ".service",
    ".env",
    ".json",
    "",
}

# Spelled in pieces, so that this file does not find itself.
MACHINE = re.compile(
    "|".join([r"(?<![\w.])/" + r"work/", r"(?<![\w.])/" + r"root/", "/" + r"home/\w", "/" + r"Users/\w"])
)
REGISTRY = re.compile(
    "|".join([r"pypi\." + "org", "pythonhosted" + r"\.", "npmjs" + r"\.", r"//mirrors?\."]), re.IGNORECASE
)


@cache
def written() -> tuple[Path, ...]:
    """Every file that is, or would be, under version control; all but what is made, where there is no git."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - git is where PATH says
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode == 0:
        found = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        made = {"__pycache__", "var", "demo-data", "results", "build", "dist"}
        inside = [(file, file.relative_to(ROOT).parts) for file in ROOT.rglob("*")]
        found = [
            file for file, parts in inside
            if not made & set(parts) and not any(part.startswith(".") for part in parts[:-1])
        ]  # fmt: skip
    return tuple(sorted(file for file in found if file.is_file()))


def product() -> Iterator[Path]:
    """Python files of the product."""
    for file in written():
        if file.suffix == ".py" and file.relative_to(ROOT).parts[0] in PRODUCT:
            yield file


def name(file: Path) -> str:
    """Its path as people write it."""
    return file.relative_to(ROOT).as_posix()


def run(code: str) -> str:
    """What a fresh interpreter prints for ``code``."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_tests_are_no_package():
    assert not [name(file) for file in written() if file.name == "__init__.py" and name(file).startswith("tests/")]


def test_no_module_is_named_for_nothing():
    assert not [name(file) for file in product() if VAGUE & {file.stem, *file.relative_to(ROOT).parts}]


def test_files_stay_readable_in_one_sitting():
    sizes = {
        name(file): len(file.read_text(encoding="utf-8").splitlines()) for file in product() if not is_record(file)
    }
    assert {file: lines for file, lines in sizes.items() if lines > FILE_LINES} == {}


def test_functions_fit_a_screen():
    long = {}
    for file in product():
        if is_record(file):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                lines = node.end_lineno - node.lineno + 1
                if lines > FUNCTION_LINES:
                    long[f"{name(file)}:{node.name}"] = lines
    assert long == {}


def is_record(file: Path) -> bool:
    """A migration records what was done once; it is as long as the change."""
    return "migrations/versions" in name(file)


@pytest.mark.parametrize("pattern", [MACHINE, REGISTRY], ids=["paths of a machine", "hosts of a registry"])
def test_nothing_written_down_names(pattern: re.Pattern[str]):
    found = []
    for file in written():
        if file.suffix in TEXT:
            text = file.read_text(encoding="utf-8", errors="ignore")
            found += [f"{name(file)}: {match.group()}" for match in pattern.finditer(text)]
    assert found == []


def test_the_lock_holds_versions_and_hashes_and_no_address():
    lock = (ROOT / "requirements.lock").read_text(encoding="ascii")
    assert "://" not in lock
    assert "index" not in "".join(line for line in lock.splitlines() if line.startswith("-"))
    pinned = [line for line in lock.splitlines() if re.match(r"[a-z0-9]", line)]
    assert pinned
    assert all(re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==\S+ ", line) for line in pinned)


def test_every_dependency_says_why_it_is_here():
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    start = lines.index("dependencies = [")
    listed = lines[start + 1 : lines.index("]", start)]
    assert [line.strip() for line in listed if "#" not in line] == []


IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module({package!r})
for module in pkgutil.walk_packages(getattr(package, "__path__", []), {package!r} + "."):
    if "migrations" not in module.name and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(*sorted({unwanted!r} & sys.modules.keys()))
"""


@pytest.mark.parametrize(
    ("package", "unwanted"),
    [
        ("bihuan", {"prefect"}),
        ("bihuan.rules", {"prefect", "apprise", "fastapi", "httpx", "pandas"}),
        ("bihuan.analysis", {"prefect", "apprise", "fastapi", "httpx"}),
    ],
)
def test_importing_all_of_it_does_not_load(package: str, unwanted: set[str]):
    assert run(IMPORT_ALL.format(package=package, unwanted=unwanted)).split() == []


def test_the_command_line_starts_without_the_heavy_libraries():
    heavy = {"prefect", "pandas", "scipy", "statsmodels", "apprise"}
    assert run(f"import sys, bihuan.cli.main; print(*sorted({heavy!r} & sys.modules.keys()))").split() == []
