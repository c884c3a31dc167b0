"""JSON text ↔ values, with our errors.

msgspec reads and orjson writes: each is the faster one at it, orjson by eight times on a megabyte of base64. Big
integers and 1.0 come through digit for digit. Half of a surrogate pair (an emoji that a provider cut in two) is real,
and goes by way of the slower standard library, as \\ud83d.
"""

from __future__ import annotations

import re

import msgspec
import orjson

from dragoman.schemas.errors import InvalidInput, MalformedJSON
from dragoman.schemas.ir import JSON

__all__ = ["read_json", "write_json"]

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_OFFSET = re.compile(r"\(byte (\d+)\)")
_BOM = b"\xef\xbb\xbf"
_decoder: msgspec.json.Decoder[JSON] = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()


def read_json(raw: bytes | str) -> JSON:
    """Return the value of one JSON text. Raises MalformedJSON."""
    try:
        return _decoder.decode(raw)
    except msgspec.DecodeError as error:
        return _second_reading(raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw, error)
    except UnicodeDecodeError as error:
        raise MalformedJSON(f"not UTF-8 at byte {error.start}", error.start) from error
    except UnicodeEncodeError as error:
        raise MalformedJSON(f"half of a surrogate pair at character {error.start}", error.start) from error
    except RecursionError as error:
        raise MalformedJSON("nested too deeply") from error


def write_json(value: JSON) -> bytes:
    """Return a value as compact JSON in UTF-8."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return _write_odd(value)


def _write_odd(value: JSON) -> bytes:
    """Write what orjson refuses: integers over 64 bits, deep nesting, halves of surrogate pairs."""
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        import json

        return json.dumps(value, separators=(",", ":")).encode()
    except RecursionError as error:
        raise InvalidInput("$", "nested too deeply") from error
    except TypeError as error:
        raise InvalidInput("$", f"not JSON: {error}") from error


def _second_reading(raw: bytes, error: msgspec.DecodeError) -> JSON:
    if raw.startswith(_BOM):
        return read_json(raw[3:])
    if not _SURROGATE.search(raw):
        found = _OFFSET.search(str(error))
        offset = int(found[1]) if found else len(raw)
        raise MalformedJSON(f"not JSON: {error}", offset) from error
    import json

    try:
        value: JSON = json.loads(raw, parse_constant=_refuse_constant)
    except json.JSONDecodeError as second:
        raise MalformedJSON(f"not JSON: {second.msg} (character {second.pos})", second.pos) from second
    except UnicodeDecodeError as second:
        raise MalformedJSON(f"not UTF-8 at byte {second.start}", second.start) from second
    except RecursionError as second:
        raise MalformedJSON("nested too deeply") from second
    except ValueError as second:
        raise MalformedJSON(f"not JSON: {second}") from second
    return value


def _refuse_constant(name: str) -> JSON:
    raise ValueError(f"{name} is no JSON number")
