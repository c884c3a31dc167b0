"""Strategies for conversations of the IR: parts, turns, calls and the results that answer them.

What is made obeys the rules of `ir` and the plain sense of every API: ids are unique, each result answers a call of the
turn before, results come first in their turn and in the order of the calls, every call is answered.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from hypothesis import strategies as st

from dragoman.schemas.ir import (
    BuiltinCall,
    BuiltinResult,
    Cache,
    Citation,
    Extra,
    Media,
    Message,
    Native,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Value,
)
from tests.laws.leaves import (
    ARGUMENTS,
    DIALECTS,
    JSON_TEXTS,
    NAMES,
    ODD_NAMES,
    TEXTS,
    either,
    json_values,
    maybe,
    pick,
    rarely,
    some,
)
from tests.laws.vendors import BUILTIN_CALLS, BUILTIN_RESULTS, NATIVES

__all__ = ["Talk", "answers", "caches", "extras", "instructions", "talks", "tool_names"]

_IMAGES = (("image/png", "~png~"), ("image/jpeg", "~jpeg~"), ("image/gif", "~gif~"), ("image/webp", "~webp~"))
_SOUNDS = (("audio/wav", "~wav~"), ("audio/mpeg", "~mp3~"))


# Those who sign or encrypt reasoning. What chat's vendors do so travels in its extra fields.
SIGNING = ("anthropic", "gemini", "openai-responses")


class Talk(NamedTuple):
    messages: tuple[Message, ...]
    custom: frozenset[str]  # the names of the free-form tools that it calls
    functions: frozenset[str]


@cache
def caches() -> st.SearchStrategy[Cache | None]:
    return rarely(st.builds(Cache, ttl=pick(None, "5m", "1h")), 4)


@cache
def extras() -> st.SearchStrategy[Extra | None]:
    """Return fields that one dialect knows, now and then."""
    found = st.builds(_extra, pick(*DIALECTS), json_values())
    return rarely(found, 5)


def _extra(dialect: str, value: object) -> Extra:
    return {dialect: {"x_unknown_<>": value}}  # type: ignore[dict-item]


@cache
def _opaques() -> st.SearchStrategy[Opaque | None]:
    signed = st.builds(Opaque, dialect=pick(*SIGNING), value=st.just("~sig~"))
    return rarely(signed, 2)


# ------------------------------------------------------------------------------------------------------------- parts
@cache
def _citations() -> st.SearchStrategy[Citation]:
    page = st.builds(
        Citation,
        url=st.just("https://pages.example/<>"),
        title=pick("Title <>", None),
        cited_text=pick("cited words <>", None),
        extra=extras(),
    )
    span = st.builds(
        Citation,
        url=st.just("https://pages.example/<>"),
        title=st.just("Title <>"),
        start=pick(2, 0),
        end=pick(4, 5),
        extra=extras(),
    )
    file = st.builds(Citation, file_id=st.just("file-<>"), title=st.just("notes <>.txt"), extra=extras())
    own = pick("anthropic", "openai-responses")  # those whose citations stand on the text itself
    native = st.builds(Citation, native=st.just({"type": "x_location", "x_place": "<>"}), dialect=own)
    return either(page, span, file, native)


@cache
def texts(*, cited: bool = False) -> st.SearchStrategy[Text]:
    return st.builds(
        Text,
        text=pick(*TEXTS),
        citations=some(_citations(), 0, 2) if cited else st.just(()),
        cache=caches(),
        signature=_opaques() if cited else st.none(),
        extra=extras(),
    )


@cache
def _signed_nothings() -> st.SearchStrategy[Text]:
    """Return empty texts that are there for their signature alone."""
    return st.builds(
        Text, text=st.just(""), signature=st.builds(Opaque, dialect=pick(*SIGNING), value=st.just("~sig~"))
    )


@cache
def media() -> st.SearchStrategy[Media]:
    """Return what a user shows: each kind in each form that some dialect has."""
    image = st.builds(
        _data, st.just("image"), pick(*_IMAGES), detail=maybe(pick("low", "high")), cache=caches(), extra=extras()
    )
    sniffed = st.builds(Media, kind=st.just("image"), data=pick("~png~", "~jpeg~"))
    sound = st.builds(_data, st.just("audio"), pick(*_SOUNDS), extra=extras())
    film = st.builds(_data, st.just("video"), st.just(("video/mp4", "~mp4~")))
    linked = st.builds(
        Media,
        kind=pick("image", "document", "video", "audio"),
        url=pick("https://media.example/<>", "gs://bucket/<>"),
        mime=st.none(),
        name=st.none(),
        detail=st.none(),
    )
    return either(image, image, sniffed, sound, film, linked, _documents(), _files())


def _data(kind: str, shown: tuple[str, str], **fields: object) -> Media:
    return Media(kind=kind, mime=shown[0], data=shown[1], **fields)  # type: ignore[arg-type]


@cache
def _documents() -> st.SearchStrategy[Media]:
    shared = {
        "name": maybe(st.just("report <>.pdf")),
        "context": maybe(st.just("about cats <>")),
        "cite": maybe(st.booleans()),
    }
    pdf = st.builds(
        _data, st.just("document"), st.just(("application/pdf", "~pdf~")), cache=caches(), extra=extras(), **shared
    )
    csv = st.builds(_data, st.just("document"), pick(("text/csv", "~txt~"), ("text/plain", "~txt~")))
    plain = st.builds(
        Media, kind=st.just("document"), mime=st.just("text/plain"), text=pick(*TEXTS), cache=caches(), **shared
    )
    parted = st.builds(
        Media, kind=st.just("document"), content=some(st.builds(Text, text=pick(*TEXTS)), 1, 2), **shared
    )
    return either(pdf, csv, plain, parted)


@cache
def _files() -> st.SearchStrategy[Media]:
    return st.builds(
        Media,
        kind=pick("image", "document"),
        file_id=st.just("file-<>"),
        dialect=pick("openai-chat", "openai-responses", "anthropic", "gemini"),
        cache=caches(),
    )


@cache
def _shown() -> st.SearchStrategy[Media]:
    """Return media of an assistant: a picture that was made, a sound with its words, a sound that is kept."""
    image = st.builds(_data, st.just("image"), st.just(("image/png", "~png~")), signature=_opaques())
    sound = st.builds(_data, st.just("audio"), pick(*_SOUNDS), transcript=maybe(st.just("spoken <>")))
    kept = st.builds(Media, kind=st.just("audio"), file_id=st.just("audio_<>"), dialect=st.just("openai-chat"))
    return either(image, sound, kept)


@cache
def reasoning() -> st.SearchStrategy[Reasoning]:
    return either(*(_thought(dialect) for dialect in DIALECTS))


@cache
def _thought(dialect: str) -> st.SearchStrategy[Reasoning]:
    signed = st.builds(Opaque, dialect=st.just(dialect), value=st.just("~sig~"))
    thought = pick("I think <>", "first,\nthen <>")
    plain = st.builds(Reasoning, text=thought, dialect=st.just(dialect), extra=extras())
    if dialect not in SIGNING:
        return plain
    return either(
        plain,
        st.builds(Reasoning, text=thought, signature=signed, dialect=st.just(dialect)),
        st.builds(Reasoning, summary=some(thought, 1, 2), signature=maybe(signed), dialect=st.just(dialect)),
        st.builds(Reasoning, text=thought, summary=some(thought, 1, 1), dialect=st.just(dialect)),
        st.builds(Reasoning, signature=signed, dialect=st.just(dialect)),
        st.builds(Reasoning, signature=signed, redacted=st.just(True), dialect=st.just(dialect)),
    )


@cache
def _refusals() -> st.SearchStrategy[Refusal]:
    return st.builds(Refusal, text=st.just("I cannot <>"), extra=extras())


@cache
def _asides() -> st.SearchStrategy[Part]:
    """Return what else an assistant's turn may hold: calls that the vendor ran, parts that only one vendor knows."""
    ran = pick(*BUILTIN_CALLS).map(lambda said: BuiltinCall(kind=said[1], dialect=said[0], wire=said[2]))
    brought = pick(*BUILTIN_RESULTS).map(lambda said: BuiltinResult(kind=said[1], dialect=said[0], wire=said[2]))
    native = pick(*NATIVES).map(lambda said: Native(dialect=said[0], wire=said[1]))
    return either(ran, brought, native)


