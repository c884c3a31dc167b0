"""Lines of Ollama's streams, for tests."""

from __future__ import annotations

import json

from dragoman.schemas.events import Event, illegal
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.streams import StreamReader

__all__ = ["COSTS", "EMPTY", "TIME", "calling", "ending", "line", "read", "saying"]

TIME = "2025-01-01T00:00:00Z"
COSTS: Wire = {"total_duration": 99, "load_duration": 7, "prompt_eval_count": 4, "eval_count": 3}
EMPTY: Wire = {"role": "assistant", "content": ""}


def line(wire: Wire) -> bytes:
    return json.dumps({"model": "m", "created_at": TIME, **wire}).encode() + b"\n"


def saying(*, logprobs: JSON = None, done: bool = False, **message: JSON) -> bytes:
    more: Wire = {} if logprobs is None else {"logprobs": logprobs}
    return line({"message": {**EMPTY, **message}, "done": done, **more})


def ending(**fields: JSON) -> bytes:
    return line({"message": EMPTY, "done": True, "done_reason": "stop", **fields})


def calling(name: str = "f", arguments: JSON = None, **fields: JSON) -> Wire:
    return {"function": {"name": name, "arguments": {} if arguments is None else arguments}, **fields}


def read(*lines: bytes, whole: bool = True) -> list[Event]:
    reader = StreamReader("ollama", whole=whole)
    events = reader.feed(b"".join(lines)) + reader.close()
    assert illegal(events) == []
    if reader.fault is not None:
        raise reader.fault
    return events
