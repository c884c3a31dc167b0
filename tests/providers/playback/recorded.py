"""One conversation, with a tool, as it is recorded in every dialect; and a server that plays it on a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from dragoman.providers.playback.app import application
from dragoman.providers.playback.book import Book
from dragoman.providers.playback.passing import Passer
from dragoman.providers.playback.server import PlaybackServer, listen
from dragoman.schemas.captures import Captured, Received, Sent
from dragoman.schemas.convert import convert_request, convert_response
from dragoman.schemas.dialect import find
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.streams import explode_response

__all__ = [
    "DIALECTS",
    "FIRST_ANSWER",
    "FIRST_REQUEST",
    "MODEL",
    "SECOND_ANSWER",
    "SECOND_REQUEST",
    "TOOL_SCHEMA",
    "conversation",
    "exchange",
    "serving",
]

DIALECTS = ("openai-chat", "openai-responses", "anthropic", "gemini", "ollama")
MODEL = "test-model"
TOOL_SCHEMA: Wire = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
_TOOL: Wire = {
    "type": "function",
    "function": {"name": "get_weather", "description": "Tell the weather.", "parameters": TOOL_SCHEMA},
}
_ASKED: list[JSON] = [
    {"role": "system", "content": "You are a helper."},
    {"role": "user", "content": "What is the weather in Paris?"},
]
_CALL: Wire = {
    "id": "call_weather_1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'},
}
_CALLING: Wire = {"role": "assistant", "content": "Let me see.", "tool_calls": [_CALL]}
_RESULT: Wire = {"role": "tool", "tool_call_id": "call_weather_1", "content": '{"celsius": 21}'}
FIRST_REQUEST: Wire = {"model": MODEL, "messages": _ASKED, "tools": [_TOOL]}
SECOND_REQUEST: Wire = {"model": MODEL, "messages": [*_ASKED, _CALLING, _RESULT], "tools": [_TOOL]}


def _answer(message: Wire, reason: str) -> Wire:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19},
    }


FIRST_ANSWER = _answer(_CALLING, "tool_calls")
SECOND_ANSWER = _answer({"role": "assistant", "content": "It is 21 degrees in Paris."}, "stop")


def exchange(
    dialect: str = "openai-chat", request: Wire = FIRST_REQUEST, answer: Wire = FIRST_ANSWER, *, streams: bool = False
) -> Captured:
    """Return an exchange of chat's as it would have been recorded in a dialect."""
    said: Wire = {**request, "stream": True} if streams else request
    asked = convert_request(said, source="openai-chat", target=dialect, stream=streams)
    if streams:
        body = explode_response(answer, source="openai-chat", target=dialect, request=asked.body).body
    else:
        body = write_json(convert_response(answer, source="openai-chat", target=dialect, request=asked.body).body)
    kind = find(dialect).stream_type if streams else "application/json"
    return Captured(
        request=Sent(body=write_json(asked.body)),
        response=Received(body=body, kind="stream" if streams else "response", headers=(("content-type", kind),)),
        dialect=dialect,
        model=MODEL,
        streams=streams,
    )


def conversation(dialect: str, *, streams: bool) -> list[Captured]:
    return [
        exchange(dialect, FIRST_REQUEST, FIRST_ANSWER, streams=streams),
        exchange(dialect, SECOND_REQUEST, SECOND_ANSWER, streams=streams),
    ]


@contextmanager
def serving(
    exchanges: Iterable[Captured] = (),
    *,
    book: Book | None = None,
    passer: Passer | None = None,
    speed: float | None = None,
    told: list[str] | None = None,
) -> Iterator[str]:
    """Serve on a free port, and yield the URL."""
    held = Book(exchanges) if book is None else book
    tell = None if told is None else told.append
    server = PlaybackServer(application(held, speed=speed, passer=passer, tell=tell))
    with listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=asyncio.run, args=(server.serve([listener]),))
        port = listener.getsockname()[1]
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join(10)
            assert not thread.is_alive()
