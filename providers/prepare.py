"""A request of the IR, or a whole one of any dialect → the call that goes to this provider, and what it lost.

Pure: nothing is sent. What the profile says by default fills what the request leaves open; then the dialect's encoder,
the vendor's quirks and `extra_body` have their turn, in this order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from dragoman.providers.auth import Key, credential_id, credentials
from dragoman.providers.continuing import Thread, continued, fitted, place_of
from dragoman.providers.endpoints import url_of
from dragoman.providers.exchange import Call
from dragoman.providers.quirks import apply_quirks
from dragoman.providers.settings import Profile, Rule
from dragoman.providers.version import VERSION
from dragoman.schemas import foreign
from dragoman.schemas.convert import guarded
from dragoman.schemas.dialect import Dialect, find
from dragoman.schemas.errors import DragomanError
from dragoman.schemas.fields import shared
from dragoman.schemas.ir import JSON, Parameters, Request, Wire
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Loss, Losses
from dragoman.schemas.narrow import as_object
from dragoman.schemas.passes import UNSEEN, Passes
from dragoman.schemas.policy import judged

if TYPE_CHECKING:
    from dragoman.providers.adapters.chain import Chain
    from dragoman.providers.conversations import Values
    from dragoman.providers.fieldcache.cached import Cached

__all__ = [
    "USER_AGENT",
    "Prepared",
    "Wanted",
    "hidden_paths",
    "keyed",
    "merged",
    "prepare",
    "prepare_document",
    "prepare_listing",
    "prepare_wanted",
    "with_defaults",
]

USER_AGENT = f"dragoman/{VERSION}"
_TURNS = ("messages", "contents", "input")  # what dialects call the list of turns


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked, whoever it is that is asked: a request of the IR, or `document`, a whole one of the dialect
    `source`. `keeps_model`: for the model that it names itself; else for that of the profile alone. `allows_loss`: who
    cannot be asked all of it may be asked in place of another all the same. `thread` is what it goes on from, `values`
    are those of the `records` of the field cache that it has to do with; `passes` watches what becomes of it, and goes
    on after the answer if it `is_followed`."""

    request: Request | None = None
    document: JSON = None
    source: str = ""
    streams: bool = False
    on_loss: str = "report"
    keeps_model: bool = True
    allows_loss: bool = False
    thread: Thread | None = None
    records: tuple[str, ...] = ()
    values: Mapping[str, Values] = {}
    passes: Passes = UNSEEN
    is_followed: bool = False

    def end(self) -> None:
        """End the trace with the exchange, unless somebody has more to note."""
        if not self.is_followed:
            self.passes.close()


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """`wire` is the body as JSON, `request` what it asks for, `losses` what could not be asked here. `streams`: the
    answer is to come piece by piece. `said` is what was asked, before anything was added to it; `wanted` is what all
    was made of. `chain` changes what comes back."""

    call: Call
    wire: Wire
    request: Request
    model: str | None = None
    losses: tuple[Loss, ...] = ()
    streams: bool = False
    said: Request = Request(messages=())
    wanted: Wanted = Wanted()
    chain: Chain | None = None


def prepare_wanted(profile: Profile, key: Key | None, wanted: Wanted) -> Prepared:
    """Return the call for what is asked, in whichever form it is."""
    try:
        return _Preparing(profile, key, wanted).prepared()
    except DragomanError as error:
        wanted.passes.on_failure("request", error)
        raise


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
    headers = {**call.headers, **authorized}
    return msgspec.structs.replace(
        call, url=url, headers=chain.headers(headers) if (chain := prepared.chain) else headers
    )


