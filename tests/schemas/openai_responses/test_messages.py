"""Items and turns: what neighbours make one message, what stands between messages, and what the API refuses."""

from __future__ import annotations

import pytest

from dragoman.schemas import convert_request
from dragoman.schemas.ir import (
    JSON,
    BuiltinCall,
    BuiltinResult,
    Cache,
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
    Wire,
)
from tests.schemas.openai_responses.speaking import NAME, PNG, USER, ask, items_of, parts_of, returned, valid_request

CALL: Wire = {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"}
RESULT: Wire = {"type": "function_call_output", "call_id": "c", "output": "seen"}
SEALED = Opaque(NAME, "c2VhbGVk")


def assistant(*parts: Part, extra: Wire | None = None) -> Message:
    return Message(role="assistant", parts=parts, extra=None if extra is None else {NAME: extra})


def user(*parts: Part) -> Message:
    return Message(role="user", parts=parts)


def look(call_id: str = "c") -> ToolCall:
    return ToolCall(id=call_id, name="look", arguments={})


# ---------------------------------------------------------------------------------------------------------- documents
DOCUMENTS: dict[str, list[Wire]] = {
    "messages of every role": [
        USER,
        {"role": "assistant", "content": "Yes?"},
        {"role": "developer", "content": "Be brief."},
        USER,
    ],
    "whole answer": [
        USER,
        {
            "type": "message",
            "id": "msg_1",
            "phase": "commentary",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Hm.", "annotations": []}],
            "status": "completed",
        },
    ],
    "broken answer": [
        USER,
        {
            "type": "message",
            "id": "msg_1",
            "status": "incomplete",
            "role": "assistant",
            "content": [
                {"type": "output_text", "text": "a", "annotations": []},
                {"type": "refusal", "refusal": "No."},
            ],
        },
    ],
    "call and result": [USER, {**CALL, "id": "fc_1", "namespace": "crm"}, {**RESULT, "id": "fco_1"}],
    "result that names its tool": [USER, CALL, {**RESULT, "name": "look"}],
    "result with a picture": [
        USER,
        CALL,
        {
            "type": "function_call_output",
            "call_id": "c",
            "output": [
                {"type": "input_text", "text": "a"},
                {"type": "input_image", "image_url": "https://x.example/a.png", "detail": "auto"},
            ],
        },
    ],
    "free-form call": [
        USER,
        {"type": "custom_tool_call", "call_id": "c", "name": "sql", "input": "select"},
        {"type": "custom_tool_call_output", "call_id": "c", "output": "1"},
    ],
    "reasoning": [
        USER,
        {
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "a"}],
            "content": [{"type": "reasoning_text", "text": "b"}],
            "encrypted_content": "c2VhbGVk",
            "id": "rs_1",
        },
        {"role": "assistant", "content": "Yes."},
    ],
    "reasoning that is kept": [
        USER,
        {"type": "reasoning", "summary": [], "id": "rs_1"},
        {"role": "assistant", "content": "Yes."},
    ],
    "reasoning with notes": [
        USER,
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "a", "note": 1}], "id": "rs_1"},
        {"role": "assistant", "content": "Yes."},
    ],
    "built-in tools": [
        USER,
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}},
        {"type": "mcp_approval_request", "id": "mcpr_1", "name": "n", "arguments": "{}", "server_label": "s"},
        {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True},
        {"type": "compaction", "id": "cmp_1", "encrypted_content": "c2VhbGVk"},
        {"type": "x_new_item", "a": [1]},
    ],
    "picture that was made": [
        USER,
        {
            "type": "image_generation_call",
            "id": "ig_1",
            "status": "completed",
            "output_format": "webp",
            "result": "UklG",
        },
    ],
    "reference after a result": [RESULT, {"type": "item_reference", "id": "msg_1"}],
    "reference": [{"type": "item_reference", "id": "msg_1"}, {"id": "msg_2"}, RESULT],
}


@pytest.mark.parametrize("items", DOCUMENTS.values(), ids=DOCUMENTS)
def test_items_of_our_own_return_whole(items: list[Wire]) -> None:
    wire: Wire = {"model": "m", "input": [*items]}
    assert returned(wire) == wire


