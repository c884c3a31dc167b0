"""A request of the IR, or a whole one of any dialect → the call that goes to this provider, and what it lost.

Pure: nothing is sent. What the profile says by default fills what the request leaves open; then the dialect's encoder,
the vendor's quirks and `extra_body` have their turn, in this order.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from dragoman.providers.auth import Key, credentials
from dragoman.providers.endpoints import url_of
from dragoman.providers.exchange import Call
from dragoman.providers.quirks import apply_quirks
from dragoman.providers.settings import Profile
from dragoman.providers.version import VERSION
from dragoman.schemas import foreign
from dragoman.schemas.convert import guarded
from dragoman.schemas.dialect import Dialect, find
from dragoman.schemas.fields import shared
from dragoman.schemas.ir import JSON, Parameters, Request, Wire
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Loss, Losses
from dragoman.schemas.narrow import as_object
from dragoman.schemas.policy import judged

__all__ = [
    "USER_AGENT",
    "Prepared",
    "Wanted",
    "keyed",
    "merged",
    "prepare",
    "prepare_document",
    "prepare_listing",
    "prepare_wanted",
    "with_defaults",
]

USER_AGENT = f"dragoman/{VERSION}"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked, whoever it is that is asked: a request of the IR, or `document`, a whole one of the dialect
    `source`. `keeps_model`: for the model that it names itself; else for that of the profile alone. `allows_loss`: who
    cannot be asked all of it may be asked in place of another all the same."""

    request: Request | None = None
    document: JSON = None
    source: str = ""
    streams: bool = False
    on_loss: str = "report"
    keeps_model: bool = True
    allows_loss: bool = False


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """`wire` is the body as JSON, `request` what it asks for, `losses` what could not be asked here. `streams`: the
    answer is to come piece by piece. `wanted` is what it was made of."""

    call: Call
    wire: Wire
    request: Request
    model: str | None = None
    losses: tuple[Loss, ...] = ()
    streams: bool = False
    wanted: Wanted = Wanted()


def prepare_wanted(profile: Profile, key: Key | None, wanted: Wanted) -> Prepared:
    """Return the call for what is asked, in whichever form it is."""
    make = _prepare if wanted.request is not None else _prepare_document
    return msgspec.structs.replace(make(profile, key, wanted), wanted=wanted)


def prepare(
    profile: Profile, key: Key | None, request: Request, *, streams: bool = False, on_loss: str = "report"
) -> Prepared:
    """Return the call for a request of the IR."""
    return prepare_wanted(profile, key, Wanted(request=request, streams=streams, on_loss=on_loss))


def prepare_document(
    profile: Profile, key: Key | None, document: JSON, *, source: str, streams: bool = False, on_loss: str = "report"
) -> Prepared:
    """Return the call for a whole request of any dialect. In the provider's own, every field of it is kept."""
    wanted = Wanted(document=document, source=source, streams=streams, on_loss=on_loss)
    return prepare_wanted(profile, key, wanted)


def keyed(profile: Profile, key: Key | None, prepared: Prepared) -> Call:
    """Return the call with another key of the same profile."""
    authorized, query = credentials(profile, key)
    call = prepared.call
    url = url_of(profile, "stream" if prepared.streams else "complete", prepared.model, query)
    return msgspec.structs.replace(call, url=url, headers={**call.headers, **authorized})


def _prepare(profile: Profile, key: Key | None, wanted: Wanted) -> Prepared:
    assert wanted.request is not None
    asked = with_defaults(profile, _asked(wanted, wanted.request), streams=wanted.streams)
    dialect = find(profile.dialect)
    losses = Losses()
    wire = guarded(dialect.requests.encode_request, asked, losses)
    wire.update(shared(asked.extra, dialect.shares)[0])
    foreign.report_request(asked, dialect, losses)
    return _prepared(profile, key, asked, wire, judged(losses, wanted.on_loss))