class _Preparing:
    """One request on its way, pass by pass (`schemas.passes.REQUEST`)."""

    def __init__(self, profile: Profile, key: Key | None, wanted: Wanted) -> None:
        self._profile, self._key, self._wanted = profile, key, wanted
        self._listener = find(profile.dialect)
        self._speaker = self._listener if wanted.request is not None else find(wanted.source)
        self._is_own = wanted.request is None and self._speaker is self._listener
        self._losses = Losses()
        self._note = partial(wanted.passes.on_pass, "request")

    def prepared(self) -> Prepared:
        said = self._parsed()
        asked = _asked(self._wanted, said)
        chain = self._chain(asked.model)
        asked = _named(self._profile, chain, asked)
        continued = self._continued(asked)
        self._note("continued", continued)
        filled = self._fitted(with_defaults(self._profile, continued, streams=self._wanted.streams))
        self._note("defaults", filled)
        cached = self._cached(filled.model)
        full = cached.into_request(filled, self._listener.name) if cached else filled
        self._note("field_cache", full)
        request = chain.request(full) if chain else full
        self._note("adapters", request)
        is_as_said = self._is_own and continued is asked and request is filled
        wire = self._document(asked, filled) if is_as_said else self._encoded(request)
        losses = judged(self._losses, self._wanted.on_loss)
        self._note("encoded", wire, losses)
        body, told = self._body(wire, request.model, chain, cached)
        streams = bool(request.parameters.stream)
        call = _call(self._profile, self._key, "stream" if streams else "complete", request.model, body)
        headers = _beside(call.headers, cached.headers()) if cached else call.headers
        call = msgspec.structs.replace(call, headers=chain.headers(headers) if chain else headers)
        self._note("provider_request", call)
        return Prepared(
            call=call,
            wire=body,
            request=request,
            model=request.model,
            losses=(*losses, *told),
            streams=streams,
            said=said,
            wanted=self._wanted,
            chain=chain,
        )

    def _parsed(self) -> Request:
        wanted = self._wanted
        self._note("client_request", wanted.document if wanted.request is None else wanted.request)
        request = wanted.request
        if request is None:
            room = self._speaker.requests
            request = guarded(room.decode_request, as_object(wanted.document, ()))
            if not self._is_own:
                self._losses = Losses(room.PLACES, wanted.document, self._speaker.family)
        self._note("parsed", request)
        return request

    def _chain(self, model: str | None) -> Chain | None:
        """Return the adapters that there are for a model: most profiles have none."""
        if not self._profile.adapters:
            return None
        from dragoman.providers.adapters.chain import chain_of

        return chain_of(self._profile, model or self._profile.model, streams=self._wanted.streams)

    def _continued(self, asked: Request) -> Request:
        thread = self._wanted.thread
        if thread is None:
            return asked
        return continued(self._profile, credential_id(self._profile, self._key), asked, thread, self._losses)

    def _fitted(self, request: Request) -> Request:
        """Return a request that says stored turns again without those for which there is no room."""
        window, thread = self._profile.context_window, self._wanted.thread
        if window is None or thread is None or not thread.lineage:
            return request
        return fitted(request, window, self._losses)

    def _cached(self, model: str | None) -> Cached | None:
        values = self._wanted.values
        if not values:
            return None
        from dragoman.providers.fieldcache.cached import Cached

        place = place_of(self._profile, self._key, model, self._wanted.thread)
        cached = Cached(self._profile.field_cache, place, values)
        _hide(self._wanted.passes, cached)
        return cached

    def _encoded(self, request: Request) -> Wire:
        wire = guarded(self._listener.requests.encode_request, request, self._losses)
        wire.update(shared(request.extra, self._listener.shares)[0])
        foreign.report_request(request, self._listener, self._losses)
        return wire

    def _document(self, asked: Request, filled: Request) -> Wire:
        """Return a document of the provider's own dialect: every field of it is kept."""
        wire = _laid_over(_defaults(asked, filled, self._listener), as_object(self._wanted.document, ()))
        if not self._listener.model_in_body:
            return wire
        streams = self._wanted.streams
        return {**wire, "stream": streams} | ({} if filled.model is None else {"model": filled.model})

    def _body(
        self, wire: Wire, model: str | None, chain: Chain | None, cached: Cached | None
    ) -> tuple[Wire, tuple[Loss, ...]]:
        """Return the body as the vendor wants it, and as the profile does, and what that lost."""
        edited, told = apply_quirks(self._profile.quirks, wire)
        body = merged(edited, self._profile.extra_body)
        if not self._listener.model_in_body:
            body.pop("model", None)
        self._note("quirks", body, told)
        body = cached.into_wire(body, self._listener.name) if cached else body
        self._note("wire_field_cache", body)
        body = chain.wire_request(body, model) if chain else body
        self._note("wire_adapters", body)
        return body, told


def _hide(passes: Passes, cached: Cached) -> None:
    """Let a trace show nothing of what secret rules have kept, wherever it stands."""
    if passes and (secrets := tuple(cached.secrets())):
        from dragoman.providers.tracing import Trace

        if isinstance(passes, Trace):
            passes.hide(secrets)


def _beside(said: Mapping[str, str], more: Mapping[str, str]) -> Mapping[str, str]:
    """Return headers with those of `more` that are not said already, in whatever case."""
    known = {name.lower() for name in said}
    return {**said, **{name: value for name, value in more.items() if name.lower() not in known}}


def _named(profile: Profile, chain: Chain | None, request: Request) -> Request:
    """Return a request for the model that adapters make of the one that it names, or that the profile does."""
    name = request.model or profile.model
    mapped = chain.model(name) if chain else name
    return request if mapped == name else msgspec.structs.replace(request, model=mapped)


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


def hidden_paths(profile: Profile) -> tuple[str, ...]:
    """Return the paths of what no trace shows: those that the profile names, and where rules find and put secrets."""
    rules = [rule for rule in profile.field_cache if rule.secret]
    put = (path for rule in rules for path in _put_paths(rule))
    return (*profile.redact, *(rule.path for rule in rules), *put)


def _put_paths(rule: Rule) -> Iterator[str]:
    """Yield the paths of what a rule has put into a request, from the whole of it."""
    path = rule.inject.path.removeprefix("$")
    dotted = path if path.startswith((".", "[")) else f".{path}"
    match rule.inject.target:
        case "header":
            yield f"headers['{rule.inject.path}']"
        case "metadata":
            yield f"metadata{dotted}"
        case _ if rule.mode != "per_tool_call":
            yield rule.inject.path
        case _ if rule.inject.how == "set":  # of lists, most belongs to others: values are hidden as such
            yield from (f"{name}[*]{dotted.replace('[call]', '[*]')}" for name in _TURNS)
        case _:
            """It is hidden by what it says alone."""


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
