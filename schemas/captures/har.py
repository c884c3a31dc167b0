"""HAR 1.2, as browsers and proxies save it: a whole HAR, a list of entries, or either of them one a line.

Bodies stand there inflated, whatever the headers say of it, so those headers are left out. What HAR has no place for
(an id, the pace of a stream) stands in fields that begin with _, as it allows; those of the browsers are read, too, and
passed over where they are not what was expected: they are nobody's standard.
See http://www.softwareishard.com/blog/har-12-spec/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeAlias
from urllib.parse import urlencode

import msgspec

from dragoman.schemas.captures.compressed import GZIP, Room
from dragoman.schemas.captures.content import EMPTY, from_base64
from dragoman.schemas.captures.exchange import OF_TRANSFER, Captured, Headers, Item, Received, Sent, Unreadable, header
from dragoman.schemas.captures.formats import Format
from dragoman.schemas.captures.har_timing import Timed, as_expected, as_sent, pace, rebuilt, started
from dragoman.schemas.captures.har_writing import NO_PLACE, Writer
from dragoman.schemas.captures.marks import is_list
from dragoman.schemas.captures.typed import decoded
from dragoman.schemas.errors import InvalidInput

__all__ = ["FORMAT", "Writer", "read"]

FORMAT = Format(
    name="har",
    title="HAR 1.2",
    module=__name__,
    says=frozenset({"request", "response", "stream", "pace", "fault"}),
    writes=True,
    by_documents=True,
)
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]*[=\s]*")


class _Named(msgspec.Struct):
    """Of a header or a parameter."""

    name: str = ""
    value: str | int | float | None = None


_Names: TypeAlias = list[_Named | list[str | int | float | None]] | dict[str, str | int | float | None] | None


class _Posted(msgspec.Struct):
    text: str | None = None
    encoding: str | None = None
    params: list[_Named] | None = None


class _Content(msgspec.Struct):
    text: str | None = None
    encoding: str | None = None
    size: float | None = None


class _Request(msgspec.Struct):
    method: str
    url: str
    headers: _Names = None
    posted: _Posted | None = msgspec.field(name="postData", default=None)
    content: msgspec.Raw = msgspec.field(name="_content", default=EMPTY)  # HTTP Toolkit's, of what is no text


class _Response(msgspec.Struct):
    status: float | None = None
    status_text: str | None = msgspec.field(name="statusText", default=None)
    headers: _Names = None
    content: _Content | None = None
    error: msgspec.Raw = msgspec.field(name="_error", default=EMPTY)  # Chromium's and mitmproxy's
    failure: msgspec.Raw = msgspec.field(name="_failureText", default=EMPTY)  # Playwright's
    state: msgspec.Raw = msgspec.field(name="_charlesStatus", default=EMPTY)


class _Entry(Timed, kw_only=True):
    request: _Request
    response: _Response | None = None
    was_aborted: msgspec.Raw = msgspec.field(name="_wasAborted", default=EMPTY)  # Playwright's
    id: msgspec.Raw = msgspec.field(name="_id", default=EMPTY)  # from here on: ours
    dialect: msgspec.Raw = msgspec.field(name="_dialect", default=EMPTY)
    model: msgspec.Raw = msgspec.field(name="_model", default=EMPTY)
    streams: msgspec.Raw = msgspec.field(name="_streams", default=EMPTY)


class _Log(msgspec.Struct):
    entries: list[msgspec.Raw]


class _File(msgspec.Struct):
    log: _Log | msgspec.UnsetType = msgspec.UNSET


def read(raw: bytes, line: int) -> Iterator[Item]:
    document = _Document(line)
    if not is_list(raw):
        yield from document.items(raw, "$")
        return
    for number, each in enumerate(decoded(raw, list[msgspec.Raw])):
        yield from document.items(bytes(each), f"$[{number}]")


class _Document:
    def __init__(self, line: int) -> None:
        self._line = line
        self._room = Room("one entry a line can be of any number")

    def items(self, raw: bytes, path: str) -> Iterator[Item]:
        """Return what is in a HAR, or in an entry without one."""
        try:
            log = decoded(raw, _File).log
        except InvalidInput as error:
            yield self._unreadable(error, path)
            return
        if isinstance(log, msgspec.UnsetType):
            yield self._item(raw, path)
            return
        for number, each in enumerate(log.entries):
            yield self._item(bytes(each), f"{path}.log.entries[{number}]")

    def _item(self, raw: bytes, path: str) -> Item:
        try:
            return self._captured(decoded(raw, _Entry))
        except InvalidInput as error:
            return self._unreadable(error, path)

    def _unreadable(self, error: InvalidInput, path: str) -> Unreadable:
        return Unreadable(error.problem, path + error.path.removeprefix("$"), self._line)

    def _captured(self, said: _Entry) -> Captured:
        answer = said.response
        received = self._received(answer, said) if answer is not None and _is_answered(answer) else None
        return Captured(
            request=self._sent(said.request),
            response=received,
            id=as_expected(said.id, str) or "",
            started=started(said),
            elapsed=said.time if said.time is not None and said.time > 0 else None,
            dialect=as_expected(said.dialect, str) or "",
            model=as_expected(said.model, str),
            streams=as_expected(said.streams, bool),
            fault="" if received is not None else _fault(said),
            line=self._line,
        )

    def _sent(self, said: _Request) -> Sent | None:
        headers = _headers(said.headers)
        body = self._posted(said)
        url = said.url.removeprefix(NO_PLACE) if said.url.startswith(f"{NO_PLACE}/") else said.url
        if url == "/" and said.url != url:
            return Sent(body=body, method=said.method, headers=headers) if body else None
        return Sent(body=body, method=said.method, url=url, headers=headers)

    def _posted(self, said: _Request) -> bytes:
        posted, content = said.posted, as_expected(said.content, _Content)
        if content is not None and content.text:
            return self._body(content, said.headers, "$.request._content.text")
        if posted is None:
            return b""
        if posted.text or not posted.params:
            return self._body(_Content(posted.text, posted.encoding), said.headers, "$.request.postData.text")
        return urlencode([(named.name, _text(named.value)) for named in posted.params]).encode()

    def _received(self, said: _Response, entry: _Entry) -> Received:
        content, headers = said.content or _Content(), _headers(said.headers)
        kind = header(headers, "content-type").lower()
        body = self._body(content, said.headers, "$.response.content.text")
        body = (body if _is_base64(content) else as_sent(body, kind)) or rebuilt(entry)
        return Received(
            body=body,
            status=int(said.status or 0),
            headers=headers,
            pace=pace(entry, body, kind),
            is_cut=_is_cut(said) or (not body and (content.size or 0) > 0),
        )

    def _body(self, said: _Content, headers: _Names, path: str) -> bytes:
        text = said.text or ""
        if not _is_base64(said):
            return text.encode("utf-8", "surrogatepass")
        raw = from_base64(text, path)
        encoding = header(_pairs(headers), "content-encoding").lower()
        # Most tools have inflated it already.
        return self._room.inflated(raw, encoding, path) if raw.startswith(GZIP) and "gzip" in encoding else raw


def _is_base64(said: _Content) -> bool:
    """Tell whether a text is what it says that it is: Firefox has called text base64 that is none."""
    return (said.encoding or "").lower() == "base64" and _BASE64.fullmatch(said.text or "") is not None


def _is_answered(said: _Response) -> bool:
    """Tell whether there was a response: 0 and -1 are what tools write where there was none."""
    status = said.status or 0.0
    if status > 0 and not (status.is_integer() and 100 <= status <= 999):
        raise InvalidInput("$.response.status", f"expected a status of HTTP, got {status:.4g}")
    return status > 0


def _fault(said: _Entry) -> str:
    """Return why there is no response, as far as anybody says so."""
    answer = said.response or _Response()
    why = as_expected(answer.error, str) or as_expected(answer.failure, str) or answer.status_text or ""
    return why or ("aborted" if as_expected(said.was_aborted, bool) else "")


def _is_cut(said: _Response) -> bool:
    """Tell whether there was more of a response: an error came in the middle of it."""
    state = as_expected(said.state, str) or "complete"
    return bool(as_expected(said.error, str) or as_expected(said.failure, str)) or state.lower() != "complete"


def _headers(said: _Names) -> Headers:
    return tuple(
        (name, part.strip())
        for name, value in _pairs(said)
        if name and not name.startswith(":") and name.lower() not in OF_TRANSFER
        for part in value.split("\n")  # Chromium writes a header that came twice so
    )


def _pairs(said: _Names) -> Iterator[tuple[str, str]]:
    if isinstance(said, dict):
        said = [[name, value] for name, value in said.items()]
    for each in said or ():
        if isinstance(each, _Named):
            yield each.name, _text(each.value)
        elif len(each) == 2:
            yield _text(each[0]), _text(each[1])


def _text(value: str | float | None) -> str:
    return "" if value is None else str(value)