def test_each_item_is_a_message_at_its_place() -> None:
    request = ask(USER, CALL, RESULT, {"role": "assistant", "content": "Done."})
    assert [(message.role, message.at) for message in request.messages] == [
        ("user", ("input", 0)),
        ("assistant", ("input", 1)),
        ("user", ("input", 2)),
        ("assistant", ("input", 3)),
    ]


# --------------------------------------------------------------------------------------------------------- wire → IR
@pytest.mark.parametrize(
    ("arguments", "read"),
    [("", ""), ("{", "{"), ({"a": 1.0}, {"a": 1.0}), (None, ""), ([1], "[1]"), ('{"n":1.0}', '{"n":1.0}')],
)
def test_arguments_are_read_as_they_are(arguments: JSON, read: str | Wire) -> None:
    (call,) = parts_of({**CALL, "arguments": arguments})
    assert isinstance(call, ToolCall)
    assert call.arguments == read


def test_calls_and_results_without_ids_find_each_other() -> None:
    call, result = parts_of(
        {"type": "function_call", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "name": "look", "output": "seen"},
    )
    assert isinstance(call, ToolCall)
    assert isinstance(result, ToolResult)
    assert call.id == result.call_id


@pytest.mark.parametrize(
    ("output", "content"),
    [
        (None, ()),
        ("a", (Text(text="a", at=("input", 1, "output")),)),
        ({"a": 1}, (Text(text='{"a":1}', at=("input", 1, "output")),)),
        ({"type": "input_text", "text": "a"}, (Text(text="a", at=("input", 1, "output", 0)),)),
    ],
)
def test_output_of_any_shape_is_read(output: JSON, content: tuple[Part, ...]) -> None:
    _, result = parts_of(CALL, {**RESULT, "output": output})
    assert isinstance(result, ToolResult)
    assert result.content == content


def test_call_without_a_name_is_kept_as_it_is() -> None:
    (part,) = parts_of({"type": "function_call", "call_id": "c"})
    wire: Wire = {"type": "function_call", "call_id": "c"}
    assert part == Native(dialect=NAME, wire=wire, feature="tool_call", at=("input", 0))


def test_sealed_reasoning_alone_is_redacted() -> None:
    (part,) = parts_of({"type": "reasoning", "summary": [], "encrypted_content": "c2VhbGVk"})
    assert part == Reasoning(signature=SEALED, redacted=True, dialect=NAME, at=("input", 0))


def test_reasoning_in_old_shapes_is_read() -> None:
    (part,) = parts_of({"type": "reasoning", "summary": "a", "content": [{"text": "b"}, {"text": "c"}, 7]})
    assert part == Reasoning(text="b\n\nc", summary=("a",), dialect=NAME, at=("input", 0))


@pytest.mark.parametrize(
    ("kind", "means"),
    [
        ("web_search_call", "web_search"),
        ("x_search_call", "web_search"),
        ("code_interpreter_call", "code_execution"),
        ("local_shell_call", "shell"),
        ("mcp_list_tools", "mcp"),
        ("program", "program"),
    ],
)
def test_what_the_vendor_runs_is_a_built_in_call(kind: str, means: str) -> None:
    (part,) = parts_of({"type": kind, "id": "i"})
    assert part == BuiltinCall(kind=means, dialect=NAME, wire={"type": kind, "id": "i"}, at=("input", 0))


@pytest.mark.parametrize("kind", ["shell_call_output", "computer_call_output", "mcp_approval_response"])
def test_what_answers_such_a_call_is_its_result(kind: str) -> None:
    (part,) = parts_of({"type": kind, "id": "i"})
    assert isinstance(part, BuiltinResult)


@pytest.mark.parametrize(
    "item", [{"type": "item_reference", "id": "i"}, {"id": "i"}, {"type": "compaction", "id": "i"}]
)
def test_state_that_the_vendor_keeps_is_a_continuation(item: Wire) -> None:
    body: Wire = {"model": "m", "input": [USER, item]}
    (loss,) = convert_request(body, source=NAME, target="openai-chat").losses
    assert (loss.path, loss.feature, loss.severity) == ("$.input[1]", "continuation", "meaning")


