"""Every exchange of the file that DRAGOMAN_CORPUS names, wrapped into each format by hand here, and read back.

The file is the one of tests/laws/test_recordings.py. Without it this module is not collected.
"""

from __future__ import annotations

import gzip
import json
import os
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
import yaml

from dragoman.schemas.captures import Captured, CaptureReader, Item
from dragoman.schemas.detection import detect
from dragoman.schemas.errors import UndetectedDialect
from tests.schemas.captures.netstrings import netstring

DIALECTS: Final = {
    "openai-chat": "openai-chat",
    "openai-responses": "openai-responses",
    "anthropic": "anthropic",
    "anthropic-messages": "anthropic",
    "gemini": "gemini",
    "ollama": "ollama",
}
Wire = dict[str, Any]


class Recorded(msgspec.Struct, frozen=True):
    id: str
    dialect: str
    url: str
    request: Wire | None
    response: Wire | None
    stream: str | None
    status: int

    @property
    def ask(self) -> str:
        return json.dumps(self.request)

    @property
    def answer(self) -> str:
        return json.dumps(self.response) if self.stream is None else self.stream

    @property
    def content_type(self) -> str:
        return "application/json" if self.stream is None else "text/event-stream; charset=utf-8"


def recorded() -> Iterator[Recorded]:
    path = Path(os.environ["DRAGOMAN_CORPUS"])
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        for number, line in enumerate(file):
            said = json.loads(line)
            dialect = DIALECTS.get(said["protocol"])
            if dialect is None or not (said["response"] or said.get("response_sse")):
                continue
            url = f"https://{said.get('host') or 'gateway.example'}{said['url_path'] or ''}"
            stream = said.get("response_sse") if said["response"] is None else None
            fields = (said["request"], said["response"], stream, said["status"] or 200)
            yield Recorded(f"{number} {said['id']}", dialect, url, *fields)


ALL: Final = list(recorded())
WHOLE: Final = [each for each in ALL if each.request is not None]


# ---- wrapping --------------------------------------------------------------------------------------------------------


def lines(values: Iterator[object]) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def recording(exchanges: list[Recorded]) -> bytes:
    return lines(
        {
            "schema_version": 1,
            "type": "exchange",
            "id": each.id,
            "dialect": each.dialect,
            "complete": True,
            "request": {"method": "POST", "url": each.url, "headers": {}, "body": each.request},
            "response": {"status": each.status, "headers": {"content-type": each.content_type}, "ms": 1, **said(each)},
        }
        for each in exchanges
    )


def said(each: Recorded) -> Wire:
    if each.stream is None:
        return {"body": each.response}
    half = len(each.stream) // 2
    return {"chunks": [{"ms": 1, "text": each.stream[:half]}, {"ms": 2, "text": each.stream[half:]}]}


def har(exchanges: list[Recorded]) -> bytes:
    entries = [
        {
            "startedDateTime": "2026-01-01T00:00:00Z",
            "request": {"method": "POST", "url": each.url, "headers": [], "postData": {"text": each.ask}},
            "response": {
                "status": each.status,
                "headers": [{"name": "Content-Type", "value": each.content_type}],
                "content": {"mimeType": each.content_type, "text": each.answer},
            },
        }
        for each in exchanges
    ]
    return json.dumps({"log": {"version": "1.2", "entries": entries}}, indent=1).encode()


def vcr(exchanges: list[Recorded]) -> bytes:
    interactions = [
        {
            "request": {"method": "POST", "uri": each.url, "body": each.ask, "headers": {"accept": ["*/*"]}},
            "response": {
                "status": {"code": each.status, "message": "x"},
                "headers": {"Content-Type": [each.content_type]},
                "body": {"string": each.answer},
            },
        }
        for each in exchanges
    ]
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # the same, where libyaml is there
    return str(yaml.dump({"interactions": interactions, "version": 1}, Dumper=dumper)).encode()


def mitmproxy(exchanges: list[Recorded]) -> bytes:
    return b"".join(
        netstring(
            {
                "type": "http",
                "id": each.id,
                "version": 20,
                "request": {
                    "method": b"POST",
                    "scheme": b"https",
                    "host": each.url.split("/")[2],
                    "port": 443,
                    "path": ("/" + each.url.split("/", 3)[3]).encode(),
                    "authority": b"",
                    "headers": [],
                    "content": each.ask.encode(),
                    "timestamp_start": 1.0,
                    "timestamp_end": 1.5,
                },
                "response": {
                    "status_code": each.status,
                    "headers": [[b"content-type", each.content_type.encode()]],
                    "content": each.answer.encode(),
                    "timestamp_start": 2.0,
                    "timestamp_end": 3.0,
                },
            }
        )
        for each in exchanges
    )


