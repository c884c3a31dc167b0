"""An exchange under signals: what happens before it begins can be interrupted, too."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.cli.harness import running

CHECK = ("models", "--check", "-p", "p")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("line", [("complete", "--no-stdin", "hi"), ("stream", "--no-stdin", "hi"), ("models",), CHECK])
def test_command_for_the_key_ends_with_us(line: tuple[str, ...], number: signal.Signals, tmp_path: Path) -> None:
    pipe, file = tmp_path / "pipe", tmp_path / "dragoman.yaml"
    os.mkfifo(pipe)
    command = f"[sh, -c, 'exec 3> {pipe}; echo up >&3; exec sleep 9']"
    file.write_text(f"default: p\nprofiles: {{p: {{type: openai, model: m, api_key_command: {command}}}}}\n")
    variables = {"DRAGOMAN_CONFIG": str(file), "OPENAI_API_KEY": "", "DRAGOMAN_ALLOW_COMMANDS": "1"}
    with running(*line, variables=variables) as process, pipe.open("rb") as told:
        assert told.readline() == b"up\n"
        process.send_signal(number)
        assert process.communicate(timeout=30) == (b"", b"")
        assert told.read() == b""  # nobody holds its other end
    assert process.returncode == 128 + number
