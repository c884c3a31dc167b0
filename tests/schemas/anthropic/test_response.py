"""Responses: content, why it ended, what it cost, and what stands around it."""

from __future__ import annotations

import pytest

from dragoman.schemas import convert_response
from dragoman.schemas.anthropic.response import decode_response, encode_response
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import (
    JSON,
    Candidate,
    Citation,
    Media,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Request,
    Response,
    Stop,
    Text,
    TokenLogprob,
    Usage,
    Wire,
)
from dragoman.schemas.losses import Losses
from dragoman.schemas.spelling import fit_name
from tests.schemas.anthropic.speaking import PNG, answering, asking, called, say_response

HI = Text(text="Hi")
LONG = "x" * 100  # a name that Claude takes and chat does not
COUNTED = Usage(input_tokens=3, output_tokens=2)
CALL: Wire = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}


def answer(*parts: Part, stop: Stop | None = "stop", **fields: object) -> Response:
    candidate = Candidate(parts=parts or (HI,), stop=stop, **fields)  # type: ignore[arg-type]
    return Response(candidates=(candidate,), id="r", model="m", usage=COUNTED)


def features(losses: list[tuple[str, str, str]]) -> list[tuple[str, str]]:
    return [(feature, action) for _, feature, action in losses]


# -------------------------------------------------------------------------------------------------- there and back
KEPT: dict[str, Wire] = {
    "text": {},
    "calls": {"content": [{"type": "text", "text": "Wait."}, CALL], "stop_reason": "tool_use"},
    "calls that Claude itself runs": {"content": [CALL], "stop_reason": "end_turn"},
    "thinking": {"content": [{"type": "thinking", "thinking": "hm", "signature": "c2ln"}]},
    "thinking without a signature": {"content": [{"type": "thinking", "thinking": "hm", "signature": ""}]},
    "stop sequence": {"stop_reason": "stop_sequence", "stop_sequence": "END"},
    "window exceeded": {"stop_reason": "model_context_window_exceeded"},
    "pause": {"stop_reason": "pause_turn"},
    "compaction": {"stop_reason": "compaction", "content": [{"type": "compaction", "content": "So far."}]},
    "nothing": {"content": []},
    "blank text": {"content": [{"type": "text", "text": " "}, CALL], "stop_reason": "tool_use"},
    "refusal": {
        "content": [],
        "stop_reason": "refusal",
        "stop_details": {"type": "refusal", "explanation": "No.", "category": "bio"},
    },
    "container": {"container": {"id": "c", "expires_at": "2030-01-01T00:00:00Z"}},
    "cached": {
        "usage": {
            "input_tokens": 3,
            "cache_read_input_tokens": 10,
            "cache_creation_input_tokens": 20,
            "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 0},
            "output_tokens": 2,
            "output_tokens_details": {"thinking_tokens": 1},
            "service_tier": "standard",
            "server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 0},
        }
    },
}


@pytest.mark.parametrize("fields", KEPT.values(), ids=KEPT.keys())
def test_response_in_order_comes_back_as_it_was(fields: Wire) -> None:
    wire, losses = answering(**fields), Losses()
    assert encode_response(decode_response(wire), losses) == wire
    assert losses.found == []


@pytest.mark.parametrize("content", [7, ["x"], {"type": "text"}])
def test_broken_content_is_refused(content: JSON) -> None:
    with pytest.raises(InvalidInput, match="content"):
        decode_response(answering(content=content))


# -------------------------------------------------------------------------------------------------------------- ends
ENDS: dict[str, Stop] = {
    "end_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
    "pause_turn": "pause",
    "tomorrow": "other",
}


@pytest.mark.parametrize(("native", "stop"), ENDS.items())
def test_end_is_read(native: str, stop: Stop) -> None:
    (candidate,) = decode_response(answering(stop_reason=native)).candidates
    assert (candidate.stop, candidate.native_stop) == (stop, native)


def test_answer_that_has_not_ended_has_no_end() -> None:
    assert decode_response(answering(stop_reason=None)).candidates[0].stop is None


SAID: dict[str, tuple[Response, str, list[tuple[str, str]]]] = {
    "stop": (answer(), "end_turn", []),
    "stop after a call": (answer(called()), "tool_use", []),
    "tool use without a call": (answer(stop="tool_use"), "end_turn", []),
    "length after a call": (answer(called(), stop="length"), "max_tokens", []),
    "stop sequence": (answer(stop_sequence="END"), "stop_sequence", []),
    "stop sequence of another end": (
        answer(stop="length", stop_sequence="END"),
        "max_tokens",
        [("stop", "dropped")],
    ),
    "filter": (answer(stop="content_filter"), "refusal", [("finish_reason", "approximated")]),
    "pause": (answer(stop="pause"), "pause_turn", []),
    "error": (answer(stop="error"), "end_turn", [("finish_reason", "approximated")]),
    "no end": (answer(stop=None), "end_turn", [("finish_reason", "approximated")]),
    "word of another dialect": (
        answer(native_stop="stop", stop_dialect="openai-chat"),
        "end_turn",
        [],
    ),
}


