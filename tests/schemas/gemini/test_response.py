"""Responses: candidates, why they ended, tokens, log probabilities, blocked prompts."""

from __future__ import annotations

import pytest

from dragoman.schemas import convert_response
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.gemini.request import decode_request
from dragoman.schemas.gemini.response import decode_response
from dragoman.schemas.ir import (
    JSON,
    Candidate,
    Media,
    Opaque,
    Reasoning,
    Refusal,
    Response,
    Stop,
    Text,
    TokenLogprob,
    ToolCall,
    Usage,
    Wire,
)
from tests.schemas.gemini.speaking import CONTENTS, PNG, answered, answering, field

HI = Candidate(parts=(Text(text="Hi"),), stop="stop")


def usage_of(**fields: JSON) -> Usage:
    usage = decode_response({"candidates": [], "usageMetadata": fields}).usage
    assert usage is not None
    return usage


def said_usage(usage: Usage) -> tuple[JSON, list[tuple[str, str, str]]]:
    wire, losses = answered(Response(candidates=(HI,), usage=usage))
    return wire["usageMetadata"], losses


def test_answer_is_read() -> None:
    response = decode_response(
        {
            "candidates": [
                {"content": {"parts": [{"text": "Hi"}], "role": "model"}, "finishReason": "STOP", "index": 0}
            ],
            "modelVersion": "gemini-x",
            "responseId": "r1",
            "createTime": "2025-01-01T00:00:00Z",
        }
    )
    assert (response.model, response.id, response.created, response.extra) == ("gemini-x", "r1", 1735689600, None)
    (candidate,) = response.candidates
    assert candidate.parts == (Text(text="Hi", at=("candidates", 0, "content", "parts", 0)),)
    assert (candidate.stop, candidate.native_stop, candidate.extra) == ("stop", "STOP", None)


def test_answer_in_snake_case_is_read() -> None:
    response = decode_response(
        {
            "candidates": [{"finish_reason": "MAX_TOKENS"}],
            "model_version": "x",
            "usage_metadata": {"prompt_token_count": 3},
        }
    )
    assert (response.model, response.candidates[0].stop) == ("x", "length")
    assert response.usage == Usage(input_tokens=3, at=("usage_metadata",))


def test_answer_comes_back_as_it_was() -> None:
    body: Wire = {
        "candidates": [
            {
                "content": {"parts": [{"text": "Hm", "thought": True}, {"text": "Hi"}], "role": "model"},
                "finishReason": "STOP",
                "safetyRatings": [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "NEGLIGIBLE"}],
                "avgLogprobs": -0.5,
            }
        ],
        "usageMetadata": {
            "promptTokenCount": 5,
            "candidatesTokenCount": 2,
            "thoughtsTokenCount": 3,
            "totalTokenCount": 10,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 5}],
            "serviceTier": "standard",
        },
        "modelVersion": "gemini-x",
        "createTime": "2025-01-01T00:00:00.500000Z",
        "responseId": "r1",
    }
    assert answered(decode_response(body)) == (body, [])


@pytest.mark.parametrize("candidates", ["x", [5], [{"content": "x"}], [{"content": {"parts": "x"}}]])
def test_nonsense_is_refused_with_its_place(candidates: JSON) -> None:
    with pytest.raises(InvalidInput, match=r"\$\.candidates"):
        decode_response({"candidates": candidates})


# ------------------------------------------------------------------------------------------------------- the end
READ: dict[str, Stop | None] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "LANGUAGE": "other",
    "OTHER": "other",
    "NO_IMAGE": "other",
    "MALFORMED_FUNCTION_CALL": "error",
    "UNEXPECTED_TOOL_CALL": "error",
    "TOO_MANY_TOOL_CALLS": "error",
    "MISSING_THOUGHT_SIGNATURE": "error",
    "MALFORMED_RESPONSE": "error",
    "CONTINUATION": "pause",
    "SOMETHING_NEW": "other",
    "FINISH_REASON_UNSPECIFIED": None,
}