@pytest.mark.parametrize(
    ("fields", "mime", "data"),
    [
        ({"result": PNG}, "image/png", PNG),
        ({"result": "AAAA"}, "image/png", "AAAA"),
        ({"result": "AAAA", "output_format": "jpeg"}, "image/jpeg", "AAAA"),
        ({"result": "data:image/gif;base64,AAAA"}, "image/gif", "AAAA"),
    ],
)
def test_made_picture_is_a_call_and_an_image(fields: Wire, mime: str, data: str) -> None:
    call, image = parts_of({"type": "image_generation_call", "id": "ig_1", **fields})
    assert isinstance(call, BuiltinCall)
    assert "result" not in call.wire
    assert image == Media(kind="image", mime=mime, data=data, at=("input", 0, "result"))


def test_picture_that_is_not_there_yet_is_a_call_alone() -> None:
    (part,) = parts_of({"type": "image_generation_call", "id": "ig_1", "result": None})
    assert isinstance(part, BuiltinCall)


# --------------------------------------------------------------------------------------------------------- IR → wire
def test_turn_is_cut_into_items_in_its_order() -> None:
    items, losses = items_of(assistant(Text(text="a"), look(), Text(text="b")), user(ToolResult(call_id="c")))
    assert losses == []
    assert items == [
        {"role": "assistant", "content": "a"},
        CALL,
        {"role": "assistant", "content": "b"},
        {"type": "function_call_output", "call_id": "c", "output": ""},
    ]


def test_texts_and_refusals_of_a_turn_share_a_message() -> None:
    items, losses = items_of(assistant(Text(text="a"), Refusal(text="No."), Value(value={"n": 1})))
    assert losses == []
    content: list[JSON] = [
        {"type": "output_text", "text": "a", "annotations": []},
        {"type": "refusal", "refusal": "No."},
        {"type": "output_text", "text": '{"n":1}', "annotations": []},
    ]
    assert items == [{"type": "message", "role": "assistant", "content": content}]


def test_empty_text_beside_a_call_is_left_out() -> None:
    items, _ = items_of(assistant(Text(text=""), look()), user(ToolResult(call_id="c", content=(Text(text="s"),))))
    assert items == [CALL, {**RESULT, "output": "s"}]


def test_results_come_before_and_after_words_as_they_stand() -> None:
    said = user(ToolResult(call_id="c", content=(Value(value=[1]),)), Text(text="So?"), Text(text="Well?"))
    items, _ = items_of(assistant(look()), said)
    words: list[JSON] = [{"type": "input_text", "text": "So?"}, {"type": "input_text", "text": "Well?"}]
    assert items[1:] == [{**RESULT, "output": "[1]"}, {"role": "user", "content": words}]


def test_result_of_no_call_is_said_by_the_user() -> None:
    items, losses = items_of(user(ToolResult(call_id="gone", content=(Text(text="seen"),)), Text(text="So?")))
    words: list[JSON] = [{"type": "input_text", "text": "seen"}, {"type": "input_text", "text": "So?"}]
    assert items == [{"role": "user", "content": words}]
    assert losses == [("$", "tool_result", "approximated")]


def test_calls_of_one_id_get_two_and_pair_in_order() -> None:
    turn = (assistant(look()), user(ToolResult(call_id="c", content=(Text(text="1"),))))
    items, _ = items_of(*turn, *turn)
    ids = [item["call_id"] for item in items if isinstance(item, dict)]
    assert ids == ["c", "c", "c_1", "c_1"]


@pytest.mark.parametrize(
    ("said", "fits"), [("functions.look:0", True), ("x" * 64, True), ("x" * 65, False), ("", False)]
)
def test_only_length_counts_in_the_id_of_a_call(said: str, fits: bool) -> None:
    items, losses = items_of(assistant(look(said)), user(ToolResult(call_id=said)))
    first, second = (item["call_id"] for item in items if isinstance(item, dict))
    assert losses == []
    assert first == second
    assert isinstance(first, str)
    assert (first == said) is fits
    assert 0 < len(first) <= 64


def test_name_that_the_api_refuses_is_rewritten_and_reported() -> None:
    call = ToolCall(id="c", name="weather.get", arguments="")
    items, losses = items_of(assistant(call), user(ToolResult(call_id="c")))
    first = items[0]
    assert isinstance(first, dict)
    assert str(first["name"]).startswith("weather_get_")
    assert first["arguments"] == "{}"
    assert losses == [("$", "tool_call", "approximated")]


