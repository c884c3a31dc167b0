"""Values of the IR are their JSON and back, whatever is in them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.schemas.accumulate import explode
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.events import BlockEnded, ContentDelta
from dragoman.schemas.ir import (
    JSON,
    Message,
    Opaque,
    Parameters,
    Reasoning,
    Request,
    Response,
    Text,
    Tool,
    ToolCall,
    Usage,
    Wire,
)
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.unified import as_kept, as_wire, event_from, node_from
from tests.laws.eventful import ended_responses, written
from tests.laws.strategies import requests, responses
from tests.laws.wires.every import NAMES, any_of
from tests.schemas.streaming import read

BIG = 2**80 + 1


# ---------------------------------------------------------------------------------------------------------- round trip
@given(requests())
def test_request_is_its_json_and_back(request: Request) -> None:
    assert node_from(as_wire(request), Request) == request
    assert node_from(read_json(write_json(as_wire(request))), Request) == request


@given(responses())
def test_response_is_its_json_and_back(response: Response) -> None:
    assert node_from(as_wire(response), Response) == response
    assert node_from(read_json(write_json(as_wire(response))), Response) == response


@given(ended_responses())
def test_events_are_their_json_and_back(response: Response) -> None:
    for event in explode(response):
        assert event_from(as_wire(event)) == event


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_documents_of_every_dialect_are_their_json_and_back(name: str, data: st.DataObject) -> None:
    dialect = find(name)
    request = dialect.requests.decode_request(data.draw(any_of(name, "request")))
    response = dialect.responses.decode_response(data.draw(any_of(name, "response")))
    assert node_from(as_wire(request), Request) == request
    assert node_from(as_wire(response), Response) == response


@pytest.mark.parametrize("name", NAMES)
@given(response=ended_responses())
def test_streams_of_every_dialect_are_their_json_and_back(name: str, response: Response) -> None:
    for event in read(name, written(name, explode(response))):
        assert event_from(as_wire(event)) == event


@given(requests())
def test_what_is_kept_differs_by_places_alone(request: Request) -> None:
    kept = node_from(as_kept(request), Request)
    assert as_kept(kept) == as_kept(request) == as_wire(kept)
    assert kept.at == ()
    assert all(message.at == () for message in kept.messages)


@given(requests())
def test_value_is_not_changed_and_shares_nothing_that_can_be(request: Request) -> None:
    before = deepcopy(request)
    wire = as_wire(request)
    _spoil(wire)
    assert request == before


def _spoil(value: JSON) -> None:
    """Change every container in a value."""
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _spoil(inner)
    if isinstance(value, dict):
        value["spoilt"] = True
    elif isinstance(value, list):
        value.append("spoilt")


# ------------------------------------------------------------------------------------------------------------- its form
def test_json_says_what_it_is_and_leaves_out_what_is_usual() -> None:
    text = Text(text="Hi", at=("messages", 0, "content"))
    request = Request(messages=(Message(role="user", parts=(text,), at=("messages", 0)),), model="m")
    assert as_wire(request) == {
        "type": "request",
        "model": "m",
        "messages": [
            {
                "type": "message",
                "at": ["messages", 0],
                "role": "user",
                "parts": [{"type": "text", "at": ["messages", 0, "content"], "text": "Hi"}],
            }
        ],
    }
    assert as_kept(request)["messages"] == [
        {"type": "message", "role": "user", "parts": [{"type": "text", "text": "Hi"}]}
    ]


def test_event_says_what_it_is() -> None:
    assert as_wire(ContentDelta(text="a", index=2)) == {"type": "content_delta", "text": "a", "index": 2}
    part = Reasoning(text="hm", signature=Opaque(dialect="anthropic", value="s"))
    assert as_wire(BlockEnded(index=0, part=part))["part"] == {
        "type": "reasoning",
        "text": "hm",
        "signature": {"dialect": "anthropic", "value": "s"},
    }


@pytest.mark.parametrize("value", [BIG, -BIG, 1.0, 1, 1e300, 0.1, True, "", None, "\0", "\ud83d"])
def test_values_come_through_digit_for_digit(value: JSON) -> None:
    call = ToolCall(id="c", name="f", arguments={"v": value, "l": [value]})
    request = Request(messages=(Message(role="assistant", parts=(call,)),))
    again = node_from(read_json(write_json(as_wire(request))), Request)
    part = again.messages[0].parts[0]
    assert isinstance(part, ToolCall)
    assert repr(part.arguments) == repr(call.arguments)


@pytest.mark.parametrize("temperature", [1, 1.0, 0])
def test_numbers_of_settings_keep_their_kind(temperature: float) -> None:
    request = Request(messages=(), parameters=Parameters(temperature=temperature, seed=BIG))
    again = node_from(as_wire(request), Request).parameters
    assert (repr(again.temperature), again.seed) == (repr(temperature), BIG)


def test_schema_with_properties_of_our_names_is_kept_whole() -> None:
    schema: Wire = {
        "type": "object",
        "at": ["x", 0],
        "properties": {"at": {"type": "string"}, "type": {"enum": ["message"]}, "extra": {"at": []}},
    }
    request = Request(messages=(), tools=(Tool(name="f", schema=schema, at=("tools", 0)),))
    (tool,) = node_from(as_kept(request), Request).tools
    assert isinstance(tool, Tool)
    assert tool.schema == schema
    assert tool.at == ()


def test_wire_of_any_shape_is_kept_whole_in_extra() -> None:
    extra: dict[str, Wire] = {"openai-chat": {"at": [1], "type": "message", "n": {"at": {"at": 1}}}}
    usage = Usage(extra=extra, tool_uses={"web_search": 1}, cost_parts={"input": 1.0})
    assert node_from(as_kept(usage), Usage) == usage


# ---------------------------------------------------------------------------------------------------------------- wrong
@pytest.mark.parametrize(
    ("wire", "told"),
    [
        ({}, "$: object missing required field `messages`"),
        ({"messages": 1}, "$.messages: expected `array`, got `int`"),
        (
            {"messages": [{"type": "message", "role": "user", "parts": [{"type": "tex"}]}]},
            "$.messages[0].parts[0].type",
        ),
        ({"messages": [], "type": "response"}, "$.type: invalid value 'response'"),
        ({"messages": [], "parameters": {"temperature": "hot"}}, "$.parameters.temperature: expected `int | float"),
        ([], "$: expected `object`, got `array`"),
        (None, "$: expected `object`, got `null`"),
    ],
)
def test_what_is_no_request_is_told_with_its_place(wire: JSON, told: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        node_from(wire, Request)
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize("wire", [{}, {"type": "delta"}, {"type": "content_delta"}, 5, {"type": "text", "text": "a"}])
def test_what_is_no_event_is_told(wire: JSON) -> None:
    with pytest.raises(InvalidInput):
        event_from(wire)


@given(st.data())
def test_no_json_crashes_the_reader(data: st.DataObject) -> None:
    wire = as_wire(data.draw(requests()))
    place = data.draw(st.sampled_from(sorted(wire)))
    wrong: list[JSON] = [None, 1, "x", [], {}, [None], [[]], {"type": "text"}]
    broken: JSON = {**wire, place: data.draw(st.sampled_from(wrong))}
    with suppress(InvalidInput):
        assert isinstance(node_from(broken, Request), Request)


def nested(depth: int) -> Request:
    value: JSON = None
    for _ in range(depth):
        value = {"a": value}
    return Request(messages=(), metadata={"deep": value})


@pytest.mark.parametrize("change", [as_wire, as_kept])
def test_values_as_deep_as_any_that_is_real_come_through(change: Callable[[Request], Wire]) -> None:
    request = nested(300)
    assert write_json(as_wire(node_from(change(request), Request))) == write_json(as_wire(request))


@pytest.mark.parametrize("change", [as_wire, as_kept])
def test_values_nested_too_deeply_are_told(change: Callable[[Request], Wire]) -> None:
    with pytest.raises(InvalidInput, match="nested too deeply"):
        change(nested(200_000))


def test_json_nested_too_deeply_is_told() -> None:
    part: JSON = {"type": "text", "text": "a"}
    for _ in range(100_000):
        part = {"type": "tool_result", "call_id": "c", "content": [part]}
    with pytest.raises(InvalidInput, match="nested too deeply"):
        node_from({"messages": [{"type": "message", "role": "user", "parts": [part]}]}, Request)
