"""`--record FILE`: the recorder of the providers, with errors that a command line knows."""

from __future__ import annotations

from dragoman.cli.status import CannotCreate, IOFailure
from dragoman.providers.record import Recorder
from dragoman.schemas.ir import Wire

__all__ = ["FileRecorder", "open_recorder"]


class FileRecorder(Recorder):
    """Says which file cannot be written."""

    def __init__(self, name: str) -> None:
        self._name = name
        super().__init__(name)

    def write(self, line: Wire) -> None:
        try:
            super().write(line)
        except OSError as error:
            raise IOFailure(f"cannot write {self._name}: {error.strerror}") from error


def open_recorder(name: str) -> FileRecorder:
    """Return what appends exchanges to a file; it is opened before anything is sent."""
    try:
        return FileRecorder(name)
    except OSError as error:
        raise CannotCreate(f"cannot create {name}: {error.strerror}") from error
