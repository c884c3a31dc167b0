"""Recordings for the tests of `replay`, and jobs over them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from dragoman.cli.conversion.sources import Exchange
from dragoman.schemas.captures import Captured, Received, Sent
from dragoman.schemas.ir import JSON, Wire
from tests.schemas.captures.samples import EXCHANGES, written

__all__ = ["answer", "asked", "exchange", "numbered", "recording", "write"]


def asked(text: str = "Hi", **more: JSON) -> Wire:
    return {"model": "m", "messages": [{"role": "user", "content": text}], **more}


def answer(text: str, finish: str = "stop") -> Wire:
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    }


def exchange(id: str = "e", request: Wire | None = None, response: JSON = None, *, status: int = 200) -> Captured:  # noqa: A002
    kind = "error" if status >= 400 else "response"
    return Captured(
        id=id,
        dialect="openai-chat",
        request=Sent(
            url="http://127.0.0.1:9/v1/chat/completions",
            headers=(("content-type", "application/json"),),
            body=json.dumps(request or asked(id)).encode(),
        ),
        response=Received(
            status=status,
            kind=kind,
            body=json.dumps(answer(f"Sandbox: {id}") if response is None else response).encode(),
        ),
    )


def numbered(*captured: Captured) -> list[Exchange]:
    return [Exchange("f", number, each) for number, each in enumerate(captured, 1)]


def recording(*captured: Captured) -> bytes:
    return written("recording", captured or EXCHANGES)


def write(folder: Path, captured: Sequence[Captured]) -> str:
    file = folder / "traffic.jsonl"
    file.write_bytes(recording(*captured))
    return str(file)
