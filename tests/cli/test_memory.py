"""JSON Lines of any size run in flat memory: ten times the lines need no more of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench import child
from tests.cli.harness import LOSSY, PROGRAM, environment_of_process, execute

MARGIN = 6 << 20


def peak(folder: Path, count: int, *more: str) -> int:
    """Return the peak memory, in bytes, of a conversion of so many lines."""
    source = folder / f"{count}.jsonl"
    line = json.dumps({**LOSSY, "user": "x" * 10_000}).encode() + b"\n"
    source.write_bytes(line * count)
    arguments = ["convert", str(source), "--to", "anthropic", "--from", "openai", "--report", str(folder / "report")]
    done = subprocess.run(
        [sys.executable, "-I", child.__file__, PROGRAM, *arguments, *more, "-o", str(folder / "out")],
        stderr=subprocess.PIPE,
        env=environment_of_process(),
        timeout=60,
        check=True,
    )
    assert len((folder / "out").read_bytes().splitlines()) == count
    return int(json.loads(done.stderr.splitlines()[-1])["peak"])


@pytest.mark.parametrize("more", [[], ["-j2"]])
def test_ten_times_the_lines_need_no_more_memory(tmp_path: Path, more: list[str]) -> None:
    assert peak(tmp_path, 4000, *more) < peak(tmp_path, 400, *more) + MARGIN


def test_memory_that_is_checked_is_sound(tmp_path: Path) -> None:
    """Where a library reads what is none of its own, an interpreter that checks its memory does not end in peace."""
    (tmp_path / "dragoman.yaml").write_text("profiles: {one: {type: openai, api_key_env: ONE_KEY, model: m}}\n")
    variables = {"DRAGOMAN_CONFIG": str(tmp_path / "dragoman.yaml"), "PYTHONMALLOC": "debug"}
    done = execute("complete", "-p", "one", "--dry-run", "--no-stdin", "Hi", variables=variables)
    assert (done.status, done.err) == (0, "")
