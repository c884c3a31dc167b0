"""`--record FILE`: exchanges → JSON Lines, one a line, each written when it has ended (schemas/exchange.schema.json).

The file is private (0600) and only ever grows; a line is there whole or not at all. Everything has been through
`Secrets` before it comes here. Times are milliseconds since the exchange began, so that a stream can be played again
with its pace. Of an answer that is very long, the beginning is kept, and `truncated` says so.
"""

from __future__ import annotations

import os
import time
from base64 import b64encode
from collections.abc import Mapping
from types import TracebackType

from dragoman.providers.account import attempt_fields, cost_fields
from dragoman.providers.clock import Clock, SystemClock
from dragoman.providers.exchange import Call, Exchange, Outcome, Timing
from dragoman.providers.linefile import LineFile
from dragoman.schemas.errors import MalformedJSON
from dragoman.schemas.ir import JSON, Usage, Wire
from dragoman.schemas.jsontext import read_json

__all__ = ["LIMIT", "Recorder", "Recording"]

SCHEMA_VERSION = 1
LIMIT = 64 << 20  # bytes of one exchange's answer that are kept


class Recorder:
    """Opens the file at once: who cannot write there learns so before anything is sent. Raises OSError."""

    def __init__(self, path: str | os.PathLike[str], *, clock: Clock | None = None, limit: int = LIMIT) -> None:
        self.clock = clock or SystemClock()
        self.limit = limit
        self._file = LineFile(path)

    def begin(self, exchange: Exchange) -> Recording:
        return Recording(self, exchange)

    def write(self, line: Wire) -> None:
        self._file.write(line)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Recording:
    """One exchange, as it goes on. Of several attempts, the last one's request and answer are kept, under the name of
    who was asked last."""

    def __init__(self, recorder: Recorder, exchange: Exchange) -> None:
        self._recorder, self._exchange = recorder, exchange
        self._began, self._today = recorder.clock.now(), recorder.clock.today()
        self._call: Call | None = None
        self._attempts: list[Wire] = []
        self._response: Wire | None = None
        self._chunks: list[tuple[float, bytes]] = []
        self._room = recorder.limit
        self._is_truncated = False

    def on_request(self, call: Call, number: int) -> None:
        self._call, self._response = call, None
        self._chunks, self._room, self._is_truncated = [], self._recorder.limit, False
        self._attempts.append({"number": number, "ms": self._now(), "status": None})

    def on_response(self, status: int, headers: Mapping[str, str], number: int) -> None:
        self._response = {"status": status, "headers": {**headers}, "ms": self._now()}
        self._attempts[-1] = {**self._attempts[-1], "status": status}

    def on_chunk(self, chunk: bytes, number: int) -> None:
        kept = chunk[: self._room]
        self._is_truncated = self._is_truncated or len(kept) < len(chunk)
        self._room -= len(kept)
        if kept:
            self._chunks.append((self._now(), kept))

    def on_end(self, outcome: Outcome) -> None:
        self._recorder.write(
            {
                "schema_version": SCHEMA_VERSION,
                "type": "exchange",
                "id": "ex_" + os.urandom(8).hex(),
                "started": _iso(self._today),
                **_known(outcome.exchange or self._exchange),
                "request": self._asked(),
                "response": self._answered(),
                "attempts": list[JSON](self._told(outcome)),
                "timing": _timing(outcome.timing),
                "usage": _usage(outcome.usage),
                **_cost(outcome),
                "request_id": outcome.request_id,
                "error": {"kind": outcome.error[0], "message": outcome.error[1]} if outcome.error else None,
                "complete": outcome.is_whole,
                "truncated": self._is_truncated,
            }
        )

    def _told(self, outcome: Outcome) -> list[Wire]:
        """Return the attempts with how each of them went, and who was passed over between them."""
        made = {str(attempt["number"]): attempt for attempt in self._attempts}
        told: list[Wire] = []
        for attempted in outcome.attempts:
            seen = made.pop(str(attempted.number), None) or {"ms": _ms(attempted.began), "status": None}
            told.append({**seen, **attempt_fields(attempted)})
        return [*told, *made.values()]

    def _now(self) -> float:
        return _ms(self._recorder.clock.now() - self._began)

    def _asked(self) -> JSON:
        call = self._call
        if call is None:
            return None
        kept = call.body[: self._recorder.limit]
        self._is_truncated = self._is_truncated or len(kept) < len(call.body)
        return {"method": call.method, "url": call.url, "headers": {**call.headers}, **_content(kept)}

    def _answered(self) -> JSON:
        if self._response is None:
            return None
        if self._exchange.operation != "stream" or self._response["status"] != 200:
            return {**self._response, **_content(b"".join(chunk for _, chunk in self._chunks))}
        return {**self._response, "chunks": [{"ms": ms, **_text(chunk)} for ms, chunk in self._chunks]}


def _known(exchange: Exchange) -> Wire:
    return {name: getattr(exchange, name) for name in Exchange.__struct_fields__}


def _content(raw: bytes) -> Wire:
    """Return a body as JSON, or as text, or as base64: as what it can be said."""
    try:
        return {"body": read_json(raw)} if raw else {}
    except MalformedJSON:
        return _text(raw)


def _text(raw: bytes) -> Wire:
    try:
        return {"text": raw.decode()}
    except UnicodeDecodeError:
        return {"base64": b64encode(raw).decode()}


def _timing(timing: Timing) -> Wire:
    seconds = {"first_byte": timing.first_byte, "first_output": timing.first_output, "total": timing.total}
    return {name: None if said is None else _ms(said) for name, said in seconds.items()}


def _cost(outcome: Outcome) -> Wire:
    """Return what it cost as an object, where that is known."""
    if outcome.cost is None:
        return {}
    fields = cost_fields(outcome.cost)
    return {"cost": {"amount": fields.pop("cost"), **{name.removeprefix("cost_"): fields[name] for name in fields}}}


def _usage(usage: Usage | None) -> JSON:
    counts = ("input_tokens", "output_tokens", "cache_read", "cache_write", "reasoning", "cost")
    said: Wire = {name: getattr(usage, name) for name in counts if getattr(usage, name, None) is not None}
    finer = ("cache_write_1h", "input_audio", "input_image", "output_audio", "output_image")
    said.update({name: value for name in finer if (value := getattr(usage, name, None))})
    for name in ("tool_uses", "cost_parts"):
        if told := getattr(usage, name, None):
            said[name] = {**told}
    return said or None


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _iso(seconds: float) -> str:
    whole = int(seconds)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{int((seconds - whole) * 1000):03d}Z"