# ------------------------------------------------------------------------------------------------------------- calls
@cache
def tool_names() -> st.SearchStrategy[str]:
    return pick(*NAMES, *NAMES, *ODD_NAMES)


def _call_id(number: int, style: str) -> str:
    return {"plain": f"call_{number}", "odd": f"functions.look:{number}", "long": f"{'x' * 70}_{number}"}[style]


@st.composite
def _calls(draw: st.DrawFn, number: int) -> ToolCall:
    custom = draw(pick(False, False, False, True))
    return ToolCall(
        id=_call_id(number, draw(pick("plain", "plain", "odd", "long"))),
        name="raw_" + draw(pick("shell", "patch")) if custom else draw(tool_names()),
        arguments=draw(pick("ls -l <>", "")) if custom else draw(pick(*ARGUMENTS)),
        custom=custom,
        namespace=draw(pick(None, None, None, "crm")) if not custom else None,
        cache=draw(caches()),
        signature=draw(_opaques()),
        extra=draw(extras()),
    )


@st.composite
def _result(draw: st.DrawFn, call: ToolCall) -> ToolResult:
    words = pick(*TEXTS, *JSON_TEXTS).map(lambda said: Text(text=said))
    value = st.builds(Value, value=pick({"degrees": 21.0, "mark": "<>"}, {"result": "<>"}, ["<>"]), extra=extras())
    shown: st.SearchStrategy[Part] = either(
        words, words, st.builds(_data, st.just("image"), pick(*_IMAGES)), _documents()
    )
    content: st.SearchStrategy[tuple[Part, ...]] = either(
        some(words, 1, 1), some(value, 1, 1), some(texts(), 0, 2), some(shown, 1, 3)
    )
    return ToolResult(
        call_id=call.id,
        content=draw(content),
        name=draw(pick(None, call.name)),
        is_error=draw(pick(None, None, True, False)),
        custom=call.custom,
        cache=draw(caches()),
        extra=draw(extras()),
    )


