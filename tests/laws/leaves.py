"""Telling leaves for generated values: texts, names, numbers, media; and `numbered`, which makes each of them unique.

A leaf holds a placeholder: `<>` becomes `<7>`, `~png~` the base64 of a small PNG that no other leaf holds. What a
conversion loses, moves or says twice can therefore be told from what it keeps.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from functools import partial
from itertools import count
from typing import TypeVar, cast

import msgspec
from hypothesis import strategies as st

from dragoman.schemas import dialects
from dragoman.schemas.ir import JSON, At, Node, Wire

__all__ = [
    "ARGUMENTS",
    "DIALECTS",
    "JSON_TEXTS",
    "NAMES",
    "ODD_NAMES",
    "SCHEMAS",
    "TEXTS",
    "either",
    "finished",
    "json_values",
    "maybe",
    "numbered",
    "pick",
    "rarely",
    "some",
]

T = TypeVar("T")
DIALECTS = tuple(dialect.name for dialect in dialects())
TEXTS = (
    "Hello <>",
    "Grüße aus Köln: 10 °C, 5 € <>",
    "日本語と emoji 👩‍👩‍👧 <>",
    "first line\nsecond line\n\nlast line <>\n",
    'he said "no" \\ <b>&amp;</b> <>',
    "  blanks around <>  ",
    "{not json <>",
    "data:image/png;base64,no <>",
    "# Heading <>\n```json\n{}\n```",
)
JSON_TEXTS = ('{"temperature": 21.0, "mark": "<>"}', '["<>", 1, 2.50]', '"quoted <>"', '{"error": "no such city <>"}')
NAMES = ("get_weather", "look", "search-web", "Calc_2")
ODD_NAMES = ("weather.get", "größe", "a" * 70, "mcp:server/tool")
SCHEMAS: tuple[Wire, ...] = (
    {"type": "object", "properties": {}},
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    {
        "type": "object",
        "properties": {"title": {"type": "string", "description": "a property called title"}, "n": {"type": "integer"}},
        "required": ["title", "n"],
        "additionalProperties": False,
    },
    {
        "type": "object",
        "properties": {"kind": {"enum": ["a", "b"]}, "when": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
        "required": ["kind"],
    },
    {
        "type": "object",
        "properties": {"tree": {"$ref": "#/$defs/Tree"}, "limit": {"type": "number", "exclusiveMinimum": 0}},
        "$defs": {"Tree": {"type": "object", "properties": {"name": {"type": "string"}}}},
    },
)
ARGUMENTS: tuple[str | Wire, ...] = (
    {},
    "",
    {"city": "Köln <>"},
    '{"city": "Köln <>", "days": 3}',
    {"id": 12345678901234567890123, "share": 1.0, "small": 1e-7, "none": None, "list": [1, [2, {"a": "<>"}]]},
    '{"id": 12345678901234567890123, "share": 1.0}',
    "null",
    '{"cut": "off <>',
)
_PLACEHOLDER = re.compile(r"<>|~[a-z0-9]+~")
_HEADS = {
    "~png~": b"\x89PNG\r\n\x1a\n",
    "~jpeg~": b"\xff\xd8\xff\xe0",
    "~gif~": b"GIF89a",
    "~webp~": b"RIFF\x10\x00\x00\x00WEBPVP8 ",
    "~pdf~": b"%PDF-1.7\n",
    "~wav~": b"RIFF\x10\x00\x00\x00WAVEfmt ",
    "~mp3~": b"ID3\x04",
    "~mp4~": b"\x00\x00\x00\x18ftypmp42",
    "~txt~": "Grüße, words in a document ".encode(),
    "~sig~": b"signature of a vendor ",
}


def maybe(strategy: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    return st.none() | strategy


def pick(*values: T) -> st.SearchStrategy[T]:
    return st.sampled_from(values)


@st.composite
def either(draw: st.DrawFn, *strategies: st.SearchStrategy[T]) -> T:
    """Draw by one of the strategies, each as likely as it is often named: `one_of` would flatten and thin them out."""
    return draw(strategies[draw(st.integers(0, len(strategies) - 1))])


def rarely(strategy: st.SearchStrategy[T], times: int = 3) -> st.SearchStrategy[T | None]:
    """Draw now and then: once where nothing is drawn `times` times."""
    return either(*(st.none() for _ in range(times)), strategy)


def some(strategy: st.SearchStrategy[T], least: int = 0, most: int = 3) -> st.SearchStrategy[tuple[T, ...]]:
    return st.lists(strategy, min_size=least, max_size=most).map(tuple)


def json_values() -> st.SearchStrategy[JSON]:
    """Return values for fields that nobody knows: one of each type, nested a little."""
    return pick(1, 0.5, True, "odd <>", ["<>", None], {"deep": {"er": "<>"}, "n": 12345678901234567890})


def finished(value: T) -> T:
    """Return a value of the IR with unique leaves, and with `at` on every node."""
    return cast(T, _placed(numbered(value), ()))


def numbered(value: T) -> T:
    """Return JSON, or a value of the IR, with every placeholder replaced by a leaf of its own."""
    return cast(T, _numbered(value, count(1)))


def _numbered(value: object, numbers: Iterator[int]) -> object:
    match value:
        case str():
            return _PLACEHOLDER.sub(partial(_leaf, numbers), value) if value else value
        case dict():
            fields = cast("dict[str, object]", value)
            return {_numbered(key, numbers): _numbered(item, numbers) for key, item in fields.items()}
        case list():
            return [_numbered(item, numbers) for item in cast("list[object]", value)]
        case tuple():
            return tuple(_numbered(item, numbers) for item in cast("tuple[object, ...]", value))
        case msgspec.Struct():
            fields = {name: _numbered(getattr(value, name), numbers) for name in value.__struct_fields__}
            return msgspec.structs.replace(value, **fields)
        case _:
            return value


def _leaf(numbers: Iterator[int], found: re.Match[str]) -> str:
    head, number = _HEADS.get(found[0]), next(numbers)
    return f"<{number}>" if head is None else base64.b64encode(head + f"{number:05}.".encode()).decode()


def _placed(value: object, at: At) -> object:
    if isinstance(value, tuple):
        return tuple(_placed(item, (*at, index)) for index, item in enumerate(cast("tuple[object, ...]", value)))
    if not isinstance(value, Node):
        return value
    held = {name: getattr(value, name) for name in value.__struct_fields__ if name not in ("at", "extra")}
    return msgspec.structs.replace(value, at=at, **{name: _placed(item, (*at, name)) for name, item in held.items()})
