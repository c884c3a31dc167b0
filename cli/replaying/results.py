"""What became of one exchange that was sent again: a line of `--jsonl` and of `--resume`."""

from __future__ import annotations

import msgspec

from dragoman.schemas.ir import JSON, Wire

__all__ = ["SCHEMA_VERSION", "DifferenceLine", "Fault", "Result", "Source", "Times", "from_line", "to_line"]

SCHEMA_VERSION = 1


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where the exchange was recorded. `entry` counts from 1 over all files; `repeat` from 1, with --repeat."""

    file: str
    entry: int
    line: int | None = None
    id: str = ""
    repeat: int = 1


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds. `started` counts from the beginning of the run, the others from when the request was made."""

    started: float
    total: float
    first_byte: float | None = None
    first_output: float | None = None


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Why there is no whole answer. `status` is what HTTP said, where it said something."""

    kind: str
    message: str
    status: int | None = None


class DifferenceLine(msgspec.Struct, frozen=True, kw_only=True):
    """Where the answer is otherwise than recorded: `what` is one of a few, to be counted."""

    what: str
    path: str
    recorded: JSON = None
    replayed: JSON = None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """`key` names the exchange in this run and in its continuation. `outcome` is "ok", "different" or "failed"."""

    key: str
    source: Source
    outcome: str
    profile: str
    dialect: str
    times: Times
    model: str | None = None
    streams: bool = False
    attempts: int = 1
    usage: Wire | None = None  # input_tokens, output_tokens, cache_read, cache_write, reasoning, cost
    finish: str | None = None
    text: str = ""
    tool_calls: tuple[Wire, ...] = ()  # {"id", "name", "arguments"}
    request_id: str | None = None
    losses: int = 0
    differences: tuple[DifferenceLine, ...] = ()
    error: Fault | None = None
    schema_version: int = SCHEMA_VERSION
    type: str = "result"


def to_line(result: Result) -> bytes:
    """Return the result as a line of JSON, with its line feed."""
    return msgspec.json.encode(result) + b"\n"


def from_line(raw: bytes) -> Result:
    """Return the result that a line says. Raises msgspec.DecodeError or ValidationError for any other line."""
    return msgspec.json.decode(raw, type=Result)
