"""Recordings: errors of the file are errors of the command line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dragoman.cli.answer.recording import open_recorder
from dragoman.cli.status import CannotCreate, IOFailure


def test_file_that_cannot_be_made_is_named() -> None:
    with pytest.raises(CannotCreate, match="cannot create /nowhere/file: No such file"):
        open_recorder("/nowhere/file")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no device that is always full")
def test_file_that_is_full_is_named() -> None:
    with open_recorder("/dev/full") as recorder, pytest.raises(IOFailure, match="cannot write /dev/full: No space"):
        recorder.write({})


def test_lines_are_appended(tmp_path: Path) -> None:
    for _ in range(2):
        with open_recorder(str(tmp_path / "file")) as recorder:
            recorder.write({"a": 1})
    assert (tmp_path / "file").read_text() == '{"a":1}\n' * 2
