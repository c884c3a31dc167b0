"""The public face of the interpreter: requests, responses, errors and streams of any dialect, said in any other.

    >>> from dragoman.schemas import convert_request
    >>> converted = convert_request(body, source="openai-chat", target="anthropic")
    >>> converted.body, converted.losses
    >>> converter = StreamConverter(source="openai-chat", target="anthropic")
    >>> for raw in stream: print(converter.feed(raw))
    >>> converter.close(), converter.error, converter.losses

Everything raised is a `dragoman.schemas.errors.DragomanError`. Inputs are never changed; a result shares with its input
what needed no change, so copy it before you edit it in place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dragoman.schemas.accumulate import accumulate, explode
    from dragoman.schemas.convert import (
        Converted,
        convert_error,
        convert_error_bytes,
        convert_request,
        convert_request_bytes,
        convert_response,
        convert_response_bytes,
    )
    from dragoman.schemas.detection import Detection, detect
    from dragoman.schemas.dialect import Dialect, dialects, find, register
    from dragoman.schemas.losses import Loss
    from dragoman.schemas.nature import NaturalLoss, natural_losses
    from dragoman.schemas.streams import StreamConverter, StreamReader, assemble_stream, explode_response

__all__ = [
    "Converted",
    "Detection",
    "Dialect",
    "Loss",
    "NaturalLoss",
    "StreamConverter",
    "StreamReader",
    "accumulate",
    "assemble_stream",
    "convert_error",
    "convert_error_bytes",
    "convert_request",
    "convert_request_bytes",
    "convert_response",
    "convert_response_bytes",
    "detect",
    "dialects",
    "explode",
    "explode_response",
    "find",
    "natural_losses",
    "register",
]
# name → the room that it is in; everything else is in `convert`
_ROOMS = {
    "Detection": "detection",
    "Dialect": "dialect",
    "Loss": "losses",
    "NaturalLoss": "nature",
    "StreamConverter": "streams",
    "StreamReader": "streams",
    "accumulate": "accumulate",
    "assemble_stream": "streams",
    "detect": "detection",
    "dialects": "dialect",
    "explode": "accumulate",
    "explode_response": "streams",
    "find": "dialect",
    "natural_losses": "nature",
    "register": "dialect",
}


def __getattr__(name: str) -> object:
    """Import a room of the house when something of it is first used: start-up is part of the interface."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_ROOMS.get(name, 'convert')}"), name)
    globals()[name] = value
    return value