@pytest.mark.parametrize(("response", "reason", "losses"), SAID.values(), ids=SAID.keys())
def test_end_is_said(response: Response, reason: str, losses: list[tuple[str, str]]) -> None:
    wire, found = say_response(response)
    assert wire["stop_reason"] == reason
    assert features(found) == losses


def test_refusal_is_told_beside_the_content() -> None:
    wire, losses = say_response(answer(Text(text="Well."), Refusal(text="No."), stop="stop"))
    assert wire["content"] == [{"type": "text", "text": "Well."}]
    assert wire["stop_reason"] == "refusal"
    assert wire["stop_details"] == {"type": "refusal", "explanation": "No."}
    assert features(losses) == [("finish_reason", "approximated")]


def test_refusal_is_a_part_elsewhere() -> None:
    refused = answering(
        content=[], stop_reason="refusal", stop_details={"type": "refusal", "explanation": "No.", "category": "bio"}
    )
    converted = convert_response(refused, source="anthropic", target="openai-chat")
    assert converted.body["choices"][0]["message"]["refusal"] == "No."  # type: ignore[index,call-overload]
    assert ("$.stop_details.category", "refusal") in {(loss.path, loss.feature) for loss in converted.losses}


# ------------------------------------------------------------------------------------------------------------- content
def test_thoughts_of_others_are_shown_as_thinking_without_a_signature() -> None:
    foreign = Reasoning(text="hm", signature=Opaque("gemini", "c2ln"), dialect="gemini")
    wire, losses = say_response(answer(foreign, HI))
    assert wire["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "text", "text": "Hi"},
    ]
    assert features(losses) == [("reasoning_signature", "dropped")]


def test_summary_is_shown_as_thinking() -> None:
    wire, losses = say_response(answer(Reasoning(summary=("a", "b")), HI))
    assert wire["content"][0] == {"type": "thinking", "thinking": "a\n\nb", "signature": ""}  # type: ignore[index]
    assert features(losses) == [("reasoning", "approximated")]


def test_cited_page_is_shown_as_a_page_that_was_found() -> None:
    cited = Text(text="Hi", citations=(Citation(url="https://a.b", title="T", cited_text="x"), Citation(title="U")))
    wire, losses = say_response(answer(cited))
    page: Wire = {"type": "web_search_result_location", "url": "https://a.b", "title": "T", "cited_text": "x"}
    assert wire["content"] == [{"type": "text", "text": "Hi", "citations": [{**page, "encrypted_index": ""}]}]
    assert features(losses) == [("citation", "approximated"), ("citation", "dropped")]
    (again,) = decode_response(wire).candidates[0].parts[0].citations  # type: ignore[union-attr]
    assert (again.url, again.native) == ("https://a.b", None)


def test_sound_is_told_by_its_words() -> None:
    sound = Media(kind="audio", mime="audio/wav", data="UklGRg==", transcript="Good day.")
    wire, losses = say_response(answer(sound))
    assert wire["content"] == [{"type": "text", "text": "Good day."}]
    assert features(losses) == [("audio", "approximated")]


def test_picture_is_not_shown() -> None:
    wire, losses = say_response(answer(Media(kind="image", mime="image/png", data=PNG), HI))
    assert wire["content"] == [{"type": "text", "text": "Hi"}]
    assert features(losses) == [("image", "dropped")]


def test_empty_text_is_not_said() -> None:
    assert say_response(answer(Text(text=""), called()))[0]["content"][0]["type"] == "tool_use"  # type: ignore[index,call-overload]


# --------------------------------------------------------------------------------------------------------------- usage
def test_input_includes_the_cache_in_the_ir_and_not_on_the_wire() -> None:
    usage: Wire = {
        "input_tokens": 3,
        "cache_read_input_tokens": 10,
        "cache_creation_input_tokens": 20,
        "output_tokens": 2,
    }
    read = decode_response(answering(usage=usage)).usage
    assert read is not None
    assert (read.input_tokens, read.cache_read, read.cache_write) == (33, 10, 20)
    assert say_response(Response(candidates=(), id="r", model="m", usage=read))[0]["usage"] == usage


@pytest.mark.parametrize(
    ("usage", "said"),
    [
        (Usage(input_tokens=5, output_tokens=1, cache_read=9), (0, 5, None)),
        (Usage(input_tokens=9, output_tokens=1, cache_read=5, cache_write=9), (0, 5, 4)),
    ],
)
def test_input_is_never_below_nothing(usage: Usage, said: tuple[int, int, int | None]) -> None:
    wire, losses = say_response(Response(candidates=(Candidate(parts=(HI,), stop="stop"),), id="r", usage=usage))
    held = wire["usage"]
    assert isinstance(held, dict)
    keys = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    assert tuple(held.get(key) for key in keys) == said
    assert features(losses) == [("usage", "approximated")]


