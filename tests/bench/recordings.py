"""Lines of captures to measure with: a recorded exchange as our own recording and as an entry of a HAR has it."""

from __future__ import annotations

from functools import cache

from dragoman.schemas.captures import Captured, Received, Sent
from dragoman.schemas.captures.formats import Writer, find_format
from tests.bench.documents import chat_line, chat_response, dump

__all__ = ["har_line", "recording_line"]

_URL = "https://api.openai.com/v1/chat/completions"


def recording_line(number: int) -> bytes:
    """Return one line of our own recording: about 3,000 bytes, no two alike."""
    return _line("recording", number)


def har_line(number: int) -> bytes:
    """Return the same exchange as an entry of a HAR, on a line."""
    return _line("har", number).removeprefix(b",\n") + b"\n"


def _line(name: str, number: int) -> bytes:
    return b"".join(_writer(name).feed(_exchange(number)))


@cache
def _writer(name: str) -> Writer:
    """Return a writer that is past what comes before the first entry."""
    writer = find_format(name).writer()
    writer.feed(_exchange(0))
    return writer


def _exchange(number: int) -> Captured:
    return Captured(
        request=Sent(body=chat_line(number)[:-1], url=_URL, headers=(("content-type", "application/json"),)),
        response=_answer(),
        id=f"exchange-{number}",
        started="2026-01-12T07:42:00.000Z",
        elapsed=800.0,
        dialect="openai-chat",
        model="gpt-5.2",
    )


@cache
def _answer() -> Received:
    headers = (("content-type", "application/json"), ("x-request-id", "req_4f1c"))
    body = dump(chat_response())
    return Received(body=body, headers=headers, pace=((612.0, len(body)),), kind="response")
