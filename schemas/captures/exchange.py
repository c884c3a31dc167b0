"""What a capture holds: exchanges, bare bodies, and what in it is neither.

Bodies are bytes as they went over the wire, inflated, so that a document that needs no change stays what it was. A
reader fills in what its format says; `reading` takes the credentials out and finds the dialect, and nothing else in the
project ever sees a capture before that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TypeAlias

import msgspec

__all__ = [
    "OF_TRANSFER",
    "Bare",
    "Captured",
    "Headers",
    "Item",
    "Pace",
    "Received",
    "Sent",
    "Skipped",
    "Unreadable",
    "header",
    "without_headers",
]

Headers: TypeAlias = tuple[tuple[str, str], ...]
# (milliseconds since the request was sent, bytes of the body that were there then), ascending
Pace: TypeAlias = tuple[tuple[float, int], ...]
# Headers that tell how a body went over the wire, where it is inflated and whole by now.
OF_TRANSFER = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A request. `url` is "" where the format has none, and may be a path alone."""

    body: bytes = b""
    method: str = "POST"
    url: str = ""
    headers: Headers = ()


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """A response. `kind` is "response", "stream" or "error", or "" where there is no body, or it is not known yet.
    `is_cut`: whoever recorded it says that there was more."""

    body: bytes = b""
    status: int = 200
    headers: Headers = ()
    pace: Pace = ()
    kind: str = ""
    is_cut: bool = False


class Captured(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange, of which either side may be missing: `fault` then says why there is no response, if the file does.

    `started` is ISO 8601, in UTC where the format says so; `elapsed` is milliseconds. `model` and `streams` are what
    is said beside the body of the request, as in Gemini's URLs. `certainty` is "told", or that of a `Detection` where
    the dialect is known by the bodies alone. `line` is where it stands in a file of lines.
    """

    request: Sent | None = None
    response: Received | None = None
    id: str = ""
    started: str = ""
    elapsed: float | None = None
    dialect: str = ""
    model: str | None = None
    streams: bool | None = None
    fault: str = ""
    certainty: str = "told"
    line: int = 0


class Bare(msgspec.Struct, frozen=True):
    """A body alone, request or response: nobody has looked into it yet."""

    body: bytes
    line: int = 0


class Skipped(msgspec.Struct, frozen=True):
    """What is in order, and no exchange with a model. `reason` is one of a few, to be counted; `detail` says more."""

    reason: str
    detail: str = ""
    line: int = 0


class Unreadable(msgspec.Struct, frozen=True):
    """What cannot be read, and where in the entry, as a path."""

    problem: str
    path: str = "$"
    line: int = 0


Item: TypeAlias = Captured | Bare | Skipped | Unreadable


def header(headers: Iterable[tuple[str, str]], wanted: str) -> str:
    """Return what a header says, by its name in small letters; "" where it is not there."""
    return next((value for name, value in headers if name.lower() == wanted), "")


def without_headers(headers: Headers, unwanted: Collection[str]) -> Headers:
    """Leave headers out, by their names in small letters."""
    return tuple((name, value) for name, value in headers if name.lower() not in unwanted)