def test_name_of_100_characters_is_kept() -> None:
    items, losses = items_of(assistant(ToolCall(id="c", name="n" * 100, arguments={})), user(ToolResult(call_id="c")))
    assert isinstance(items[0], dict)
    assert items[0]["name"] == "n" * 100
    assert losses == []


def test_what_calls_and_results_cannot_say_is_reported() -> None:
    call = ToolCall(id="c", name="look", arguments={}, cache=Cache(), signature=Opaque("gemini", "c2ln"))
    result = ToolResult(call_id="c", is_error=True, cache=Cache())
    _, losses = items_of(assistant(call), user(result))
    features = [feature for _, feature, _ in losses]
    assert features == ["reasoning_signature", "cache_control", "tool_result_error", "cache_control"]


def test_reasoning_of_others_is_not_replayed() -> None:
    thought = Reasoning(text="Hm.", signature=Opaque("anthropic", "c2ln"), dialect="anthropic")
    items, losses = items_of(assistant(thought, Text(text="Yes.")))
    assert items == [{"role": "assistant", "content": "Yes."}]
    assert [feature for _, feature, _ in losses] == ["reasoning_signature", "reasoning"]


def test_reasoning_that_leads_to_nothing_is_taken_back() -> None:
    own = Reasoning(signature=SEALED, dialect=NAME, extra={NAME: {"id": "rs_1"}})
    items, losses = items_of(assistant(Text(text="Yes."), own), user(Text(text="So?")))
    assert items == [{"role": "assistant", "content": "Yes."}, {"role": "user", "content": "So?"}]
    assert losses == [("$", "reasoning", "dropped"), ("$.id", "id", "dropped")]


@pytest.mark.parametrize(
    ("part", "feature"),
    [
        (Media(kind="image", mime="image/png", data=PNG), "image"),
        (Media(kind="audio", mime="audio/wav", data="AAAA"), "audio"),
        (BuiltinCall(kind="web_search", dialect="anthropic", wire={}), "builtin_call"),
        (BuiltinResult(kind="web_search", dialect="anthropic", wire={}), "builtin_call"),
        (Native(dialect="gemini", wire={}), "extension"),
    ],
)
def test_what_an_assistant_cannot_repeat_is_reported(part: Part, feature: str) -> None:
    items, losses = items_of(assistant(part, Text(text="Yes.")))
    assert items == [{"role": "assistant", "content": "Yes."}]
    assert losses == [("$", feature, "dropped")]


@pytest.mark.parametrize(
    ("part", "feature"),
    [(look(), "tool_call"), (Reasoning(text="Hm.", dialect=NAME), "reasoning"), (Refusal(text="No."), "refusal")],
)
def test_what_a_user_does_not_say_is_reported(part: Part, feature: str) -> None:
    _, losses = items_of(user(Text(text="So?"), part))
    assert [found for _, found, _ in losses] == [feature]


def test_fields_of_a_message_return_on_its_first_item() -> None:
    items, losses = items_of(assistant(Text(text="a"), Text(text="b"), extra={"id": "msg_1", "phase": "commentary"}))
    assert losses == []
    (item,) = items
    assert isinstance(item, dict)
    assert (item["id"], item["phase"], item["status"]) == ("msg_1", "commentary", "completed")


def test_fields_of_a_message_that_says_nothing_are_reported() -> None:
    items, losses = items_of(assistant(Native(dialect="gemini", wire={}), extra={"id": "msg_1"}))
    assert items == []
    assert ("$.id", "extension", "dropped") in losses


def test_answer_with_ids_goes_back_under_them() -> None:
    first = Text(text="a", extra={NAME: {"id": "msg_1"}})
    second = Text(text="b", extra={NAME: {"id": "msg_2", "phase": "final_answer"}})
    items, _ = items_of(assistant(first, second))
    valid_request({"model": "m", "input": items})
    assert [item["id"] for item in items if isinstance(item, dict)] == ["msg_1", "msg_2"]


def test_part_that_only_we_know_returns_to_its_message() -> None:
    part: Wire = {"type": "x_part", "value": 1}
    wire: Wire = {"model": "m", "input": [{"role": "user", "content": [part, {"type": "input_text", "text": "a"}]}]}
    assert returned(wire) == wire
