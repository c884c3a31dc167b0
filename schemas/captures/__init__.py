"""Recorded traffic, in the formats that people have it in → exchanges; and exchanges → such formats.

>>> reader = CaptureReader()
>>> for raw in file: items += reader.feed(raw)
>>> items += reader.close()
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dragoman.schemas.captures.converting import ConvertedCapture, convert_captured
    from dragoman.schemas.captures.exchange import Bare, Captured, Item, Received, Sent, Skipped, Unreadable
    from dragoman.schemas.captures.formats import Format, find_format
    from dragoman.schemas.captures.reading import CaptureReader
    from dragoman.schemas.captures.recognition import settled

__all__ = [
    "Bare",
    "CaptureReader",
    "Captured",
    "ConvertedCapture",
    "Format",
    "Item",
    "Received",
    "Sent",
    "Skipped",
    "Unreadable",
    "convert_captured",
    "find_format",
    "settled",
]
# name → the room that it is in; everything else is in `exchange`
_ROOMS = {
    "CaptureReader": "reading",
    "ConvertedCapture": "converting",
    "convert_captured": "converting",
    "Format": "formats",
    "find_format": "formats",
    "settled": "recognition",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_ROOMS.get(name, 'exchange')}"), name)
    globals()[name] = value
    return value
