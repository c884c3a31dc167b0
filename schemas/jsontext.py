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
_OFFSET = re.compile(r" \(byte (\d+)\)")
_BOM = b"\xef\xbb\xbf"
_decoder: msgspec.json.Decoder[JSON] = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()


def read_json(raw: bytes | str) -> JSON:
    """Return the value of one JSON text. Raises MalformedJSON, with the offset in bytes where it is known."""
    try:
        return _decoder.decode(raw)
    except msgspec.DecodeError as error:
        return _second_reading(raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw, error)
    except UnicodeError as error:
        raise _not_unicode(raw) from error
    except RecursionError as error:
        raise MalformedJSON("nested too deeply") from error


def _not_unicode(raw: bytes | str) -> MalformedJSON:
    """Say where in the whole text it is no Unicode: the decoder counts from the start of a string in it."""
    try:
        _ = raw.encode() if isinstance(raw, str) else raw.decode()
    except UnicodeDecodeError as error:
        return MalformedJSON("not UTF-8", error.start)
    except UnicodeEncodeError as error:
        return MalformedJSON(f"half of a surrogate pair at character {error.start}")
    return MalformedJSON("not Unicode")


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
    """Read what msgspec refused: text after a byte order mark, and halves of surrogate pairs."""
    if raw.startswith(_BOM) and not raw.startswith(_BOM * 2):  # a million of them are no million calls
        return _after_bom(raw)
    if not _SURROGATE.search(raw):
        found = _OFFSET.search(str(error))
        offset = int(found[1]) if found else len(raw)
        problem = _OFFSET.sub("", str(error)).removeprefix("JSON is malformed: ")
        raise MalformedJSON(f"not JSON: {problem}", offset) from error
    import json

    try:
        value: JSON = json.loads(raw, parse_constant=_refuse_constant)
    except json.JSONDecodeError as second:
        offset = len(second.doc[: second.pos].encode("utf-8", "surrogatepass"))
        raise MalformedJSON(f"not JSON: {second.msg}", offset) from second
    except UnicodeDecodeError as second:
        raise MalformedJSON("not UTF-8", second.start) from second
    except RecursionError as second:
        raise MalformedJSON("nested too deeply") from second
    except ValueError as second:
        raise MalformedJSON(f"not JSON: {second}") from second
    return value


def _after_bom(raw: bytes) -> JSON:
    try:
        return read_json(raw[len(_BOM) :])
    except MalformedJSON as error:
        offset = None if error.offset is None else error.offset + len(_BOM)
        raise MalformedJSON(error.problem, offset) from error


def _refuse_constant(name: str) -> JSON:
    raise ValueError(f"{name} is no JSON number")