def _prepare_document(profile: Profile, key: Key | None, wanted: Wanted) -> Prepared:
    speaker, listener = find(wanted.source), find(profile.dialect)
    document, streams = wanted.document, wanted.streams
    asked = _asked(wanted, guarded(speaker.requests.decode_request, as_object(document, ())))
    if speaker is not listener:
        filled = with_defaults(profile, asked, streams=streams)
        losses = Losses(speaker.requests.PLACES, document, speaker.name)
        wire = guarded(listener.requests.encode_request, filled, losses)
        wire.update(shared(filled.extra, listener.shares)[0])
        foreign.report_request(filled, listener, losses)
        return _prepared(profile, key, filled, wire, judged(losses, wanted.on_loss))
    filled = with_defaults(profile, asked, streams=streams)
    wire = _laid_over(_defaults(asked, filled, listener), as_object(document, ()))
    if listener.model_in_body:
        wire |= {"stream": streams} if filled.model is None else {"stream": streams, "model": filled.model}
    return _prepared(profile, key, filled, wire, ())


def _asked(wanted: Wanted, request: Request) -> Request:
    return request if wanted.keeps_model else msgspec.structs.replace(request, model=None)


def _defaults(asked: Request, filled: Request, dialect: Dialect) -> Wire:
    """Return what the profile adds to a request, in words of the request's own dialect."""
    names = Parameters.__struct_fields__
    added = {name: getattr(filled.parameters, name) for name in names if getattr(asked.parameters, name) is None}
    request = Request(
        messages=(),
        parameters=Parameters(**added),
        stop=() if asked.stop else filled.stop,
        reasoning=None if asked.reasoning else filled.reasoning,
    )
    return dialect.requests.encode_request(request, Losses())


def _laid_over(base: Wire, over: Wire) -> Wire:
    """Return an object with everything of `over`, and of `base` what that leaves open."""
    result = {**base, **over}
    for name, value in over.items():
        below = base.get(name)
        if isinstance(below, dict) and isinstance(value, dict):
            result[name] = _laid_over(below, value)
    return result


def prepare_listing(profile: Profile, key: Key | None) -> Call:
    """Return the call that lists the provider's models."""
    return _call(profile, key, "models", None, None)


def with_defaults(profile: Profile, request: Request, *, streams: bool) -> Request:
    """Return the request with what the profile says by default, where it does not say otherwise itself."""
    wants_usage = True if streams and "stream_usage" in find(profile.dialect).requests.PLACES else None
    return msgspec.structs.replace(
        request,
        model=_model(profile, request.model),
        parameters=_parameters(profile.parameters, request.parameters, stream=streams, stream_usage=wants_usage),
        stop=request.stop or profile.stop,
        reasoning=request.reasoning or profile.reasoning,
    )


def _parameters(default: Parameters, said: Parameters, *, stream: bool, stream_usage: bool | None) -> Parameters:
    values: dict[str, JSON] = {name: getattr(default, name) for name in Parameters.__struct_fields__}
    values |= {name: value for name in values if (value := getattr(said, name)) is not None}
    return msgspec.convert({**values, "stream": stream, "stream_usage": stream_usage}, Parameters)


def merged(base: Wire, over: Mapping[str, JSON]) -> Wire:
    """Return one object laid over another, objects inside them likewise. A null takes the field away."""
    result = {**base}
    for name, value in over.items():
        below = result.get(name)
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result


def _model(profile: Profile, asked: str | None) -> str | None:
    name = asked or profile.model
    return profile.models.get(name, name) if name else name


def _prepared(profile: Profile, key: Key | None, request: Request, wire: Wire, losses: tuple[Loss, ...]) -> Prepared:
    edited, told = apply_quirks(profile.quirks, wire)
    body = merged(edited, profile.extra_body)
    if not find(profile.dialect).model_in_body:
        body.pop("model", None)
    streams = bool(request.parameters.stream)
    call = _call(profile, key, "stream" if streams else "complete", request.model, body)
    return Prepared(
        call=call, wire=body, request=request, model=request.model, losses=(*losses, *told), streams=streams
    )


def _call(profile: Profile, key: Key | None, operation: str, model: str | None, wire: Wire | None) -> Call:
    authorized, query = credentials(profile, key)
    accepted = find(profile.dialect).stream_type if operation == "stream" else "application/json"
    headers = {"User-Agent": USER_AGENT, "Accept": accepted}
    if wire is not None:
        headers["Content-Type"] = "application/json"
    return Call(
        method="GET" if wire is None else "POST",
        url=url_of(profile, operation, model, query),
        headers={**headers, **profile.headers, **authorized},
        body=b"" if wire is None else write_json(wire),
    )