def curl(exchanges: list[Recorded]) -> bytes:
    return "".join(
        f"curl -sS {shlex.quote(each.url)} \\\n  -H 'Content-Type: application/json' -d {shlex.quote(each.ask)}\n"
        for each in exchanges
    ).encode()


def openai_questions(exchanges: list[Recorded]) -> bytes:
    paths = {"openai-chat": "/v1/chat/completions", "openai-responses": "/v1/responses"}
    return lines(
        {"custom_id": each.id, "method": "POST", "url": paths[each.dialect], "body": each.request} for each in exchanges
    )


def openai_answers(exchanges: list[Recorded]) -> bytes:
    return lines(
        {
            "id": "batch_req_1",
            "custom_id": each.id,
            "error": None,
            "response": {"status_code": each.status, "request_id": "r", "body": each.response},
        }
        for each in exchanges
    )


def anthropic_questions(exchanges: list[Recorded]) -> bytes:
    return lines({"custom_id": each.id, "params": each.request} for each in exchanges)


def anthropic_answers(exchanges: list[Recorded]) -> bytes:
    return lines(
        {
            "custom_id": each.id,
            "result": {"type": "succeeded", "message": each.response}
            if each.status < 400
            else {"type": "errored", "error": each.response},
        }
        for each in exchanges
    )


def gemini_questions(exchanges: list[Recorded]) -> bytes:
    return lines({"key": each.id, "request": each.request} for each in exchanges)


def gemini_answers(exchanges: list[Recorded]) -> bytes:
    return lines({"key": each.id, **(answer_of(each.response or {}))} for each in exchanges)


def answer_of(response: Wire) -> Wire:
    return {"error": response["error"]} if "error" in response else {"response": response}


CALLS: Final = {"openai-chat": "completion", "openai-responses": "responses", "anthropic": "anthropic_messages"}
TALKS: Final = {"openai-chat": "messages", "openai-responses": "input", "anthropic": "messages", "gemini": "contents"}


def litellm(exchanges: list[Recorded]) -> bytes:
    return lines(
        {
            "id": each.id,
            "call_type": CALLS[each.dialect],
            "status": "success",
            "model": (each.request or {})["model"],
            "messages": (each.request or {})[TALKS[each.dialect]],
            "model_parameters": beside(each),
            "response": each.response,
        }
        for each in exchanges
    )


def langfuse(exchanges: list[Recorded]) -> bytes:
    return lines(
        {
            "id": each.id,
            "traceId": "t",
            "type": "GENERATION",
            "model": (each.request or {})["model"],
            "input": {TALKS[each.dialect]: (each.request or {})[TALKS[each.dialect]], **beside(each)},
            "output": each.response,
        }
        for each in exchanges
    )


def beside(each: Recorded) -> Wire:
    return {name: value for name, value in (each.request or {}).items() if name not in (TALKS[each.dialect], "model")}


def helicone(exchanges: list[Recorded]) -> bytes:
    return lines(
        {
            "request_id": each.id,
            "request_body": each.request,
            "response_body": each.response,
            "response_status": each.status,
            "request_created_at": "2026-01-01T00:00:00Z",
            "target_url": each.url,
        }
        for each in exchanges
    )


# ---- reading back ----------------------------------------------------------------------------------------------------


def read(raw: bytes, name: str) -> list[Item]:
    reader, items = CaptureReader(is_lines=None), list[Item]()
    for at in range(0, len(raw), 1 << 16):
        items += reader.feed(raw[at : at + (1 << 16)])
    items += reader.close()
    assert reader.format is not None
    assert reader.format.name == name
    return items


def captured(raw: bytes, name: str, expected: list[Recorded]) -> Iterator[tuple[Captured, Recorded]]:
    items = read(raw, name)
    assert len(items) == len(expected)
    for item, each in zip(items, expected, strict=True):
        assert isinstance(item, Captured), (each.id, item)
        yield item, each


def check_request(found: Captured, each: Recorded) -> None:
    assert found.request is not None, each.id
    assert json.loads(found.request.body) == each.request, each.id
    assert found.dialect == each.dialect, each.id


