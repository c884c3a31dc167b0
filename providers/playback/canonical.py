"""A request of the IR → what it says, whoever says it in whichever dialect: what a recording is found by.

The `key` knows the words of the conversation, the calls and their results, media by their bytes, the names of the
tools, the shape of the wanted output, and the state that a vendor keeps. It does not know ids (calls count by their
place), how texts are cut into parts or turns, white space, how Unicode composes a letter, the order of what dialects
and clients put in an order of their own (results, media, calls that were made at once), thoughts and signatures, marks
of caches, nor any setting. What it leaves out and an answer may depend on is in the `trait`s, by which recordings of
one key are told apart.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator
from typing import TypeAlias

import msgspec

from dragoman.schemas.arguments import parsed_arguments
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import (
    JSON,
    BuiltinTool,
    Media,
    Message,
    Native,
    OutputFormat,
    Part,
    Refusal,
    Request,
    Text,
    ToolCall,
    ToolResult,
    Value,
    Wire,
)
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.media import text_of
from dragoman.schemas.spelling import fit_name

__all__ = ["Call", "Content", "Turn", "canonical", "digest_of", "key_of", "squeezed", "traits_of"]

Digest: TypeAlias = bytes
_DEEPEST = 64  # levels of a schema or value that are looked into
_SIZE = 16  # bytes of a digest
_AT_ONCE = 1 << 16  # characters that are split into words at once, since each word takes room
# What they say amid the conversation, some dialects say before it.
_INSTRUCTING = frozenset({"system", "developer"})


class Call(msgspec.Struct, frozen=True):
    """A call of a tool; or the result of the call with this number, which `says` what came of it, and has perhaps
    `failed`."""

    number: int
    name: str
    says: str
    failed: bool = False


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """What one speaker says before the other one does. `media` are digests, URLs and ids."""

    role: str
    text: str = ""
    calls: tuple[Call, ...] = ()
    results: tuple[Call, ...] = ()
    media: tuple[str, ...] = ()


class Content(msgspec.Struct, frozen=True, kw_only=True):
    instructions: str = ""
    turns: tuple[Turn, ...] = ()
    tools: tuple[str, ...] = ()
    output: tuple[str, ...] | None = None
    state: tuple[str, ...] = ()


def canonical(request: Request) -> Content:
    """Return what a request says. Raises InvalidInput for what is nested too deeply."""
    try:
        return _content(request)
    except RecursionError as error:
        raise InvalidInput("$", "nested too deeply") from error


def key_of(content: Content) -> Digest:
    """Return the key, which requests that say the same have in common."""
    return digest_of(
        [
            squeezed(content.instructions),
            [_squeezed_turn(turn) for turn in content.turns],
            list[JSON](content.tools),
            None if content.output is None else list[JSON](content.output),
            list[JSON](content.state),
        ]
    )


def traits_of(request: Request, content: Content) -> tuple[Digest, Digest]:
    """Return what a request says beyond its key: its very words, its tools, and what only its dialect knows of them;
    and its settings."""
    words: list[JSON] = [
        content.instructions,
        [_very_words(turn) for turn in content.turns],
        [part.wire for message in request.messages for part in message.parts if isinstance(part, Native)],
        [_bare(tool) for tool in request.tools],
        _bare(request.output),
        _bare(request.tool_choice),
    ]
    settings = msgspec.structs.replace(request.parameters, stream=None, stream_usage=None)
    chosen = msgspec.to_builtins([settings, request.stop, _bare(request.reasoning), request.extra])
    return digest_of(words), digest_of(chosen)


def _very_words(turn: Turn) -> JSON:
    return [turn.text, list[JSON](turn.media), [[result.says, result.failed] for result in turn.results]]


def digest_of(said: JSON) -> Digest:
    """Return a few bytes in the place of a value that may be long."""
    return hashlib.blake2b(write_json(said), digest_size=_SIZE).digest()


def squeezed(text: str) -> str:
    """Return a text without its white space: dialects put their own between the parts that they join."""
    pieces = (text[begin : begin + _AT_ONCE] for begin in range(0, len(text), _AT_ONCE))
    return unicodedata.normalize("NFC", "".join("".join(piece.split()) for piece in pieces))


def _squeezed_turn(turn: Turn) -> JSON:
    return [
        turn.role,
        squeezed(turn.text),
        [[call.name, squeezed(call.says)] for call in turn.calls],
        [[result.number, squeezed(result.says)] for result in turn.results],
        list[JSON](sorted(turn.media)),
    ]


def _bare(node: object) -> JSON:
    """Return a node as JSON without the places where it was read, nor what only one dialect knows of it."""
    said: JSON = msgspec.to_builtins(node)
    if not isinstance(said, dict):
        return said
    return {name: value for name, value in said.items() if name not in ("at", "extra", "cache")}


# -------------------------------------------------------------------------------------------------------- the content
def _content(request: Request) -> Content:
    told = [*request.instructions, *(message for message in request.messages if message.role in _INSTRUCTING)]
    instructions = [_text(message.parts) for message in told]
    calls = _Calls()
    return Content(
        instructions="\n".join(filter(None, instructions)),
        turns=tuple(calls.turn(role, parts) for role, parts in _runs(request.messages)),
        tools=tuple(sorted({fit_name(tool.name) for tool in request.tools if not isinstance(tool, BuiltinTool)})),
        output=None if request.output is None else _shape(request.output),
        state=tuple(f"{state.name}: {_said(state.value)}" for state in request.continuations),
    )


def _runs(messages: Iterable[Message]) -> list[tuple[str, list[Part]]]:
    """Return what one speaker says before the other one does, without messages that say nothing."""
    runs: list[tuple[str, list[Part]]] = []
    for message in messages:
        if message.role in _INSTRUCTING or not any(map(_counts, message.parts)):
            continue
        role = "assistant" if message.role == "assistant" else "user"
        if runs and runs[-1][0] == role:
            runs[-1][1].extend(message.parts)
        else:
            runs.append((role, [*message.parts]))
    return runs


def _counts(part: Part) -> bool:
    return isinstance(part, (ToolCall, ToolResult)) or _is_medium(part) or bool(_words(part).strip())


def _number(call: Call) -> int:
    return call.number


def _saying(made: tuple[str, Call]) -> tuple[str, str]:
    return made[1].name, made[1].says


class _Calls:
    """The calls of a conversation, which count by their place; those of one turn by what they say."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._count = 0

    def turn(self, role: str, parts: list[Part]) -> Turn:
        results = [part for part in parts if isinstance(part, ToolResult)]
        shown = [*parts, *(part for result in results for part in result.content)]
        made = [
            (part.id, Call(0, fit_name(part.name), _arguments(part))) for part in parts if isinstance(part, ToolCall)
        ]
        return Turn(
            role=role,
            text=_text(parts),
            calls=tuple(self._counted(call_id, call) for call_id, call in sorted(made, key=_saying)),
            results=tuple(sorted((self._result(result) for result in results), key=_number)),
            media=tuple(_digests(shown)),
        )

    def _counted(self, call_id: str, call: Call) -> Call:
        self._count += 1
        self._numbers[call_id] = self._count
        return msgspec.structs.replace(call, number=self._count)

    def _result(self, result: ToolResult) -> Call:
        said = [_said(part.value) if isinstance(part, Value) else _text((part,)) for part in result.content]
        says = _settled("\n".join(filter(None, said)))
        return Call(self._numbers.get(result.call_id, 0), "", says, bool(result.is_error))


