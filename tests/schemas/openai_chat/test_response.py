"""Chat responses, both ways: OpenAI's, and those of its many relatives."""

from __future__ import annotations

import pytest
from openai.types.chat import ChatCompletion

from dragoman.schemas import convert_response
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import (
    JSON,
    Candidate,
    Citation,
    Part,
    Refusal,
    Request,
    Response,
    Stop,
    Text,
    TokenLogprob,
    ToolCall,
    Usage,
    Wire,
)
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_list, as_object
from dragoman.schemas.openai_chat.response import decode_response, decode_usage, encode_response

CALL: Wire = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}


def answering(message: Wire | None = None, finish: JSON = "stop", **fields: JSON) -> Wire:
    said: Wire = {"role": "assistant", "content": "Hi.", "refusal": None} if message is None else message
    choice: Wire = {"index": 0, "message": said, "finish_reason": finish, "logprobs": None}
    return {"id": "r", "object": "chat.completion", "created": 9, "model": "m", "choices": [choice], **fields}


def first_choice(body: Wire) -> Wire:
    return as_object(as_list(body["choices"], ())[0], ())


def said(response: Response, request: Request | None = None) -> tuple[Wire, list[tuple[str, str, str]]]:
    losses = Losses()
    wire = encode_response(response, losses, request)
    ChatCompletion.model_validate(wire, strict=True)
    return wire, [(loss.path, loss.feature, loss.action) for loss in losses.found]


def answer(*parts: Part, **fields: JSON) -> Response:
    candidate = Candidate(parts=parts or (Text(text="Hi."),), **{"stop": "stop", **fields})  # type: ignore[arg-type]
    return Response(id="r", model="m", created=9, candidates=(candidate,))


def elsewhere(body: Wire) -> dict[str, str]:
    """Return the features that are lost on the way to another dialect, by path."""
    losses = convert_response(body, source="openai-chat", target="ollama").losses
    return {loss.path: loss.feature for loss in losses if loss.feature != "id"}


# ---------------------------------------------------------------------------------------------------- whole documents
RETURNING: dict[str, Wire] = {
    "plain": answering(),
    "several choices": {
        **answering(),
        "choices": [{**first_choice(answering()), "index": index} for index in range(2)],
    },
    "calls": answering({"role": "assistant", "content": None, "refusal": None, "tool_calls": [CALL]}, "tool_calls"),
    "refusal": answering({"role": "assistant", "content": None, "refusal": "No."}),
    "usage": answering(
        usage={
            "prompt_tokens": 9,
            "completion_tokens": 5,
            "total_tokens": 14,
            "prompt_tokens_details": {"cached_tokens": 3, "audio_tokens": 1},
            "completion_tokens_details": {"reasoning_tokens": 2, "accepted_prediction_tokens": 1},
        },
        service_tier="default",
        system_fingerprint="fp",
    ),
    "azure": answering(prompt_filter_results=[{"prompt_index": 0, "content_filter_results": {}}]),
    "groq": answering(x_groq={"id": "req_1"}),
    "llama.cpp": answering(timings={"prompt_n": 3}),
    "openrouter": answering(provider="Groq"),
}


@pytest.mark.parametrize("name", RETURNING)
def test_response_comes_back(name: str) -> None:
    assert said(decode_response(RETURNING[name])) == (RETURNING[name], [])


def test_fields_of_choices_and_messages_come_back() -> None:
    details: list[JSON] = [{"type": "reasoning.encrypted", "data": "c2ln"}]
    body = answering({"role": "assistant", "content": "Hi.", "refusal": None, "reasoning_details": details})
    choice = first_choice(body)
    choice["content_filter_results"] = {"hate": {"filtered": False}}
    choice["stop_reason"] = "END"
    choice["native_finish_reason"] = "STOP"
    losses = Losses()
    assert encode_response(decode_response(body), losses) == body
    assert losses.found == []
    assert elsewhere(body) == {
        "$.choices[0].content_filter_results": "safety",
        "$.choices[0].stop_reason": "stop",
        "$.choices[0].native_finish_reason": "extension",
        "$.choices[0].message.reasoning_details": "reasoning_signature",
    }


def test_tier_of_groq_comes_back() -> None:
    body = answering(service_tier="on_demand")
    assert encode_response(decode_response(body), Losses()) == body
    assert elsewhere(body) == {"$.service_tier": "service_tier"}


