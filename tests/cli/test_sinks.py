"""Sinks: a file appears whole or not at all, and only its owner can read it."""

from __future__ import annotations

import os
import stat
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from dragoman.cli.environment import Environment
from dragoman.cli.sinks import FileSink, open_sink
from dragoman.cli.status import CannotCreate, IOFailure
from tests.cli.harness import Bytes


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_file_is_there_when_all_is_written(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    with FileSink(str(target)) as sink:
        sink.write(b"one ")
        assert not target.exists()
        sink.write(b"two")
    assert target.read_bytes() == b"one two"
    assert names(tmp_path) == ["out.json"]


def test_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    with FileSink(str(target)) as sink:
        assert stat.S_IMODE(next(tmp_path.iterdir()).stat().st_mode) == 0o600
        sink.write(b"x")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, ValueError])
def test_old_file_stays_when_writing_is_interrupted(tmp_path: Path, interruption: type[BaseException]) -> None:
    target = tmp_path / "out.json"
    target.write_bytes(b"old")
    with pytest.raises(interruption):
        write_half(target, interruption)
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["out.json"]


def write_half(target: Path, interruption: type[BaseException]) -> None:
    with FileSink(str(target)) as sink:
        sink.write(b"new")
        raise interruption


def test_discarded_file_is_not_written(tmp_path: Path) -> None:
    with FileSink(str(tmp_path / "out.json")) as sink:
        sink.write(b"new")
        sink.discard()
    assert names(tmp_path) == []


def test_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    with FileSink(str(link)) as sink:
        sink.write(b"x")
    assert link.is_symlink()
    assert target.read_bytes() == b"x"


def test_name_may_be_as_long_as_names_can_be(tmp_path: Path) -> None:
    with FileSink(str(tmp_path / ("x" * 255))) as sink:
        sink.write(b"x")
    assert names(tmp_path) == ["x" * 255]


def test_pipe_is_written_straight(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    with FileSink(str(pipe)) as sink:
        sink.write(b"x")
    reader.join()
    assert read == [b"x"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_folder_that_is_not_there_cannot_be_written_to(tmp_path: Path) -> None:
    with pytest.raises(CannotCreate, match="No such file or directory"):
        FileSink(str(tmp_path / "nowhere" / "out.json"))


def test_directory_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(CannotCreate, match="Is a directory"):
        FileSink(str(tmp_path))


@pytest.mark.parametrize("full", [device for device in ("/dev/full",) if os.path.exists(device)])
@pytest.mark.parametrize("size", [1, 1 << 20])
def test_full_disk_is_an_io_failure(full: str, size: int) -> None:
    with pytest.raises(IOFailure, match="cannot write /dev/full: No space left"), FileSink(full) as sink:
        sink.write(b"x" * size)


def test_pipe_that_nobody_reads_any_more_is_a_closed_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    sink = FileSink(str(pipe))
    os.close(reader)
    with pytest.raises(BrokenPipeError):
        sink.write(b"x" * (1 << 20))
    with suppress(BrokenPipeError):
        sink.__exit__(None, None, None)


def test_dash_is_stdout_and_nothing_is_nowhere(tmp_path: Path) -> None:
    out = Bytes()
    environment = Environment(stdout=out)
    for name in ("-", ""):
        with open_sink(name, environment) as sink:
            sink.write(b"x")
            sink.discard()
    assert out.getvalue() == b"x"
    with open_sink(str(tmp_path / "file"), environment) as sink:
        sink.write(b"x")
    assert names(tmp_path) == ["file"]
