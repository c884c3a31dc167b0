"""A bar on stderr for work that takes long: how far, how fast, and how long still. A terminal alone sees it.

rich is imported when the bar is first shown, which is not before a second is over: short work pays nothing.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING

from dragoman.cli.environment import Environment

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

__all__ = ["Progress"]

PATIENCE = 1.0  # seconds before anything is shown
PAUSE = 0.1  # seconds between two looks of it


class Progress:
    """`total` is None where the end is not known. Used with `with`; `add` is cheap."""

    def __init__(
        self,
        what: str,
        total: int | None,
        environment: Environment,
        *,
        is_bytes: bool = False,
        is_wanted: bool = True,
    ) -> None:
        self._what, self._total, self._is_bytes = what, total, is_bytes
        self._environment = environment
        is_eyed = environment.is_terminal(environment.stderr) and environment.variables.get("TERM") != "dumb"
        self._is_shown = is_wanted and is_eyed
        self._done = 0
        self._next = time.monotonic() + PATIENCE
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def add(self, count: int) -> None:
        self._done += count
        if self._is_shown and (now := time.monotonic()) >= self._next:
            self._next = now + PAUSE
            self._show()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        self._is_shown = False

    def _show(self) -> None:
        if self._bar is None:
            self._bar = self._new()
            self._task = self._bar.add_task(self._what, total=self._total)
            self._bar.start()
        if self._task is not None:
            self._bar.update(self._task, completed=self._done)
            self._bar.refresh()

    def _new(self) -> Bar:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        environment = self._environment
        console = Console(
            file=environment.stderr,
            force_terminal=True,
            no_color=not environment.has_colour(environment.stderr),
            width=environment.width(),
        )
        counts = (DownloadColumn(), TransferSpeedColumn()) if self._is_bytes else (MofNCompleteColumn(),)
        return Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            *counts,
            TimeRemainingColumn(),
            console=console,
            transient=True,
            auto_refresh=False,
        )
