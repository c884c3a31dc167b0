"""Guess which dialect a document is in, and what kind of document it is, by its shape alone.

JSON (a dict or a list) or bytes (one JSON document, or a dump of a stream) in, `Detection` out. What a shape tells is
in `clues`; here the best guess is named and judged by how far it leads the second best. Of a stream, only the first few
events are read, so the beginning of one is enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal, TypeAlias, cast

import msgspec

from dragoman.schemas.clues import FEW, STRANGERS, Candidate, Kind, Scores, weigh
from dragoman.schemas.errors import MalformedJSON, UndetectedDialect
from dragoman.schemas.ir import JSON
from dragoman.schemas.jsontext import read_json
from dragoman.schemas.narrow import show

__all__ = ["Certainty", "Detection", "Kind", "detect"]

Certainty: TypeAlias = Literal["certain", "likely", "guess"]

_WINDOW: Final = 1 << 20  # bytes of a stream that are looked at
_ENOUGH: Final = 2  # a lower score is no evidence at all
_LIKELY: Final = 3
_CERTAIN: Final = 8


class Detection(msgspec.Struct, frozen=True):
    """The dialect and the kind, and how much to rely on them.

    certain: it says what only this dialect says. likely: act on it, and say that you did. guess: other dialects have
    documents of this very shape and the most common one is named: tell the user, and how to name the dialect instead.
    """

    dialect: str
    kind: Kind
    certainty: Certainty


def detect(body: JSON | bytes | bytearray | memoryview) -> Detection:
    """Detect what `body` is: parsed JSON, or bytes (or text) of a document or of the beginning of a stream.

    Of JSON Lines, the first line is judged. `UndetectedDialect` is raised for what has no shape that we know.
    """
    if isinstance(body, str):
        return _detect_raw(body.encode("utf-8", "replace"))
    if isinstance(body, (bytes, bytearray, memoryview)):
        return _detect_raw(bytes(body))
    return _detect_document(body)


# ---- documents -------------------------------------------------------------------------------------------------------


def _detect_document(document: JSON) -> Detection:
    if isinstance(document, dict):
        return _judge(weigh(document))
    if isinstance(document, list):
        return _detect_list(document)
    raise UndetectedDialect("$", f"{show(document)} is no document of any dialect")


def _detect_list(entries: list[JSON]) -> Detection:
    """Judge a JSON array: Gemini streams one, and sends an error in one."""
    found = _judge(_highest(weigh(entry) for entry in entries[:FEW] if isinstance(entry, dict)))
    if found.kind == "response" and found.dialect == "gemini":
        return Detection(found.dialect, "stream", found.certainty)
    if found.kind in ("request", "response"):
        raise UndetectedDialect("$", f"an array of {found.dialect} {found.kind}s: give them one at a time")
    return found


def _judge(scores: Scores) -> Detection:
    ranked = sorted(scores.items(), key=_by_score, reverse=True)
    if not ranked or ranked[0][1] < _ENOUGH:
        raise UndetectedDialect("$", "no dialect that we know has documents of this shape")
    (dialect, kind), best = ranked[0]
    if dialect in STRANGERS:
        raise UndetectedDialect("$", f"looks like a {kind} of {dialect}, which is none of our dialects")
    lead = best - max(ranked[1][1], 0) if len(ranked) > 1 else best
    return Detection(dialect, kind, _certainty(lead))


def _by_score(ranked: tuple[Candidate, int]) -> int:
    return ranked[1]


def _certainty(lead: int) -> Certainty:
    if lead >= _CERTAIN:
        return "certain"
    return "likely" if lead >= _LIKELY else "guess"


def _highest(weighed: Iterable[Scores]) -> Scores:
    """Merge the scores of several documents: something said often is not thereby surer."""
    highest: Scores = {}
    for scores in weighed:
        for candidate, score in scores.items():
            highest[candidate] = max(score, highest.get(candidate, score))
    return highest


# ---- bytes -----------------------------------------------------------------------------------------------------------


def _detect_raw(raw: bytes) -> Detection:
    raw = raw.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not raw.startswith((b"{", b"[")):
        return _detect_events(raw)
    try:
        return _detect_document(read_json(raw))
    except MalformedJSON:
        begun = _first_line(raw) or _first_entry(raw)
        if begun is None:
            raise
    return _detect_document(begun)


def _first_line(raw: bytes) -> JSON:
    """Decode the first line of JSON Lines; None when it is no document by itself."""
    end = raw.find(b"\n")
    try:
        return read_json(raw[:end]) if end > 0 else None
    except MalformedJSON:
        return None


def _first_entry(raw: bytes) -> JSON:
    """Decode the first entry of a JSON array whose end is missing, as a list; None when that is cut, too."""
    if not raw.startswith(b"["):
        return None
    import json  # msgspec decodes no prefixes; only this path pays for the import

    text = raw[1:_WINDOW].decode("utf-8", "ignore").lstrip()
    try:
        entry, _ = cast("tuple[JSON, int]", json.JSONDecoder().raw_decode(text))
    except (ValueError, RecursionError):
        return None
    return [entry]


def _detect_events(raw: bytes) -> Detection:
    """Judge the first few server-sent events. Whatever kind each looks like alone, together they are a stream."""
    scores = _highest(_weigh_event(*event) for event in _first_events(raw[:_WINDOW]))
    streams = _highest({(dialect, "stream"): score} for (dialect, _), score in scores.items())
    if not streams:
        raise UndetectedDialect("$", "neither JSON nor a stream of events")
    return _judge(streams)


def _weigh_event(name: str, data: bytes) -> Scores:
    if data == b"[DONE]":
        return {("openai-chat", "stream"): 3}
    try:
        document = read_json(data)
    except MalformedJSON:  # cut off, or not JSON: the name still says something
        return weigh({"type": name})
    return weigh(document) if isinstance(document, dict) else {}


def _first_events(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield name and data of the first few events; a comment is none, and there may be many before the first."""
    seen = 0
    for block in raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n\n"):
        fields = [line.partition(b":") for line in block.split(b"\n")]
        data = b"\n".join(value.strip() for field, _, value in fields if field == b"data")
        name = b"".join(value.strip() for field, _, value in fields if field == b"event")
        if data or name:
            yield name.decode("utf-8", "replace"), data
            seen += 1
        if seen == FEW:
            return