@pytest.mark.parametrize("reason", READ)
def test_end_is_read_and_returns_as_it_was(reason: str) -> None:
    response = answering({"text": "Hi"}, finishReason=reason)
    assert (response.candidates[0].stop, response.candidates[0].native_stop) == (READ[reason], reason)
    if reason != "SOMETHING_NEW":
        wire, losses = answered(response)
        assert field(wire, "candidates", 0, "finishReason") == reason
        assert losses == []


@pytest.mark.parametrize(("number", "stop"), [(1, "stop"), (2, "length"), (3, "content_filter"), (99, "other")])
def test_end_is_read_from_a_number(number: int, stop: Stop) -> None:
    assert answering({"text": "Hi"}, finishReason=number).candidates[0].stop == stop


def test_stop_after_a_call_is_tool_use() -> None:
    call: Wire = {"functionCall": {"name": "look"}}
    assert answering(call, finishReason="STOP").candidates[0].stop == "tool_use"
    assert answering(call, finishReason="MAX_TOKENS").candidates[0].stop == "length"


ENDS: list[tuple[Candidate, str, list[str]]] = [
    (Candidate(parts=(), stop="stop"), "STOP", []),
    (Candidate(parts=(), stop="length"), "MAX_TOKENS", []),
    (Candidate(parts=(ToolCall(id="c", name="f", arguments={}),), stop="tool_use"), "STOP", []),
    (Candidate(parts=(), stop="content_filter"), "SAFETY", []),
    (Candidate(parts=(Refusal(text="No."),), stop="refusal"), "SAFETY", ["refusal"]),
    (Candidate(parts=(), stop="refusal"), "SAFETY", ["finish_reason"]),
    (Candidate(parts=(), stop="pause"), "OTHER", ["finish_reason"]),
    (Candidate(parts=(), stop="error"), "OTHER", ["finish_reason"]),
    (Candidate(parts=(), stop="other", native_stop="x", stop_dialect="anthropic"), "OTHER", ["finish_reason"]),
    (Candidate(parts=()), "FINISH_REASON_UNSPECIFIED", []),
    (Candidate(parts=(), stop="stop", stop_sequence="END"), "STOP", ["stop"]),
]


@pytest.mark.parametrize(("candidate", "reason", "features"), ENDS)
def test_end_is_said(candidate: Candidate, reason: str, features: list[str]) -> None:
    wire, losses = answered(candidate)
    assert field(wire, "candidates", 0, "finishReason") == reason
    assert [feature for _, feature, _ in losses] == features


def test_blocked_prompt_is_an_answer_that_says_nothing() -> None:
    body: Wire = {"promptFeedback": {"blockReason": "SAFETY", "blockReasonMessage": "no"}, "modelVersion": "x"}
    response = decode_response(body)
    assert [(item.parts, item.stop, item.native_stop) for item in response.candidates] == [
        ((), "content_filter", "SAFETY")
    ]
    assert answered(response) == (body, [])


def test_blocked_prompt_is_a_filtered_choice_in_chat() -> None:
    converted = convert_response({"prompt_feedback": {"block_reason": "SAFETY"}}, source="gemini", target="chat")
    assert field(converted.body, "choices", 0, "finish_reason") == "content_filter"


def test_feedback_on_a_prompt_that_was_answered_returns() -> None:
    body: Wire = {
        "candidates": [{"content": {"parts": [{"text": "Hi"}], "role": "model"}, "finishReason": "STOP"}],
        "promptFeedback": {"safetyRatings": []},
    }
    assert answered(decode_response(body)) == (body, [])


# ---------------------------------------------------------------------------------------------------------- parts
def test_thought_of_another_vendor_is_said_as_a_thought_without_its_signature() -> None:
    thought = Reasoning(text="Hm", signature=Opaque("anthropic", "c2ln"), dialect="anthropic")
    wire, losses = answered(Candidate(parts=(thought, Text(text="Hi")), stop="stop"))
    assert field(wire, "candidates", 0, "content", "parts") == [{"text": "Hm", "thought": True}, {"text": "Hi"}]
    assert losses == [("$", "reasoning_signature", "dropped")]


