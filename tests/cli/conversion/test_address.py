"""A converted request says where it would go, if the capture's own URL is another dialect's."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dragoman.cli.conversion.address import addressed
from dragoman.schemas.captures import Captured, Received, Sent


def at(
    dialect: str, body: bytes = b"{}", *, model: str | None = None, url: str = "", streams: bool | None = None
) -> Captured:
    return Captured(dialect=dialect, model=model, streams=streams, request=Sent(url=url, body=body))


def url(captured: Captured) -> str:
    sent = addressed(captured).request
    assert sent is not None
    return sent.url


@pytest.mark.parametrize(
    ("dialect", "wanted"),
    [
        ("openai-chat", "https://api.openai.com/v1/chat/completions"),
        ("openai-responses", "https://api.openai.com/v1/responses"),
        ("anthropic", "https://api.anthropic.com/v1/messages"),
        ("gemini", "https://generativelanguage.googleapis.com/v1beta/models/m:generateContent"),
        ("ollama", "http://127.0.0.1:11434/api/chat"),
    ],
)
def test_each_dialect_has_its_vendor(dialect: str, wanted: str) -> None:
    assert url(at(dialect, b'{"model":"m"}')) == wanted


def test_what_is_said_already_stays() -> None:
    told = at("gemini", url="/v1beta/models/x:generateContent")
    assert addressed(told) is told
    answer = Captured(dialect="gemini", response=Received(body=b"{}"))
    assert addressed(answer) is answer


def test_gemini_streams_elsewhere() -> None:
    streaming = "https://generativelanguage.googleapis.com/v1beta/models/x:streamGenerateContent?alt=sse"
    assert url(at("gemini", model="x", streams=True)) == streaming
    answered = replace(at("gemini", model="x"), response=Received(kind="stream", body=b"data: {}\n\n"))
    assert url(answered) == streaming


@pytest.mark.parametrize("body", [b"", b"[", b"[]", b'{"model":7}', b'{"model":null}', b"\xff"])
def test_a_model_that_nobody_names_has_a_placeholder(body: bytes) -> None:
    assert url(at("gemini", body)).endswith("/models/%7Bmodel%7D:generateContent")


def test_a_model_is_no_path() -> None:
    assert url(at("gemini", model="../../x?y#z")).endswith("/models/..%2F..%2Fx%3Fy%23z:generateContent")


def test_headers_that_the_vendor_wants_are_there_once() -> None:
    found = addressed(at("anthropic")).request
    assert found is not None
    assert [name for name, _ in found.headers if name.lower() == "anthropic-version"] == ["anthropic-version"]
    told = Captured(dialect="anthropic", request=Sent(body=b"{}", headers=(("Anthropic-Version", "2020-01-01"),)))
    again = addressed(told).request
    assert again is not None
    assert again.headers == (("Anthropic-Version", "2020-01-01"),)


def test_there_is_no_key_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
    assert "sk-secret" not in repr(addressed(at("anthropic")))