def check_response(found: Captured, each: Recorded) -> None:
    assert found.response is not None, (each.id, found.fault)
    assert found.response.status == each.status, each.id
    if each.stream is None:
        assert json.loads(found.response.body) == each.response, each.id
    else:
        assert found.response.body == each.stream.encode(), each.id
        assert found.response.kind == "stream", each.id


ON_THE_WIRE: Final[dict[str, Callable[[list[Recorded]], bytes]]] = {
    "recording": recording,
    "har": har,
    "vcr": vcr,
    "mitmproxy": mitmproxy,
}


@pytest.mark.parametrize("name", ON_THE_WIRE)
def test_what_went_over_the_wire_comes_back(name: str) -> None:
    for begin in range(0, len(WHOLE), 200):
        part = WHOLE[begin : begin + 200]
        for found, each in captured(ON_THE_WIRE[name](part), name, part):
            check_request(found, each)
            check_response(found, each)


def test_commands_come_back() -> None:
    for found, each in captured(curl(WHOLE), "curl", WHOLE):
        check_request(found, each)


QUESTIONS: Final = (
    ("openai-batch", openai_questions, ("openai-chat", "openai-responses")),
    ("anthropic-batch", anthropic_questions, ("anthropic",)),
    ("gemini-batch", gemini_questions, ("gemini",)),
)
ANSWERS: Final = (
    ("openai-batch", openai_answers, ("openai-chat", "openai-responses")),
    ("anthropic-batch", anthropic_answers, ("anthropic",)),
    ("gemini-batch", gemini_answers, ("gemini",)),
)


@pytest.mark.parametrize(("name", "wrap", "spoken"), QUESTIONS)
def test_requests_of_a_batch_come_back(name: str, wrap: Callable[..., bytes], spoken: tuple[str, ...]) -> None:
    expected = [each for each in WHOLE if each.dialect in spoken]
    for found, each in captured(wrap(expected), name, expected):
        check_request(found, each)
        assert found.id == each.id


@pytest.mark.parametrize(("name", "wrap", "spoken"), ANSWERS)
def test_answers_of_a_batch_come_back(name: str, wrap: Callable[..., bytes], spoken: tuple[str, ...]) -> None:
    expected = [each for each in ALL if each.dialect in spoken and each.stream is None and is_answer(each)]
    for found, each in captured(wrap(expected), name, expected):
        check_response(found, each)
        assert found.id == each.id


LOGS: Final = {
    "litellm": (litellm, ("openai-chat", "openai-responses", "anthropic")),
    "langfuse": (langfuse, ("openai-chat", "openai-responses", "anthropic")),
    "helicone": (helicone, ("openai-chat", "openai-responses", "anthropic", "gemini")),
}


def is_answer(each: Recorded) -> bool:
    """Tell what can be known for an answer without its request: one recording is of a server that answers nonsense."""
    try:
        return each.status >= 400 or detect(each.answer.encode()).kind == "response"
    except UndetectedDialect:
        return False


def is_ambiguous(each: Recorded) -> bool:
    """Tell what a log of messages and parameters cannot say as it was: a system message in front of Anthropic's, which
    is its `system`, and blocks of Mistral's that are called like Anthropic's."""
    asked = each.request or {}
    messages = asked.get("messages") or []
    contents = [message.get("content") for message in messages]
    parts = [part for content in contents if isinstance(content, list) for part in content]
    has_system = each.dialect == "anthropic" and any(message["role"] == "system" for message in messages[:1])
    return has_system or (each.dialect == "openai-chat" and any(part["type"] == "thinking" for part in parts))


def plain(request: Wire) -> Wire:
    """Return a request without nulls, which logs leave out, and with a text as the message that it is."""
    asked = {name: value for name, value in request.items() if value is not None}
    if isinstance(asked.get("input"), str):
        asked["input"] = [{"role": "user", "content": asked["input"]}]
    return asked


@pytest.mark.parametrize("name", LOGS)
def test_logged_exchanges_come_back(name: str) -> None:
    wrap, spoken = LOGS[name]
    told = [each for each in WHOLE if each.dialect in spoken and each.stream is None and is_answer(each)]
    if name != "helicone":
        told = [each for each in told if each.status < 400]
    expected = [each for each in told if name == "helicone" or not is_ambiguous(each)]
    assert len(expected) >= 0.95 * len(told)
    for found, each in captured(wrap(expected), name, expected):
        assert found.request is not None
        assert plain(json.loads(found.request.body)) == plain(each.request or {}), each.id
        assert found.dialect == each.dialect
        check_response(found, each)
