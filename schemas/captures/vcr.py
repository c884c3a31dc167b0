"""VCR cassettes: interactions in YAML or JSON, as vcrpy, Ruby's VCR and those that took their format from them write.

A cassette is one document, held until its end; its interactions are then taken out of YAML one by one. We write vcrpy's
format, and beside request and response what it has no place for: `dragoman`, which vcrpy passes over.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import msgspec

from dragoman.schemas.captures.compressed import GZIP, Room
from dragoman.schemas.captures.content import from_base64
from dragoman.schemas.captures.documents import MAX_WHOLE
from dragoman.schemas.captures.exchange import Captured, Headers, Item, Received, Sent, Unreadable
from dragoman.schemas.captures.formats import Format
from dragoman.schemas.captures.marks import BOM
from dragoman.schemas.captures.typed import shaped
from dragoman.schemas.captures.vcr_writing import Known, Writer
from dragoman.schemas.captures.whole import WholeReader
from dragoman.schemas.errors import InvalidInput, MalformedJSON
from dragoman.schemas.ir import JSON
from dragoman.schemas.jsontext import read_json, write_json

if TYPE_CHECKING:
    from dragoman.schemas.captures.safeyaml import Value

__all__ = ["FORMAT", "Reader", "Writer"]

FORMAT = Format(
    name="vcr",
    title="VCR cassettes (vcrpy, Ruby's VCR)",
    module=__name__,
    says=frozenset({"request", "response", "stream", "pace", "fault"}),
    writes=True,
)
_LISTS = frozenset({"interactions", "http_interactions"})
_WAY_OUT = "cut it into several cassettes"
# What Ruby calls the encoding that a text had before it was written as UTF-8.
_ENCODINGS = {"ISO-8859-1": "latin-1", "Windows-1252": "cp1252", "UTF-16LE": "utf-16-le", "UTF-16BE": "utf-16-be"}
_KINDS = frozenset({"response", "stream", "error"})
_WRAPPED = frozenset({"string", "base64_string", "encoding", "file"})


class _Message(msgspec.Struct):
    body: object = None
    parsed_body: object = None
    headers: dict[str, object] | None = None


class _Request(_Message):
    method: str | None = None
    uri: str | None = None
    url: str | None = None


class _Status(msgspec.Struct):
    code: int | None = None


class _Response(_Message):
    """`status_code` and `content` are of vcrpy's older cassettes of httpx; `code` beside `status` is of Go's VCR."""

    status: _Status | int | str | None = None
    status_code: int | None = None
    code: int | None = None
    content: object = None


class _Interaction(msgspec.Struct):
    request: _Request | None = None
    response: _Response | None = None
    recorded_at: str = ""
    id: str | int = ""
    dragoman: Known = msgspec.field(default_factory=Known)


class Reader(WholeReader):
    def __init__(self) -> None:
        problem = f"larger than {MAX_WHOLE >> 20} MiB, and it has to be read whole: {_WAY_OUT}"
        super().__init__(_items, limit=MAX_WHOLE, problem=problem)


def _items(raw: bytes) -> Iterator[Item]:
    raw = raw.removeprefix(BOM)
    return _json_items(raw) if raw.lstrip()[:1] in (b"{", b"[") else _yaml_items(raw)


def _yaml_items(raw: bytes) -> Iterator[Item]:
    from dragoman.schemas.captures.safeyaml import entries

    room = Room(_WAY_OUT)
    for number, entry in enumerate(entries(raw, _LISTS)):
        path = f"$.interactions[{number}]"
        if entry.problem:
            yield Unreadable(entry.problem, path if entry.is_one else "$", entry.line)
        else:
            yield _item(entry.value, path, line=entry.line, room=room)


def _json_items(raw: bytes) -> Iterator[Item]:
    try:
        said = read_json(raw)
    except MalformedJSON as error:
        yield Unreadable(error.problem)
        return
    room = Room(_WAY_OUT)
    for cassette in said if isinstance(said, list) else [said]:
        lists = [cassette[name] for name in sorted(_LISTS) if name in cassette] if isinstance(cassette, dict) else []
        if not lists:
            yield Unreadable("no interactions or http_interactions at its top")
        for number, value in enumerate(value for values in lists if isinstance(values, list) for value in values):
            yield _item(value, f"$.interactions[{number}]", line=0, room=room)


def _item(value: object, path: str, *, line: int, room: Room) -> Item:
    try:
        return _captured(shaped(value, _Interaction), line=line, room=room)
    except InvalidInput as error:
        return Unreadable(error.problem, path + error.path.removeprefix("$"), line)


def _captured(said: _Interaction, *, line: int, room: Room) -> Captured:
    known = said.dragoman
    return Captured(
        request=None if said.request is None else _sent(said.request),
        response=None if said.response is None else _received(said.response, known, room=room),
        id=known.id or str(said.id),
        started=known.started or _time(said.recorded_at),
        elapsed=known.elapsed,
        dialect=known.dialect,
        model=known.model,
        streams=known.streams,
        fault=known.fault,
        line=line,
    )


def _sent(said: _Request) -> Sent:
    return Sent(
        body=_body(said, said.body, "$.request"),
        method=(said.method or "POST").removeprefix(":").upper(),
        url=said.uri or said.url or "",
        headers=_headers(said),
    )


def _received(said: _Response, known: Known, *, room: Room) -> Received:
    headers = _headers(said)
    body = _body(said, said.content if said.body is None else said.body, "$.response")
    body = _plain(body, headers, room=room)
    return Received(
        body=body,
        status=_status(said),
        headers=headers,
        pace=tuple((ms, min(max(end, 0), len(body))) for ms, end in known.pace),
        kind=known.kind if known.kind in _KINDS else "",
        is_cut=known.is_cut,
    )


def _status(said: _Response) -> int:
    """Return the code; 200 where none is told, as nothing else would have been recorded without a word."""
    match said.status:
        case _Status(code=int(code)) | int(code):
            return code
        case str(text) if text[:3].isdecimal() and text[:3].isascii():
            return int(text[:3])
        case _:
            return said.status_code or said.code or 200


def _headers(said: _Message) -> Headers:
    return tuple((name, text) for name, value in (said.headers or {}).items() for text in _texts(cast("Value", value)))


def _texts(value: Value) -> list[str]:
    """Return the values of a header: one, or a list, in some recorders' cassettes a list in a list."""
    values = [each for outer in _listed(value) for each in _listed(outer)]
    return [_text(each) for each in values if each is not None]


