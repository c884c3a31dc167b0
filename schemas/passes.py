"""The passes of a transformation, and who may watch them: the seam between what converts and what traces.

Each pass is noted when it is done, with what it made, in the order of these tables; so the one that fails is the one
after the last that was noted. Nothing is noted twice, and nothing is copied: whoever watches must change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from dragoman.schemas.losses import Loss

__all__ = ["CONVERSION", "EVENT", "REQUEST", "RESPONSE", "UNSEEN", "Passes", "pass_after"]

# What a program asks → what a provider is sent. In a conversion, what is asked of nobody is no pass.
REQUEST = (
    "client_request",  # the document, or the request of the IR, as it was given
    "parsed",  # of the IR
    "continued",  # with the turns before it
    "defaults",  # with what the profile says
    "field_cache",  # with what the field cache puts in
    "adapters",  # of the profile, on the IR
    "encoded",  # JSON of the provider's dialect
    "quirks",  # of the vendor, and the profile's extra_body
    "wire_field_cache",
    "wire_adapters",
    "provider_request",  # URL, headers and body, as they are sent
)
# What a provider answers → what a program gets.
RESPONSE = (
    "provider_response",  # status, headers and body
    "wire_adapters",
    "parsed",
    "adapters",
    "extraction",  # what the field cache keeps of it
    "encoded",  # in the dialect of who asked
    "final",
)
# What is noted of one event of a stream: its passes have the same numbers.
EVENT = ("provider_event", "wire_adapters", "parsed", "adapters", "encoded")
# The passes that there are where nobody is asked.
CONVERSION = frozenset({"client_request", "provider_response", "provider_event", "parsed", "encoded", "final"})


def pass_after(table: Sequence[str], name: str, *, converts: bool = False) -> str:
    """Return the pass of a table that comes next after one; the first after "", "" after the last."""
    rest = table[table.index(name) + 1 :] if name in table else table
    return next((other for other in rest if not converts or other in CONVERSION), "")


class Passes(Protocol):
    """Watches one exchange. `on_pass` is told what a pass made: bytes, JSON, a value of the IR, or a call. `on_event`
    is told the passes of event `number` (from 1), one after the other, where `wants_event` says so. `on_failure` is
    told which pass failed, where that is known: else it is the one after the last that was noted."""

    def on_pass(self, side: str, name: str, value: object, losses: Sequence[Loss] = ()) -> None: ...
    def wants_event(self, number: int) -> bool: ...
    def on_event(self, number: int, name: str, value: object) -> None: ...
    def on_failure(self, side: str, error: BaseException, name: str = "") -> None: ...
    def close(self) -> None: ...


class _Unseen:
    """Nobody watches."""

    def __bool__(self) -> bool:
        return False

    def on_pass(self, side: str, name: str, value: object, losses: Sequence[Loss] = ()) -> None:
        """Nobody is told."""

    def wants_event(self, number: int) -> bool:
        return False

    def on_event(self, number: int, name: str, value: object) -> None:
        """Nobody is told."""

    def on_failure(self, side: str, error: BaseException, name: str = "") -> None:
        """Nobody is told."""

    def close(self) -> None:
        """Nobody is told."""


UNSEEN = _Unseen()
