"""Responses, both ways: items as one answer, why it ended, what it cost and repeats, citations, log probabilities."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.schemas import convert_response
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
    Response,
    Stop,
    Text,
    TokenLogprob,
    ToolCall,
    Usage,
    Wire,
)
from dragoman.schemas.losses import Losses
from dragoman.schemas.openai_responses.request import decode_request
from dragoman.schemas.openai_responses.response import decode_response, encode_response
from dragoman.schemas.spelling import fit_name
from tests.schemas.openai_responses.speaking import NAME, PNG, USER, answer, answered

SAID: Wire = {"type": "output_text", "text": "Hi.", "annotations": [], "logprobs": []}
MESSAGE: Wire = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [SAID]}
CALL: Wire = {
    "id": "fc_1",
    "type": "function_call",
    "call_id": "c",
    "name": "look",
    "arguments": "{}",
    "status": "completed",
}


def from_elsewhere(*parts: Part, stop: Stop | None = "stop", **fields: Any) -> Response:
    return Response(id="r", model="m", created=1, candidates=(Candidate(parts=parts, stop=stop, **fields),))


def output(*parts: Part) -> tuple[list[Wire], list[tuple[str, str, str]]]:
    wire, losses = answered(from_elsewhere(*parts))
    items = wire["output"]
    assert isinstance(items, list)
    return [item for item in items if isinstance(item, dict)], losses


# ---------------------------------------------------------------------------------------------------------- documents
BASE: Wire = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "status": "completed",
    "error": None,
    "incomplete_details": None,
    "model": "m",
    "output": [MESSAGE],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}
DOCUMENTS: dict[str, Wire] = {
    "words": {},
    "everything": {
        "output": [
            {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "c2VhbGVk"},
            {
                "type": "web_search_call",
                "id": "ws_1",
                "status": "completed",
                "action": {"type": "search", "query": "q"},
            },
            {**MESSAGE, "phase": "commentary"},
            {**MESSAGE, "id": "msg_2", "content": [SAID, {"type": "refusal", "refusal": "No."}]},
            {"id": "ctc_1", "type": "custom_tool_call", "call_id": "d", "name": "sql", "input": ""},
            CALL,
        ]
    },
    "usage": {
        "usage": {
            "input_tokens": 9,
            "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
            "output_tokens": 5,
            "output_tokens_details": {"reasoning_tokens": 2},
            "total_tokens": 14,
            "cost": 0.5,
            "is_byok": True,
        }
    },
    "cut off": {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
    "steered": {"status": "incomplete", "incomplete_details": {"reason": "steered", "by": "user"}},
    "failed": {"status": "failed", "error": {"code": "server_error", "message": "Broken."}, "output": []},
    "cancelled": {"status": "cancelled"},
    "going on": {"status": "queued", "output": []},
    "echo": {"instructions": "Be.", "temperature": 1.0, "text": {"format": {"type": "text"}}, "store": True},
    "fields of its own": {"billing": {"payer": "developer"}, "completed_at": 2, "service_tier": "default"},
    "picture": {
        "output": [
            {"id": "ig_1", "type": "image_generation_call", "status": "completed", "size": "1024x1024", "result": PNG}
        ]
    },
}


@pytest.mark.parametrize("fields", DOCUMENTS.values(), ids=DOCUMENTS)
def test_document_of_our_own_returns_whole(fields: Wire) -> None:
    losses = Losses()
    wire = {**BASE, **fields}
    assert encode_response(decode_response(wire), losses) == wire
    assert losses.found == []


# --------------------------------------------------------------------------------------------------------- wire → IR
def test_items_are_the_parts_of_one_answer_and_keep_their_fields() -> None:
    second: Wire = {**MESSAGE, "id": "msg_2", "phase": "final_answer", "content": [SAID, SAID]}
    (candidate,) = answer(MESSAGE, second, CALL).candidates
    assert [(part.at, part.extra) for part in candidate.parts] == [
        (("output", 0), {NAME: {"id": "msg_1"}}),
        (("output", 1), {NAME: {"id": "msg_2", "phase": "final_answer"}}),
        (("output", 1, "content", 1), None),
        (("output", 2), {NAME: {"id": "fc_1"}}),
    ]
    assert candidate.stop == "tool_use"


def test_text_beside_an_empty_output_is_read() -> None:
    assert answer(output_text="Hi.").candidates[0].parts == (Text(text="Hi.", at=("output_text",)),)
    assert answer(MESSAGE, output_text="Hi.").candidates[0].parts[0].at == ("output", 0)


def test_message_that_says_nothing_keeps_its_id() -> None:
    (part,) = answer({**MESSAGE, "content": []}).candidates[0].parts
    assert part == Text(text="", at=("output", 0), extra={NAME: {"id": "msg_1"}})


@pytest.mark.parametrize(
    ("status", "reason", "stop"),
    [
        ("completed", None, "stop"),
        ("complete", None, "stop"),
        ("incomplete", "max_output_tokens", "length"),
        ("incomplete", "content_filter", "content_filter"),
        ("incomplete", "max_messages", "other"),
        ("incomplete", None, "other"),
        ("failed", None, "error"),
        ("cancelled", None, "other"),
        ("in_progress", None, None),
        ("queued", None, None),
        (None, None, None),
    ],
)
def test_status_tells_why_it_ended(status: str | None, reason: str | None, stop: Stop | None) -> None:
    details: JSON = None if reason is None else {"reason": reason}
    (candidate,) = answer(MESSAGE, status=status, incomplete_details=details).candidates
    assert candidate.stop == stop
    assert candidate.native_stop == (reason or status)


def test_refusal_ends_in_refusal() -> None:
    (candidate,) = answer({**MESSAGE, "content": [{"type": "refusal", "refusal": "No."}]}).candidates
    assert candidate.stop == "refusal"


@pytest.mark.parametrize(
    ("wire", "usage"),
    [
        ({"input_tokens": 9, "output_tokens": 5}, Usage(input_tokens=9, output_tokens=5, at=("usage",))),
        (
            {"output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 7}},
            Usage(output_tokens=12, reasoning=7, at=("usage",)),
        ),
        ({"cost_in_usd_ticks": 5_000_000_000}, Usage(cost=0.5, at=("usage",))),
        ({"cost": 0.25, "cost_in_usd_ticks": 1}, Usage(cost=0.25, at=("usage",))),
        (
            {"input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3, "audio_tokens": 0}},
            Usage(cache_read=4, cache_write=3, at=("usage",)),
        ),
        ({"server_tools": 0, "sources": 2}, Usage(at=("usage",), extra={NAME: {"sources": 2}})),
    ],
)
def test_usage_is_read(wire: Wire, usage: Usage) -> None:
    assert answer(usage=wire).usage == usage


def test_what_is_repeated_of_the_request_is_an_echo() -> None:
    response = answer(MESSAGE, tools=[], temperature=1.0, metadata={}, instructions=None, billing={"payer": "me"})
    assert response.echo == {NAME: {"tools": [], "temperature": 1.0}}
    assert response.extra == {NAME: {"billing": {"payer": "me"}}}


@pytest.mark.parametrize(
    "fields", [{"id": 7}, {"created_at": "now"}, {"usage": "much"}, {"status": 7}, {"incomplete_details": "x"}]
)
def test_odd_leaves_are_kept_as_they_are(fields: Wire) -> None:
    assert answer(MESSAGE, **fields).extra == {NAME: fields}


@pytest.mark.parametrize(
    ("wire", "path"),
    [({"output": 7}, "$.output"), ({"output": [7]}, "$.output[0]"), ({"output": [{"role": "x"}]}, "$.output[0].role")],
)
def test_nonsense_is_refused_with_its_place(wire: Wire, path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_response(wire)
    assert caught.value.path == path


# ---------------------------------------------------------------------------------------------------------- citations
PLACE: Wire = {"container_id": "c", "start_index": 0, "end_index": 1}
NOTES: list[JSON] = [
    {"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 2},
    {"type": "file_citation", "file_id": "f", "filename": "a.txt", "index": 2},
    {"type": "container_file_citation", "file_id": "g", "filename": "b.txt", **PLACE},
    {"type": "file_path", "file_id": "h", "index": 1},
]


def test_citations_are_read_and_return() -> None:
    wire: Wire = {**BASE, "output": [{**MESSAGE, "content": [{**SAID, "annotations": NOTES}]}]}
    (part,) = decode_response(wire).candidates[0].parts
    assert isinstance(part, Text)
    page, file, *_ = part.citations
    place = ("output", 0, "content", 0, "annotations")
    assert page == Citation(url="https://a.example", title="A", start=0, end=2, at=(*place, 0))
    assert (file.file_id, file.title, file.dialect) == ("f", "a.txt", NAME)
    assert encode_response(decode_response(wire), Losses()) == wire


def test_citation_of_others_is_said_of_the_stretch_it_names() -> None:
    page = Citation(url="https://a.example", title="A", start=1, end=2)
    (item,), losses = output(Text(text="Hi.", citations=(page,)))
    note: Wire = {"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 1, "end_index": 2}
    assert item["content"] == [{**SAID, "annotations": [note]}]
    assert losses == []


def test_citation_without_a_stretch_is_said_of_the_whole_text_once() -> None:
    pages = tuple(Citation(url=f"https://{name}.example") for name in "ab")
    (item,), losses = output(Text(text="Hi.", citations=pages))
    content = item["content"]
    assert isinstance(content, list)
    assert isinstance(content[0], dict)
    assert [note["end_index"] for note in content[0]["annotations"]] == [3, 3]  # type: ignore[union-attr, index, call-overload]
    assert losses == [("$", "citation", "synthesized")]


@pytest.mark.parametrize(
    "citation",
    [Citation(cited_text="words", title="Book"), Citation(file_id="f"), Citation(native={"x": 1}, dialect="anthropic")],
)
def test_citation_of_anything_else_is_reported(citation: Citation) -> None:
    (item,), losses = output(Text(text="Hi.", citations=(citation,)))
    assert item["content"] == [SAID]
    assert losses == [("$", "citation", "dropped")]


def test_words_that_are_cited_are_reported() -> None:
    page = Citation(url="https://a.example", cited_text="words", start=0, end=1)
    assert output(Text(text="Hi.", citations=(page,)))[1] == [("$", "citation", "dropped")]


# ----------------------------------------------------------------------------------------------------------- logprobs
def token(said: str, *top: str) -> Wire:
    others: list[JSON] = [{"token": other, "logprob": -2.0, "bytes": []} for other in top]
    return {"token": said, "logprob": -0.5, "bytes": [72], "top_logprobs": others}


def test_log_probabilities_of_all_texts_are_one_list_and_return_to_their_texts() -> None:
    first: Wire = {**SAID, "text": "Hi.", "logprobs": [token("Hi", "Ho"), token(".")]}
    second: Wire = {**SAID, "text": "Bye", "logprobs": [token("Bye")], "x": 1}
    wire: Wire = {**BASE, "output": [{**MESSAGE, "content": [first, second]}]}
    (candidate,) = decode_response(wire).candidates
    assert [item.token for item in candidate.logprobs] == ["Hi", ".", "Bye"]
    assert candidate.logprobs[0].top == (TokenLogprob(token="Ho", logprob=-2.0),)
    assert encode_response(decode_response(wire), Losses()) == wire


def test_log_probability_that_is_not_said_gets_the_least() -> None:
    response = from_elsewhere(Text(text="Hi."), logprobs=(TokenLogprob(token="Hi."),))
    wire, _ = answered(response)
    tokens: JSON = [{"token": "Hi.", "logprob": -9999.0, "bytes": [], "top_logprobs": []}]
    assert wire["output"][0]["content"][0]["logprobs"] == tokens  # type: ignore[index, call-overload]


def test_log_probabilities_of_no_text_are_reported() -> None:
    call = ToolCall(id="c", name="look", arguments={})
    _, losses = answered(from_elsewhere(call, stop="tool_use", logprobs=(TokenLogprob(token="x"),)))
    assert losses == [("$", "logprobs", "dropped")]


# --------------------------------------------------------------------------------------------------------- IR → wire
def test_answer_of_others_gets_ids_that_are_the_same_every_time() -> None:
    parts = (Reasoning(text="Hm.", summary=("Short.",), dialect="gemini"), Text(text="Hi."), Text(text="Ho."))
    items, losses = output(*parts, ToolCall(id="c", name="look", arguments={"n": 1.0}))
    assert losses == []
    assert [str(item["id"]).partition("_")[0] for item in items] == ["rs", "msg", "fc"]
    assert len({str(item["id"]) for item in items}) == 3
    assert output(*parts, ToolCall(id="c", name="look", arguments={"n": 1.0}))[0] == items
    thought, message, call = items
    assert thought["summary"] == [{"type": "summary_text", "text": "Short."}]
    assert thought["content"] == [{"type": "reasoning_text", "text": "Hm."}]
    assert message["content"] == [SAID, {**SAID, "text": "Ho."}]
    assert (call["arguments"], call["status"]) == ('{"n":1.0}', "completed")


def test_signature_of_others_is_not_shown() -> None:
    (item,), losses = output(Reasoning(text="Hm.", signature=Opaque("anthropic", "c2ln"), dialect="anthropic"))
    assert "encrypted_content" not in item
    assert losses == [("$", "reasoning_signature", "dropped")]


def test_reasoning_of_others_without_words_is_left_out() -> None:
    thought = Reasoning(signature=Opaque("anthropic", "c2ln"), redacted=True, dialect="anthropic")
    items, losses = output(thought, Text(text="Hi."))
    assert len(items) == 1
    assert losses == [("$", "reasoning_signature", "dropped")]


def test_picture_of_others_is_said_as_one_that_was_made() -> None:
    picture = Media(kind="image", mime="image/png", data=PNG, signature=Opaque("gemini", "c2ln"))
    (item,), losses = output(picture)
    assert (item["type"], item["result"], item["output_format"]) == ("image_generation_call", PNG, "png")
    assert losses == [("$", "builtin_call", "synthesized"), ("$", "reasoning_signature", "dropped")]


@pytest.mark.parametrize(
    "media", [Media(kind="image", url="https://x.example/a"), Media(kind="audio", mime="audio/wav", data="AAAA")]
)
def test_other_media_of_the_assistant_are_reported(media: Media) -> None:
    items, losses = output(Text(text="Hi."), media)
    assert len(items) == 1
    assert losses == [("$", media.kind, "dropped")]


@pytest.mark.parametrize(
    ("stop", "status", "reason", "reported"),
    [
        ("stop", "completed", None, False),
        ("tool_use", "completed", None, False),
        ("length", "incomplete", "max_output_tokens", False),
        ("content_filter", "incomplete", "content_filter", False),
        ("refusal", "incomplete", "content_filter", True),
        ("pause", "completed", None, True),
        ("other", "completed", None, True),
        (None, "in_progress", None, False),
    ],
)
def test_end_is_said_as_status_and_reason(stop: Stop | None, status: str, reason: JSON, reported: bool) -> None:
    wire, losses = answered(from_elsewhere(Text(text="Hi."), stop=stop))
    assert wire["status"] == status
    assert wire["incomplete_details"] == (None if reason is None else {"reason": reason})
    assert [feature for _, feature, _ in losses] == (["finish_reason"] if reported else [])


def test_item_that_was_cut_off_is_incomplete() -> None:
    wire, _ = answered(from_elsewhere(Reasoning(text="Hm."), Text(text="Hi"), stop="length"))
    assert wire["output"][-1]["status"] == "incomplete"  # type: ignore[index, call-overload]


def test_error_that_ended_an_answer_is_made_up() -> None:
    wire, losses = answered(from_elsewhere(stop="error"))
    assert wire["status"] == "failed"
    assert wire["error"] == {"code": "server_error", "message": "The answer ended in an error."}
    assert losses == [("$", "finish_reason", "synthesized")]


def test_refusal_is_a_whole_answer() -> None:
    wire, losses = answered(from_elsewhere(Refusal(text="No."), stop="refusal"))
    assert wire["status"] == "completed"
    assert losses == []


def test_refusal_beside_a_call_is_said_by_the_reason() -> None:
    call = ToolCall(id="c", name="look", arguments={})
    wire, losses = answered(from_elsewhere(Refusal(text="No."), call, stop="refusal"))
    assert wire["incomplete_details"] == {"reason": "content_filter"}
    assert losses == [("$", "finish_reason", "approximated")]


def test_what_has_no_place_is_reported() -> None:
    second = Candidate(parts=(Text(text="Ho."),), stop="stop", at=("choices", 1))
    first = Candidate(parts=(Text(text="Hi."),), stop="stop", stop_sequence="END", at=("choices", 0))
    response = Response(id="r", model="m", created=1, candidates=(first, second), service_tier="standard")
    assert answered(response)[1] == [
        ("$.choices[1]", "n", "dropped"),
        ("$.choices[0].stop_sequence", "stop", "dropped"),
        ("$.service_tier", "service_tier", "dropped"),
    ]


def test_response_without_an_answer_is_an_empty_one() -> None:
    wire, losses = answered(Response(id="r", model="m", created=1, candidates=()))
    assert (wire["output"], wire["status"]) == ([], "completed")
    assert losses == [("$", "finish_reason", "synthesized")]


def test_what_every_answer_wants_is_made_up_and_reported() -> None:
    losses = Losses()
    wire = encode_response(Response(candidates=(Candidate(parts=(Text(text="Hi."),), stop="stop"),)), losses)
    assert [(loss.feature, loss.action) for loss in losses.found] == [
        ("extension", "synthesized"),
        ("id", "synthesized"),
        ("extension", "synthesized"),
    ]
    assert (wire["created_at"], wire["model"]) == (0, "")
    assert str(wire["id"]).startswith("resp_")


def test_usage_that_says_half_is_filled_and_reported() -> None:
    response = Response(id="r", model="m", created=1, candidates=from_elsewhere().candidates, usage=Usage(cache_read=3))
    wire, losses = answered(response)
    assert wire["usage"] == {
        "input_tokens": 0,
        "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 0},
        "output_tokens": 0,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 0,
    }
    assert losses == [("$", "usage", "synthesized")]


# --------------------------------------------------------------------------------------------------------------- echo
def test_request_is_repeated_as_the_api_does() -> None:
    asked = decode_request(
        {
            "model": "m2",
            "input": [USER],
            "instructions": "Be terse.",
            "tools": [{"type": "function", "name": "look", "parameters": {"type": "object"}, "strict": True}],
            "tool_choice": "required",
            "temperature": 0.5,
            "conversation": "conv_1",
            "stream": False,
            "include": ["reasoning.encrypted_content"],
        }
    )
    wire, losses = answered(from_elsewhere(Text(text="Hi.")), asked)
    assert losses == []
    assert wire["instructions"] == "Be terse."
    assert wire["conversation"] == {"id": "conv_1"}
    assert (wire["tool_choice"], wire["temperature"], wire["parallel_tool_calls"]) == ("required", 0.5, True)
    assert not wire.keys() & {"input", "stream", "include"}


def test_instructions_in_items_are_repeated_as_items() -> None:
    asked = decode_request({"input": [{"role": "developer", "content": "a"}, {"role": "system", "content": "b"}, USER]})
    wire, _ = answered(from_elsewhere(Text(text="Hi.")), asked)
    assert wire["instructions"] == [{"role": "developer", "content": "a"}, {"role": "system", "content": "b"}]


def test_name_of_a_tool_returns_to_what_the_program_knows() -> None:
    name = "n" * 100
    asked: Wire = {"model": "m", "input": "Hi", "tools": [{"type": "function", "name": name, "parameters": {}}]}
    called: Wire = {"id": "c", "type": "function", "function": {"name": fit_name(name), "arguments": "{}"}}
    said: Wire = {"index": 0, "message": {"role": "assistant", "content": None, "tool_calls": [called]}}
    body: Wire = {"id": "r", "created": 1, "model": "m", "choices": [said]}
    converted = convert_response(body, source="openai-chat", target=NAME, request=asked).body
    assert converted["output"][0]["name"] == name  # type: ignore[index, call-overload]


def test_losses_of_an_answer_name_places_in_it() -> None:
    wire: Wire = {**BASE, "output": [{**MESSAGE, "x": 1}], "temperature": 1.0, "billing": {"payer": "me"}}
    found = {(loss.path, loss.feature) for loss in convert_response(wire, source=NAME, target="openai-chat").losses}
    assert {("$.output[0].id", "id"), ("$.output[0].x", "extension"), ("$.billing", "extension")} <= found
