"""Exchanges → HAR 1.2, entry by entry; what HAR has no place for stands in fields that begin with _, as it allows."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlsplit

from dragoman.schemas.captures.content import text_or_base64, written
from dragoman.schemas.captures.exchange import Captured, Received, Sent, header
from dragoman.schemas.captures.har_timing import NO_TIME, as_sent

__all__ = ["NO_PLACE", "Writer"]

# What stands where HAR wants an address, and there is none.
NO_PLACE = "https://capture.invalid"
_CUT_OFF = "cut off"
_BEGIN = b'{"log":{"version":"1.2","creator":{"name":"dragoman","version":"1"},"entries":[\n'
_END = b"\n]}}\n"


class Writer:
    """Writes each entry as it comes; the file is a HAR once it is closed."""

    def __init__(self) -> None:
        self.left_out: dict[str, int] = {}
        self._before = _BEGIN

    def feed(self, captured: Captured) -> list[bytes]:
        before, self._before = self._before, b",\n"
        return [before + written(_entry(captured))]

    def close(self) -> list[bytes]:
        return [_BEGIN + _END if self._before is _BEGIN else _END]


def _entry(captured: Captured) -> dict[str, object]:
    received = captured.response
    own = {
        "_id": captured.id or None,
        "_dialect": captured.dialect or None,
        "_model": captured.model,
        "_streams": captured.streams,
        "_pace": received.pace if received is not None and received.pace else None,
    }
    return {
        "startedDateTime": captured.started or NO_TIME,
        "time": captured.elapsed or 0,
        "request": _asked(captured.request or Sent()),
        "response": _unanswered(captured.fault) if received is None else _answered(received),
        "cache": {},
        "timings": _timings(captured),
        **{name: value for name, value in own.items() if value is not None},
    }


def _asked(sent: Sent) -> dict[str, object]:
    url = sent.url if urlsplit(sent.url).scheme else f"{NO_PLACE}/{sent.url.removeprefix('/')}"
    said: dict[str, object] = {
        "method": sent.method,
        "url": url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _listed(sent.headers),
        "queryString": _listed(parse_qsl(urlsplit(url).query, keep_blank_values=True)),
        "headersSize": -1,
        "bodySize": len(sent.body),
    }
    return {**said, **_posted(sent)} if sent.body else said


def _posted(sent: Sent) -> dict[str, object]:
    kind = header(sent.headers, "content-type") or "application/json"
    text = text_or_base64(sent.body)
    if "text" in text:
        return {"postData": {"mimeType": kind, **text}}
    content = {"text": text["base64"], "size": len(sent.body), "encoding": "base64"}
    return {"_content": content, "_requestBodyStatus": "discarded:not-representable"}  # as HTTP Toolkit says it


def _answered(received: Received) -> dict[str, object]:
    kind = header(received.headers, "content-type") or "x-unknown"
    content: dict[str, object] = {"size": len(received.body), "mimeType": kind}
    if received.body:
        content |= _text_of(received.body, kind.lower())
    return {
        "status": received.status,
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _listed(received.headers),
        "content": content,
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1,
        **({"_error": _CUT_OFF} if received.is_cut else {}),
    }


def _text_of(body: bytes, kind: str) -> dict[str, str]:
    text = text_or_base64(body)
    if "text" in text and as_sent(body, kind) == body:
        return text
    return {"text": b64encode(body).decode(), "encoding": "base64"}


def _unanswered(fault: str) -> dict[str, object]:
    return {**_answered(Received(status=0)), **({"_error": fault} if fault else {})}


def _listed(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]


def _timings(captured: Captured) -> dict[str, float]:
    """Say what is known of the first byte and of the last; -1 is what HAR says of what is not."""
    pace = captured.response.pace if captured.response is not None else ()
    elapsed = -1.0 if captured.elapsed is None else captured.elapsed
    if not pace:
        return {"send": -1, "wait": -1, "receive": elapsed}
    return {"send": 0, "wait": pace[0][0], "receive": max(0.0, elapsed - pace[0][0])}
