"""What should be known of a run, on stderr: each thing once, however many exchanges it is true of."""

from __future__ import annotations

from dragoman.cli.environment import Environment
from dragoman.cli.render import printable

__all__ = ["Notices"]

MAX_TOLD = 50  # things that are told; a recording may name any number of models and hosts


class Notices:
    """Without an environment, or quiet, nothing is said."""

    def __init__(self, environment: Environment | None = None, *, quiet: bool = False) -> None:
        self._environment = None if quiet else environment
        self._told: set[tuple[str, str]] = set()

    def once(self, what: str, of: str, text: str) -> None:
        """Say a line, unless it was said: `what` and `of` tell what it is about."""
        if self._environment is None or (what, of) in self._told or len(self._told) >= MAX_TOLD:
            return
        self._told.add((what, of))
        self._environment.say(printable(f"dragoman: {text}"))
