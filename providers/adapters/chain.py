"""The adapters of a profile that are for one exchange, each side of it in the order of the profile.

`models` of an adapter are patterns for the model that was asked for, before `map_model` makes another of it; a short
name of the profile is the model that it stands for, for both. What is not for this model is not there at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import msgspec

from dragoman.providers.adapters.context import Context, Step
from dragoman.providers.settings import AdapterUse, Profile, Side

if TYPE_CHECKING:
    from dragoman.providers.adapters.edits import Headers, Models
    from dragoman.schemas.events import Event
    from dragoman.schemas.ir import Request, Response, Wire

__all__ = ["NO_ADAPTERS", "Chain", "chain_of"]

_T = TypeVar("_T")


class _Names(msgspec.Struct, frozen=True):
    """What every `map_model` makes of a name, one after the other. `short` are names that stand for others."""

    short: Mapping[str, str] = {}
    models: tuple[Models, ...] = ()

    def __call__(self, name: str) -> str:
        mapped = known = self.short.get(name, name)
        for models in self.models:
            mapped = models(mapped)
        return name if mapped == known else mapped


class Chain:
    """False where there is nothing to do. What comes out of a side is the very value that went in, if no adapter
    changes it. Raises ProfileFault, which names the adapter, for one that fails, or makes of a value what is none."""

    __slots__ = ("_headers", "_names", "_steps", "context")

    def __init__(
        self,
        context: Context,
        steps: Mapping[Side, Sequence[Step]],
        *,
        headers: Sequence[Headers] = (),
        names: _Names | None = None,
    ) -> None:
        self.context = context
        self._steps, self._headers, self._names = steps, headers, names or _Names()

    def __bool__(self) -> bool:
        return bool(self._steps or self._headers or self._names.models)

    @property
    def edits_events(self) -> bool:
        return "unified_stream_event" in self._steps

    @property
    def edits_wire_events(self) -> bool:
        return "stream_event" in self._steps

    def model(self, name: str | None) -> str | None:
        """Return the model to send, in place of the one that was asked for."""
        return self._names(name) if name is not None else None

    def request(self, request: Request) -> Request:
        return self._through("unified_request", request, self.context)

    def wire_request(self, wire: Wire, model: str | None = None) -> Wire:
        """Return the body to send. `model` is the one that is sent, where an adapter has changed it since."""
        context = self.context
        if model is not None and model != context.model:
            context = msgspec.structs.replace(context, model=model)
        return self._through("request", wire, context)

    def headers(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        for change in self._headers:
            headers = change(headers)
        return headers

    def wire_response(self, wire: Wire) -> Wire:
        return self._through("response", wire, self.context)

    def response(self, response: Response) -> Response:
        return self._through("unified_response", response, self.context)

    def wire_event(self, wire: Wire) -> Wire:
        return self._through("stream_event", wire, self.context)

    def event(self, event: Event) -> Event:
        return self._through("unified_stream_event", event, self.context)

    def _through(self, side: Side, value: _T, context: Context) -> _T:
        for step in self._steps.get(side, ()):
            value = step(value, context)
        return value


NO_ADAPTERS = Chain(Context(profile="", dialect="", model=None, streams=False), {})


def chain_of(profile: Profile, model: str | None, *, streams: bool = False) -> Chain:
    """Return the adapters for an exchange about the model that was asked for; None: for that of the profile.

    Raises ProfileFault for a function that cannot be had, and for one that nobody has allowed to run.
    """
    if not profile.adapters:
        return NO_ADAPTERS
    asked = model or profile.model or ""
    known = profile.models.get(asked, asked)
    uses = [use for use in profile.adapters if _is_for(use, known)]
    _refuse_untrusted(profile, uses)
    return _chain(profile, asked, uses, streams=streams) if uses else NO_ADAPTERS


def _is_for(use: AdapterUse, model: str) -> bool:
    from fnmatch import fnmatchcase

    return not use.models or any(fnmatchcase(model, pattern) for pattern in use.models)


def _refuse_untrusted(profile: Profile, uses: Iterable[AdapterUse]) -> None:
    if profile.untrusted_python and any(use.name == "python" for use in uses):
        from dragoman.schemas.errors import ProfileFault

        raise ProfileFault(
            "a function in a project's file is not run",
            place=profile.untrusted_python,
            hint="DRAGOMAN_ALLOW_COMMANDS=1 runs it, and so does a profile in your own file",
        )


def _chain(profile: Profile, asked: str, uses: Iterable[AdapterUse], *, streams: bool) -> Chain:
    from dragoman.providers.adapters.edits import Headers, Models
    from dragoman.providers.adapters.steps import step_of

    steps: dict[Side, list[Step]] = {}
    headers: list[Headers] = []
    models: list[Models] = []
    for use in uses:
        match step_of(use):
            case Headers() as change:
                headers.append(change)
            case Models() as change:
                models.append(change)
            case step:
                steps.setdefault(use.side, []).append(step)
    names = _Names(profile.models, tuple(models))
    sent = names(asked)
    context = Context(
        profile=profile.name, dialect=profile.dialect, model=profile.models.get(sent, sent) or None, streams=streams
    )
    return Chain(context, steps, headers=headers, names=names)