def _text(parts: Iterable[Part]) -> str:
    return "\n".join(text for part in parts if (text := _words(part)))


def _words(part: Part) -> str:
    match part:
        case Text() | Refusal():
            return part.text
        case Media():
            return text_of(part) or part.transcript or ""
        case _:
            return ""


def _digests(parts: Iterable[Part]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, Media) and _is_medium(part):
            yield _medium(part)


def _is_medium(part: Part) -> bool:
    return isinstance(part, Media) and text_of(part) is None and not part.transcript


def _medium(media: Media) -> str:
    if media.data is None:
        return media.url or f"{media.dialect}: {media.file_id}"
    plain = "".join(media.data.split()).rstrip("=").replace("-", "+").replace("_", "/")
    return hashlib.blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=_SIZE).hexdigest()


# ------------------------------------------------------------------------------------------------------------- values
def _arguments(call: ToolCall) -> str:
    said = call.arguments
    if call.custom and isinstance(said, str):
        return _said({"input": said})
    if isinstance(said, str):
        parsed = parsed_arguments(said)
        return _said({"arguments": said} if parsed is None else parsed)
    return _said(said)


def _settled(text: str) -> str:
    """Return a result as canonical JSON if it is JSON, and as the text that it is if not."""
    begun = text.lstrip()[:1]
    if begun not in ("{", "["):
        return text
    try:
        return _said(read_json(text))
    except InvalidInput:
        return text


def _said(value: JSON) -> str:
    return write_json(_ordered(value, 0)).decode()


def _ordered(value: JSON, depth: int) -> JSON:
    """Return a value with its fields in order, and with 1 for 1.0."""
    if depth > _DEEPEST:
        return value
    match value:
        case dict():
            return {name: _ordered(value[name], depth + 1) for name in sorted(value)}
        case list():
            return [_ordered(item, depth + 1) for item in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


def _shape(output: OutputFormat) -> tuple[str, ...]:
    """Return the names of all properties of a schema: what else it says, each vendor takes in a subset of its own."""
    return () if output.schema is None else tuple(sorted(set(_properties(output.schema, 0))))


def _properties(schema: JSON, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    if isinstance(schema, list):
        for item in schema:
            yield from _properties(item, depth + 1)
    elif isinstance(schema, dict):
        for name, held in schema.items():
            if name in ("properties", "$defs", "definitions") and isinstance(held, dict):
                yield from _named(held, depth, is_told=name == "properties")
            else:
                yield from _properties(held, depth + 1)


def _named(held: Wire, depth: int, *, is_told: bool) -> Iterator[str]:
    if is_told:
        yield from held
    for inner in held.values():
        yield from _properties(inner, depth + 1)
