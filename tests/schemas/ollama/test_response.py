"""Responses of Ollama: one answer, its end, its counts and times; the answers of /api/generate."""

from __future__ import annotations

import pytest
from ollama._types import ChatResponse

from dragoman.schemas import convert_response
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import (
    JSON,
    Candidate,
    Media,
    Part,
    Reasoning,
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
from dragoman.schemas.ollama.response import decode_response, encode_response, encode_usage

PNG = "iVBORw0KGgoAAAANSUhEUg=="
DURATIONS: Wire = {
    "total_duration": 5043500667,
    "load_duration": 5025959,
    "prompt_eval_duration": 325953000,
    "eval_duration": 4709213000,
}
WHOLE: Wire = {
    "model": "llama3.2",
    "created_at": "2024-12-06T17:49:38.123456Z",
    "message": {"role": "assistant", "content": "Hello!", "thinking": "Hm."},
    "done": True,
    "done_reason": "stop",
    "prompt_eval_count": 26,
    "eval_count": 298,
    **DURATIONS,
}


def answering(**fields: JSON) -> Wire:
    message: Wire = {"role": "assistant", "content": "Hi."}
    return {"model": "m", "created_at": "2025-01-01T00:00:00Z", "message": message, "done": True, **fields}


def said(response: Response, request: Request | None = None) -> tuple[Wire, list[tuple[str, str, str]]]:
    losses = Losses()
    wire = encode_response(response, losses, request)
    ChatResponse.model_validate(wire)
    return wire, [(loss.path, loss.feature, loss.action) for loss in losses.found]


def answer(*parts: Part, stop: Stop | None = "stop") -> Response:
    candidate = Candidate(parts=parts or (Text(text="Hi."),), stop=stop)
    return Response(model="m", created=1, candidates=(candidate,))


def test_whole_answer_comes_back() -> None:
    assert said(decode_response(WHOLE)) == (WHOLE, [])


def test_whole_answer_is_read() -> None:
    response = decode_response(WHOLE)
    (candidate,) = response.candidates
    assert candidate.parts == (
        Reasoning(text="Hm.", dialect="ollama", at=("message", "thinking")),
        Text(text="Hello!", at=("message", "content")),
    )
    assert (candidate.stop, candidate.native_stop, response.model) == ("stop", "stop", "llama3.2")
    assert response.usage == Usage(input_tokens=26, output_tokens=298, extra={"ollama": DURATIONS})
    assert response.created == 1733507378.123456


def test_durations_are_losses_of_usage_elsewhere() -> None:
    converted = convert_response(WHOLE, source="ollama", target="openai-chat")
    assert {(loss.path, loss.feature) for loss in converted.losses if loss.feature == "usage"} == {
        (f"$.{name}", "usage") for name in DURATIONS
    }


# ------------------------------------------------------------------------------------------------------------- times
@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("1970-01-01T00:00:10Z", 10),
        ("2023-08-04T08:52:19.385406455-07:00", 1691164339.385406),
        ("2023-08-04T15:52:19+00:00", 1691164339),
        ("2023-08-04T15:52:19", 1691164339),
    ],
)
def test_times_are_read_as_seconds(written: str, seconds: float) -> None:
    assert decode_response(answering(created_at=written)).created == seconds


@pytest.mark.parametrize("odd", ["yesterday", 12, "2023-99-01T00:00:00Z", {"a": 1}])
def test_odd_time_travels(odd: JSON) -> None:
    response = decode_response(answering(created_at=odd))
    assert response.created is None
    assert response.extra == {"ollama": {"created_at": odd}}


@pytest.mark.parametrize(
    ("created", "written"), [(10, "1970-01-01T00:00:10Z"), (1691164339.385406, "2023-08-04T15:52:19.385406Z")]
)
def test_time_is_said_as_iso(created: float, written: str) -> None:
    assert said(Response(candidates=answer().candidates, created=created))[0]["created_at"] == written