def test_fields_filled_with_nothing_say_nothing() -> None:
    response = decode_response(answering(finish="", id="", service_tier=""))
    assert (response.id, response.service_tier, response.extra) == (None, None, None)
    assert (response.candidates[0].stop, response.candidates[0].native_stop) == (None, None)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"choices": 7}, "$.choices"),
        ({"choices": {"a": 1}}, "$.choices"),
        ({"choices": [7]}, "$.choices[0]"),
        ({"choices": [{"message": "hi"}]}, "$.choices[0].message"),
        ({"choices": [{"message": {"content": 7}}]}, "$.choices[0].message.content"),
        ({"choices": [{"message": {"tool_calls": {"a": 1}}}]}, "$.choices[0].message.tool_calls"),
    ],
)
def test_structure_that_is_no_answer_is_refused_with_its_place(body: Wire, path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_response(body)
    assert caught.value.path == path


@pytest.mark.parametrize(
    "fields",
    [
        {"created": "now"},
        {"model": 7},
        {"usage": "much"},
        {"usage": {"prompt_tokens": "9", "prompt_tokens_details": 7}},
        {"citations": "x"},
        {"citations": [7, None, {"url": 7}]},
    ],
)
def test_odd_leaf_is_never_refused(fields: Wire) -> None:
    assert decode_response({**answering(), **fields}).candidates[0].parts[0].at == ("choices", 0, "message", "content")


# --------------------------------------------------------------------------------------------------- why it ended
@pytest.mark.parametrize(
    ("finish", "stop"),
    [
        ("stop", "stop"),
        ("eos", "stop"),
        ("length", "length"),
        ("model_length", "length"),
        ("content_filter", "content_filter"),
        ("error", "error"),
        ("tool_calls", "stop"),
        ("nap", "other"),
        (None, None),
        (7, None),
    ],
)
def test_finish_reasons_are_read(finish: JSON, stop: Stop | None) -> None:
    assert decode_response(answering(finish=finish)).candidates[0].stop == stop


@pytest.mark.parametrize(
    ("finish", "stop"), [("stop", "tool_use"), ("length", "length"), ("function_call", "tool_use")]
)
def test_only_a_plain_stop_becomes_tool_use(finish: str, stop: Stop) -> None:
    body = answering({"role": "assistant", "content": None, "tool_calls": [CALL]}, finish)
    assert decode_response(body).candidates[0].stop == stop


@pytest.mark.parametrize(
    ("fields", "finish", "losses"),
    [
        ({"stop": "length"}, "length", 0),
        ({"stop": "content_filter"}, "content_filter", 0),
        ({"stop": "refusal"}, "content_filter", 1),
        ({"stop": "pause"}, "stop", 1),
        ({"stop": "error"}, "stop", 1),
        ({"stop": None}, "stop", 1),
        ({"stop": "stop", "native_stop": "end_turn", "stop_dialect": "anthropic"}, "stop", 0),
        ({"stop": "tool_use", "native_stop": "function_call", "stop_dialect": "openai-chat"}, "tool_calls", 0),
    ],
)
def test_stop_is_said_in_chats_words(fields: Wire, finish: str, losses: int) -> None:
    wire, found = said(
        answer(ToolCall(id="c", name="n", arguments={}), **fields) if fields["stop"] == "tool_use" else answer(**fields)
    )
    assert first_choice(wire)["finish_reason"] == finish
    assert [feature for _, feature, _ in found] == ["finish_reason"] * losses


def test_refusal_beside_a_call_is_no_plain_end() -> None:
    call = ToolCall(id="call_1", name="look", arguments="{}")
    wire, losses = said(answer(Refusal(text="No."), call, stop="refusal"))
    assert first_choice(wire)["finish_reason"] == "content_filter"
    assert [feature for _, feature, _ in losses] == ["finish_reason"]


def test_refusal_in_words_ends_with_a_plain_stop() -> None:
    wire, losses = said(answer(Refusal(text="No."), stop="refusal"))
    assert first_choice(wire)["finish_reason"] == "stop"
    assert losses == []
    assert decode_response(wire).candidates[0].stop == "refusal"


def test_stop_after_a_call_is_said_as_tool_calls() -> None:
    wire, _ = said(answer(ToolCall(id="c", name="n", arguments={})))
    assert first_choice(wire)["finish_reason"] == "tool_calls"


def test_stop_sequence_is_reported() -> None:
    assert said(answer(stop_sequence="END"))[1] == [("$.stop_sequence", "stop", "dropped")]


# --------------------------------------------------------------------------------------------------------- logprobs
def test_logprobs_come_back() -> None:
    token: Wire = {"token": "Hi", "logprob": -0.1, "bytes": [72, 105]}
    held: Wire = {"content": [{**token, "top_logprobs": [token]}], "refusal": [{"token": "No"}]}
    body = answering()
    first_choice(body)["logprobs"] = held
    response = decode_response(body)
    assert response.candidates[0].logprobs == (
        TokenLogprob(
            token="Hi", logprob=-0.1, bytes=(72, 105), top=(TokenLogprob(token="Hi", logprob=-0.1, bytes=(72, 105)),)
        ),
    )
    assert encode_response(response, Losses()) == body


def test_older_logprobs_are_kept() -> None:
    body = answering()
    first_choice(body)["logprobs"] = {"tokens": ["Hi"], "token_logprobs": [-0.1]}
    assert elsewhere(body) == {"$.choices[0].logprobs": "logprobs"}


def test_token_without_a_logprob_gets_the_least() -> None:
    wire, _ = said(answer(logprobs=(TokenLogprob(token="Hi"),)))  # type: ignore[arg-type]
    assert first_choice(wire)["logprobs"] == {
        "content": [{"token": "Hi", "logprob": -9999.0, "bytes": None, "top_logprobs": []}],
        "refusal": None,
    }


# ----------------------------------------------------------------------------------------------------------- sources
def test_sources_of_perplexity_are_citations_of_the_last_text() -> None:
    body = answering(
        citations=["https://a.example", "https://b.example"],
        search_results=[{"title": "A", "url": "https://a.example", "date": "2025-01-01"}],
    )
    (text,) = decode_response(body).candidates[0].parts
    assert isinstance(text, Text)
    assert text.citations == (
        Citation(url="https://a.example", title="A", at=("search_results", 0)),
        Citation(url="https://b.example", at=("citations", 1)),
    )


@pytest.mark.parametrize("message", [{"role": "assistant", "content": None, "tool_calls": [CALL]}, None])
def test_sources_without_a_text_are_kept(message: Wire | None) -> None:
    body = answering(message, citations=["https://a.example"])
    if message is None:
        body["choices"] = []
    assert decode_response(body).extra == {"openai-chat": {"citations": ["https://a.example"]}}
    assert elsewhere(body)["$.citations"] == "citation"


# ------------------------------------------------------------------------------------------------------------- counts
@pytest.mark.parametrize(
    ("wire", "usage"),
    [
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 5,
                "prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 2},
            },
            Usage(input_tokens=9, output_tokens=5, cache_read=3, cache_write=2),
        ),
        (
            {"prompt_tokens": 9, "prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 5},
            Usage(input_tokens=9, cache_read=4),
        ),
        ({"prompt_tokens_details": {"cached_tokens": 0}}, Usage(cache_read=0)),
        ({"num_cached_tokens": 4}, Usage(cache_read=4)),
        ({"cost": 0.25}, Usage(cost=0.25)),
        ({"cost_in_usd_ticks": 37756000}, Usage(cost=0.0037756)),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "total_tokens": 35,
                "completion_tokens_details": {"reasoning_tokens": 20},
            },
            Usage(input_tokens=10, output_tokens=25, reasoning=20),
        ),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 25,
                "total_tokens": 35,
                "completion_tokens_details": {"reasoning_tokens": 20},
            },
            Usage(input_tokens=10, output_tokens=25, reasoning=20),
        ),
    ],
)
def test_counts_are_read_as_each_vendor_tells_them(wire: Wire, usage: Usage) -> None:
    read = decode_usage(wire)
    assert read is not None
    assert (read.input_tokens, read.output_tokens) == (usage.input_tokens, usage.output_tokens)
    assert (read.cache_read, read.cache_write) == (usage.cache_read, usage.cache_write)
    assert (read.reasoning, read.cost) == (usage.reasoning, usage.cost)