def test_summary_of_a_thought_is_said_as_the_thought() -> None:
    wire, _ = answered(Candidate(parts=(Reasoning(summary=("a", "b"), dialect="openai-responses"),), stop="stop"))
    assert field(wire, "candidates", 0, "content", "parts") == [{"text": "a\n\nb", "thought": True}]


def test_thought_with_a_summary_says_both_the_thought_first() -> None:
    wire, losses = answered(Candidate(parts=(Reasoning(text="Hm", summary=("", "in short")),), stop="stop"))
    assert field(wire, "candidates", 0, "content", "parts") == [{"text": "Hm\n\nin short", "thought": True}]
    assert losses == []


def test_picture_and_call_of_an_answer_keep_their_order() -> None:
    picture = Media(kind="image", mime="image/png", data=PNG)
    call = ToolCall(id="c1", name="look", arguments='{"n": 12345678901234567890123}')
    wire, losses = answered(Candidate(parts=(Text(text="Here"), picture, call), stop="tool_use"))
    assert field(wire, "candidates", 0, "content", "parts") == [
        {"text": "Here"},
        {"inlineData": {"mimeType": "image/png", "data": PNG}},
        {"functionCall": {"id": "c1", "name": "look", "args": {"n": 12345678901234567890123}}},
    ]
    assert losses == []


def test_arguments_that_are_cut_off_are_kept_as_text() -> None:
    wire, losses = answered(Candidate(parts=(ToolCall(id="c", name="f", arguments='{"a": '),), stop="length"))
    assert field(wire, "candidates", 0, "content", "parts", 0, "functionCall", "args") == {"arguments": '{"a": '}
    assert losses == [("$", "tool_call", "approximated")]


def test_several_answers_are_numbered() -> None:
    wire, _ = answered(Response(candidates=(HI, HI)))
    assert field(wire, "candidates", 1, "index") == 1
    assert len(decode_response(wire).candidates) == 2


# ---------------------------------------------------------------------------------------------------------- usage
def test_thoughts_are_counted_in_the_output() -> None:
    usage = usage_of(promptTokenCount=10, candidatesTokenCount=5, thoughtsTokenCount=7, cachedContentTokenCount=4)
    assert (usage.input_tokens, usage.output_tokens, usage.reasoning, usage.cache_read) == (10, 12, 7, 4)
    wire, losses = said_usage(usage)
    assert wire == {
        "promptTokenCount": 10,
        "cachedContentTokenCount": 4,
        "candidatesTokenCount": 5,
        "thoughtsTokenCount": 7,
        "totalTokenCount": 22,
    }
    assert losses == []


def test_prompts_of_googles_own_tools_are_counted_in_the_input() -> None:
    usage = usage_of(promptTokenCount=10, toolUsePromptTokenCount=3, candidatesTokenCount=1)
    assert usage.input_tokens == 13
    wire, _ = said_usage(usage)
    assert (field(wire, "promptTokenCount"), field(wire, "toolUsePromptTokenCount")) == (10, 3)


def test_thoughts_alone_are_the_output() -> None:
    assert usage_of(thoughtsTokenCount=7).output_tokens == 7


def test_counts_that_say_nothing_are_no_fields_of_their_own() -> None:
    assert usage_of(promptTokenCount=1, promptTokensDetails=[], trafficType="").extra is None
    assert usage_of(trafficType="ON_DEMAND").extra == {"gemini": {"trafficType": "ON_DEMAND"}}


@pytest.mark.parametrize(
    ("usage", "feature"),
    [
        (Usage(input_tokens=5, cache_write=3), "usage"),
        (Usage(input_tokens=5, cost=0.1), "cost"),
        (Usage(output_tokens=3, reasoning=5), "usage"),
    ],
)
def test_count_that_gemini_has_not_is_a_loss(usage: Usage, feature: str) -> None:
    assert [found for _, found, _ in said_usage(usage)[1]] == [feature]


