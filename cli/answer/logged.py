"""What is logged under us → lines on stderr, as all else that people are told: warnings, and with -vv everything.

A warning that comes again and again is said once. Nothing that is logged holds a secret; what it quotes of a provider
may do anything to a terminal, and is made harmless.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager

from dragoman.cli.environment import Environment
from dragoman.cli.render import printable

__all__ = ["ALL", "telling_logs"]

ALL = 2  # -vv
_MOST = 1000  # warnings that are remembered


@contextmanager
def telling_logs(environment: Environment, *, verbosity: int = 0) -> Generator[None]:
    """Tell of it while this lasts. `verbosity` is below 0 for quiet, and counts -v."""
    logger, handler = logging.getLogger("dragoman"), _Teller(environment, verbosity)
    level = logger.level
    logger.addHandler(handler)
    if verbosity >= ALL:
        logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


class _Teller(logging.Handler):
    def __init__(self, environment: Environment, verbosity: int) -> None:
        super().__init__()
        self._environment, self._verbosity = environment, verbosity
        self._said: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if record.levelno < logging.WARNING:
            if self._verbosity >= ALL:
                self._environment.say(printable(f"dragoman: debug: {message}"))
        elif self._verbosity >= 0 and message not in self._said:
            if len(self._said) < _MOST:
                self._said.add(message)
            self._environment.say(printable(f"dragoman: warning: {message}"))
