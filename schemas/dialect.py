"""What a dialect is, and how dialects are found.

A dialect is a package (here: a folder of this one) whose `__init__` says `DIALECT = Dialect(…)` and that has four
rooms, imported when they are first needed:

    request.py     decode_request, encode_request, PLACES
    response.py    decode_response, encode_response, PLACES
    errors.py      decode_error, encode_error
    stream.py      StreamDecoder, StreamEncoder

`decode_*` is wire → IR and raises `InvalidInput` with a path; `encode_*` is IR → wire and tells `Losses` what the
dialect cannot say. Neither changes what it is given. The folders beside this file are found by themselves; a dialect
from elsewhere is made known by `register`, or by an entry point [dragoman.dialects] of its package.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

import msgspec

from dragoman.schemas.errors import UnknownDialect
from dragoman.schemas.ir import JSON, At, Error, Request, Response, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.plugins import Brought, bring, names_brought, pass_over, spelled

if TYPE_CHECKING:
    from dragoman.schemas.events import Event
    from dragoman.schemas.framing import Frame

__all__ = [
    "Dialect",
    "ErrorRoom",
    "RequestRoom",
    "ResponseRoom",
    "Rooms",
    "StreamDecoder",
    "StreamEncoder",
    "StreamRoom",
    "dialects",
    "find",
    "known",
    "register",
]

_GROUP = "dragoman.dialects"


class RequestRoom(Protocol):
    @property
    def PLACES(self) -> Mapping[str, tuple[At, ...]]:  # noqa: N802
        """IR parameter → the places where this dialect may say it, the usual one first."""
        ...

    def decode_request(self, wire: Wire) -> Request: ...
    def encode_request(self, request: Request, losses: Losses) -> Wire: ...


class ResponseRoom(Protocol):
    @property
    def PLACES(self) -> Mapping[str, tuple[At, ...]]: ...  # noqa: N802

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
    @property
    def REPEATS(self) -> bool:  # noqa: N802
        """Whether the last events of a stream repeat the texts: where they do not, nobody needs to remember them."""
        ...

    @property
    def COMMENTS(self) -> bool:  # noqa: N802
        """Whether a stream can hold comments."""
        ...

    def StreamDecoder(self, *, whole: bool = True) -> StreamDecoder: ...  # noqa: N802
    def StreamEncoder(self, losses: Losses, request: Request | None = None) -> StreamEncoder: ...  # noqa: N802


class Rooms(Protocol):
    """The rooms of a dialect that has no package of its own."""

    @property
    def requests(self) -> RequestRoom: ...
    @property
    def responses(self) -> ResponseRoom: ...
    @property
    def errors(self) -> ErrorRoom: ...
    @property
    def streams(self) -> StreamRoom: ...


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """`aliases` are names as users type them. `features` names the loss of a field that only this dialect knows, where
    it is not "extension"; `wrappers` are objects whose unknown fields are reported one by one. `model_in_body` is False
    where the API takes the model and the operation from the URL; `response_model` is the field of a response that names
    the model. `shares` names, by dialect, the fields of its requests that this one has, too, and nobody else.
    `stream_type` is the content type of its streams.

    `rooms` are those of a dialect that is derived (`schemas.derived`), in place of those of `package`, and `bases` what
    it is derived from, the nearest first: it knows their fields, signatures and kept state as its own.
    """

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
    rooms: Rooms | None = None
    bases: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        """The dialect that it comes from in the end, or itself: what is so of that one is so of it."""
        return self.bases[-1] if self.bases else self.name

    def owns(self, name: str) -> bool:
        """Tell whether what the IR says is of the dialect `name` is its own, too."""
        return name == self.name or name in self.bases

    @property
    def requests(self) -> RequestRoom:
        return self.rooms.requests if self.rooms else cast(RequestRoom, _room(self.package, "request"))

    @property
    def responses(self) -> ResponseRoom:
        return self.rooms.responses if self.rooms else cast(ResponseRoom, _room(self.package, "response"))

    @property
    def errors(self) -> ErrorRoom:
        return self.rooms.errors if self.rooms else cast(ErrorRoom, _room(self.package, "errors"))

    @property
    def streams(self) -> StreamRoom:
        return self.rooms.streams if self.rooms else cast(StreamRoom, _room(self.package, "stream"))


@cache
def _room(package: str, name: str) -> object:
    return import_module(f"{package}.{name}")


_registered: dict[str, Dialect] = {}


def register(dialect: Dialect) -> None:
    """Make a dialect from elsewhere known, under its name and aliases. Raises ValueError for a name that nobody could
    say, or that is one of ours."""
    if dialect.name != spelled(dialect.name) or not dialect.name:
        raise ValueError(
            f"a dialect's name is in small letters, with -: {spelled(dialect.name)!r}, not {dialect.name!r}"
        )
    if dialect.name in _beside():
        raise ValueError(f"there is a dialect {dialect.name!r} already: another name is free")
    _registered[dialect.name] = dialect
    dialects.cache_clear()
    find.cache_clear()


def known() -> tuple[Dialect, ...]:
    """Return the dialects that are here, by name: those beside this file, and those that were registered."""
    found = {**_registered, **_beside()}
    return tuple(found[name] for name in sorted(found))


@cache
def dialects() -> tuple[Dialect, ...]:
    """Return every dialect, by name, those of other packages among them. One that cannot be loaded is logged."""
    found = {dialect.name: dialect for dialect in known()}
    for name in names_brought(_GROUP):
        brought = None if name in found else _checked(bring(_GROUP, name))
        if brought is not None and isinstance(brought.value, Dialect):
            found[name] = brought.value
        elif brought is not None:
            pass_over(brought)
    return tuple(found[name] for name in sorted(found))


@cache
def find(name: str) -> Dialect:
    """Return the dialect of this name or alias, in any case, with - or _. Raises UnknownDialect."""
    wanted = spelled(name)
    found = _named(wanted, known())
    if found is not None:
        return found
    brought = _checked(bring(_GROUP, wanted))
    if brought is not None and isinstance(brought.value, Dialect):
        return brought.value
    if brought is not None:
        reason = f"{brought.package} brings it, and {brought.problem}"
        raise UnknownDialect(name, tuple(dialect.name for dialect in dialects()), reason=reason)
    found = _named(wanted, dialects())
    if found is not None:
        return found
    raise _unknown(name, wanted)


@cache
def _beside() -> dict[str, Dialect]:
    modules = (import_module(f"dragoman.schemas.{folder}") for folder in _folders())
    found = (getattr(module, "DIALECT", None) for module in modules)
    return {dialect.name: dialect for dialect in found if isinstance(dialect, Dialect)}


def _folders() -> list[str]:
    """Return the packages beside this file that have rooms, in a third of the time that `pkgutil` takes."""
    here = os.path.dirname(__file__)
    return [name for name in os.listdir(here) if os.path.isfile(os.path.join(here, name, "request.py"))]


def _checked(brought: Brought | None) -> Brought | None:
    """Return what a package brings, with what is wrong with it as a dialect."""
    if brought is None or brought.problem:
        return brought
    if not isinstance(brought.value, Dialect):
        problem = f"it is no Dialect, but {type(brought.value).__name__}"
    elif brought.value.name != brought.name:
        problem = f"the dialect calls itself {brought.value.name!r}"
    else:
        return brought
    return msgspec.structs.replace(brought, value=None, problem=problem)


def _named(wanted: str, among: Iterable[Dialect]) -> Dialect | None:
    return next((dialect for dialect in among if wanted == dialect.name or wanted in dialect.aliases), None)


def _unknown(name: str, wanted: str) -> UnknownDialect:
    import difflib

    spellings = {alias: dialect.name for dialect in dialects() for alias in (dialect.name, *dialect.aliases)}
    nearest = difflib.get_close_matches(wanted, spellings, 1, 0.75)
    names = tuple(dialect.name for dialect in dialects())
    return UnknownDialect(name, names, spellings[nearest[0]] if nearest else None)
