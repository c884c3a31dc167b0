"""A private file that only ever grows, of lines that are there whole or not at all: recordings, traces."""

from __future__ import annotations

import os
import stat

from dragoman.schemas.ir import Wire
from dragoman.schemas.jsontext import write_json

__all__ = ["LineFile"]


class LineFile:
    """Opens the file at once: who cannot write there learns so before anything is sent. Raises OSError. A line that
    somebody who was killed has left half is ended first."""

    def __init__(self, path: str | os.PathLike[str], *, is_new: bool = False) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(path, flags | os.O_EXCL if is_new else flags, 0o600)
        self._mends = not is_new and _is_torn(path, self._file)

    def write(self, line: Wire) -> None:
        raw = memoryview((b"\n" if self._mends else b"") + write_json(line) + b"\n")
        self._mends = False
        while raw:
            raw = raw[os.write(self._file, raw) :]

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _is_torn(path: str | os.PathLike[str], file: int) -> bool:
    """Tell whether a line was begun there, and not ended."""
    about = os.fstat(file)
    if not stat.S_ISREG(about.st_mode) or not about.st_size:
        return False
    with open(path, "rb") as written:
        written.seek(-1, os.SEEK_END)
        return written.read(1) != b"\n"
