"""What the batch files of all vendors have in common: how entries lie in a document, and how exchanges become lines.

A file of requests goes to the vendor, and a file of answers comes back in any order; the ids of the lines pair them.
No vendor takes a stream in a batch, nor an id twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeAlias

import msgspec
from msgspec.structs import replace

from dragoman.schemas.captures.content import EMPTY, json_body, written
from dragoman.schemas.captures.exchange import Captured, Item, Received, Sent, Unreadable
from dragoman.schemas.captures.marks import is_list
from dragoman.schemas.captures.typed import decoded
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import JSON
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.narrow import as_object, text

__all__ = [
    "NEITHER",
    "BatchWriter",
    "Ids",
    "Line",
    "code_and_message",
    "each",
    "entries",
    "fault_of",
    "fault_parts",
    "is_error",
    "named",
    "page",
    "present",
]

NEITHER = "neither a request nor an answer is there"
Entry: TypeAlias = Callable[[bytes, int], Item]
Line: TypeAlias = dict[str, object]

_CODE = re.compile(r"([a-z][a-z_]{2,39})(?:: (.*))?", re.DOTALL)
_ANSWER = "an answer, where a line holds a request alone"
_STREAM = "a stream, where a batch holds whole responses"
_STREAMING = "what asks for a stream, which no batch takes"
_REWRITTEN = "an id as it was: the API refuses it, or it was there before"
_NO_REQUEST = "a request that is no JSON object"
_NO_ANSWER = "an answer that is no JSON"


# ---- reading ---------------------------------------------------------------------------------------------------------


def entries(raw: bytes, line: int, *, read: Entry) -> Iterator[Item]:
    """Yield what is in a document: one entry, or a list of them."""
    if is_list(raw):
        yield from each(decoded(raw, list[msgspec.Raw]), line, read=read)
    else:
        yield read(raw, line)


def each(raws: Iterable[msgspec.Raw], line: int, *, read: Entry, path: str = "$") -> Iterator[Item]:
    """Yield the entries of a list, of which one that cannot be read does not hide the others."""
    for index, raw in enumerate(raws):
        at = f"{path}[{index}]"
        try:
            yield read(bytes(raw), line)
        except InvalidInput as error:
            yield Unreadable(error.problem, at + error.path.removeprefix("$"), line)


def present(raw: msgspec.Raw) -> bytes:
    """Return a field as it stands; nothing where it is missing or null."""
    said = bytes(raw)
    return b"" if said == b"null" else said


def named(said: str | int | None) -> str:
    """Return an id, which some tools turn into a number."""
    return "" if said is None else str(said)


def code_and_message(error: JSON) -> tuple[str, str]:
    """Return what an error calls itself, and what it says, as far as it says it."""
    if not isinstance(error, dict):
        return "", text(error) or ""
    code = error.get("code")
    return str(code) if isinstance(code, (str, int)) else "", text(error.get("message")) or ""


def fault_of(code: str, message: str) -> str:
    """Return why there is no answer: the code first, so that `fault_parts` finds it again."""
    return ": ".join(filter(None, (code, message))) or "no answer, and no reason"


def fault_parts(fault: str) -> tuple[str, str]:
    """Return the code and the message of a fault; no code where it has none."""
    found = _CODE.fullmatch(fault)
    return (found[1], found[2] or "") if found else ("", fault)


# ---- writing ---------------------------------------------------------------------------------------------------------


class Ids:
    """Makes ids fit, and one of a kind: the same ones every time. Holds every id, and nothing else."""

    def __init__(self, fit: Callable[[str], str] = str) -> None:
        self._fit = fit
        self._seen: dict[str, int] = {}

    def take(self, wanted: str) -> str:
        wanted = fitting = self._fit(wanted.encode("utf-8", "replace").decode())
        count = self._seen.get(wanted, 0)
        while fitting in self._seen:
            count += 1
            fitting = self._fit(f"{wanted}-{count + 1}")
        self._seen[wanted] = count
        self._seen.setdefault(fitting, 0)
        return fitting


class Said(Protocol):
    """Makes a line of an exchange: `body` is that of the request or of the answer, as JSON. It is None where there is
    no answer, and for an error that is a page of text."""

    def __call__(self, custom_id: str, captured: Captured, *, body: object) -> Line: ...


class _Streams(msgspec.Struct):
    stream: msgspec.Raw = EMPTY


class BatchWriter:
    """Writes the request of an exchange, or its answer where there is no request. A request and an answer of one id
    both keep it, so that they pair. `left_out` counts what could not be said, by reason."""

    def __init__(
        self, asked: Said, answered: Said, *, fit: Callable[[str], str] = str, streaming: frozenset[str] = frozenset()
    ) -> None:
        self.left_out: dict[str, int] = {}
        self._asked, self._answered, self._streaming = asked, answered, streaming
        self._of_requests, self._of_answers = Ids(fit), Ids(fit)
        self._number = 0

    def feed(self, captured: Captured) -> list[bytes]:
        self._number += 1
        line = self._answer(captured) if captured.request is None else self._request(captured, captured.request)
        return [] if line is None else [written(line) + b"\n"]

    def close(self) -> list[bytes]:
        return []

    def _request(self, captured: Captured, sent: Sent) -> Line | None:
        try:
            raw = self._without_stream(sent.body)
        except InvalidInput:
            self._leave_out(_NO_REQUEST)
            return None
        if captured.response is not None or captured.fault:
            self._leave_out(_ANSWER)
        asking = replace(captured, request=replace(sent, body=raw))
        return self._asked(self._id(captured.id, self._of_requests), asking, body=json_body(raw))

    def _answer(self, captured: Captured) -> Line | None:
        received = captured.response
        if received is not None and received.kind == "stream":
            self._leave_out(_STREAM)
            return None
        body = None if received is None else json_body(received.body)
        if received is not None and body is None and not is_error(received):
            self._leave_out(_NO_ANSWER)
            return None
        return self._answered(self._id(captured.id, self._of_answers), captured, body=body)

    def _id(self, wanted: str, ids: Ids) -> str:
        said = ids.take(wanted or f"entry-{self._number}")
        if wanted and said != wanted:
            self._leave_out(_REWRITTEN)
        return said

    def _without_stream(self, raw: bytes) -> bytes:
        """Return a request that asks for no stream, untouched unless it does. Raises InvalidInput."""
        if bytes(decoded(raw, _Streams).stream) != b"true" or not self._streaming:
            return raw
        self._leave_out(_STREAMING)
        wire = as_object(read_json(raw), ())
        return write_json({name: value for name, value in wire.items() if name not in self._streaming})

    def _leave_out(self, reason: str) -> None:
        self.left_out[reason] = self.left_out.get(reason, 0) + 1


def is_error(received: Received) -> bool:
    """Tell an error, also one that came with the status of a success."""
    return received.kind == "error" or received.status >= 400


def page(received: Received) -> str:
    """Return what an error says that is no JSON: a proxy's page, or nothing at all."""
    return received.body.decode("utf-8", "replace") or f"status {received.status}, and nothing said"
