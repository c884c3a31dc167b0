"""Streams of Responses as a whole: the document they add up to, and the vendor's own client."""

from __future__ import annotations

import httpx2
import openai
import pytest
from openai.types.responses import Response as SdkResponse
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from dragoman.schemas import StreamConverter, StreamReader, explode_response
from dragoman.schemas.accumulate import accumulate
from dragoman.schemas.errors import ReportedError
from dragoman.schemas.events import ContentDelta, LogprobsAdded
from dragoman.schemas.ir import Citation, Media, Reasoning, Refusal, Text, TokenLogprob, ToolCall, Wire
from dragoman.schemas.narrow import as_object
from dragoman.schemas.openai_responses.response import decode_response
from tests.schemas.openai_responses.speaking import NAME, PNG
from tests.schemas.openai_responses.telling import (
    CREATED,
    HEAD,
    NOTE,
    added,
    call_item,
    completed,
    delta,
    done,
    exploded,
    message,
    thought_item,
    told,
)
from tests.schemas.streaming import after, converted, encoded, read, response, sse, wires

THOUGHT = thought_item("First", "Then", content=[{"type": "reasoning_text", "text": "Hm"}], encrypted_content="abc")
CITED = message("Wet.", content=[{"type": "output_text", "text": "Wet.", "annotations": [NOTE]}], phase="final_answer")
SEARCH: Wire = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}}
PICTURE: Wire = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": PNG}
STATE: Wire = {"type": "compaction", "id": "cmp_1", "encrypted_content": "xyz"}
FREE: Wire = {"type": "custom_tool_call", "id": "ct_1", "call_id": "c2", "name": "sql", "input": "SELECT 1"}
OUTPUT = (THOUGHT, SEARCH, CITED, PICTURE, STATE, FREE, call_item('{"a":1}'))
DOCUMENT: Wire = {
    **HEAD,
    "status": "completed",
    "output": [*OUTPUT],
    "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5},
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}
SAID = (
    Reasoning(text="Hm", summary=("First", "Then"), dialect="anthropic"),
    Text(text="Wet.", citations=(Citation(url="https://a.example", title="A", start=0, end=2),)),
    Refusal(text="No."),
    ToolCall(id="c1", name="f", arguments='{"a":1}'),
    ToolCall(id="c2", name="sql", arguments="SELECT 1", custom=True),
    Media(kind="image", mime="image/png", data=PNG),
)


def client_reads(raw: bytes) -> SdkResponse:
    """Return what the vendor's client accumulates; its types take every event."""
    for wire in wires(raw):
        TypeAdapter(ResponseStreamEvent).validate_python(wire)
    transport = httpx2.MockTransport(
        lambda _request: httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=raw)
    )
    client = openai.OpenAI(api_key="x", http_client=httpx2.Client(transport=transport), max_retries=0)
    with client.responses.stream(model="m", input="Hi") as stream:
        return stream.get_final_response()


def test_stream_adds_up_to_the_document() -> None:
    begun = [added(item, index) for index, item in enumerate(OUTPUT)]
    ended = [done(item, index) for index, item in enumerate(OUTPUT)]
    events = read(NAME, sse(CREATED, *begun, *ended, {"type": "response.completed", "response": DOCUMENT}))
    parts = {type(part): part for part in decode_response(DOCUMENT).candidates[0].parts}
    assert {type(part): part for part in response(events).candidates[0].parts} == parts
    assert accumulate(events) == response(events)


def test_items_that_only_the_last_response_has_are_told_before_it() -> None:
    events = told({"type": "response.completed", "response": DOCUMENT})
    assert response(events) == accumulate(events) == decode_response(DOCUMENT)


def test_document_that_is_said_as_a_stream_is_read_back() -> None:
    raw = explode_response(DOCUMENT, source=NAME, target=NAME).body
    back, document = response(read(NAME, raw)), decode_response(DOCUMENT)
    calls = [part for part in back.candidates[0].parts if isinstance(part, ToolCall)]
    assert [(call.id, call.name, call.arguments) for call in calls] == [
        ("c2", "sql", "SELECT 1"),
        ("c1", "f", '{"a":1}'),
    ]
    assert back.candidates[0].parts[:-2] == document.candidates[0].parts[:-2]
    assert (back.usage, back.id, back.created) == (document.usage, "resp_1", 7)