@pytest.mark.parametrize("created", [None, -5, 1e300, float("nan")])
def test_time_that_nobody_said_is_made_up_and_reported(created: float | None) -> None:
    wire, losses = said(Response(candidates=answer().candidates, created=created))
    assert wire["created_at"] == "1970-01-01T00:00:00Z"
    assert losses == [("$", "extension", "synthesized")]


# ------------------------------------------------------------------------------------------------------ why it ended
@pytest.mark.parametrize(
    ("reason", "stop"), [("stop", "stop"), ("length", "length"), ("load", "other"), ("unload", "other"), ("", "stop")]
)
def test_reasons_are_read(reason: str, stop: Stop) -> None:
    assert decode_response(answering(done_reason=reason)).candidates[0].stop == stop


@pytest.mark.parametrize(("done", "stop"), [(True, "stop"), (False, None)])
def test_older_servers_are_done_without_a_reason(done: bool, stop: Stop | None) -> None:
    assert decode_response(answering(done=done)).candidates[0].stop == stop


def test_stop_after_a_call_is_tool_use_and_is_said_as_stop() -> None:
    call: Wire = {"id": "c", "function": {"name": "look", "arguments": {}}}
    body = answering(done_reason="stop", message={"role": "assistant", "content": "", "tool_calls": [call]})
    response = decode_response(body)
    assert response.candidates[0].stop == "tool_use"
    assert said(response) == (body, [])
    assert said(answer(ToolCall(id="c", name="look", arguments={}), stop="tool_use"))[0]["done_reason"] == "stop"


@pytest.mark.parametrize("stop", ["content_filter", "refusal", "pause", "error", "other"])
def test_end_that_ollama_has_no_word_for_is_reported(stop: Stop) -> None:
    wire, losses = said(answer(stop=stop))
    assert wire["done_reason"] == "stop"
    assert losses == [("$", "finish_reason", "approximated")]


def test_end_that_nobody_explained_stays_unexplained() -> None:
    wire, losses = said(answer(stop=None))
    assert wire["done"] is True
    assert "done_reason" not in wire
    assert losses == [("$", "finish_reason", "approximated")]


def test_stop_sequence_is_reported() -> None:
    candidate = Candidate(parts=(Text(text="Hi."),), stop="stop", stop_sequence="END", at=("content",))
    assert said(Response(candidates=(candidate,), model="m", created=1))[1] == [
        ("$.content.stop_sequence", "stop", "dropped")
    ]


# ----------------------------------------------------------------------------------------------- what stands around
def test_further_answers_are_reported() -> None:
    response = Response(
        model="m",
        created=1,
        candidates=tuple(
            Candidate(parts=(Text(text=word),), stop="stop", at=("choices", n)) for n, word in enumerate("ab")
        ),
    )
    wire, losses = said(response)
    assert wire["message"] == {"role": "assistant", "content": "a"}
    assert losses == [("$.choices[1]", "n", "dropped")]


def test_response_without_an_answer_is_said_as_silence() -> None:
    wire, losses = said(Response(candidates=(), model="m", created=1))
    assert wire["message"] == {"role": "assistant", "content": ""}
    assert losses == [("$", "finish_reason", "approximated")]


def test_id_and_tier_are_reported() -> None:
    response = Response(candidates=answer().candidates, model="m", created=1, id="r", service_tier="flex")
    assert said(response)[1] == [("$.id", "id", "dropped"), ("$.service_tier", "service_tier", "dropped")]


def test_counts_that_ollama_does_not_have_are_reported() -> None:
    usage = Usage(input_tokens=9, output_tokens=5, cache_read=3, reasoning=2, cost=0.1, at=("usage",))
    wire, losses = said(Response(candidates=answer().candidates, model="m", created=1, usage=usage))
    assert (wire["prompt_eval_count"], wire["eval_count"]) == (9, 5)
    assert losses == [("$.usage", "usage", "dropped"), ("$.usage", "usage", "dropped"), ("$.usage", "cost", "dropped")]


