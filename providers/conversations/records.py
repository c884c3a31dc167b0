"""Answers and records of the field cache as bytes, and back: JSON, as `schemas.unified` says it.

Big integers and halves of surrogate pairs come through. A `Row` has beside the bytes what is needed to find them:
nothing is decoded to look for something.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import cast

import msgspec

from dragoman.providers.conversations import Kept, Values
from dragoman.schemas.errors import InvalidInput, StateFault
from dragoman.schemas.ir import JSON, Request, Wire
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.unified import as_kept, node_from

__all__ = ["Row", "check_name", "is_name", "kept_of", "raw_of", "row_of", "values_of"]

MOST_NAME = 1000  # characters of an id, a session or the name of a record
_LOGGER = logging.getLogger("dragoman.providers")


class Row(msgspec.Struct, frozen=True):
    id: str
    at: float
    turn: int
    previous: str | None
    raw: bytes


def is_name(text: str) -> bool:
    """Tell whether something can be kept by this name: it is not empty, not long, and can be written as UTF-8."""
    return 0 < len(text) <= MOST_NAME and not any("\ud800" <= letter <= "\udfff" for letter in text)


def check_name(what: str, text: str) -> None:
    if not is_name(text):
        raise StateFault(f"{what}: {text[:40]!r} is no name: 1 to {MOST_NAME} characters of Unicode are one")


# ----------------------------------------------------------------------------------------------------------- answers
def row_of(kept: Kept) -> Row:
    check_name("the id of an answer", kept.id)
    if kept.previous is not None:
        check_name("the id of the answer before", kept.previous)
    plain = msgspec.structs.replace(kept, request=Request(messages=()), response=None)
    try:
        request, response = as_kept(kept.request), None if kept.response is None else as_kept(kept.response)
        wire: Wire = {**cast("Wire", msgspec.to_builtins(plain)), "request": request, "response": response}
        raw = write_json(wire)
    except InvalidInput:
        raise StateFault("what is nested so deeply cannot be kept") from None
    return Row(kept.id, kept.created, kept.turn, kept.previous, raw)


def kept_of(raw: bytes) -> Kept:
    """Return the answer. Raises StateFault for one that cannot be read."""
    try:
        return node_from(read_json(raw), Kept)
    except (InvalidInput, RecursionError) as error:
        raise StateFault(f"an answer that is kept cannot be read: {_place(error)}") from None


def _place(error: Exception) -> str:
    """Return where it cannot be read; what stands there is private."""
    return error.path if isinstance(error, InvalidInput) else "nested too deeply"


# ------------------------------------------------------------------------------------------- records of the field cache
def raw_of(values: Mapping[str, Wire]) -> bytes:
    """Return the bytes of a record; none, where there is nothing in it."""
    return write_json(cast("JSON", dict(values))) if values else b""


def values_of(raw: bytes | None) -> Values:
    """Return what is in a record: nothing, where it cannot be read."""
    if not raw:
        return {}
    try:
        values = read_json(raw)
    except (InvalidInput, RecursionError):
        values = None
    if isinstance(values, dict):
        return {name: value for name, value in values.items() if isinstance(value, dict)}
    _LOGGER.debug("a record of the field cache cannot be read: it begins anew")
    return {}
