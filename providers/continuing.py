"""Stored turns + what is new → the request that goes on from them, for whoever is asked next. Pure.

Where the provider keeps the answer itself, the new request names it, and says nothing again. Everywhere else the
lineage is said again: what was asked and answered, in order, calls and results paired. Signatures, encrypted and
redacted reasoning go back to where they are from, and to nobody else. What does not fit into the context window goes,
whole turns at a time, the oldest first; nothing goes unreported.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from dragoman.providers.abroad import RESPONSES, shown_by_user, told_abroad, told_anew
from dragoman.providers.auth import Key, credential_id
from dragoman.providers.conversations import Kept
from dragoman.providers.fieldcache import Place
from dragoman.providers.placed import answer_at, placed
from dragoman.providers.settings import Profile
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import CallerError
from dragoman.schemas.ir import (
    Continuation,
    Media,
    Message,
    Part,
    Request,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from dragoman.schemas.losses import Losses

__all__ = ["RESPONSES", "Thread", "continued", "fitted", "kept_by", "place_of", "provider_id"]

# Who refuses calls in a conversation without the tools that they are of, though none shall be called any more.
_WANT_TOOLS = frozenset({"anthropic"})
_SHORT = 4  # characters of a token, about
_PICTURE = 1_000  # tokens of anything that is not text, about


class Thread(msgspec.Struct, frozen=True, kw_only=True):
    """What a request goes on from. `lineage` is the first turn first; `named` is an id that nobody here knows: the
    provider may. `carries`: instructions and tools of the turn before hold on, where none are said. `keeps`: the answer
    is kept, and `session` stands for it. `conversation` is the id of all of it."""

    conversation: str
    lineage: tuple[Kept, ...] = ()
    named: str | None = None
    session: str | None = None
    carries: bool = False
    keeps: bool = False


def continued(profile: Profile, credential: str, request: Request, thread: Thread, losses: Losses) -> Request:
    """Return the request with all that it goes on from, as this provider wants it."""
    if thread.named is not None:
        return _naming(request, thread.named)
    if not thread.lineage:
        return request
    thread = replace(thread, lineage=tuple(placed(kept, number) for number, kept in enumerate(thread.lineage)))
    _tell_early_end(thread, losses)
    request = _carried(request, thread) if thread.carries else request
    if (native := kept_by(profile, credential, thread.lineage[-1])) is not None:
        return _naming(request, native)
    _refuse_headless(thread)
    family = find(profile.dialect).family
    said = _Telling(profile, credential, losses).told(thread.lineage)
    messages = shown_by_user(_told_apart((*said, *request.messages)), family, losses)
    request = replace(request, messages=_paired(messages, losses))
    return _with_tools(request, thread) if family in _WANT_TOOLS else request


def kept_by(profile: Profile, credential: str, kept: Kept) -> str | None:
    """Return the id under which this provider keeps an answer, if it is the one that gave it."""
    origin = kept.origin
    is_his = origin.provider == provider_id(profile) and origin.credential == credential
    return origin.native_id if is_his and profile.continuation == "native" and not profile.credentials else None


def provider_id(profile: Profile) -> str:
    """Return who it is that answers a profile, whatever the profile is called: a vendor, at a host."""
    host = profile.base_url.partition("://")[2].partition("/")[0].rpartition("@")[2]
    return f"{profile.vendor}@{host}"


def place_of(profile: Profile, key: Key | None, model: str | None, thread: Thread | None) -> Place:
    """Return where an exchange takes place, as far as the field cache is concerned."""
    return Place(
        provider=provider_id(profile),
        model=model,
        credential=credential_id(profile, key),
        session=None if thread is None else thread.session,
        conversation=None if thread is None else thread.conversation,
    )


def _naming(request: Request, native: str) -> Request:
    named = Continuation(dialect=RESPONSES, name="previous_response_id", value=native)
    others = (state for state in request.continuations if state.name != named.name)
    return replace(request, continuations=(*others, named))


def _carried(request: Request, thread: Thread) -> Request:
    """Return the request with the instructions and tools of the turns before, where it has none of its own."""
    before = [kept.request for kept in reversed(thread.lineage)]
    return replace(
        request,
        instructions=request.instructions or next((one.instructions for one in before if one.instructions), ()),
        tools=request.tools or next((one.tools for one in before if one.tools), ()),
    )


def _tell_early_end(thread: Thread, losses: Losses) -> None:
    """Tell that what is gone on from is not all that was to be said."""
    if thread.lineage[-1].status == "incomplete":
        reason = "this answer ended early; it is gone on from as if it were whole"
        losses.approximated(answer_at(len(thread.lineage) - 1), "history", reason)


def _refuse_headless(thread: Thread) -> None:
    """Refuse to say a conversation again whose beginning is not here: forgotten, or known to its provider alone."""
    if (missing := thread.lineage[0].previous) is not None:
        error = CallerError(f"the answer {missing}, with which this conversation began, is not kept here")
        error.hint = "only the provider that keeps it can go on from it; keep: in the profile says how much is kept"
        raise error


def _with_tools(request: Request, thread: Thread) -> Request:
    """Return a request in which tools were called with those tools. None is to be called, where it brings none."""
    if request.tools or not any(isinstance(part, ToolCall) for message in request.messages for part in message.parts):
        return request
    tools = next((kept.request.tools for kept in reversed(thread.lineage) if kept.request.tools), ())
    return replace(request, tools=tools, tool_choice=ToolChoice(mode="none")) if tools else request


# ------------------------------------------------------------------------------------------------------- what was said
class _Telling:
    """Says stored turns again, to whoever this profile is."""

    def __init__(self, profile: Profile, credential: str, losses: Losses) -> None:
        self._profile, self._credential, self._losses = profile, credential, losses

    def told(self, lineage: Sequence[Kept]) -> list[Message]:
        """Return what was new in each turn, and its answer."""
        told = [
            self._message(message, kept)
            for number, kept in enumerate(lineage)
            for message in (*kept.request.messages, _answer(kept, number))
        ]
        return [message for message in told if message.parts or message.role != "assistant"]

    def _message(self, message: Message, kept: Kept) -> Message:
        """Return a message as this provider can read it: another one may speak the same dialect."""
        origin, family = kept.origin, find(kept.origin.dialect).family
        if origin.provider != provider_id(self._profile) or family != find(self._profile.dialect).family:
            return told_abroad(message, family, origin.provider, self._losses)
        is_kept = kept_by(self._profile, self._credential, kept) is not None
        return message if is_kept else told_anew(message, self._losses)


def _answer(kept: Kept, number: int) -> Message:
    parts = kept.response.candidates[0].parts if kept.response and kept.response.candidates else ()
    return Message(role="assistant", parts=parts, at=answer_at(number))


# ------------------------------------------------------------------------------------------------------------- pairing
def _told_apart(messages: Sequence[Message]) -> Sequence[Message]:
    """Return the messages with an id of its own for each call: some providers count the calls of one answer only."""
    calls = [part.id for message in messages for part in message.parts if isinstance(part, ToolCall)]
    if len(calls) == len(set(calls)):
        return messages
    apart = _Apart(calls)
    return [replace(message, parts=tuple(map(apart.part, message.parts))) for message in messages]


class _Apart:
    """Gives a call whose id another one had before it a new one, and to the results that follow it."""

    def __init__(self, calls: Iterable[str]) -> None:
        self._taken = set(calls)
        self._numbers: dict[str, int] = {}  # of the last call that has this id
        self._now: dict[str, str] = {}

    def part(self, part: Part) -> Part:
        match part:
            case ToolCall(id=said):
                self._now[said] = name = self._free(said)
                return part if name == said else replace(part, id=name)
            case ToolResult(call_id=said) if self._now.get(said, said) != said:
                return replace(part, call_id=self._now[said])
            case _:
                return part

    def _free(self, said: str) -> str:
        number = self._numbers.get(said, 0) + 1
        while number > 1 and f"{said}_{number}" in self._taken:
            number += 1
        self._numbers[said] = number
        return said if number == 1 else f"{said}_{number}"


def _paired(messages: Sequence[Message], losses: Losses) -> tuple[Message, ...]:
    """Return the messages without calls that nobody answers, and results of calls that are not there: no API takes
    them. Calls at the very end are still to be answered."""
    answered = {part.call_id for message in messages for part in message.parts if isinstance(part, ToolResult)}
    last = len(messages) - 1
    made: set[str] = set()
    kept: list[Message] = []
    for number, message in enumerate(messages):
        made |= {part.id for part in message.parts if isinstance(part, ToolCall)}
        open_calls = answered if number < last else answered | made
        parts = tuple(part for part in message.parts if _is_paired(part, open_calls, made))
        if len(parts) < len(message.parts):
            reason = "a call and its result stand together, or not at all: one of them is missing"
            losses.dropped(message.at, "tool_call", reason, severity="advisory")
        if parts:
            kept.append(message if len(parts) == len(message.parts) else replace(message, parts=parts))
    return tuple(kept)


def _is_paired(part: Part, answered: set[str], made: set[str]) -> bool:
    match part:
        case ToolCall():
            return part.id in answered
        case ToolResult():
            return part.call_id in made
        case _:
            return True


# ------------------------------------------------------------------------------------------------------------- fitting
_Group: TypeAlias = "list[Message]"


def fitted(request: Request, window: int, losses: Losses) -> Request:
    """Return the request without the oldest turns that do not fit into a context window of so many tokens. The last one
    stays, whatever its length; a turn begins where the user says something that is no result of a tool. Instructions
    amid those that go hold on."""
    groups = _groups(request.messages)
    room = window - (request.parameters.max_tokens or 0) - _tokens(request.instructions)
    room -= sum(_length(tool) for tool in request.tools) // _SHORT
    sizes = [_tokens(group) for group in groups]
    gone, total = 0, sum(sizes)
    while gone < len(groups) - 1 and total > room:
        total -= sizes[gone]
        gone += 1
    if not gone:
        return request
    turns = f"the oldest turn, of {sum(sizes[:gone]):,} tokens" if gone == 1 else f"the {gone} oldest turns"
    losses.dropped(request.at, "history", f"{turns}: a context window of {window:,} tokens has no room for more")
    amid = (message for group in groups[:gone] for message in group if message.role in ("system", "developer"))
    return replace(
        request,
        instructions=(*request.instructions, *amid),
        messages=tuple(message for group in groups[gone:] for message in group),
    )


def _groups(messages: Iterable[Message]) -> list[_Group]:
    groups: list[_Group] = []
    for message in messages:
        if not groups or _begins_turn(message):
            groups.append([])
        groups[-1].append(message)
    return groups


def _begins_turn(message: Message) -> bool:
    return message.role == "user" and not any(isinstance(part, ToolResult) for part in message.parts)


def _tokens(messages: Iterable[Message]) -> int:
    return sum(_part_tokens(part) for message in messages for part in message.parts)


def _part_tokens(part: Part) -> int:
    match part:
        case Media(data=str()) | Media(url=str()) | Media(file_id=str()):
            return _PICTURE
        case ToolResult():
            return sum(_part_tokens(inner) for inner in part.content) + 4
        case _:
            return _length(part) // _SHORT + 4


def _length(value: msgspec.Struct) -> int:
    """Return how long a value is as JSON, about."""
    from dragoman.schemas.jsontext import write_json
    from dragoman.schemas.unified import as_kept

    return len(write_json(as_kept(value)))  # type: ignore[arg-type]  # parts and tools are nodes