def test_counts_that_nobody_said_are_not_said() -> None:
    wire, _ = said(answer())
    assert "eval_count" not in wire
    assert decode_response(wire).usage is None


def test_model_comes_from_the_request_when_the_answer_has_none() -> None:
    asked = Request(messages=(), model="llama3.2")
    assert said(Response(candidates=answer().candidates, created=1), asked)[0]["model"] == "llama3.2"


def test_logprobs_come_back() -> None:
    logprobs: list[JSON] = [
        {"token": "Hi", "logprob": -0.1, "bytes": [72, 105], "top_logprobs": [{"token": "Ho", "logprob": -2.5}]}
    ]
    response = decode_response(answering(done_reason="stop", logprobs=logprobs))
    assert response.candidates[0].logprobs == (
        TokenLogprob(token="Hi", logprob=-0.1, bytes=(72, 105), top=(TokenLogprob(token="Ho", logprob=-2.5),)),
    )
    assert said(response)[0]["logprobs"] == logprobs


def test_picture_of_another_vendor_is_dropped_since_the_client_cannot_read_it() -> None:
    wire, losses = said(answer(Media(kind="image", mime="image/png", data=PNG, at=("content",)), Text(text="There.")))
    assert wire["message"] == {"role": "assistant", "content": "There."}
    assert losses == [("$.content", "image", "dropped")]


def test_picture_of_ollama_comes_back() -> None:
    body = answering(done_reason="stop", message={"role": "assistant", "content": "There.", "images": [PNG]})
    assert encode_response(decode_response(body), Losses()) == body


def test_unknown_fields_come_back_and_are_losses_elsewhere() -> None:
    message: Wire = {"role": "assistant", "content": "Hi.", "mood": "good"}
    body = answering(done_reason="stop", message=message, remote_host="https://ollama.example:443")
    assert said(decode_response(body)) == (body, [])
    converted = convert_response(body, source="ollama", target="openai-chat")
    assert {loss.path for loss in converted.losses} >= {"$.message.mood", "$.remote_host"}


# ----------------------------------------------------------------------------------------------------- /api/generate
def test_generated_answer_is_read() -> None:
    body: Wire = {
        "model": "m",
        "response": "Blue.",
        "thinking": "Hm.",
        "context": [1, 2],
        "done": True,
        "eval_count": 3,
    }
    response = decode_response(body)
    assert response.candidates[0].parts == (
        Reasoning(text="Hm.", dialect="ollama", at=("thinking",)),
        Text(text="Blue.", at=("response",)),
    )
    assert response.usage == Usage(output_tokens=3)
    converted = convert_response(body, source="ollama", target="openai-chat")
    assert ("$", "extension") in {(loss.path, loss.feature) for loss in converted.losses}


def test_generated_picture_is_read() -> None:
    response = decode_response({"model": "m", "image": PNG, "done": True})
    assert response.candidates[0].parts == (
        Media(kind="image", mime="image/png", data=PNG, dialect="ollama", at=("image",)),
    )


def test_generated_answer_keeps_its_context_with_ollama() -> None:
    body: Wire = {"model": "m", "response": "Blue.", "context": [1, 2], "done": True}
    assert said(decode_response(body))[0]["context"] == [1, 2]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"error": "model not found"}, "$.message"),
        ({}, "$.message"),
        ({"message": "hi", "done": True}, "$.message"),
        ({"message": {"content": 7}, "done": True}, "$.message.content"),
        ({"response": 7, "done": True}, "$.response"),
    ],
)
def test_what_is_no_answer_is_refused(body: Wire, path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_response(body)
    assert caught.value.path == path


@pytest.mark.parametrize("usage", [Usage(input_audio=3), Usage(output_image=1), Usage(tool_uses={"web_search": 1})])
def test_count_that_ollama_has_not_is_a_loss(usage: Usage) -> None:
    losses = Losses()
    encode_usage(usage, {}, losses)
    assert [loss.feature for loss in losses.found] == ["usage"]
