"""Bodies ↔ how JSON holds them: as JSON, as text, or as base64, whichever says them whole.

Shared by every format that is JSON. A body that is JSON is put into a line as it is, digit for digit.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import cast

import msgspec
import orjson

from dragoman.schemas.errors import InvalidInput, MalformedJSON
from dragoman.schemas.ir import JSON
from dragoman.schemas.jsontext import read_json, write_json

__all__ = ["EMPTY", "from_base64", "json_body", "text_or_base64", "written"]

EMPTY = msgspec.Raw(b"")
_raw = msgspec.json.Decoder(msgspec.Raw)


def json_body(body: bytes) -> object | None:
    """Return a body to be put into a line as the JSON that it is; None where it is none."""
    try:
        _raw.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return _odd_body(body)
    return orjson.Fragment(body) if b"\n" not in body and body.isascii() else _odd_body(body)


def text_or_base64(body: bytes) -> dict[str, str]:
    """Return a body as {"text": …}, or as {"base64": …} where it is no text."""
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"base64": b64encode(body).decode()}


def from_base64(text: str, path: str) -> bytes:
    try:
        return b64decode(text)
    except (Base64Error, ValueError) as error:
        raise InvalidInput(path, "not base64") from error


def written(value: object) -> bytes:
    """Return a line of JSON in which bodies may stand as they are. Halves of surrogate pairs become question marks."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return orjson.dumps(_sound(value))


def _sound(value: object) -> object:
    """Return a value without what orjson refuses: halves of surrogate pairs, and integers over 64 bits."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case int() if value.bit_length() > 63:
            return orjson.Fragment(write_json(value))
        case list() | tuple():
            return [_sound(each) for each in cast("list[object]", value)]
        case dict():
            return {_sound(name): _sound(each) for name, each in cast("dict[object, object]", value).items()}
        case _:
            return value


def _odd_body(body: bytes) -> object | None:
    """Return JSON that goes over several lines, or is no UTF-8 for sure, in its compact form."""
    try:
        value: JSON = read_json(body)
    except MalformedJSON:
        return None
    return orjson.Fragment(write_json(value))
