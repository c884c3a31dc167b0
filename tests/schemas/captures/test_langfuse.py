"""Langfuse's observations, with inputs and outputs as its integrations (SDK 5.0 for Python) log them."""

from __future__ import annotations

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.schemas.captures import Captured, Skipped, Unreadable
from dragoman.schemas.captures.converting import convert_captured
from dragoman.schemas.ir import JSON, Wire
from tests.schemas.captures.samples import read, read_in_pieces

HI: Wire = {"role": "user", "content": "Hi"}
SYSTEM: Wire = {"role": "system", "content": "Be brief"}
YO: Wire = {"role": "assistant", "content": "Yo"}
CALL: Wire = {"id": "call_1", "function": {"arguments": '{"a":1}', "name": "f"}, "type": "function"}
TOOL: Wire = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
# What the integration for OpenAI's SDK logs for a call without any parameter.
DEFAULTS: Wire = {
    "temperature": 1,
    "max_tokens": "Infinity",
    "top_p": 1,
    "frequency_penalty": 0,
    "presence_penalty": 0,
}
OBSERVATION: Wire = {
    "id": "o1",
    "traceId": "t1",
    "type": "GENERATION",
    "name": "OpenAI-generation",
    "startTime": "2026-01-01T00:00:00.000Z",
    "endTime": "2026-01-01T00:00:01.500Z",
    "completionStartTime": None,
    "model": "gpt-4o",
    "modelParameters": DEFAULTS,
    "input": [HI],
    "output": YO,
    "usageDetails": {"input": 10, "output": 3, "total": 13},
    "level": "DEFAULT",
    "statusMessage": None,
    "metadata": {},
}
ITEM: Wire = {
    "id": "m1",
    "content": [{"annotations": [], "text": "Yo", "type": "output_text"}],
    "role": "assistant",
    "status": "completed",
    "type": "message",
}
ANTHROPIC: Wire = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-x",
    "content": [{"type": "text", "text": "Yo"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
TOOL_RESULT: Wire = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "1"}]}


def raw_of(**fields: JSON) -> bytes:
    return json.dumps({**OBSERVATION, **fields}).encode()


def only(raw: bytes) -> Captured:
    [item] = read(raw)
    assert isinstance(item, Captured), item
    return item


def asked(captured: Captured) -> Wire:
    assert captured.request is not None
    found: Wire = json.loads(captured.request.body)
    return found


def said(captured: Captured) -> Wire:
    assert captured.response is not None, captured.fault
    found: Wire = json.loads(captured.response.body)
    return found


def test_a_generation_becomes_an_exchange_without_what_nobody_said() -> None:
    found = only(raw_of())
    assert asked(found) == {"model": "gpt-4o", "messages": [HI]}
    assert said(found) == {
        "object": "chat.completion",
        "model": "gpt-4o",
        "choices": [{"index": 0, "message": YO, "finish_reason": None}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13},
    }
    assert (found.id, found.started, found.elapsed, found.dialect) == (
        "o1",
        "2026-01-01T00:00:00.000Z",
        1500.0,
        "openai-chat",
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"[" + raw_of() + b"]",
        raw_of() + b"\n",
        b'{"data":[' + raw_of() + b'],"meta":{"page":1}}',
        b'{"id":"t1","name":"trace","observations":[' + raw_of() + b"]}",
        b'{"trace":{"id":"t1"},"observations":[' + raw_of() + b"]}",
    ],
    ids=["list", "line", "page", "trace", "trace beside"],
)
def test_exports_lines_pages_and_traces_are_found_by_themselves(raw: bytes) -> None:
    assert only(raw).id == "o1"


@pytest.mark.parametrize("size", [1, 11, 4096])
def test_a_file_may_be_cut_anywhere(size: int) -> None:
    raw = raw_of() + b"\n" + raw_of(type="SPAN") + b"\n"
    assert read_in_pieces(raw, size) == read(raw)


