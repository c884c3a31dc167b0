"""Results of functions: an object there, what was said here, and nothing wrapped twice."""

from __future__ import annotations

import pytest

from dragoman.schemas.gemini.request import decode_request
from dragoman.schemas.ir import (
    JSON,
    BuiltinCall,
    Cache,
    Citation,
    Media,
    Native,
    Opaque,
    Part,
    Refusal,
    Request,
    Text,
    ToolCall,
    ToolResult,
    Value,
    Wire,
)
from tests.schemas.gemini.speaking import ASK, PNG, again, asked, field, heard_part, says

CALL = says(ToolCall(id="c1", name="look", arguments={}), role="assistant")


def said(result: ToolResult) -> tuple[JSON, list[tuple[str, str, str]]]:
    wire, losses = asked(ASK, CALL, says(result))
    return field(wire, "contents", 2, "parts", 0, "functionResponse"), losses


def read(response: JSON, **fields: JSON) -> ToolResult:
    part = heard_part({"functionResponse": {"id": "c1", "name": "look", "response": response, **fields}})
    assert isinstance(part, ToolResult)
    return part


def bare(parts: tuple[Part, ...]) -> list[JSON]:
    return [part.text if isinstance(part, Text) else part.value if isinstance(part, Value) else None for part in parts]


READ: list[tuple[JSON, list[JSON], bool | None]] = [
    ({"result": "sunny"}, ["sunny"], None),
    ({"output": "sunny"}, ["sunny"], None),
    ({"result": [1, 2]}, [[1, 2]], None),
    ({"result": None}, [None], None),
    ({"result": {"a": 1}}, [{"result": {"a": 1}}], None),
    ({"output": {"a": 1}}, [{"output": {"a": 1}}], None),
    ({"degrees": 21.0}, [{"degrees": 21.0}], None),
    ({"result": "sunny", "degrees": 1}, [{"result": "sunny", "degrees": 1}], None),
    ({"error": "no such city"}, ["no such city"], True),
    ({"error": {"code": 4}}, [{"code": 4}], True),
    ({"error": None}, [], True),
    ({"error": "x", "code": 4}, [{"error": "x", "code": 4}], None),
    ({"result": {"error": "x"}}, [{"error": "x"}], None),
    ({"result": {"result": "x"}}, [{"result": "x"}], None),
    ({"result": {}}, [{}], None),
    ({}, [], None),
    (None, [], None),
    ("bare", ["bare"], None),
]


@pytest.mark.parametrize(("response", "content", "is_error"), READ)
def test_response_is_read_as_what_was_said(response: JSON, content: list[JSON], is_error: bool | None) -> None:
    result = read(response)
    assert bare(result.content) == content
    assert result.is_error is is_error


SAID: list[tuple[ToolResult, JSON]] = [
    (ToolResult(call_id="c1"), {}),
    (ToolResult(call_id="c1", content=(Text(text=""),)), {"result": ""}),
    (ToolResult(call_id="c1", content=(Text(text="sunny"),)), {"result": "sunny"}),
    (ToolResult(call_id="c1", content=(Text(text=' {"a": 1.0}\n'),)), {"a": 1.0}),
    (ToolResult(call_id="c1", content=(Text(text='{"a": 1'),)), {"result": '{"a": 1'}),
    (ToolResult(call_id="c1", content=(Text(text="[1]"),)), {"result": "[1]"}),
    (ToolResult(call_id="c1", content=(Text(text='{"error": "x"}'),)), {"result": '{"error": "x"}'}),
    (
        ToolResult(call_id="c1", content=(Text(text='{"id": 12345678901234567890123}'),)),
        {"id": 12345678901234567890123},
    ),
    (ToolResult(call_id="c1", content=(Value(value={"a": 1}),)), {"a": 1}),
    (ToolResult(call_id="c1", content=(Value(value={"error": "x"}),)), {"result": {"error": "x"}}),
    (ToolResult(call_id="c1", content=(Value(value={"result": [1]}),)), {"result": {"result": [1]}}),
    (ToolResult(call_id="c1", content=(Value(value={"result": {"a": 1}}),)), {"result": {"a": 1}}),
    (ToolResult(call_id="c1", content=(Value(value=[1]),)), {"result": [1]}),
    (ToolResult(call_id="c1", content=(Value(value={}),)), {"result": {}}),
    (ToolResult(call_id="c1", content=(Text(text="no"),), is_error=True), {"error": "no"}),
    (ToolResult(call_id="c1", content=(Value(value={"a": 1}),), is_error=True), {"error": {"a": 1}}),
    (ToolResult(call_id="c1", is_error=True), {"error": None}),
    (
        ToolResult(call_id="c1", content=(Text(text="one"), Value(value=2), Refusal(text="no"))),
        {"result": "one\n2\nno"},
    ),
    (ToolResult(call_id="c1", content=(Text(text="one"), Text(text="two")), is_error=True), {"error": "one\ntwo"}),
]


@pytest.mark.parametrize(("result", "response"), SAID)
def test_result_is_said_as_an_object(result: ToolResult, response: JSON) -> None:
    held, losses = said(result)
    assert held == {"id": "c1", "name": "look", "response": response}
    assert losses == []


