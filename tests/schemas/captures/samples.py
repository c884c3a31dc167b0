"""Exchanges for the tests of captures: every dialect, plain, streaming and failed, with what is odd about bytes."""

from __future__ import annotations

from msgspec.structs import replace

from dragoman.schemas.captures import Captured, CaptureReader, Item, Received, Sent
from dragoman.schemas.captures.formats import find_format

__all__ = ["CHAT_STREAM", "EXCHANGES", "JSON_TYPE", "comparable", "read", "read_in_pieces", "written"]

JSON_TYPE = (("content-type", "application/json"),)
SSE_TYPE = (("content-type", "text/event-stream"),)
CHAT_STREAM = (
    'data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":'
    '{"role":"assistant","content":"Bl"},"finish_reason":null}]}\n\n'
    'data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":'
    '{"content":"äu 💙"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
).encode()
_NDJSON = (
    b'{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"B"},"done":false}\n'
    b'{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":""},"done":true,'
    b'"done_reason":"stop","prompt_eval_count":3,"eval_count":2}\n'
)
EXCHANGES = (
    Captured(
        id="plain-chat",
        dialect="openai-chat",
        started="2026-01-02T03:04:05.678Z",
        elapsed=321.5,
        request=Sent(
            url="https://api.openai.com/v1/chat/completions",
            headers=JSON_TYPE,
            body=b'{"model":"m","messages":[{"role":"user","content":"It\'s \\"5 $\\" & 1.0 \xc3\xa4 \\u0000 %PATH% '
            b'`x`"}],"seed":12345678901234567890,"temperature":1.0}',
        ),
        response=Received(
            headers=(*JSON_TYPE, ("x-request-id", "r1")),
            pace=((321.5, 205),),
            kind="response",
            body=b'{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":'
            b'{"role":"assistant","content":"Blue: don\'t"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,'
            b'"completion_tokens":2,"total_tokens":5}}',
        ),
    ),
    Captured(
        id="stream-chat",
        dialect="openai-chat",
        started="2026-01-02T03:04:06.000Z",
        elapsed=900.0,
        streams=True,
        request=Sent(
            url="https://api.openai.com/v1/chat/completions",
            headers=JSON_TYPE,
            body=b'{"model":"m","messages":[{"role":"user","content":"Hi"}],"stream":true}',
        ),
        response=Received(
            headers=SSE_TYPE,
            kind="stream",
            body=CHAT_STREAM,
            pace=((100.0, 50), (400.0, 242), (900.0, len(CHAT_STREAM))),
        ),
    ),
    Captured(
        id="anthropic-failed/../../etc",
        dialect="anthropic",
        started="2026-01-02T03:04:07.000Z",
        request=Sent(
            url="https://api.anthropic.com/v1/messages?beta=true",
            headers=(*JSON_TYPE, ("anthropic-version", "2023-06-01")),
            body=b'{"model":"claude-x","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}',
        ),
        response=Received(
            status=529,
            headers=JSON_TYPE,
            kind="error",
            body=b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
        ),
    ),
    Captured(
        id="gemini",
        dialect="gemini",
        model="gemini-x",
        streams=False,
        request=Sent(
            url="https://generativelanguage.googleapis.com/v1beta/models/gemini-x:generateContent",
            headers=JSON_TYPE,
            body=b'{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}',
        ),
        response=Received(
            headers=JSON_TYPE,
            kind="response",
            body=b'{"candidates":[{"content":{"role":"model","parts":[{"text":"Blue"}]},"finishReason":"STOP","index":0}],'
            b'"modelVersion":"gemini-x"}',
        ),
    ),
    Captured(
        id="ollama",
        dialect="ollama",
        streams=True,
        request=Sent(
            url="http://127.0.0.1:11434/api/chat",
            headers=JSON_TYPE,
            body=b'{"model":"m","messages":[{"role":"user","content":"Hi"}]}',
        ),
        response=Received(headers=(("content-type", "application/x-ndjson"),), kind="stream", body=_NDJSON),
    ),
    Captured(
        id="responses-unanswered",
        dialect="openai-responses",
        fault="connection refused",
        request=Sent(
            url="https://api.openai.com/v1/responses", headers=JSON_TYPE, body=b'{"model":"m","input":"Hi\\nthere"}'
        ),
    ),
)


def written(format: str, exchanges: tuple[Captured, ...] = EXCHANGES) -> bytes:  # noqa: A002
    writer = find_format(format).writer()
    return b"".join([*(piece for exchange in exchanges for piece in writer.feed(exchange)), *writer.close()])


def read(raw: bytes, format: str | None = None) -> list[Item]:  # noqa: A002
    reader = CaptureReader(format)
    return [*reader.feed(raw), *reader.close()]


def read_in_pieces(raw: bytes, size: int, format: str | None = None) -> list[Item]:  # noqa: A002
    reader = CaptureReader(format)
    items = [item for at in range(0, len(raw), size) for item in reader.feed(raw[at : at + size])]
    return [*items, *reader.close()]


def comparable(item: object) -> object:
    """Leave out of an exchange what is said in two ways: that nothing streams, and when all of a document had come."""
    if not isinstance(item, Captured):
        return item
    item = replace(item, streams=bool(item.streams))
    if item.response is None or item.response.kind == "stream":
        return item
    return replace(item, response=replace(item.response, pace=()))