def test_counts_that_only_one_vendor_knows_are_losses_of_usage() -> None:
    counts: Wire = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "queue_time": 0.1, "audio": 0}
    assert elsewhere(answering(usage=counts)) == {"$.usage.queue_time": "usage"}


@pytest.mark.parametrize("wire", [None, 7, "x", []])
def test_usage_that_is_no_object_is_none(wire: JSON) -> None:
    assert decode_usage(wire) is None


# ----------------------------------------------------------------------------------------- what chat wants at any rate
def test_what_chat_wants_and_nobody_said_is_made_up_the_same_way_each_time() -> None:
    bare = Response(candidates=answer().candidates)
    first, losses = said(bare)
    assert first == said(bare)[0]
    assert str(first["id"]).startswith("chatcmpl-")
    assert [(feature, action) for _, feature, action in losses] == [("id", "synthesized"), ("extension", "synthesized")]


def test_model_comes_from_the_request_when_the_answer_has_none() -> None:
    assert said(Response(candidates=(), id="r", created=9), Request(messages=(), model="gpt-5"))[0]["model"] == "gpt-5"


def test_tier_of_another_vendor_is_reported() -> None:
    response = Response(candidates=answer().candidates, id="r", created=9, service_tier="standard")
    assert said(response)[1] == [("$.service_tier", "service_tier", "dropped")]