# ------------------------------------------------------------------------------------------------------------- turns
@st.composite
def answers(draw: st.DrawFn, first: int, most_calls: int = 3) -> tuple[Part, ...]:
    """Return the parts of an assistant's turn, in any order that a model may have said them in."""
    words = texts(cited=True)
    said = either(words, words, words, reasoning(), reasoning(), _asides(), _shown(), _refusals(), _signed_nothings())
    parts: list[Part] = list(draw(st.lists(said, min_size=1, max_size=3)))
    for number in range(draw(st.integers(0, most_calls))):
        parts.insert(
            draw(st.integers(0, len(parts))) if draw(pick(False, False, True)) else len(parts),
            draw(_calls(first + number)),
        )
    if not any(isinstance(part, ToolCall) or (isinstance(part, Text) and part.text) for part in parts):
        parts.append(draw(texts()))
    return tuple(parts)


@st.composite
def _spoken(draw: st.DrawFn, calls: list[ToolCall]) -> tuple[Part, ...]:
    """Return a user's turn: the results of these calls, then words and media; something is always said."""
    results: list[Part] = [draw(_result(call)) for call in calls]
    said: st.SearchStrategy[Part] = either(texts(), media())
    beside = draw(st.lists(said, min_size=0 if results else 1, max_size=2))
    return (*results, *beside)


@st.composite
def talks(draw: st.DrawFn, most: int = 3) -> Talk:
    messages: list[Message] = []
    calls: list[ToolCall] = []
    made = 0
    for turn in range(draw(st.integers(1, most))):
        if turn:
            parts = draw(answers(made))
            calls = [part for part in parts if isinstance(part, ToolCall)]
            made += len(calls)
            messages.extend(draw(_cut("assistant", parts)))
        if not calls and draw(pick(False, False, False, True)):
            messages.append(draw(_amid()))
        messages.extend(draw(_cut("user", draw(_spoken(calls)))))
    if draw(pick(False, False, True)):
        messages.append(Message(role="assistant", parts=(draw(texts()),)))
    called = [part for message in messages for part in message.parts if isinstance(part, ToolCall)]
    custom = frozenset(call.name for call in called if call.custom)
    return Talk(tuple(messages), custom, frozenset(call.name for call in called if not call.custom))


@st.composite
def _cut(draw: st.DrawFn, role: str, parts: tuple[Part, ...]) -> list[Message]:
    """Return a turn as one message or, now and then, as two neighbours of one role."""
    at = draw(st.integers(1, len(parts) - 1)) if len(parts) > 1 and draw(pick(False, False, True)) else len(parts)
    pieces = [piece for piece in (parts[:at], parts[at:]) if piece]
    return [Message(role=role, parts=piece, extra=draw(extras())) for piece in pieces]  # type: ignore[arg-type]


@st.composite
def _amid(draw: st.DrawFn) -> Message:
    return Message(role=draw(pick("system", "developer")), parts=(draw(texts()),))


@cache
def instructions() -> st.SearchStrategy[tuple[Message, ...]]:
    message = st.builds(Message, role=pick("system", "developer"), parts=some(texts(), 1, 2), extra=extras())
    return some(message, 0, 2)
