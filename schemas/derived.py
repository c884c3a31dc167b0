"""A dialect that is another one but for single methods.

    class Acme(Derived):
        def encode_request(self, request, losses):
            return {**super().encode_request(request, losses), "acme": True}

    DIALECT = derive("openai-chat", name="acme", title="Acme's chat", methods=Acme)

It is of the family of its base: the IR tags fields, signatures and kept state with the base's name, and both know them
as their own. So from base to derived, and back, nothing is lost but what the methods themselves lose, and say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import msgspec

from dragoman.schemas.dialect import (
    Dialect,
    ErrorRoom,
    RequestRoom,
    ResponseRoom,
    StreamDecoder,
    StreamEncoder,
    StreamRoom,
    find,
)
from dragoman.schemas.ir import JSON, At, Error, Request, Response, Wire
from dragoman.schemas.losses import Losses

if TYPE_CHECKING:
    from typing import TypedDict, Unpack

    class _Fields(TypedDict, total=False):
        aliases: tuple[str, ...]
        features: Mapping[str, str]
        wrappers: frozenset[str]
        model_in_body: bool
        response_model: str
        shares: Mapping[str, frozenset[str]]
        stream_type: str


__all__ = ["Derived", "derive"]


class Derived:
    """Every method is that of the base; override any. None changes what it is given."""

    def __init__(self, base: Dialect) -> None:
        self.base = base

    def decode_request(self, wire: Wire) -> Request:
        return self.base.requests.decode_request(wire)

    def encode_request(self, request: Request, losses: Losses) -> Wire:
        return self.base.requests.encode_request(request, losses)

    def decode_response(self, wire: Wire) -> Response:
        return self.base.responses.decode_response(wire)

    def encode_response(self, response: Response, losses: Losses, request: Request | None = None) -> Wire:
        return self.base.responses.encode_response(response, losses, request)

    def decode_error(self, wire: JSON, status: int | None) -> Error:
        return self.base.errors.decode_error(wire, status)

    def encode_error(self, error: Error, losses: Losses) -> Wire:
        return self.base.errors.encode_error(error, losses)

    def stream_decoder(self, *, whole: bool = True) -> StreamDecoder:
        return self.base.streams.StreamDecoder(whole=whole)

    def stream_encoder(self, losses: Losses, request: Request | None = None) -> StreamEncoder:
        return self.base.streams.StreamEncoder(losses, request)


def derive(
    base: str | Dialect, *, name: str, title: str, methods: type[Derived] = Derived, **fields: Unpack[_Fields]
) -> Dialect:
    """Return a dialect that has these methods. `fields` are those of `Dialect`, in place of the base's; `features` are
    added to them, and the base's aliases stay with the base. Raises UnknownDialect."""
    root = find(base) if isinstance(base, str) else base
    features = {**root.features, **fields.get("features", {})}
    return msgspec.structs.replace(
        root,
        name=name,
        title=title,
        bases=(root.name, *root.bases),
        rooms=_Rooms(methods(root)),
        **{"aliases": (), **fields, "features": features},
    )


class _Rooms:
    """The rooms of a dialect, each a view of the same methods."""

    def __init__(self, methods: Derived) -> None:
        self.requests = cast(RequestRoom, _Requests(methods))
        self.responses = cast(ResponseRoom, _Responses(methods))
        self.errors = cast(ErrorRoom, methods)
        self.streams = cast(StreamRoom, _Streams(methods))


class _Requests:
    def __init__(self, methods: Derived) -> None:
        self._base = methods.base
        self.decode_request, self.encode_request = methods.decode_request, methods.encode_request

    @property
    def PLACES(self) -> Mapping[str, tuple[At, ...]]:  # noqa: N802
        return self._base.requests.PLACES


class _Responses:
    def __init__(self, methods: Derived) -> None:
        self._base = methods.base
        self.decode_response, self.encode_response = methods.decode_response, methods.encode_response

    @property
    def PLACES(self) -> Mapping[str, tuple[At, ...]]:  # noqa: N802
        return self._base.responses.PLACES


class _Streams:
    def __init__(self, methods: Derived) -> None:
        self._base = methods.base
        self.StreamDecoder, self.StreamEncoder = methods.stream_decoder, methods.stream_encoder

    @property
    def REPEATS(self) -> bool:  # noqa: N802
        return self._base.streams.REPEATS

    @property
    def COMMENTS(self) -> bool:  # noqa: N802
        return self._base.streams.COMMENTS
