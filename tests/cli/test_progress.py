"""The bar on stderr: a terminal alone sees it, and not before work takes long."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dragoman.cli import progress
from dragoman.cli.environment import Environment
from dragoman.cli.progress import Progress
from dragoman.schemas.ir import Wire
from tests.cli.harness import ROOT, Text, invoke, lines
from tests.cli.replaying.recordings import exchange, write

REQUEST: Wire = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setattr(progress, "PAUSE", 0.0)


def shown(total: int | None = 10, *, terminal: bool = True, is_bytes: bool = False, **variables: str) -> str:
    err = Text(terminal=terminal)
    environment = Environment(stderr=err, variables={"COLUMNS": "80", **variables})
    with Progress("converting", total, environment, is_bytes=is_bytes) as bar:
        bar.add(3)
        bar.add(2)
    return err.getvalue()


@pytest.mark.usefixtures("hasty")
def test_a_terminal_sees_how_far_it_is() -> None:
    said = shown(NO_COLOR="1")
    assert "converting" in said
    assert "5/10" in said


@pytest.mark.usefixtures("hasty")
def test_an_end_that_is_not_known_is_none() -> None:
    assert "5/?" in shown(None, NO_COLOR="1")


@pytest.mark.usefixtures("hasty")
def test_bytes_are_said_as_bytes() -> None:
    assert "5/10 bytes" in shown(is_bytes=True, NO_COLOR="1")


@pytest.mark.usefixtures("hasty")
def test_colour_is_for_those_who_want_it() -> None:
    assert "\x1b[3" in shown()
    assert "\x1b[3" not in shown(NO_COLOR="1")


@pytest.mark.usefixtures("hasty")
def test_the_bar_is_gone_in_the_end() -> None:
    assert shown(NO_COLOR="1").endswith("\x1b[2K")


@pytest.mark.usefixtures("hasty")
def test_nobody_else_sees_it() -> None:
    assert shown(terminal=False) == ""
    assert shown(TERM="dumb") == ""
    assert shown(terminal=False, FORCE_COLOR="1") == ""


def test_short_work_has_no_bar() -> None:
    assert shown() == ""


def test_nothing_is_imported_for_it_before_it_is_shown() -> None:
    code = (
        "import io, sys; from dragoman.cli.environment import Environment; from dragoman.cli.progress import Progress\n"
        "class T(io.StringIO):\n    def isatty(self): return True\n"
        "with Progress('x', 1, Environment(stderr=T())) as bar: bar.add(1)\n"
        "assert 'rich' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=30)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(("terminals", "is_seen"), [(["stderr"], True), ([], False), (["stdout"], False)])
def test_convert_shows_it_to_who_watches(terminals: list[str], is_seen: bool, tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    file.write_bytes(lines(*[REQUEST] * 5))
    done = invoke("convert", str(file), "--to", "gemini", "--from", "openai-chat", terminals=terminals)
    assert ("converting" in done.err) is is_seen
    assert b"converting" not in done.out


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(("terminals", "is_seen"), [(["stderr"], True), ([], False), (["stdout", "stderr"], False)])
def test_replay_shows_it_unless_lines_come_on_the_same_terminal(
    terminals: list[str], is_seen: bool, tmp_path: Path
) -> None:
    file = write(tmp_path, [exchange("one"), exchange("two")])
    done = invoke("replay", file, "-p", "sandbox", terminals=terminals)
    assert ("replaying" in done.err) is is_seen
    assert b"replaying" not in done.out
