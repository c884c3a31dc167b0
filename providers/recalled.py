"""What a request goes on from, looked up: a thread, and what the field cache may have for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from dragoman.providers.continuing import Thread

if TYPE_CHECKING:
    from dragoman.providers.conversations import Values

__all__ = ["Recalled"]


class Recalled(msgspec.Struct, frozen=True, kw_only=True):
    """`values` are those of the `records` that there are."""

    thread: Thread | None = None
    records: tuple[str, ...] = ()
    values: Mapping[str, Values] = {}
