"""What an adapter is told beside the value, and what one is to whoever runs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

__all__ = ["Context", "Step"]


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What an adapter is told beside the value. `model` is the one that is sent."""

    profile: str
    dialect: str
    model: str | None
    streams: bool


# Takes and returns a value of its side: JSON, a request, a response or an event.
Step: TypeAlias = Callable[[Any, Context], Any]
