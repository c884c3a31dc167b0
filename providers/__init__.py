"""Everything that touches the world: who it is said to.

    >>> from dragoman.providers import create_provider
    >>> async with create_provider("anthropic", model="claude-sonnet-4-5") as provider:
    ...     completion = await provider.complete("Name a colour.")

`create_provider` takes the name of a profile or of a vendor. Nothing is read or sent when this is imported, and what
raises is a `dragoman.schemas.errors.DragomanError`.
"""

from __future__ import annotations

TYPE_CHECKING = False  # importing the one of `typing` costs more than all that --version does
if TYPE_CHECKING:
    from dragoman.providers.answers import Completion, ParsedCall, Stream
    from dragoman.providers.conversation import (
        as_request,
        assistant_message,
        tool_message,
        with_answer,
        with_result,
    )
    from dragoman.providers.exchange import (
        Attempted,
        Call,
        Cost,
        ExchangeLog,
        ExchangeLogs,
        RawLog,
        Reply,
        Transport,
    )
    from dragoman.providers.factory import create_provider
    from dragoman.providers.groups import group_names, load_group
    from dragoman.providers.listing import Model
    from dragoman.providers.profile import load_profile, profile_names
    from dragoman.providers.protocol import Provider
    from dragoman.providers.record import Recorder
    from dragoman.providers.settings import Group, Profile, Timeouts

# name → the room that it is in
_ROOMS = {
    "Attempted": "exchange",
    "Call": "exchange",
    "Completion": "answers",
    "Cost": "exchange",
    "ExchangeLog": "exchange",
    "ExchangeLogs": "exchange",
    "Group": "settings",
    "Model": "listing",
    "ParsedCall": "answers",
    "Profile": "settings",
    "Provider": "protocol",
    "RawLog": "exchange",
    "Recorder": "record",
    "Reply": "exchange",
    "Stream": "answers",
    "Timeouts": "settings",
    "Transport": "exchange",
    "as_request": "conversation",
    "assistant_message": "conversation",
    "create_provider": "factory",
    "group_names": "groups",
    "load_group": "groups",
    "load_profile": "profile",
    "profile_names": "profile",
    "tool_message": "conversation",
    "with_answer": "conversation",
    "with_result": "conversation",
}
__all__ = [
    "Attempted",
    "Call",
    "Completion",
    "Cost",
    "ExchangeLog",
    "ExchangeLogs",
    "Group",
    "Model",
    "ParsedCall",
    "Profile",
    "Provider",
    "RawLog",
    "Recorder",
    "Reply",
    "Stream",
    "Timeouts",
    "Transport",
    "as_request",
    "assistant_message",
    "create_provider",
    "group_names",
    "load_group",
    "load_profile",
    "profile_names",
    "tool_message",
    "with_answer",
    "with_result",
]


def __getattr__(name: str) -> object:
    """Import a room of the house when something of it is first used: start-up is part of the interface."""
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
    globals()[name] = value
    return value