@pytest.mark.parametrize(("wire", "tier"), [("standard", "default"), ("flex", "flex"), ("later", None)])
def test_tier_of_an_answer_is_read_from_its_usage(wire: str, tier: str | None) -> None:
    response = decode_response({"usageMetadata": {"serviceTier": wire}})
    assert response.service_tier == tier
    assert (response.usage is not None and response.usage.extra) == (
        None if tier else {"gemini": {"serviceTier": "later"}}
    )


def test_tier_of_another_name_is_a_loss() -> None:
    assert answered(Response(candidates=(HI,), service_tier="scale"))[1] == [
        ("$.service_tier", "service_tier", "dropped")
    ]


# -------------------------------------------------------------------------------------------------------- the rest
def test_tokens_are_read_and_said() -> None:
    result: Wire = {
        "chosenCandidates": [{"token": "Hi", "logProbability": -0.5}, {"token": "!"}],
        "topCandidates": [{"candidates": [{"token": "Ho", "logProbability": -1}]}, {"candidates": []}],
    }
    response = answering({"text": "Hi!"}, finishReason="STOP", logprobsResult=result)
    top = (TokenLogprob(token="Ho", logprob=-1),)
    assert response.candidates[0].logprobs == (TokenLogprob(token="Hi", logprob=-0.5, top=top), TokenLogprob(token="!"))
    wire, losses = answered(response)
    assert field(wire, "candidates", 0, "logprobsResult") == result
    assert losses == []


def test_numbers_of_tokens_return_to_gemini_and_are_a_loss_elsewhere() -> None:
    result: Wire = {"chosenCandidates": [{"token": "Hi", "logProbability": -0.5, "tokenId": 5}]}
    response = answering({"text": "Hi"}, finishReason="STOP", logprobsResult=result)
    assert field(answered(response)[0], "candidates", 0, "logprobsResult") == result
    body: Wire = {"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "logprobsResult": result}]}
    losses = convert_response(body, source="gemini", target="chat").losses
    assert ("$.candidates[0].logprobsResult.chosenCandidates", "logprobs") in {(x.path, x.feature) for x in losses}


def test_bytes_of_tokens_are_a_loss() -> None:
    candidate = Candidate(parts=(), stop="stop", logprobs=(TokenLogprob(token="H", bytes=(72,)),))
    assert [feature for _, feature, _ in answered(candidate)[1]] == ["logprobs"]


def test_fewer_alternatives_than_tokens_are_read() -> None:
    result: Wire = {"chosenCandidates": [{"token": "a"}, {"token": "b"}], "topCandidates": [{"candidates": [{}]}]}
    tokens = answering({"text": "ab"}, logprobsResult=result).candidates[0].logprobs
    assert [len(token.top) for token in tokens] == [1, 0]


@pytest.mark.parametrize("said", ["yesterday", 5, "99999-01-01T00:00:00Z"])
def test_odd_time_travels_as_extra(said: JSON) -> None:
    response = decode_response({"createTime": said})
    assert response.created is None
    assert response.extra == {"gemini": {"createTime": said}}


@pytest.mark.parametrize("created", [1e300, -1e300])
def test_time_that_no_calendar_has_is_a_loss(created: float) -> None:
    wire, losses = answered(Response(candidates=(HI,), created=created))
    assert "createTime" not in wire
    assert losses == [("$.created", "extension", "dropped")]


def test_model_is_the_one_that_was_asked_where_the_answer_names_none() -> None:
    wire, _ = answered(Response(candidates=(HI,)), decode_request({"contents": CONTENTS, "model": "gemini-x"}))
    assert wire["modelVersion"] == "gemini-x"


def test_fields_that_only_gemini_knows_return() -> None:
    response = answering(
        {"text": "Hi"}, finishReason="STOP", finishMessage="done", urlContextMetadata={"urlMetadata": []}
    )
    assert response.candidates[0].extra == {
        "gemini": {"finishMessage": "done", "urlContextMetadata": {"urlMetadata": []}}
    }
    assert field(answered(response)[0], "candidates", 0, "finishMessage") == "done"
