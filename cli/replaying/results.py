"""What became of one exchange that was sent again: a line of `--jsonl` and of `--resume`."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from dragoman.schemas.captures.typed import decoded
from dragoman.schemas.comparison import Difference
from dragoman.schemas.jsontext import write_json

__all__ = ["OUTCOMES", "SCHEMA_VERSION", "Fault", "Result", "Source", "Times", "from_line", "to_line"]

SCHEMA_VERSION = 1
OUTCOMES = ("ok", "different", "failed")
# An object of JSON: msgspec decodes no alias that names itself.
_Wire: TypeAlias = dict[str, Any]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where the exchange was recorded. `entry` counts from 1 over all files; `repeat` from 1, with --repeat."""

    file: str
    entry: int
    line: int | None = None
    id: str = ""
    repeat: int = 1


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds. `started` counts from the beginning of the run, the others from when the request was made, but for
    `last_attempt`: how long the last attempt took, without those before it and the pauses between."""

    started: float
    total: float
    first_byte: float | None = None
    first_output: float | None = None
    last_attempt: float | None = None


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Why there is no whole answer. `status` is what HTTP said, where it said something; `exit_status` is what this
    alone would end a command with, `hint` a way out."""

    kind: str
    message: str
    status: int | None = None
    exit_status: int = 1
    hint: str = ""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """`key` names the exchange in this run and in its continuation. `outcome` is one of OUTCOMES. Profile, dialect and
    model are those of who answered, or was asked last."""

    key: str
    source: Source
    outcome: str
    profile: str
    dialect: str
    times: Times
    model: str | None = None
    streams: bool = False
    attempts: int = 1
    attempted: tuple[_Wire, ...] = ()  # each attempt: who, how it went, what followed
    usage: _Wire | None = None  # input_tokens, output_tokens, cache_read, cache_write, reasoning, cost
    cost_source: str | None = None  # "reported", or "estimated"
    finish: str | None = None
    text: str = ""
    tool_calls: tuple[_Wire, ...] = ()  # {"id", "name", "arguments"}
    request_id: str | None = None
    losses: int = 0
    differences: tuple[Difference, ...] = ()
    error: Fault | None = None
    schema_version: int = SCHEMA_VERSION
    type: str = "result"


def to_line(result: Result) -> bytes:
    """Return the result as a line of JSON, with its line feed. A text may hold half a letter, which a provider cut."""
    try:
        return msgspec.json.encode(result) + b"\n"
    except UnicodeEncodeError:
        return write_json(msgspec.to_builtins(result)) + b"\n"


def from_line(raw: bytes) -> Result:
    """Return the result that a line says. Raises InvalidInput for any other line."""
    return decoded(raw, Result)