def test_the_names_of_a_blob_export_are_understood() -> None:
    entry: Wire = {
        "id": "o2",
        "trace_id": "t1",
        "type": "GENERATION",
        "start_time": "2026-01-01 00:00:00.000",
        "end_time": "2026-01-01 00:00:00.250",
        "provided_model_name": "gpt-4o",
        "model_parameters": '{"temperature":"0.5","max_tokens":"7"}',
        "input": json.dumps([HI]),
        "output": json.dumps(YO),
        "usage_details": '{"input":1,"output":1,"total":2}',
    }
    found = only(json.dumps(entry).encode())
    assert asked(found) == {"model": "gpt-4o", "messages": [HI], "temperature": 0.5, "max_tokens": 7}
    assert (found.elapsed, said(found)["usage"]) == (
        250.0,
        {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    )


@pytest.mark.parametrize("kind", ["SPAN", "EVENT", "TOOL", "EMBEDDING", "span"])
def test_other_observations_are_skipped(kind: str) -> None:
    assert read(raw_of(type=kind)) == [Skipped("not a generation", kind.upper())]


def test_what_has_no_type_is_a_generation_if_it_has_a_model() -> None:
    assert only(raw_of(type=None)).id == "o1"
    assert read(raw_of(type=None, model=None)) == [Skipped("not a generation", "SPAN")]


def test_a_trace_that_only_names_its_observations_is_skipped() -> None:
    assert read(b'{"id":"t","observations":["o1","o2"]}') == [Skipped("a trace without its observations")]


def test_tools_are_logged_beside_the_messages() -> None:
    answer: Wire = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    found = only(raw_of(input={"tools": [TOOL], "messages": [HI]}, output=answer))
    assert asked(found) == {"model": "gpt-4o", "messages": [HI], "tools": [TOOL]}
    assert convert_captured(found, target="anthropic").sides[1].error is None


def test_calls_that_langchain_keeps_apart_are_found() -> None:
    answer: Wire = {"role": "assistant", "content": "", "additional_kwargs": {"tool_calls": [CALL]}}
    [choice] = json.loads(json.dumps(said(only(raw_of(output=answer)))["choices"]))
    assert choice["message"] == {"role": "assistant", "content": "", "tool_calls": [CALL]}


def test_why_a_stream_ended_is_taken_from_where_it_is_logged() -> None:
    [choice] = json.loads(json.dumps(said(only(raw_of(output="Yo", metadata={"finish_reason": '"stop"'})))["choices"]))
    assert choice == {"index": 0, "message": {"role": "assistant", "content": "Yo"}, "finish_reason": "stop"}


@pytest.mark.parametrize(
    ("parameters", "wanted"),
    [
        ({**DEFAULTS, "temperature": 0.2, "max_tokens": 7}, {"temperature": 0.2, "max_tokens": 7}),
        ({"temperature": 1}, {"temperature": 1}),
        ({"temperature": "0.5", "seed": "7", "top_p": "high"}, {"temperature": 0.5, "seed": 7, "top_p": "high"}),
        (
            {"_type": "x", "model_name": "m", "max_retries": 2, "api_key": "sk-secret", "stop": '["a"]', "n": None},
            {"stop": ["a"]},
        ),
        ("none", {}),
    ],
)
def test_parameters_are_what_was_given(parameters: JSON, wanted: Wire) -> None:
    assert asked(only(raw_of(modelParameters=parameters))) == {"model": "gpt-4o", "messages": [HI], **wanted}


@pytest.mark.parametrize(
    "told",
    [
        json.dumps([HI]),
        "Hi",
        HI,
        {"prompt": "Hi"},
        {"prompt": [HI]},
        {"messages": [HI], "model": "another"},
        {"args": [], "kwargs": {"messages": [HI]}},
    ],
)
def test_an_input_of_messages_is_said_in_many_ways(told: JSON) -> None:
    assert asked(only(raw_of(input=told))) == {"model": "gpt-4o", "messages": [HI]}


@pytest.mark.parametrize("told", [None, "", [], {}, {"question": "x"}, ["a"], 7, {"messages": []}, {"prompt": {}}])
def test_an_input_that_is_no_request_is_skipped(told: JSON) -> None:
    [item] = read(raw_of(input=told))
    assert isinstance(item, Skipped)
    assert item.reason == "no messages in the log"


@pytest.mark.parametrize(
    "output",
    [json.dumps(YO), "Yo", [YO], {"completion": "Yo"}, {"completion": YO}, {"choices": [{"index": 0, "message": YO}]}],
)
def test_an_output_of_a_message_is_said_in_many_ways(output: JSON) -> None:
    [choice] = json.loads(json.dumps(said(only(raw_of(output=output)))["choices"]))
    assert choice["message"] == YO


@pytest.mark.parametrize("output", [{"weird": 1}, [YO, YO], [1], 7, {"completion": {"completion": "x"}}])
def test_an_output_that_is_no_answer_is_said_and_the_request_kept(output: JSON) -> None:
    found = only(raw_of(output=output))
    assert found.response is None
    assert found.fault.endswith("which is no answer of a model")


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"level": "ERROR", "statusMessage": "rate limited", "output": None}, "rate limited"),
        ({"level": "ERROR", "output": "half"}, "the log holds no output"),
        ({"output": "redacted-by-litellm"}, "the output: redacted by LiteLLM"),
    ],
)
def test_why_there_is_no_answer_is_said(fields: Wire, fault: str) -> None:
    found = only(raw_of(**fields))
    assert (found.response, found.fault) == (None, fault)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("@@@langfuseMedia:type=image/jpeg|id=x|source=bytes@@@", "media that Langfuse keeps elsewhere"),
        ("redacted-by-litellm", "redacted by LiteLLM"),
    ],
)
def test_what_was_taken_out_cannot_be_put_back(content: str, reason: str) -> None:
    assert read(raw_of(input=[{"role": "user", "content": content}])) == [Skipped(reason, "the input")]


