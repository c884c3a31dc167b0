"""Streams of chat, read by the vendor's own client: what it accumulates is what was said, from every other dialect."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import openai
import pytest
from openai import APIError
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from dragoman.schemas import StreamConverter
from dragoman.schemas.accumulate import explode
from dragoman.schemas.ir import (
    Candidate,
    Citation,
    Reasoning,
    Response,
    Text,
    TokenLogprob,
    ToolCall,
    Usage,
)
from tests.schemas.streaming import converted, encoded, read, wires

NAME = "openai-chat"
OTHERS = ("anthropic", "gemini", "ollama", "openai-responses")
ANSWER = Response(
    id="r1",
    model="m",
    created=7,
    usage=Usage(input_tokens=3, output_tokens=2),
    candidates=(
        Candidate(
            stop="tool_use",
            parts=(
                Reasoning(text="Hm"),
                Text(text="Wet.", citations=(Citation(url="https://a.example", title="A", start=0, end=3),)),
                ToolCall(id="call_1", name="f", arguments='{"a":1}'),
                ToolCall(id="call_2", name="g", arguments='{"b":2}'),
            ),
        ),
    ),
)


def chunks(raw: bytes) -> Iterator[ChatCompletionChunk]:
    """Yield what the vendor's client reads."""
    transport = httpx2.MockTransport(
        lambda _request: httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=raw)
    )
    client = openai.OpenAI(api_key="x", http_client=httpx2.Client(transport=transport), max_retries=0)
    yield from client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}], stream=True)


def client_reads(raw: bytes) -> ChatCompletion:
    state = ChatCompletionStreamState(input_tools=[], response_format=openai.omit)
    for wire in wires(raw):
        ChatCompletionChunk.model_validate(wire)
    for chunk in chunks(raw):
        state.handle_chunk(chunk)
    return state.current_completion_snapshot


@pytest.mark.parametrize("source", OTHERS)
def test_client_accumulates_words_and_calls_of_every_dialect(source: str) -> None:
    raw, converter = converted(encoded(source, explode(ANSWER))[0], source, NAME)
    assert converter.error is None
    (choice,) = client_reads(raw).choices
    assert (choice.message.content, choice.finish_reason) == ("Wet.", "tool_calls")
    calls = choice.message.tool_calls or []
    assert [(call.function.name, call.function.arguments) for call in calls if call.type == "function"] == [
        ("f", '{"a":1}'),
        ("g", '{"b":2}'),
    ]


def test_client_accumulates_two_answers_with_probabilities_and_cost() -> None:
    token = TokenLogprob(token="a", logprob=-0.5, bytes=(97,), top=(TokenLogprob(token="b", logprob=-1.0),))
    answers = [Candidate(parts=(Text(text=text),), stop="stop", logprobs=(token,)) for text in "ab"]
    usage = Usage(input_tokens=3, output_tokens=2)
    found = client_reads(encoded(NAME, explode(Response(candidates=tuple(answers), usage=usage)))[0])
    assert [choice.message.content for choice in found.choices] == ["a", "b"]
    assert [
        [held.token for held in (choice.logprobs and choice.logprobs.content) or []] for choice in found.choices
    ] == [
        ["a"],
        ["a"],
    ]
    assert found.usage is not None
    assert found.usage.total_tokens == 5


def test_client_raises_where_a_stream_was_cut() -> None:
    whole = encoded("anthropic", explode(ANSWER))[0]
    converter = StreamConverter(source="anthropic", target=NAME)
    raw = converter.feed(whole[: len(whole) // 2]) + converter.close()
    with pytest.raises(APIError, match="cut off"):
        list(chunks(raw))


def test_what_the_client_reads_is_what_is_read_back() -> None:
    events = read(NAME, encoded(NAME, explode(ANSWER))[0])
    assert client_reads(encoded(NAME, events)[0]) == client_reads(encoded(NAME, explode(ANSWER))[0])