def _listed(value: Value) -> list[Value]:
    return value if isinstance(value, list) else [value]


def _text(value: Value) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else write_json(cast(JSON, value)).decode()


def _body(said: _Message, body: object, path: str) -> bytes:
    """Return what was sent. `parsed_body` stands for a body that is JSON, and is said in its place."""
    if said.parsed_body is None:
        return _bytes(cast("Value", body), f"{path}.body")
    return write_json(cast(JSON, said.parsed_body))


def _bytes(body: Value, path: str) -> bytes:
    """Return a body: as it is said, or in a mapping that tells how it is said. Any other mapping is JSON."""
    if not isinstance(body, dict) or not set(body) <= _WRAPPED:
        return _said(body)
    match body:
        case {"base64_string": str(text)}:
            return from_base64(text, f"{path}.base64_string")
        case {"string": str(text), "encoding": str(name)} if name in _ENCODINGS:
            return _encoded(text, _ENCODINGS[name])
        case _:
            return _said(body.get("string"))


def _said(body: Value) -> bytes:
    match body:
        case None:
            return b""
        case str():
            return body.encode("utf-8", "surrogatepass")
        case bytes():
            return body
        case list() if all(isinstance(piece, (str, bytes)) for piece in body):
            return b"".join(_said(piece) for piece in body)
        case _:
            return write_json(cast(JSON, body))


def _encoded(text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")  # it was UTF-8 all along: nobody had told the client


def _plain(body: bytes, headers: Headers, *, room: Room) -> bytes:
    """Return a body as it was before it was compressed.

    The header stays where a recorder has inflated the body already (vcrpy's decode_compressed_response took it away
    only later). So the bytes decide: gzip begins with its two bytes, and what is compressed otherwise is not UTF-8.
    """
    encoding = ", ".join(value for name, value in headers if name.lower() == "content-encoding")
    if not encoding or (body[:2] != GZIP and ("gzip" in encoding.lower() or _is_text(body))):
        return body
    return room.inflated(body, encoding, "$.response.body")


def _is_text(body: bytes) -> bool:
    try:
        _ = body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _time(said: str) -> str:
    """Return a time in ISO 8601: Ruby's VCR writes it as HTTP does."""
    from email.utils import parsedate_to_datetime

    if said[:1].isdecimal():
        return said
    try:
        return parsedate_to_datetime(said).isoformat()
    except (ValueError, TypeError):
        return ""
