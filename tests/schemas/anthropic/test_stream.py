"""Streams of Claude's as a whole: the document they add up to, and the vendor's own client."""

from __future__ import annotations

import anthropic
import httpx2
from anthropic.types import Message as SdkMessage

from dragoman.schemas import StreamReader, explode_response
from dragoman.schemas.accumulate import accumulate
from dragoman.schemas.anthropic.response import decode_response
from dragoman.schemas.ir import (
    JSON,
    Text,
    ToolCall,
    Wire,
)
from tests.schemas.anthropic.speaking import answering
from tests.schemas.anthropic.telling import (
    FOUND,
    NAME,
    SEARCH,
    SOURCE,
    STOP,
    block,
    delta,
    start,
    text_block,
    told,
    turn,
)
from tests.schemas.streaming import converted, encoded, read, response, said, sse


def client_reads(raw: bytes) -> SdkMessage:
    transport = httpx2.MockTransport(
        lambda _request: httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=raw)
    )
    client = anthropic.Anthropic(api_key="x", http_client=httpx2.Client(transport=transport), max_retries=0)
    with client.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi"}]) as stream:
        return stream.get_final_message()


def test_stream_adds_up_to_the_document() -> None:
    thinking: Wire = {"type": "thinking", "thinking": "Hm", "signature": "c2ln"}
    call: Wire = {"type": "tool_use", "id": "t1", "name": "look", "input": {"x": 1}}
    cited: Wire = {"type": "text", "text": "Wet.", "citations": [SOURCE]}
    blocks: list[JSON] = [thinking, cited, SEARCH, FOUND, call]
    document = answering(content=blocks, stop_reason="tool_use")
    starts = [item for index, whole in enumerate(blocks) for item in block(whole, index=index)]
    events = read(NAME, sse(start(), *starts, turn("tool_use"), STOP))
    assert response(events) == accumulate(events) == decode_response(document)


def test_document_that_is_said_as_a_stream_is_read_back() -> None:
    thinking: Wire = {"type": "thinking", "thinking": "Hm", "signature": "c2ln"}
    call: Wire = {"type": "tool_use", "id": "t1", "name": "look", "input": {"x": 1}}
    cited: Wire = {"type": "text", "text": "Wet.", "citations": [SOURCE]}
    blocks: list[JSON] = [thinking, cited, SEARCH, FOUND, call]
    document = answering(content=blocks, stop_reason="tool_use", container={"id": "c"})
    raw = explode_response(document, source=NAME, target=NAME)
    assert raw.losses == ()
    assert response(read(NAME, raw.body)) == decode_response(document)


def test_forgetful_reader_keeps_first_words_and_whole_arguments() -> None:
    words = block({"type": "text", "text": ""}, delta("text", text="Hel"), delta("text", text="lo"))
    call = block({"type": "tool_use", "id": "t", "name": "f"}, delta("input_json", partial_json='{"x":1}'), index=1)
    raw = sse(start(), *words, *call, turn("tool_use"), STOP)
    (text, call_) = said(read(NAME, raw, whole=False))
    assert isinstance(text, Text)
    assert isinstance(call_, ToolCall)
    assert (text.text, call_.arguments) == ("Hel", {"x": 1})
    assert accumulate(read(NAME, raw, whole=False)) == accumulate(read(NAME, raw))


def test_bytes_may_be_cut_anywhere() -> None:
    raw = sse(start(), *text_block("Grüße"), *block(SEARCH, index=1), turn(), STOP)
    reader = StreamReader(NAME)
    events = [event for index in range(len(raw)) for event in reader.feed(raw[index : index + 1])]
    assert [*events, *reader.close()] == read(NAME, raw)


def test_the_vendors_client_reads_a_stream_of_chat() -> None:
    call: Wire = {"index": 0, "id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"x":1}'}}
    deltas: list[JSON] = [{"reasoning_content": "Hm"}, {"content": "Hi"}, {"tool_calls": [call]}]
    head: Wire = {"id": "r1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    choices: list[JSON] = [{"index": 0, "delta": item, "finish_reason": None} for item in deltas]
    ends: Wire = {"index": 0, "delta": {}, "finish_reason": "tool_calls"}
    chunks: list[Wire] = [{**head, "choices": [choice]} for choice in (*choices, ends)]
    raw = sse(*chunks, done=True)
    message = client_reads(converted(raw, "openai-chat", NAME)[0])
    assert [item.type for item in message.content] == ["thinking", "text", "tool_use"]
    assert message.stop_reason == "tool_use"


def test_the_vendors_client_reads_what_its_own_server_says() -> None:
    events = told(*text_block("Hi"), *block(SEARCH, index=1), *block(FOUND, index=2))
    message = client_reads(encoded(NAME, events)[0])
    assert [item.type for item in message.content] == ["text", "server_tool_use", "web_search_tool_result"]
    assert message.usage.output_tokens == 2