@pytest.mark.parametrize(
    ("usage", "wanted"),
    [
        (
            {"input": 5, "output": 3, "total": 13, "input_cached_tokens": 5},
            {"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 5}, "total_tokens": 13},
        ),
        (
            {"input": 10, "output": 3, "total": 13, "output_reasoning_tokens": 2},
            {"prompt_tokens": 10, "completion_tokens_details": {"reasoning_tokens": 2}, "total_tokens": 13},
        ),
        ({"promptTokens": 10, "completionTokens": 3, "unit": "TOKENS"}, {"prompt_tokens": 10, "total_tokens": 13}),
    ],
)
def test_tokens_are_counted_once(usage: Wire, wanted: Wire) -> None:
    assert said(only(raw_of(usageDetails=usage)))["usage"] == {"completion_tokens": 3, **wanted}


@pytest.mark.parametrize("usage", [None, {}, {"total": 5}, "5", {"input": True}])
def test_tokens_that_are_not_told_are_not_there(usage: JSON) -> None:
    assert "usage" not in said(only(raw_of(usageDetails=usage)))


# ---- in other dialects -----------------------------------------------------------------------------------------------


def test_an_answer_of_the_responses_api_tells_what_the_request_was_in() -> None:
    parameters: Wire = {**DEFAULTS, "max_output_tokens": 20, "max_tokens": None, "reasoning_effort": "low"}
    found = only(raw_of(input=[SYSTEM, HI], output=ITEM, modelParameters=parameters))
    assert asked(found) == {
        "model": "gpt-4o",
        "input": [SYSTEM, HI],
        "max_output_tokens": 20,
        "reasoning": {"effort": "low"},
    }
    assert said(found)["output"] == [ITEM]
    assert found.dialect == "openai-responses"


@pytest.mark.parametrize(
    "told",
    [
        {"input": "Hi", "instructions": "Be brief"},
        {"input": [HI], "tools": [{"type": "function", "name": "f"}]},
        {"instructions": "Be brief"},
    ],
)
def test_an_input_of_the_responses_api_stays_one(told: Wire) -> None:
    found = only(raw_of(input=told, output=[{"type": "reasoning", "id": "r", "summary": []}, ITEM]))
    assert (found.dialect, asked(found)) == ("openai-responses", {"model": "gpt-4o", **told})


def test_items_show_the_responses_api() -> None:
    items: list[JSON] = [HI, {"type": "function_call_output", "call_id": "a", "output": "1"}]
    assert asked(only(raw_of(input=items)))["input"] == items


def test_blocks_show_anthropic() -> None:
    call: Wire = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
    usage: Wire = {"input": 2, "output": 3, "cache_read_input_tokens": 5, "total": 5}
    found = only(raw_of(input=[SYSTEM, TOOL_RESULT], output=[{"type": "text", "text": "Yo"}, call], usageDetails=usage))
    assert asked(found) == {"model": "gpt-4o", "system": "Be brief", "messages": [TOOL_RESULT]}
    assert said(found)["content"] == [{"type": "text", "text": "Yo"}, call]
    assert (found.dialect, said(found)["stop_reason"]) == ("anthropic", None)


def test_a_message_with_blocks_is_anthropics() -> None:
    blocks: list[JSON] = [{"type": "thinking", "thinking": "Hm", "signature": "s"}, {"type": "text", "text": "Yo"}]
    found = only(raw_of(output={"role": "assistant", "content": blocks}))
    assert (found.dialect, said(found)["content"]) == ("anthropic", blocks)


def test_a_whole_document_is_the_answer_as_it_was() -> None:
    found = only(raw_of(output=ANTHROPIC))
    assert (found.dialect, said(found)) == ("anthropic", ANTHROPIC)


def test_a_model_of_anthropics_that_is_asked_as_chat_stays_chat() -> None:
    found = only(raw_of(model="claude-x", input=[SYSTEM, HI]))
    assert (found.dialect, asked(found)) == ("openai-chat", {"model": "claude-x", "messages": [SYSTEM, HI]})


def test_several_system_messages_become_several_blocks() -> None:
    more: Wire = {"role": "system", "content": [{"type": "text", "text": "Be kind"}]}
    found = only(raw_of(input=[SYSTEM, more, TOOL_RESULT]))
    assert asked(found)["system"] == [{"type": "text", "text": "Be brief"}, {"type": "text", "text": "Be kind"}]


@pytest.mark.parametrize("is_whole", [True, False])
def test_contents_are_geminis_with_the_model_beside_them(is_whole: bool) -> None:
    contents: list[JSON] = [{"role": "user", "parts": [{"text": "Hi"}]}]
    answer: Wire = {"role": "model", "parts": [{"text": "Yo"}]}
    told: JSON = {"contents": contents} if is_whole else contents
    found = only(raw_of(input=told, output=answer, modelParameters={"max_tokens": 5, "tools": []}))
    assert asked(found) == {"contents": contents, "tools": [], "generationConfig": {"maxOutputTokens": 5}}
    assert said(found)["candidates"] == [{"content": answer, "index": 0}]
    assert (found.dialect, found.model) == ("gemini", "gpt-4o")


def test_an_answer_that_does_not_fit_its_request_is_said() -> None:
    broken: Wire = {"candidates": 5, "usageMetadata": {}, "modelVersion": "x"}
    found = only(raw_of(input={"messages": [HI], "tools": [TOOL]}, output=broken))
    assert found.response is None
    assert found.fault.startswith("the answer is in the form of gemini, and does not fit into openai-chat: ")


def test_an_observation_nested_as_deeply_as_can_be_read_does_not_stop_its_trace() -> None:
    for depth in range(sys.getrecursionlimit() - 150, sys.getrecursionlimit(), 3):
        nested: Wire = {**OBSERVATION, "output": '{"content":' + "[" * depth + "]" * depth + "}"}
        found = read(json.dumps({"id": "t", "observations": [OBSERVATION, nested, OBSERVATION]}).encode())
        assert [type(item) for item in (found[0], found[2])] == [Captured, Captured]


@given(st.dictionaries(st.sampled_from(sorted(OBSERVATION)), st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.sampled_from(["{}", "[1]", '{"a":'])
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["role", "content", "type", "text", "parts", "messages", "input", "completion", "output"]),
        inner, max_size=3),
    max_leaves=9,
)))  # fmt: skip
def test_nothing_in_an_observation_makes_it_raise(fields: Wire) -> None:
    [item] = read(raw_of(**fields), "langfuse")
    assert isinstance(item, Captured | Skipped | Unreadable)


@given(st.data())
def test_damaged_files_never_raise(data: st.DataObject) -> None:
    raw = bytearray(raw_of() + b"\n" + raw_of(input=[SYSTEM, TOOL_RESULT], output=ANTHROPIC))
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=5)):
        raw[at] = data.draw(st.integers(0, 255))
    assert isinstance(read(bytes(raw), "langfuse"), list)
