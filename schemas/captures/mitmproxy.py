"""mitmproxy's flows (`mitmdump -w FILE`): netstrings one after another, each of them a flow → exchanges.

Of a flow only requests and responses are looked at: certificates, connections and the like are passed over. In those
the versions of the format differ by names alone (`code`, later `status_code`; `body`, before and after it `content`),
so that all are read alike. Where the framing is lost nothing after it can be found; what came before is kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from dragoman.schemas.captures.documents import MAX_WHOLE
from dragoman.schemas.captures.exchange import (
    OF_TRANSFER,
    Captured,
    Headers,
    Item,
    Pace,
    Received,
    Sent,
    Skipped,
    Unreadable,
    header,
    without_headers,
)
from dragoman.schemas.captures.formats import Format
from dragoman.schemas.captures.lines import MAX_LINE
from dragoman.schemas.captures.marks import EVENT_STREAM, STREAM_TYPES
from dragoman.schemas.captures.tnetstrings import Frame, Frames, Netstring
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.inflating import inflated

__all__ = ["FORMAT", "Reader"]

FORMAT = Format(
    name="mitmproxy",
    title="mitmproxy's flows",
    module=__name__,
    says=frozenset({"request", "response", "stream", "pace"}),
)
# A flow and its parts → the fields that are looked at
_FLOW = frozenset({"type", "id", "request", "response", "error", "websocket"})
_ERROR = frozenset({"msg"})
_MESSAGE = frozenset({"headers", "content", "body", "timestamp_start", "timestamp_end"})
_REQUEST = _MESSAGE | {"method", "scheme", "host", "port", "authority", "path"}
_RESPONSE = _MESSAGE | {"status_code", "code"}
# The type of a flow → why it holds no exchange
_OTHERS = {
    "tcp": "a TCP connection",
    "udp": "a UDP connection",
    "dns": "a DNS query",
    "websocket": "a WebSocket",
}
# The first piece of a stream
_EVENT = re.compile(rb"(?s).*?(?:\r?\n\r?\n|\r\r)")
_LINE = re.compile(rb"[^\n]*\n")
_LIKELY = 50  # times: by more text is hardly ever compressed
_PORTS = {"http": 80, "https": 443}
_ADDRESS = re.compile(r"[\d.]+|.*:.*")
_BOMBS = "the flows in front of it are bombs, small and inflated very large: take them out (mitmdump -n -r … -w …)"
_NOT_KEPT = "mitmproxy passed the body on and kept none: record without stream_large_bodies, and scripts that stream"


class Reader:
    """`limit` is that of a flow; what flows are inflated by beyond what is likely is no more than one body may be.

    A `Room` is used up once, by what is held whole: this one is filled again, as a file may be of any length.
    """

    def __init__(self, limit: int = MAX_WHOLE) -> None:
        self._frames = Frames(limit)
        self._most = self._room = min(limit, MAX_LINE)
        self._number = 0

    def feed(self, raw: bytes) -> list[Item]:
        return [self._bounded(frame) for frame in self._frames.feed(raw)]

    def close(self) -> list[Item]:
        return [self._bounded(frame) for frame in self._frames.close()]

    def _bounded(self, frame: Frame) -> Item:
        """Read a flow if there is room: a few bytes can hold many bombs. What is no bomb makes as much as it takes."""
        item = self._item(frame) if self._room > 0 else Unreadable(_BOMBS, self._path())
        self._room = min(self._room + _LIKELY * len(frame.payload) - _size(item), self._most)
        return item

    def _item(self, frame: Frame) -> Item:
        path = self._path()
        if frame.problem:
            return Unreadable(_explained(frame), path)
        try:
            return _flow(Netstring(frame.tag, memoryview(frame.payload), path))
        except InvalidInput as error:
            return Unreadable(error.problem, error.path)

    def _path(self) -> str:
        self._number += 1
        return f"$[{self._number - 1}]"


def _size(item: Item) -> int:
    sides = (item.request, item.response) if isinstance(item, Captured) else ()
    return sum(len(side.body) for side in sides if side is not None)


def _explained(frame: Frame) -> str:
    after = ", and nothing after it can be found" if frame.is_last else ", and a flow has to be held whole"
    return f"no flow can be read at byte {frame.offset}: {frame.problem}{after}"


def _flow(flow: Netstring) -> Item:
    said = flow.fields(_FLOW)
    kind = "websocket" if "websocket" in said else _text(said, "type") or "http"
    name = _text(said, "id")
    if kind != "http":
        return Skipped(_OTHERS.get(kind, "a flow of another protocol"), name[:80])
    if "request" not in said:
        raise InvalidInput(f"{flow.path}.request", "missing")
    return _exchange(name, said)


def _exchange(name: str, said: Mapping[str, Netstring]) -> Captured:
    asked = said["request"].fields(_REQUEST)
    answered = said["response"].fields(_RESPONSE) if "response" in said else {}
    sent = _time(asked, "timestamp_start")
    response = _received(answered, said["response"].path, sent) if answered else None
    fault = _text(said["error"].fields(_ERROR), "msg") if "error" in said else ""
    return Captured(
        request=_sent(asked, said["request"].path),
        response=response,
        id=name,
        started="" if sent is None else _iso(sent),
        elapsed=_since(sent, _time(answered, "timestamp_end")),
        fault="" if response is not None else fault or (_NOT_KEPT if answered else ""),
    )


def _sent(asked: Mapping[str, Netstring], path: str) -> Sent:
    headers = _headers(asked)
    method = _text(asked, "method").upper()
    body = _body(asked, headers)
    if body is None and method == "POST":
        raise InvalidInput(f"{path}.content", _NOT_KEPT)
    return Sent(
        body=body or b"", method=method, url=_url(asked, headers), headers=without_headers(headers, OF_TRANSFER)
    )


def _received(answered: Mapping[str, Netstring], path: str, sent: float | None) -> Received | None:
    """Return a response. One whose body was not kept, or broke off, is none: the `fault` tells."""
    headers = _headers(answered)
    body = _body(answered, headers)
    if body is None:
        return None
    begun = _begun(body, header(headers, "content-type"))
    return Received(
        body=body,
        status=_status(answered, path),
        headers=without_headers(headers, OF_TRANSFER),
        pace=_pace(
            (_since(sent, _time(answered, "timestamp_start")), begun),
            (_since(sent, _time(answered, "timestamp_end")), len(body)),
        ),
    )


def _status(answered: Mapping[str, Netstring], path: str) -> int:
    said = answered.get("status_code") or answered.get("code")
    if said is None:
        raise InvalidInput(f"{path}.status_code", "missing")
    status = said.number()
    if not 100 <= status <= 999:
        raise InvalidInput(said.path, f"no status of HTTP: {status:g}")
    return int(status)


def _headers(said: Mapping[str, Netstring]) -> Headers:
    return tuple(_pair(pair) for pair in said["headers"].items()) if "headers" in said else ()


def _pair(pair: Netstring) -> tuple[str, str]:
    match [part.text() for part in pair.items()]:
        case [name, value]:
            return name, value
        case _:
            raise InvalidInput(pair.path, "no name and value of a header")


def _body(said: Mapping[str, Netstring], headers: Headers) -> bytes | None:
    content = said.get("content") or said.get("body")
    if content is None:
        return None
    try:
        return inflated(content.whole(), header(headers, "content-encoding"), MAX_LINE)
    except InvalidInput as error:
        raise InvalidInput(content.path, error.problem) from error


def _url(asked: Mapping[str, Netstring], headers: Headers) -> str:
    """Return where a request went, by name: a transparent proxy knows the address alone, and the headers the name."""
    scheme, host, path = _text(asked, "scheme") or "http", _text(asked, "host"), _text(asked, "path")
    named = _text(asked, "authority") or header(headers, "host")
    if not named or (host and not _ADDRESS.fullmatch(host)):
        port = int(asked["port"].number()) if "port" in asked else 0
        named = f"[{host}]" if ":" in host else host
        named += f":{port}" if port not in (0, _PORTS.get(scheme)) else ""
    return f"{scheme}://{named}{'' if path == '*' else path}"


def _text(said: Mapping[str, Netstring], name: str) -> str:
    return said[name].text() if name in said else ""


def _time(said: Mapping[str, Netstring], name: str) -> float | None:
    return said[name].number() if name in said else None


def _iso(time: float) -> str:
    try:
        return datetime.fromtimestamp(time, UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return ""


def _since(sent: float | None, then: float | None) -> float | None:
    """Return the milliseconds between two times; None where they are not told, or run backwards."""
    return None if sent is None or then is None or then < sent else round((then - sent) * 1000, 3)


def _pace(first: tuple[float | None, int], last: tuple[float | None, int]) -> Pace:
    """Return the two times that a flow knows of: when the answer began, and when it was whole."""
    (begin, size), (end, whole) = first, last
    return () if begin is None or end is None or end < begin else ((begin, size), (end, whole))


def _begun(body: bytes, kind: str) -> int:
    """Return what is taken to have come with the first byte: the first piece of a stream, and of a document nothing."""
    if not kind.startswith(STREAM_TYPES):
        return 0
    found = (_EVENT if kind.startswith(EVENT_STREAM) else _LINE).match(body)
    return found.end() if found else 0
