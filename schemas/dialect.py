"""What a dialect is, and how dialects are found.

A dialect is a package (here: a folder of this one) whose `__init__` says `DIALECT = Dialect(…)` and that has four
rooms, imported when they are first needed:

    request.py     decode_request, encode_request, PLACES
    response.py    decode_response, encode_response, PLACES
    errors.py      decode_error, encode_error
    stream.py      StreamDecoder, StreamEncoder

`decode_*` is wire → IR and raises `InvalidInput` with a path; `encode_*` is IR → wire and tells `Losses` what the
dialect cannot say. Neither changes what it is given. The folders beside this file are found by themselves; a dialect
from elsewhere is made known by `register`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

import msgspec

from dragoman.schemas.errors import UnknownDialect
from dragoman.schemas.ir import JSON, At, Error, Request, Response, Wire
from dragoman.schemas.losses import Losses

if TYPE_CHECKING:
    from dragoman.schemas.events import Event
    from dragoman.schemas.framing import Frame

__all__ = [
    "Dialect",
    "ErrorRoom",
    "RequestRoom",
    "ResponseRoom",
    "StreamDecoder",
    "StreamEncoder",
    "StreamRoom",
    "dialects",
    "find",
    "register",
]


class RequestRoom(Protocol):
    # IR parameter → the places where this dialect may say it, the usual one first
    PLACES: Mapping[str, tuple[At, ...]]

    def decode_request(self, wire: Wire) -> Request: ...
    def encode_request(self, request: Request, losses: Losses) -> Wire: ...


class ResponseRoom(Protocol):
    PLACES: Mapping[str, tuple[At, ...]]

    def decode_response(self, wire: Wire) -> Response: ...
    def encode_response(self, response: Response, losses: Losses, request: Request | None = None) -> Wire: ...


class ErrorRoom(Protocol):
    def decode_error(self, wire: JSON, status: int | None) -> Error: ...
    def encode_error(self, error: Error, losses: Losses) -> Wire: ...


class StreamDecoder(Protocol):
    """Wire events → events of the IR. `done`: the source says [DONE]. `close`: no more come; what is not whole then was
    cut off."""

    def feed(self, frame: Frame) -> list[Event]: ...
    def done(self) -> list[Event]: ...
    def close(self) -> list[Event]: ...


class StreamEncoder(Protocol):
    """Events of the IR → wire events, framed."""

    def feed(self, event: Event) -> list[bytes]: ...


class StreamRoom(Protocol):
    # Whether the last events of a stream repeat the texts: where they do not, nobody needs to remember them.
    REPEATS: bool
    # Whether a stream can hold comments.
    COMMENTS: bool

    def StreamDecoder(self, *, whole: bool = True) -> StreamDecoder: ...  # noqa: N802
    def StreamEncoder(self, losses: Losses, request: Request | None = None) -> StreamEncoder: ...  # noqa: N802


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """`aliases` are names as users type them. `features` names the loss of a field that only this dialect knows, where
    it is not "extension"; `wrappers` are objects whose unknown fields are reported one by one. `model_in_body` is False
    where the API takes the model and the operation from the URL; `response_model` is the field of a response that names
    the model. `shares` names, by dialect, the fields of its requests that this one has, too, and nobody else.
    `stream_type` is the content type of its streams."""

    name: str
    title: str
    package: str
    aliases: tuple[str, ...] = ()
    features: Mapping[str, str] = {}
    wrappers: frozenset[str] = frozenset()
    model_in_body: bool = True
    response_model: str = "model"
    shares: Mapping[str, frozenset[str]] = {}
    stream_type: str = "text/event-stream"

    @property
    def requests(self) -> RequestRoom:
        return cast(RequestRoom, _room(self.package, "request"))

    @property
    def responses(self) -> ResponseRoom:
        return cast(ResponseRoom, _room(self.package, "response"))

    @property
    def errors(self) -> ErrorRoom:
        return cast(ErrorRoom, _room(self.package, "errors"))

    @property
    def streams(self) -> StreamRoom:
        return cast(StreamRoom, _room(self.package, "stream"))


@cache
def _room(package: str, name: str) -> object:
    return import_module(f"{package}.{name}")


_registered: dict[str, Dialect] = {}


def register(dialect: Dialect) -> None:
    """Make a dialect from elsewhere known, under its name and aliases."""
    _registered[dialect.name] = dialect
    dialects.cache_clear()
    find.cache_clear()


@cache
def dialects() -> tuple[Dialect, ...]:
    """Return every dialect, by name."""
    found = dict(_registered)
    for folder in _folders():
        dialect = getattr(import_module(f"dragoman.schemas.{folder}"), "DIALECT", None)
        if isinstance(dialect, Dialect):
            found[dialect.name] = dialect
    return tuple(found[name] for name in sorted(found))


def _folders() -> list[str]:
    """Return the packages beside this file that have rooms, in a third of the time that `pkgutil` takes."""
    here = os.path.dirname(__file__)
    return [name for name in os.listdir(here) if os.path.isfile(os.path.join(here, name, "request.py"))]


@cache
def find(name: str) -> Dialect:
    """Return the dialect of this name or alias, in any case, with - or _. Raises UnknownDialect."""
    wanted = name.strip().lower().replace("_", "-")
    for dialect in dialects():
        if wanted == dialect.name or wanted in dialect.aliases:
            return dialect
    known = tuple(dialect.name for dialect in dialects())
    spellings = {alias: dialect.name for dialect in dialects() for alias in (dialect.name, *dialect.aliases)}
    import difflib

    nearest = difflib.get_close_matches(wanted, spellings, 1, 0.75)
    raise UnknownDialect(name, known, spellings[nearest[0]] if nearest else None)
