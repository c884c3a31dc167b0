"""What is taken from a stream, wherever its bytes are cut, is what is taken from the response that it adds up to."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.fieldcache.builtin import builtin_rules
from dragoman.providers.settings import Mode, Rule, Side
from dragoman.schemas import StreamReader
from dragoman.schemas.accumulate import accumulate
from dragoman.schemas.dialect import dialects, find
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.events import Event, StreamComplete
from dragoman.schemas.framing import Deframer
from dragoman.schemas.ir import Opaque, Reasoning, Response, Text, ToolCall
from dragoman.schemas.jsontext import read_json
from tests.laws.eventful import ended_responses, interleaved, written
from tests.providers.fieldcache.talking import Talker, encoded, rule, saying

NAMES = tuple(dialect.name for dialect in dialects() if dialect.name == dialect.family)
VENDORS = {"openai-chat": "deepseek"}
SEEDS = st.integers(0, 1 << 32)
MODES: tuple[Mode, ...] = ("all", "per_tool_call")
EVERYWHERE: tuple[tuple[Side, str], ...] = (
    ("unified_response", "id"),
    ("unified_response", "candidates[*].parts[*].signature"),
    ("unified_response", "candidates[*].parts[type=tool_call].name"),
    ("unified_response", "candidates[*].parts[*].text"),
)
WIRES = {
    "openai-chat": "choices[*].message.tool_calls[*].id",
    "openai-responses": "output[*].encrypted_content",
    "anthropic": "content[*].signature",
    "gemini": "candidates[*].content.parts[*].thoughtSignature",
    "ollama": "message.tool_calls[*].function.name",
}
# What one event says whole: texts are cut wherever a provider likes.
EVENTS = {
    "openai-chat": "choices[*].finish_reason",
    "openai-responses": "item.encrypted_content",
    "anthropic": "delta.signature",
    "gemini": "candidates[*].content.parts[*].thoughtSignature",
    "ollama": "done_reason",
}


def rules_of(dialect: str) -> tuple[Rule, ...]:
    said: list[tuple[Side, str]] = [*EVERYWHERE, ("response", WIRES[dialect])]
    return (
        *builtin_rules(VENDORS.get(dialect, ""), dialect, keeps_responses=True),
        *(rule(source, path, mode, name=f"{path} {mode}") for source, path in said for mode in MODES),
        rule("unified_stream_event", "part.id", "per_tool_call", name="event by call"),
    )


def with_events(dialect: str) -> tuple[Rule, ...]:
    return (*rules_of(dialect), rule("stream_event", EVENTS[dialect], "last", name="event"))


def taken_in_pieces(client: Talker, raw: bytes, chance: Random) -> list[Event]:
    """Feed a stream as a client does: each wire event, and then the events of the IR that it makes."""
    harvest, reader, looker = client.harvest(), StreamReader(client.dialect), Deframer()
    seen: list[Event] = []
    while raw:
        end = chance.randrange(1, len(raw) + 1)
        for frame in looker.feed(raw[:end]):
            if frame.data not in (b"", b"[DONE]") and isinstance(wire := read_json(frame.data), dict):
                harvest.on_wire_event(wire)
        events, raw = reader.feed(raw[:end]), raw[end:]
        for event in [*events, *(reader.close() if not raw else ())]:
            seen.append(event)
            harvest.on_event(event)
    if isinstance(last := seen[-1], StreamComplete):
        client.keep(harvest.whole(last.response, None))
    return seen


SIGNED = {
    "gemini": saying(
        Reasoning(text="hm", dialect="gemini"),
        Text(text="Let me look."),
        ToolCall(id="a", name="look", arguments={}, signature=Opaque("gemini", "c2ln")),
        ToolCall(id="b", name="look", arguments={"x": 1}),
    ),
    **{
        name: saying(
            Reasoning(
                text="hm",
                dialect=name,
                signature=Opaque(name, "c2ln") if name in ("anthropic", "openai-responses") else None,
            ),
            Text(text="Let me look."),
            ToolCall(id="a", name="look", arguments={}),
            ToolCall(id="b", name="look", arguments={"x": 1}),
        )
        for name in ("anthropic", "openai-responses", "openai-chat", "ollama")
    },
}


@pytest.mark.parametrize("dialect", NAMES)
@given(seed=SEEDS)
def test_signed_stream_cut_anywhere_is_taken_as_the_response(dialect: str, seed: int) -> None:
    chance = Random(seed)
    raw = written(dialect, interleaved(SIGNED[dialect], chance))
    pieces, whole = (Talker(*with_events(dialect), dialect=dialect) for _ in range(2))
    events = taken_in_pieces(pieces, raw, chance)
    whole.answered_wire(encoded(accumulate(events), dialect))
    assert pieces.store.records == whole.store.records
    assert pieces.store.records["conversation:conv"]


@pytest.mark.parametrize("dialect", NAMES)
@given(response=ended_responses(), seed=SEEDS)
def test_any_stream_is_taken_as_the_response(dialect: str, response: Response, seed: int) -> None:
    chance = Random(seed)
    raw = written(dialect, interleaved(response, chance))
    pieces, whole = (Talker(*rules_of(dialect), dialect=dialect) for _ in range(2))
    events = taken_in_pieces(pieces, raw, chance)
    if isinstance(events[-1], StreamComplete):
        whole.answered(accumulate(events))
        assert pieces.store.records == whole.store.records


@given(
    raw=st.binary(max_size=200) | st.sampled_from([b'data: {"id": 3}\n\n', b"data: []\n\n", b"{}\n"]),
    dialect=st.sampled_from(NAMES),
)
def test_hostile_bytes_establish_nothing_and_break_nothing(raw: bytes, dialect: str) -> None:
    client = Talker(*rules_of(dialect), dialect=dialect)
    reader = StreamReader(dialect)
    try:
        client.streamed([*reader.feed(raw), *reader.close()])
    except InvalidInput:
        """It is no stream at all."""
    assert all(msgspec.json.encode(record) for record in client.store.records.values())
    assert find(dialect).name == dialect
