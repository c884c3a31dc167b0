"""What a request says, whoever says it: the same key in every dialect, another one for anything else that is said."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from dragoman.providers.playback.canonical import canonical, key_of, squeezed, traits_of
from dragoman.schemas import find
from dragoman.schemas.convert import convert_request
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import (
    JSON,
    Continuation,
    Media,
    Message,
    Native,
    OutputFormat,
    Part,
    Reasoning,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Value,
    Wire,
)
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.losses import Losses
from tests.laws.strategies import requests
from tests.providers.playback.recorded import DIALECTS, SECOND_REQUEST


def key(request: Request) -> bytes:
    return key_of(canonical(request))


def decoded(dialect: str, wire: Wire) -> Request:
    """Decode a request as it comes over the wire, not as the encoder left it."""
    raw = read_json(write_json(wire))
    assert isinstance(raw, dict)
    return find(dialect).requests.decode_request(raw)


def asking(*parts: Part, role: str = "user", **fields: object) -> Request:
    message = Message(role="assistant" if role == "assistant" else "user", parts=parts)
    return replace(Request(messages=(message,)), **fields)


_TEXTS = st.sampled_from(["Hello", "two words", "zwei\nZeilen ", '{"a": 1.0}', "Zoë 💙", "x" * 300, " lead"])
_ARGUMENTS = st.sampled_from(['{"city": "Paris"}', '{"b": 1.0, "a": [1, {"z": null}]}', "{}", ""])
_NAMES = st.sampled_from(["get_weather", "roll", "draw_card"])


@st.composite
def plain(draw: st.DrawFn) -> Request:
    """Draw a conversation that every dialect can hold: words, calls that are answered, tools and instructions."""
    messages = [Message(role="user", parts=tuple(Text(text=text) for text in draw(st.lists(_TEXTS, min_size=1))))]
    for turn in range(draw(st.integers(0, 2))):
        calls = [
            ToolCall(id=f"call-{turn}-{number}", name=draw(_NAMES), arguments=draw(_ARGUMENTS))
            for number in range(draw(st.integers(0, 2)))
        ]
        results = [
            ToolResult(call_id=call.id, name=call.name, content=(Text(text=draw(_TEXTS)),))
            for call in draw(st.permutations(calls))
        ]
        messages.append(Message(role="assistant", parts=(Text(text=draw(_TEXTS)), *calls)))
        messages.append(Message(role="user", parts=(*results, Text(text=draw(_TEXTS)))))
    instructions = [Message(role="system", parts=(Text(text=text),)) for text in draw(st.lists(_TEXTS, max_size=2))]
    names = draw(st.lists(_NAMES, unique=True, max_size=3))
    tools = tuple(Tool(name=name, schema={"type": "object", "properties": {}}) for name in names)
    return Request(messages=tuple(messages), instructions=tuple(instructions), tools=tools, model="m")


def judge(request: Request, source: str, target: str) -> bool:
    """Hold the law for one request; return whether it applies."""
    wire = find(source).requests.encode_request(request, Losses())
    try:
        said = convert_request(wire, source=source, target=target)
    except InvalidInput:
        return False
    if any(loss.severity == "meaning" for loss in said.losses):
        return False
    assert wire_key(target, said.body) == wire_key(source, wire)
    return True


def wire_key(dialect: str, wire: Wire) -> bytes:
    return key(decoded(dialect, wire))


@pytest.mark.parametrize("source", DIALECTS)
@pytest.mark.parametrize("target", DIALECTS)
@settings(max_examples=25, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
@given(request=plain())
def test_key_of_a_plain_conversation_survives_every_conversion(source: str, target: str, request: Request) -> None:
    assert judge(request, source, target)


@pytest.mark.parametrize("source", DIALECTS)
@settings(max_examples=30, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
@given(request=requests(), target=st.sampled_from(DIALECTS))
def test_key_of_any_request_survives_unless_meaning_is_lost(source: str, target: str, request: Request) -> None:
    judge(request, source, target)


@pytest.mark.parametrize("target", DIALECTS)
def test_conversation_with_a_tool_has_one_key(target: str) -> None:
    said = convert_request(SECOND_REQUEST, source="openai-chat", target=target)
    assert wire_key(target, said.body) == wire_key("openai-chat", SECOND_REQUEST)


CALL = ToolCall(id="c1", name="roll", arguments='{"sides": 6}')
SAME = [
    (asking(Text(text="a b")), asking(Text(text="a"), Text(text=" b"))),
    (asking(Text(text="Hi")), asking(Text(text="Hi"), model="another", stop=("END",))),
    (asking(CALL, role="assistant"), asking(replace(CALL, id="c9", arguments={"sides": 6.0}), role="assistant")),
    (asking(Text(text="Hi")), asking(Reasoning(text="hm"), Text(text="Hi"))),
    (asking(Media(kind="image", data="ab-_")), asking(Media(kind="image", data="ab+/==", mime="image/png"))),
    (
        asking(ToolResult(call_id="x", content=(Value(value={"b": 1, "a": 2}),))),
        asking(ToolResult(call_id="y", content=(Text(text='{"a": 2, "b": 1}'),))),
    ),
]
OTHER = [
    asking(Text(text="Hi")),
    asking(Text(text="Ho")),
    asking(Text(text="Hi"), role="assistant"),
    asking(CALL, role="assistant"),
    asking(replace(CALL, name="draw"), role="assistant"),
    asking(replace(CALL, arguments='{"sides": 8}'), role="assistant"),
    asking(ToolResult(call_id="x", content=(Text(text="{not json"),))),
    asking(Media(kind="image", data="abcd")),
    asking(Media(kind="image", url="https://host/a.png")),
    asking(Media(kind="image", file_id="abcd", dialect="gemini")),
    asking(Text(text="Hi"), tools=(Tool(name="roll"),)),
    asking(Text(text="Hi"), output=OutputFormat()),
    asking(Text(text="Hi"), output=OutputFormat(schema={"type": "object", "properties": {"a": {}}})),
    asking(Text(text="Hi"), instructions=(Message(role="system", parts=(Text(text="Be brief."),)),)),
    asking(Text(text="Hi"), continuations=(Continuation(dialect="openai-responses", name="previous", value="r1"),)),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_key_does_not_know_how_it_is_said(one: Request, other: Request) -> None:
    assert key(one) == key(other)


def test_key_knows_what_is_said() -> None:
    assert len({key(request) for request in OTHER}) == len(OTHER)


def called(*parts: Part) -> Request:
    """Return a request with calls that were made at once, and then their results."""
    calls = tuple(part for part in parts if isinstance(part, ToolCall))
    results = tuple(part for part in parts if isinstance(part, ToolResult))
    return Request(messages=(Message(role="assistant", parts=calls), Message(role="user", parts=results)))


DRAW = ToolCall(id="c2", name="draw", arguments="{}")
ROLLED, DRAWN = (ToolResult(call_id=name, content=(Text(text=said),)) for name, said in (("c1", "6"), ("c2", "ace")))


def test_calls_that_were_made_at_once_have_no_order() -> None:
    assert key(called(CALL, DRAW, ROLLED, DRAWN)) == key(called(DRAW, CALL, ROLLED, DRAWN))
    assert key(called(CALL, DRAW, ROLLED, DRAWN)) == key(called(DRAW, CALL, DRAWN, ROLLED))


def test_results_are_those_of_their_calls_whatever_the_order() -> None:
    other = called(CALL, DRAW, replace(ROLLED, call_id="c2"), replace(DRAWN, call_id="c1"))
    assert key(called(CALL, DRAW, ROLLED, DRAWN)) != key(other)


def test_letters_are_the_same_however_they_are_composed() -> None:
    assert key(asking(Text(text="Zo\u00eb"))) == key(asking(Text(text="Zoe\u0308")))


def words(request: Request) -> bytes:
    return traits_of(request, canonical(request))[0]


PICTURES = tuple(Media(kind="image", url=f"https://host/{name}.png") for name in "ab")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (asking(*PICTURES), asking(*reversed(PICTURES))),
        (called(CALL, ROLLED), called(CALL, replace(ROLLED, is_error=True))),
        (asking(Text(text="a"), Native(dialect="gemini", wire={"a": 1})), asking(Text(text="a"))),
    ],
)
def test_what_the_key_does_not_know_the_words_do(one: Request, other: Request) -> None:
    assert key(one) == key(other)
    assert words(one) != words(other)


def test_what_only_a_dialect_knows_is_a_setting() -> None:
    plain = asking(Text(text="a"))
    own = replace(plain, extra={"ollama": {"suffix": "x"}})
    assert traits_of(own, canonical(own))[1] != traits_of(plain, canonical(plain))[1]


def test_long_text_is_squeezed_as_a_short_one() -> None:
    text = "zwei Wörter " * 20_000
    assert squeezed(text) == "zweiWörter" * 20_000


def test_instructions_amid_the_conversation_are_instructions() -> None:
    told = Message(role="developer", parts=(Text(text="Be brief."),))
    said = Message(role="user", parts=(Text(text="Hi"),))
    assert key(Request(messages=(said, told))) == key(Request(messages=(said,), instructions=(told,)))


def test_traits_know_words_and_settings_apart() -> None:
    one, other = asking(Text(text="a b")), asking(Text(text="ab"))
    warm = replace(one, parameters=replace(one.parameters, temperature=1.5, stream=True))
    assert traits_of(one, canonical(one))[0] != traits_of(other, canonical(other))[0]
    assert traits_of(one, canonical(one))[0] == traits_of(warm, canonical(warm))[0]
    assert traits_of(one, canonical(one))[1] != traits_of(warm, canonical(warm))[1]


def test_schema_is_known_by_the_names_of_its_properties() -> None:
    inner: Wire = {"type": "object", "properties": {"b": {"type": "integer", "minimum": 1}}}
    schema: Wire = {"properties": {"a": {"items": inner}, "c": {"anyOf": [inner, True]}}, "$defs": {"d": inner}}
    assert canonical(asking(Text(text="Hi"), output=OutputFormat(schema=schema))).output == ("a", "b", "c")


def test_deep_nesting_is_refused_or_read_and_never_crashes() -> None:
    deep: JSON = 1
    for _ in range(5000):
        deep = [deep]
    schema: Wire = {"items": deep}
    said = asking(replace(CALL, arguments={"deep": deep}), output=OutputFormat(schema=schema), role="assistant")
    with pytest.raises(InvalidInput, match="nested too deeply"):
        canonical(said)
