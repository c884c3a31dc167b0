"""VCR cassettes: interactions in YAML or JSON, as vcrpy, Ruby's VCR and those that took their format from them write.

A cassette is one document, held until its end; its interactions are then taken out of YAML one by one. We write vcrpy's
format, and beside request and response what it has no place for: `dragoman`, which vcrpy passes over.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import msgspec
import orjson

from dragoman.schemas.captures.compressed import GZIP, Room
from dragoman.schemas.captures.content import from_base64
from dragoman.schemas.captures.documents import MAX_WHOLE
from dragoman.schemas.captures.exchange import Captured, Headers, Item, Pace, Received, Sent, Unreadable
from dragoman.schemas.captures.formats import Format
from dragoman.schemas.captures.typed import shaped
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
_BOM = b"\xef\xbb\xbf"
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


class _Known(msgspec.Struct, omit_defaults=True):
    """What we write beside an interaction."""

    id: str = ""
    started: str = ""
    elapsed: float | None = None
    dialect: str = ""
    model: str | None = None
    streams: bool | None = None
    fault: str = ""
    kind: str = ""
    is_cut: bool = False
    pace: Pace = ()


class _Interaction(msgspec.Struct):
    request: _Request | None = None
    response: _Response | None = None
    recorded_at: str = ""
    id: str | int = ""
    dragoman: _Known = msgspec.field(default_factory=_Known)


class Reader:
    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, raw: bytes) -> list[Item]:
        self._size += len(raw)
        if self._size > MAX_WHOLE:
            self._pieces.clear()
        else:
            self._pieces.append(raw)
        return []

    def close(self) -> list[Item]:
        if self._size > MAX_WHOLE:
            problem = f"larger than {MAX_WHOLE >> 20} MiB, and it has to be read whole: {_WAY_OUT}"
            return [Unreadable(problem)]
        raw = b"".join(self._pieces).removeprefix(_BOM)
        self._pieces = []
        return list(_json_items(raw) if raw.lstrip()[:1] in (b"{", b"[") else _yaml_items(raw))


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


def _received(said: _Response, known: _Known, *, room: Room) -> Received:
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


# ---- writing ---------------------------------------------------------------------------------------------------------

_LONGEST_KEY = 500  # characters: YAML wants a mark before a longer one


class Writer:
    """What is written is ASCII, as by vcrpy, because it is read in whatever encoding a machine has.

    Bodies are inflated, and headers do not say otherwise. An exchange without a response has a null there, which vcrpy
    passes over.
    """

    def __init__(self) -> None:
        self._is_begun = False

    def feed(self, captured: Captured) -> list[bytes]:
        begun, self._is_begun = self._is_begun, True
        return [b"" if begun else b"version: 1\ninteractions:\n", _written(captured).encode("ascii")]

    def close(self) -> list[bytes]:
        return [] if self._is_begun else [b"version: 1\ninteractions: []\n"]


def _written(captured: Captured) -> str:
    sent, received = captured.request, captured.response
    known = _known(captured)
    return "".join(
        (
            "- request:" + (" null\n" if sent is None else _asked(sent)),
            "  response:" + (" null\n" if received is None else _answered(received)),
            f"  dragoman: {known}\n" if known != "{}" else "",
        )
    )


def _known(captured: Captured) -> str:
    received = captured.response or Received()
    known = _Known(
        id=_clean(captured.id),
        started=_clean(captured.started),
        elapsed=captured.elapsed,
        dialect=captured.dialect,
        model=None if captured.model is None else _clean(captured.model),
        streams=captured.streams,
        fault=_clean(captured.fault),
        kind=received.kind,
        is_cut=received.is_cut,
        pace=received.pace,
    )
    return _ascii(msgspec.json.encode(known))


def _asked(sent: Sent) -> str:
    return (
        f"\n    method: {_scalar(sent.method)}\n    uri: {_scalar(sent.url)}\n"
        f"    body: {_content(sent.body, 6)}\n    headers:{_header_lines(sent.headers)}\n"
    )


def _answered(received: Received) -> str:
    return (
        f"\n    status:\n      code: {received.status}\n      message: ''\n"
        f"    headers:{_header_lines(_of_plain(received))}\n"
        f"    body:\n      string: {_content(received.body, 8)}\n"
    )


def _of_plain(received: Received) -> Headers:
    """Return the headers of a body that is neither compressed nor in chunks any more."""
    size = str(len(received.body))
    return tuple(
        (name, size if name.lower() == "content-length" else value)
        for name, value in received.headers
        if name.lower() not in ("content-encoding", "transfer-encoding")
    )


def _header_lines(headers: Headers) -> str:
    values: dict[str, list[str]] = {}
    spelled: dict[str, str] = {}
    for name, value in headers:
        values.setdefault(spelled.setdefault(name.lower(), name), []).append(value)
    if not values:
        return " {}"
    return "".join(
        f"\n      {_key(name)}" + "".join(f"\n      - {_scalar(value)}" for value in each)
        for name, each in values.items()
    )


def _key(name: str) -> str:
    said = _scalar(name)
    return f"{said}:" if len(said) < _LONGEST_KEY else f"? {said}\n      :"


def _content(body: bytes, indent: int) -> str:
    """Return a body as text, or as the bytes that it is."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return f"!!binary '{b64encode(body).decode()}'"
    return _block(text, indent) if _BLOCK.match(text) else _scalar(text)


# Lines that YAML leaves alone: they are what an event stream is made of, and a person may want to read it.
_BLOCK = re.compile(r"[ -~\n]*\n[ -~\n]*\Z")


def _block(text: str, indent: int) -> str:
    """Return lines as they are: the indentation is told, and so is whether they end with a line feed."""
    lines = text.removesuffix("\n").split("\n")
    space = " " * indent
    return ("|2+" if text.endswith("\n") else "|2-") + "".join(f"\n{space}{line}" if line else "\n" for line in lines)


def _scalar(text: str) -> str:
    if text.isascii() and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return _ascii(orjson.dumps(_clean(text)))


def _ascii(said: bytes) -> str:
    """Return JSON as YAML without a letter that is not ASCII: \\xe4, \\u20ac and \\U0001f499 are YAML's own escapes."""
    return said.decode().encode("ascii", "backslashreplace").decode().replace("\x7f", "\\x7f")


def _clean(text: str) -> str:
    """Return a text without halves of surrogate pairs, which YAML has no place for."""
    return text.encode("utf-8", "replace").decode()
