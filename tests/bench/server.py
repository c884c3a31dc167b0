"""A server on loopback that answers in one dialect, openai-chat: `server.py` prints its port.

To who asks for a stream it streams as many chunks as the model's name says; anybody else gets one short whole answer.

It does next to nothing per request, so that what is measured is the client. It ends when its stdin does.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_MODEL = re.compile(rb'"model":\s*"(\d+)"')
_STREAMS = re.compile(rb'"stream":\s*true')
_TEXT = "The 07:42 to Göteborg runs about twelve minutes late because of a signal fault south of Alingsås."


def _event(delta: dict[str, str], finish: str | None = None) -> bytes:
    chunk = {
        "id": "chatcmpl-7",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    data = b"data: " + json.dumps(chunk).encode() + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(data), data)


def _whole() -> bytes:
    answer = {
        "id": "chatcmpl-7",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": _TEXT}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 60, "completion_tokens": 25, "total_tokens": 85},
    }
    body = json.dumps(answer).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


_WHOLE = _whole()
_WORD, _LAST = _event({"content": " word"}), _event({}, "stop") + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while head := await _head(reader):
        length = re.search(rb"(?i)content-length: (\d+)", head)
        body = await reader.readexactly(int(length[1])) if length else b""
        if _STREAMS.search(body):
            await _stream(writer, body)
        else:
            writer.write(_WHOLE)
        await writer.drain()
    writer.close()


async def _stream(writer: asyncio.StreamWriter, body: bytes) -> None:
    asked = _MODEL.search(body)
    writer.write(_HEAD + _WORD)
    await writer.drain()
    for _ in range(int(asked[1]) // 100 if asked else 0):
        writer.write(_WORD * 100)
        await writer.drain()
    writer.write(_LAST)


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


async def main() -> None:
    server = await asyncio.start_server(_answer, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
