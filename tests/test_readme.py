"""The README: its examples run and print what it says; its table and its statuses are those of the code."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dragoman.cli.conversion.listing import markdown_table
from dragoman.cli.status import Status
from dragoman.providers import load_profile
from dragoman.providers.catalog import vendor_names
from dragoman.providers.groups import load_group
from dragoman.schemas import dialects
from dragoman.schemas.captures.formats import NAMES, WRITABLE
from tests.cli.harness import PROGRAM, environment_of_process
from tests.readme import README, blocks, pattern, steps, table

ROOT = README.parent


def run(command: str, folder: Path) -> str:
    """Return what a line of shell prints, as a terminal would show it."""
    path = f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment_of_process(PATH=path, HOME=str(folder), XDG_CONFIG_HOME=str(folder)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with the files that the README shows by `cat`."""
    found = tmp_path_factory.mktemp("readme")
    shown = [step for block in blocks("console") for step in steps(block) if step.command.startswith("cat ")]
    for step in shown:
        if not (found / step.command[4:]).exists() and not step.command.endswith("out.jsonl"):
            (found / step.command[4:]).write_text(step.output)
    return found


def test_examples_on_the_command_line_print_what_is_shown(folder: Path) -> None:
    for block in blocks("console"):
        for command, output in steps(block):
            printed = run(command, folder)
            assert pattern(output).fullmatch(printed), f"$ {command}\n{printed}"


@pytest.mark.parametrize("code", blocks("python"))
def test_examples_in_python_run(code: str) -> None:
    if "register(" in code:  # what it makes known is for a process of its own
        subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60)
    else:
        exec(compile(code, str(README), "exec"), {})


@pytest.mark.parametrize("name", ["work", "careful", "lab"])
def test_profiles_are_ones_that_load(name: str, folder: Path) -> None:
    code, *_ = blocks("yaml")
    (folder / "profiles").mkdir(exist_ok=True)
    (folder / "profiles" / "dragoman.yaml").write_text(code)
    found = load_profile(name, variables={}, folder=folder / "profiles")
    assert (found.name, found.warnings) == (name, ())


def test_groups_are_ones_that_load(tmp_path: Path) -> None:
    (tmp_path / "dragoman.yaml").write_text(blocks("yaml")[1])
    smart, careful = (load_group(name, variables={}, folder=tmp_path) for name in ("smart", "careful"))
    assert [target.name for target in smart.targets] == ["anthropic", "openrouter", "pool"]
    assert [key.limits.concurrent for key in smart.targets[2].credentials] == [None, None, 4]
    assert careful.policies == {"rate_limit": "retry", "auth": "stop"}


def test_adapters_do_what_is_said(tmp_path: Path) -> None:
    (tmp_path / "dragoman.yaml").write_text(blocks("yaml")[2])
    shown = run("dragoman complete -p odd -m gpt-5 --dry-run --json hi", tmp_path)
    call = json.loads(shown.splitlines()[-1])
    assert call["headers"]["X-Team"] == "red"
    assert "Accept" not in call["headers"]
    assert call["body"]["options"] == {"limit": 100}
    assert call["body"]["messages"] == [{"role": "user", "content": "hi", "name": "guest"}]


def test_every_vendor_is_named() -> None:
    told = README.read_text().partition("## Whom to ask")[2].partition("```")[0]
    assert set(vendor_names()) - {"sandbox", "litellm-sdk"} <= set(re.findall(r"[a-z][a-z-]+", told))


def test_there_are_examples_of_both() -> None:
    assert len(blocks("console")) >= 4
    assert len(blocks("python")) >= 2


def test_table_of_losses_is_that_of_the_code() -> None:
    assert table() == markdown_table(), "make golden rewrites it"


def test_every_format_of_captures_is_named_with_what_it_can() -> None:
    told = README.read_text().partition("### Captures")[2].partition("```")[0]
    rows = re.findall(r"^\| (`[^|]+) \|[^|]*\|([^|]*)\|$", told, re.MULTILINE)
    written = {name: bool(cell.strip()) for names, cell in rows for name in re.findall("`([^`]+)`", names)}
    assert written == {name: name in WRITABLE for name in NAMES}


def test_every_dialect_is_named() -> None:
    text = README.read_text()
    assert all(f"| `{dialect.name}` |" in text for dialect in dialects())


def test_names_of_dialects_are_understood() -> None:
    for name, also in re.findall(
        r"^\| `([a-z-]+)` \|[^|]*\|([^|]*)\|$", README.read_text().partition("## Ask")[0], re.MULTILINE
    ):
        (dialect,) = (dialect for dialect in dialects() if dialect.name == name)
        assert set(re.findall(r"`(\w+)`", also)) <= {*dialect.aliases, dialect.name}


def test_every_status_is_told() -> None:
    told = README.read_text().partition("## Exit status")[2].partition("\n## ")[0]
    assert all(re.search(rf"\b{status.value}\b", told) for status in Status)


def test_targets_of_make_exist() -> None:
    targets = set(re.findall(r"^([a-z0-9]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([a-z0-9]+)", README.read_text(), re.MULTILINE)) <= targets
