"""A file or a command that holds a key → its bytes, within a time: a pipe that nobody writes to keeps nobody waiting.

A command ends with us, whenever an interrupt comes.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["MAX_BYTES", "SECONDS", "printed", "read_file"]

SECONDS = 10.0
MAX_BYTES = 64 << 10


def read_file(path: str) -> bytes:
    """Return what is in a file, or comes through a pipe. Raises OSError, TimeoutError where nothing does."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return b"".join(_pieces(handle))
    finally:
        os.close(handle)


def printed(command: Sequence[str], variables: Mapping[str, str]) -> tuple[int, bytes]:
    """Return how a command ended, and what it printed. Raises OSError or ValueError where it cannot be run, and
    subprocess.TimeoutExpired."""
    import subprocess

    process: subprocess.Popen[bytes] | None = None
    nothing = subprocess.DEVNULL
    try:
        with _signals_held():
            process = subprocess.Popen(
                command, stdin=nothing, stdout=subprocess.PIPE, stderr=nothing, env=dict(variables)
            )
        out, _ = process.communicate(timeout=SECONDS)
        return process.returncode, out[:MAX_BYTES]
    finally:
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()
        if process is not None and process.stdout is not None:
            process.stdout.close()


def _pieces(handle: int) -> Generator[bytes]:
    import select
    import time

    deadline, left = time.monotonic() + SECONDS, MAX_BYTES
    while left > 0:
        if not select.select([handle], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise TimeoutError(0, f"nothing comes of it within {SECONDS:g} s")
        piece = os.read(handle, left)
        if not piece:
            return
        left -= len(piece)
        yield piece


@contextmanager
def _signals_held() -> Generator[None]:
    """Let signals wait. One that raised while a process starts would leave it to itself: nobody has hold of it yet."""
    import signal
    import threading

    came: list[tuple[int, FrameType | None]] = []
    known = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    is_main = threading.current_thread() is threading.main_thread()
    handlers = {number: handler for number, handler in known.items() if is_main and callable(handler)}
    try:
        for number in handlers:
            signal.signal(number, lambda number, frame: came.append((number, frame)))
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    for came_as, frame in came:
        handlers[signal.Signals(came_as)](came_as, frame)