@pytest.mark.parametrize("response", [response for response, _, _ in READ if isinstance(response, dict)])
def test_response_that_was_read_is_said_again_so_that_it_reads_the_same(response: JSON) -> None:
    result = read(response)
    held, _ = said(result)
    again = read(field(held, "response"))
    assert (bare(again.content), again.is_error) == (bare(result.content), result.is_error)


def test_deeply_wrapped_response_is_read_without_recursion() -> None:
    response: JSON = {"error": "x"}
    for _ in range(5000):
        response = {"result": response}
    assert len(read(response).content) == 1


def test_media_of_a_result_stand_beside_the_object() -> None:
    picture = Media(kind="image", mime="image/png", data=PNG)
    held, losses = said(ToolResult(call_id="c1", content=(Text(text="here"), picture)))
    assert held == {
        "id": "c1",
        "name": "look",
        "response": {"result": "here"},
        "parts": [{"inlineData": {"mimeType": "image/png", "data": PNG}}],
    }
    assert losses == []


def test_words_after_a_picture_are_said_before_it_and_reported() -> None:
    picture = Media(kind="image", mime="image/png", data=PNG)
    held, losses = said(ToolResult(call_id="c1", content=(Text(text="a"), picture, Text(text="b"))))
    assert field(held, "response") == {"result": "a\nb"}
    assert losses == [("$", "tool_result", "approximated")]


def test_object_beside_a_part_that_nobody_knows_stays_an_object() -> None:
    parts: list[JSON] = [{"xPart": 1}, {"inlineData": {"mimeType": "image/png", "data": PNG}}]
    wire = again(Request(messages=(ASK, CALL, says(read({"a": 1}, parts=parts)))))
    held = field(wire, "contents", 2, "parts", 0, "functionResponse")
    assert held == {"id": "c1", "name": "look", "response": {"a": 1}, "parts": parts}


def test_media_alone_stand_beside_an_empty_object() -> None:
    held, _ = said(ToolResult(call_id="c1", content=(Media(kind="image", mime="image/png", data=PNG),)))
    assert field(held, "response") == {}


def test_media_of_a_result_are_read_in_either_spelling() -> None:
    parts: list[JSON] = [
        {"inline_data": {"mime_type": "image/png", "data": PNG}},
        {"fileData": {"mimeType": "application/pdf", "fileUri": "https://a.example/a"}},
    ]
    result = read({}, parts=parts)
    assert [type(part) for part in result.content] == [Media, Media]
    assert result.content[0].at == ("contents", 0, "parts", 0, "functionResponse", "parts", 0)


def test_part_of_a_result_that_nobody_knows_returns() -> None:
    response: Wire = {"id": "c1", "name": "look", "response": {}, "parts": [{"xPart": 1}]}
    contents: list[JSON] = [
        {"role": "user", "parts": [{"text": "Hi"}]},
        {"role": "model", "parts": [{"functionCall": {"id": "c1", "name": "look", "args": {}}}]},
        {"role": "user", "parts": [{"functionResponse": response}]},
    ]
    assert again(decode_request({"contents": contents})) == {"contents": contents}


def test_fields_that_only_gemini_knows_return() -> None:
    result = read({"result": "x"}, scheduling="SILENT")
    assert result.extra == {"gemini": {"functionResponse": {"scheduling": "SILENT"}}}
    held, losses = said(result)
    assert field(held, "scheduling") == "SILENT"
    assert losses == []


def test_odd_result_is_kept_as_it_is() -> None:
    wire: Wire = {"functionResponse": "x"}
    assert heard_part(wire) == Native(
        dialect="gemini", wire=wire, feature="tool_result", at=("contents", 0, "parts", 0)
    )


def test_parts_that_are_no_list_travel_as_extra() -> None:
    assert read({}, parts="x").extra == {"gemini": {"functionResponse": {"parts": "x"}}}


LOST: list[tuple[ToolResult, str]] = [
    (ToolResult(call_id="c1", cache=Cache()), "cache_control"),
    (ToolResult(call_id="c1", content=(Text(text="a", cache=Cache()),)), "cache_control"),
    (ToolResult(call_id="c1", content=(Text(text="a", signature=Opaque("x", "y")),)), "reasoning_signature"),
    (ToolResult(call_id="c1", content=(Text(text="a", citations=(Citation(url="https://a.example"),)),)), "citation"),
    (ToolResult(call_id="c1", content=(Native(dialect="anthropic", wire={}),)), "tool_result"),
    (ToolResult(call_id="c1", content=(BuiltinCall(kind="x", dialect="gemini", wire={}),)), "tool_result"),
    (ToolResult(call_id="c1", content=(Text(text="a"),), custom=True), "custom_tool"),
]


@pytest.mark.parametrize(("result", "feature"), LOST)
def test_what_a_result_cannot_hold_is_a_loss(result: ToolResult, feature: str) -> None:
    _, losses = said(result)
    assert [found for _, found, _ in losses] == [feature]


def test_results_without_ids_answer_calls_of_their_name_in_order() -> None:
    calls: list[JSON] = [{"functionCall": {"name": name}} for name in ("look", "walk", "look")]
    results: list[JSON] = [{"functionResponse": {"name": name, "response": {}}} for name in ("walk", "look", "look")]
    request = decode_request({"contents": [{"role": "model", "parts": calls}, {"role": "user", "parts": results}]})
    ids = [part.call_id for part in request.messages[1].parts if isinstance(part, ToolResult)]
    assert ids == ["call_2", "call_1", "call_3"]
