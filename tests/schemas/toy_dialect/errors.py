"""Toy errors ↔ the IR."""

from __future__ import annotations

from dragoman.schemas.ir import JSON, Error, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_object, as_text


def decode_error(wire: JSON, status: int | None) -> Error:
    return Error(message=as_text(as_object(wire, ()).get("oops"), ("oops",)), kind="unknown", status=status)


def encode_error(error: Error, losses: Losses) -> Wire:
    return {"oops": error.message}
