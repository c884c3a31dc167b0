"""Code of others that runs here: functions that a profile names, and what packages bring.

It may raise anything. Whatever that is becomes one fault of ours, made of its class and of what it says; an interrupt
stays what it is.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from dragoman.schemas.errors import DragomanError

__all__ = ["Guest"]

MOST_TOLD = 300  # characters


class Guest:
    """`with Guest(fault):` runs it; `fault` is given a line that tells what was raised, and makes the error of it."""

    def __init__(self, fault: Callable[[str], DragomanError]) -> None:
        self._fault = fault

    def __enter__(self) -> None:
        """It begins."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception):
            raise self._fault(_told(error)) from error


def _told(error: Exception) -> str:
    said = " ".join(str(error).split())
    told = said if len(said) <= MOST_TOLD else f"{said[:MOST_TOLD]}…"
    return f"{type(error).__name__}: {told}" if told else type(error).__name__