def test_counts_of_nothing_are_no_news() -> None:
    zeros: Wire = {
        "input_tokens": 1,
        "output_tokens": 1,
        "server_tool_use": {"web_search_requests": 0},
        "iterations": [],
    }
    usage = decode_response(answering(usage=zeros)).usage
    assert usage is not None
    assert usage.extra is None


def test_counts_that_only_claude_tells_are_reported_elsewhere() -> None:
    usage: Wire = {"input_tokens": 1, "output_tokens": 1, "inference_geo": "us"}
    converted = convert_response(answering(usage=usage), source="anthropic", target="openai-chat")
    assert ("$.usage.inference_geo", "usage") in {(loss.path, loss.feature) for loss in converted.losses}


def test_price_is_reported() -> None:
    usage = Usage(input_tokens=1, output_tokens=1, cost=0.25)
    assert features(say_response(Response(candidates=answer().candidates, id="r", usage=usage))[1]) == [
        ("cost", "dropped")
    ]


@pytest.mark.parametrize("usage", [None, Usage(output_tokens=1)])
def test_usage_that_nobody_told_is_made_up_and_reported(usage: Usage | None) -> None:
    wire, losses = say_response(Response(candidates=answer().candidates, id="r", usage=usage))
    assert wire["usage"]["input_tokens"] == 0  # type: ignore[index,call-overload]
    assert features(losses) == [("usage", "synthesized")]


@pytest.mark.parametrize("odd", [7, "x", []])
def test_odd_usage_is_none(odd: JSON) -> None:
    assert decode_response(answering(usage=odd)).usage is None


TIERS: dict[str, tuple[str | None, list[tuple[str, str]]]] = {
    "default": ("standard", []),
    "standard": ("standard", [("service_tier", "approximated")]),
    "priority": ("priority", []),
    "flex": (None, [("service_tier", "dropped")]),
}


@pytest.mark.parametrize(("tier", "said", "losses"), [(tier, *held) for tier, held in TIERS.items()])
def test_service_tier_is_told_with_the_usage(tier: str, said: str | None, losses: list[tuple[str, str]]) -> None:
    response = Response(candidates=answer().candidates, id="r", usage=COUNTED, service_tier=tier)
    wire, found = say_response(response)
    assert wire["usage"].get("service_tier") == said  # type: ignore[union-attr]
    assert features(found) == losses


# ------------------------------------------------------------------------------------------------------- around it
def test_first_of_several_answers_is_kept() -> None:
    two = Response(candidates=(*answer().candidates, *answer(Text(text="Ho")).candidates), id="r", usage=COUNTED)
    wire, losses = say_response(two)
    assert wire["content"] == [{"type": "text", "text": "Hi"}]
    assert features(losses) == [("n", "dropped")]


def test_no_answer_is_an_empty_one() -> None:
    wire, losses = say_response(Response(candidates=(), id="r", usage=COUNTED))
    assert (wire["content"], wire["stop_reason"]) == ([], "end_turn")
    assert features(losses) == [("finish_reason", "approximated")]


def test_what_claude_does_not_tell_is_reported() -> None:
    response = Response(
        candidates=answer(logprobs=(TokenLogprob(token="Hi", logprob=-1),)).candidates, created=7, usage=COUNTED
    )
    assert features(say_response(response)[1]) == [
        ("id", "synthesized"),
        ("logprobs", "dropped"),
        ("extension", "dropped"),
    ]


def test_model_comes_from_the_request_where_the_answer_names_none() -> None:
    asked = Request(messages=(), model="claude-x")
    assert (
        say_response(Response(candidates=answer().candidates, id="r", usage=COUNTED), asked)[0]["model"] == "claude-x"
    )


def test_name_that_was_rewritten_comes_back() -> None:
    call: Wire = {"id": "c", "type": "function", "function": {"name": fit_name(LONG), "arguments": "{}"}}
    message: Wire = {"role": "assistant", "content": None, "tool_calls": [call]}
    choices: list[JSON] = [{"index": 0, "finish_reason": "tool_calls", "message": message}]
    chat: Wire = {"id": "r", "object": "chat.completion", "created": 1, "model": "m", "choices": choices}
    tools: list[JSON] = [{"name": LONG, "input_schema": {"type": "object"}}]
    converted = convert_response(chat, source="openai-chat", target="anthropic", request=asking(tools=tools))
    assert converted.body["content"] == [{"type": "tool_use", "id": "c", "name": LONG, "input": {}}]
