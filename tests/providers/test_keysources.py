"""Files and commands that hold a key: within a time, and ended with us."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from subprocess import Popen, TimeoutExpired
from threading import Thread
from types import FrameType

import pytest

from dragoman.providers import keysources
from dragoman.providers.keysources import MAX_BYTES, printed, read_file


class _Interrupted(Exception):
    """What the handler of these tests raises."""


def test_file_is_read() -> None:
    assert read_file(__file__) == Path(__file__).read_bytes()


def test_file_without_an_end_is_read_so_far() -> None:
    assert len(read_file("/dev/zero")) == MAX_BYTES


def test_pipe_is_read_until_its_writer_is_done(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = Thread(target=pipe.write_bytes, args=(b"key\n",))
    writer.start()
    assert read_file(str(pipe)) == b"key\n"
    writer.join()


def test_pipe_that_nobody_writes_to_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(keysources, "SECONDS", 0.05)
    with pytest.raises(TimeoutError, match="nothing comes of it within"):
        read_file(str(tmp_path / "pipe"))


def test_command_tells_its_status_and_what_it_printed() -> None:
    assert printed(["sh", "-c", "echo $A; exit 3"], {"A": "b", "PATH": os.environ["PATH"]}) == (3, b"b\n")


def test_command_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keysources, "SECONDS", 0.05)
    with pytest.raises(TimeoutExpired):
        printed(["sleep", "9"], os.environ)


def test_interrupt_while_a_command_starts_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Popen[bytes]] = []

    class Slow(Popen[bytes]):
        """Interrupted at the worst of times: the child runs, and nobody has hold of it."""

        def __init__(self, *arguments: object, **more: object) -> None:
            super().__init__([sys.executable, "-c", "import time; time.sleep(9)"])
            started.append(self)
            signal.raise_signal(signal.SIGINT)

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise _Interrupted

    monkeypatch.setattr("subprocess.Popen", Slow)
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        with pytest.raises(_Interrupted):
            printed(["sleep", "9"], {})
        assert started[0].poll() == -signal.SIGKILL
        assert signal.getsignal(signal.SIGINT) is interrupt
    finally:
        signal.signal(signal.SIGINT, before)
