"""Which requests are asked of a model, in which dialect; and for what reason the others are passed over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
import yaml
from msgspec.structs import replace

from dragoman.schemas.captures import Bare, Captured, Received, Sent, Skipped, Unreadable, settled
from dragoman.schemas.captures.recognition import recognized
from dragoman.schemas.dialect import dialects
from dragoman.schemas.errors import MalformedJSON, UndetectedDialect
from tests.schemas.captures.samples import CHAT_STREAM, EXCHANGES

CATALOG = Path(__file__).parents[3] / "providers" / "catalog.yaml"
CHAT = b'{"model":"m","messages":[{"role":"user","content":"Hi"}]}'
CONTENTS = b'{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}'
# Where each dialect is asked below a base_url, unless the catalog says it otherwise.
PATHS = {
    "openai-chat": ("/chat/completions",),
    "openai-responses": ("/responses",),
    "anthropic": ("/v1/messages",),
    "gemini": (),
    "ollama": ("/api/chat", "/api/generate"),
}
KNOWN = {"model": "m-1", "deployment": "m-1", "api_version": "v1beta"}


def asked(url: str, body: bytes = b"{}", *, method: str = "POST") -> Captured | Skipped | Unreadable:
    return recognized(Captured(request=Sent(url=url, body=body, method=method), line=3))


def dialect_of(url: str, body: bytes = b"{}") -> str:
    found = asked(url, body)
    assert isinstance(found, Captured), found
    return found.dialect


def vendors() -> Iterator[tuple[str, str]]:
    """Yield every address that the catalog knows of, and the dialect that is spoken there. What goes into an envelope
    is no document of it."""
    for entry in yaml.safe_load(CATALOG.read_text()).values():
        if any("envelope" in adapter for adapter in entry.get("adapters", ())):
            continue
        dialect, base = str(entry["dialect"]), str(entry.get("base_url", "http://127.0.0.1:9"))
        yield from addresses(dialect, base, entry)
        yield from addresses(dialect, base, entry.get("with_deployment", {}))
        for other, more in entry.get("dialects", {}).items():
            yield from addresses(other, str(more.get("base_url", base)), more)


def addresses(dialect: str, base: str, entry: dict[str, dict[str, str]]) -> Iterator[tuple[str, str]]:
    paths = entry.get("paths", {})
    told = [paths[name] for name in ("complete", "stream") if name in paths]
    for path in told or PATHS[dialect]:
        yield base.rstrip("/") + path.format(**KNOWN), dialect


@pytest.mark.parametrize(("url", "dialect"), sorted(set(vendors())))
def test_the_address_of_every_vendor_tells_its_dialect(url: str, dialect: str) -> None:
    assert dialect_of(url) == dialect


@pytest.mark.parametrize(
    ("url", "dialect", "model", "streams"),
    [
        (
            "https://x.openai.azure.com/openai/deployments/d%201/chat/completions?api-version=1",
            "openai-chat",
            "d 1",
            None,
        ),
        ("https://x.openai.azure.com/openai/v1/responses", "openai-responses", None, None),
        ("https://x.services.ai.azure.com/anthropic/v1/messages", "anthropic", None, None),
        ("https://g/v1beta/models/gemini-x:generateContent?key=1", "gemini", "gemini-x", False),
        ("https://g/v1beta/models/gemini-x:streamGenerateContent?alt=sse", "gemini", "gemini-x", True),
        ("https://g/v1beta/tunedModels/t:generateContent", "gemini", "t", False),
        ("https://e/v1/projects/p/locations/l/publishers/google/models/g:generateContent", "gemini", "g", False),
        ("https://e/v1/projects/p/locations/l/endpoints/77:streamGenerateContent", "gemini", "77", True),
        ("https://e/v1/p/publishers/anthropic/models/claude-x@1:rawPredict", "anthropic", "claude-x@1", False),
        ("https://e/v1/p/publishers/anthropic/models/claude-x@1:streamRawPredict", "anthropic", "claude-x@1", True),
        ("https://b/model/eu.anthropic.claude%3A0/invoke", "anthropic", "eu.anthropic.claude:0", False),
        ("https://b/model/anthropic.c/invoke-with-response-stream", "anthropic", "anthropic.c", True),
        ("https://openrouter.ai/api/v1/messages?beta=true", "anthropic", None, None),
        ("/v1/chat/completions", "openai-chat", None, None),
        ("http://localhost:11434/api/generate", "ollama", None, None),
    ],
)
def test_an_address_tells_model_and_stream_too(url: str, dialect: str, model: str | None, streams: bool | None) -> None:
    found = asked(url)
    assert isinstance(found, Captured)
    assert (found.dialect, found.model, found.streams) == (dialect, model, streams)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://h/v1/embeddings", "embeddings"),
        ("https://g/v1beta/models/e:batchEmbedContents", "embeddings"),
        ("https://h/v1/messages/count_tokens", "a count of tokens"),
        ("https://g/v1beta/models/g:countTokens", "a count of tokens"),
        ("https://h/v1/models", "a list of models"),
        ("https://g/v1beta/models/gemini-x", "a list of models"),
        ("http://o/api/tags", "a list of models"),
        ("https://h/v1/files/f-1/content", "files and batches"),
        ("https://h/v1/audio/speech", "media and moderation"),
        ("https://h/v1/completions", "completions without a conversation"),
        ("https://b/model/amazon.nova/converse-stream", "a protocol that we do not speak"),
        ("https://h/v1/responses/compact", "compaction"),
    ],
)
def test_what_is_asked_beside_conversations_is_skipped_by_name(url: str, reason: str) -> None:
    assert asked(url, CHAT) == Skipped(reason, f"POST {url}", 3)


@pytest.mark.parametrize("method", ["OPTIONS", "GET", "HEAD", "PRI", "", "A" * 99])
def test_a_model_is_asked_by_post(method: str) -> None:
    found = asked("https://h/v1/messages", CHAT, method=method)
    assert isinstance(found, Skipped)
    assert found.reason == f"{method[:10]} where a model is asked by POST"


@pytest.mark.parametrize("response", [None, Received(body=CHAT_STREAM)])
def test_a_request_that_was_saved_without_its_body_says_so(response: Received | None) -> None:
    captured = Captured(request=Sent(url="https://h/v1/messages"), response=response)
    found = recognized(captured)
    assert found == Skipped("a request that was saved without its body", "POST https://h/v1/messages")


@pytest.mark.parametrize("url", ["https://h/index.html", "", "http://[::1", "\0", "https://h/v1/messages/7/feedback"])
def test_what_is_nothing_of_that_is_no_request_to_a_model(url: str) -> None:
    for method, body in (("GET", b""), ("POST", b"{}"), ("POST", b"a=1&b=2"), ("POST", b'{"query":"{ me }"}')):
        found = asked(url, body, method=method)
        assert isinstance(found, Skipped)
        assert found.reason == "no request to a model"


@pytest.mark.parametrize("url", ["", "https://my.gateway/llm", "http://[::1", "https://h/%ff?x#y"])
def test_the_body_tells_where_the_address_does_not(url: str) -> None:
    assert dialect_of(url, CONTENTS) == "gemini"
    assert dialect_of(url, CHAT) == "openai-chat"


def test_an_answer_sent_as_a_request_is_none() -> None:
    answer = EXCHANGES[0].response
    assert answer is not None
    found = asked("https://h/hook", answer.body)
    assert isinstance(found, Skipped)
    assert found.detail == "a response where a request is sent"


def test_a_request_that_is_no_json_at_the_address_of_a_model_is_kept() -> None:
    assert dialect_of("https://h/v1/messages", b"\x00\xff") == "anthropic"


# ---- what is told ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", [dialect.name for dialect in dialects()])
def test_a_dialect_that_is_told_is_believed(dialect: str) -> None:
    found = recognized(Captured(request=Sent(url="https://h/x", body=CHAT), dialect=dialect))
    assert isinstance(found, Captured)
    assert found.dialect == dialect


def test_a_dialect_that_nobody_knows_is_unreadable() -> None:
    found = recognized(Captured(request=Sent(body=CHAT), dialect="latin", line=2))
    assert found == Unreadable("unknown dialect 'latin'", "$.dialect", 2)


def test_what_stands_beside_the_body_wins_over_the_address() -> None:
    place = "https://g/v1beta/models/gemini-x:generateContent"
    found = recognized(Captured(request=Sent(url=place, body=CONTENTS), model="other", streams=True))
    assert isinstance(found, Captured)
    assert (found.model, found.streams) == ("other", True)


# ---- answers ---------------------------------------------------------------------------------------------------------


def kind_of(body: bytes, *, dialect: str = "openai-chat", status: int = 200, content_type: str = "") -> str:
    headers = (("Content-Type", content_type),) if content_type else ()
    received = Received(body=body, status=status, headers=headers)
    found = recognized(Captured(request=Sent(body=CHAT), response=received, dialect=dialect))
    assert isinstance(found, Captured)
    assert found.response is not None
    assert found.streams is (True if found.response.kind == "stream" else None)
    return found.response.kind


def test_the_kind_of_an_answer_is_found() -> None:
    line = b'{"model":"m","message":{},"done":false}'
    assert kind_of(b"{}") == "response"
    assert kind_of(b"{}", status=429) == kind_of(CHAT_STREAM, status=500) == "error"
    assert kind_of(b"") == kind_of(b" \n", status=500) == ""
    assert kind_of(CHAT_STREAM) == kind_of(b": OPENROUTER PROCESSING\n\n") == "stream"
    assert kind_of(b"x", content_type="text/event-stream; charset=utf-8") == "stream"
    assert kind_of(b"[{}]", dialect="gemini") == "stream"
    assert kind_of(line + b"\n" + line, dialect="ollama") == "stream"


@pytest.mark.parametrize("body", [b'{"done":true}', b'{"done":true}\n', b'{\n"done":true}', b"broken\n{}", b"1\n2"])
def test_one_document_of_ollama_is_no_stream(body: bytes) -> None:
    assert kind_of(body, dialect="ollama") == "response"


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.id)
def test_answers_alone_tell_their_dialect(exchange: Captured) -> None:
    response = exchange.response
    if response is None:
        assert isinstance(recognized(replace(exchange, request=None, dialect="")), Skipped)
        return
    found = recognized(Captured(response=replace(response, kind="")))
    assert isinstance(found, Captured)
    assert found.dialect == exchange.dialect


def test_an_answer_alone_that_is_nothing_is_skipped_and_a_broken_one_is_unreadable() -> None:
    assert isinstance(recognized(Captured(response=Received(body=b"{}"))), Skipped)
    assert isinstance(recognized(Captured(response=Received(body=b"{"))), Unreadable)


# ---- bodies ----------------------------------------------------------------------------------------------------------


def test_a_body_becomes_the_side_that_it_is() -> None:
    request = settled(Bare(CHAT, 4))
    assert (request.dialect, request.request, request.line) == ("openai-chat", Sent(body=CHAT), 4)
    stream = settled(Bare(CHAT_STREAM))
    assert stream.response == Received(body=CHAT_STREAM, kind="stream")
    error = settled(Bare(json.dumps({"type": "error", "error": {"type": "api_error", "message": "m"}}).encode()))
    assert error.response is not None
    assert (error.dialect, error.response.status, error.response.kind) == ("anthropic", 500, "error")


def test_what_is_told_of_a_body_is_not_detected() -> None:
    assert settled(Bare(b"{}"), "gemini", "request").request == Sent(body=b"{}")
    assert settled(Bare(CHAT), "ollama").dialect == "ollama"
    assert settled(Bare(CHAT), kind="response").response == Received(body=CHAT, kind="response")
    with pytest.raises(UndetectedDialect):
        settled(Bare(b"{}"), "gemini")
    with pytest.raises(MalformedJSON):
        settled(Bare(b"{"))


def test_the_catalog_is_read_as_it_is() -> None:
    names = cast("dict[str, object]", yaml.safe_load(CATALOG.read_text()))
    assert len(set(vendors())) >= len(names)