def test_client_accumulates_what_is_said() -> None:
    final = client_reads(encoded(NAME, exploded(*SAID))[0])
    assert final.output_text == "Wet."
    assert [item.type for item in final.output] == [
        "reasoning",
        "message",
        "function_call",
        "custom_tool_call",
        "image_generation_call",
    ]
    assert final.usage is not None
    assert final.usage.total_tokens == 5


def test_client_takes_log_probabilities() -> None:
    token = TokenLogprob(token="Wet.", logprob=-0.5, bytes=(87,), top=(TokenLogprob(token="Wet.", logprob=-0.5),))
    events = exploded(Text(text="Wet."))
    start = events.index(ContentDelta("Wet."))
    weighed = [*events[: start + 1], LogprobsAdded((token,)), *events[start + 1 :]]
    (item,) = client_reads(encoded(NAME, weighed)[0]).output
    assert item.type == "message"
    assert item.content[0].type == "output_text"
    assert item.content[0].logprobs is not None
    assert item.content[0].logprobs[0].logprob == -0.5


@pytest.mark.parametrize("whole", [True, False])
def test_every_cut_gives_the_same_events(whole: bool) -> None:
    raw = sse(CREATED, added(message()), delta("output_text", "Zoë"), done(message("Zoë")), completed(message("Zoë")))
    wanted = read(NAME, raw, whole=whole)
    for at in range(len(raw)):
        reader = StreamReader(NAME, whole=whole)
        assert reader.feed(raw[:at]) + reader.feed(raw[at:]) + reader.close() == wanted


def test_forgetful_reader_keeps_first_words_and_whole_arguments() -> None:
    words = [added(message()), delta("output_text", "Hel"), delta("output_text", "lo"), done(message("Hello"))]
    call = [added(call_item(), 1), delta("function_call_arguments", '{"a":1}', 1), done(call_item('{"a":1}'), 1)]
    events = told(*words, *call, completed(message("Hello"), call_item('{"a":1}')), whole=False)
    text, called = response(events).candidates[0].parts
    assert isinstance(text, Text)
    assert isinstance(called, ToolCall)
    assert (text.text, called.arguments) == ("Hel", '{"a":1}')


def test_stream_of_its_own_passes_as_it_is() -> None:
    raw = sse(CREATED, added(message()), delta("output_text", "Hi"), done(message("Hi")), completed(message("Hi")))
    said, converter = converted(raw, NAME, NAME)
    assert (said, converter.losses, converter.error) == (raw, (), None)


def test_cut_stream_of_its_own_ends_in_a_failure_of_the_same_response() -> None:
    raw = sse(CREATED, added(message()), delta("output_text", "Hi"))
    said, _ = converted(raw, NAME, NAME)
    assert said.startswith(raw)
    (last,) = wires(said.removeprefix(raw))
    assert last["type"] == "response.failed"
    failed = as_object(last["response"], ())
    assert (failed["id"], failed["status"], failed["output"]) == ("resp_1", "failed", [])


def test_error_crosses_to_chat_and_back_as_one_failure() -> None:
    failed = completed(kind="failed", error={"code": "rate_limit_exceeded", "message": "Slow down."})
    said, converter = converted(sse(CREATED, failed), NAME, "openai-chat")
    assert isinstance(converter.error, ReportedError)
    back, _ = converted(said, "openai-chat", NAME)
    assert after(read(NAME, back)).error.kind == "rate_limit"


def test_what_is_lost_is_named_by_its_place_in_the_response() -> None:
    sealed = thought_item(encrypted_content="abc")
    converter = StreamConverter(source=NAME, target="openai-chat")
    converter.feed(sse(CREATED, added(thought_item()), done(sealed), completed(sealed)))
    converter.close()
    assert ("$.output[0]", "reasoning_signature") in [(loss.path, loss.feature) for loss in converter.losses]
