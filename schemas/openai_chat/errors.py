"""Error bodies of chat and its relatives ↔ the IR: {"error": {"message", "type", "param", "code"}}."""

from __future__ import annotations

from dragoman.schemas.ir import JSON, Error, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.openai_chat.parts import NAME
from dragoman.schemas.openai_errors import decode_openai_error, encode_openai_error

__all__ = ["decode_error", "encode_error"]


def decode_error(wire: JSON, status: int | None) -> Error:
    return decode_openai_error(wire, status, NAME)


def encode_error(error: Error, losses: Losses) -> Wire:
    return encode_openai_error(error, losses, NAME)
