"""Which endpoint a path means."""

from __future__ import annotations

import pytest

from dragoman.providers.playback.places import Form, Place, dialect_at, place_of


def posted(path: str, **query: str) -> Place | None:
    return place_of("POST", path, query, {})


@pytest.mark.parametrize(
    ("path", "dialect", "model", "streams"),
    [
        ("/v1/chat/completions", "openai-chat", None, None),
        ("/chat/completions/", "openai-chat", None, None),
        ("/api/v1/chat/completions", "openai-chat", None, None),
        ("/openai/deployments/my%20gpt/chat/completions", "openai-chat", "my gpt", None),
        ("/openai/v1/responses", "openai-responses", None, None),
        ("/v1/messages", "anthropic", None, None),
        ("/anthropic/v1/messages", "anthropic", None, None),
        ("/v1beta/models/gemini-x:generateContent", "gemini", "gemini-x", False),
        ("/v1/models/gemini-x:streamGenerateContent", "gemini", "gemini-x", True),
        ("/v1/projects/p/locations/l/publishers/google/models/g:generateContent", "gemini", "g", False),
        ("/api/chat", "ollama", None, None),
        ("/api/generate", "ollama", None, None),
    ],
)
def test_post_is_of_the_dialect_of_its_path(path: str, dialect: str, model: str | None, streams: bool | None) -> None:
    place = posted(path)
    assert place is not None
    assert (place.operation, place.dialect, place.model, place.streams) == ("complete", dialect, model, streams)


@pytest.mark.parametrize("path", ["/v1/embeddings", "/", "/v1/messages/count_tokens", "/api/generates", "/v1/models"])
def test_post_elsewhere_is_of_none(path: str) -> None:
    assert posted(path) is None


def test_older_endpoint_of_ollama_is_told_from_its_chat() -> None:
    chat, generate = posted("/api/chat"), posted("/api/generate")
    assert chat is not None
    assert generate is not None
    assert (chat.form, generate.form) == (Form.USUAL, Form.GENERATED)


@pytest.mark.parametrize(
    ("path", "headers", "dialect"),
    [
        ("/v1/embeddings", {}, "openai-chat"),
        ("/api/show", {}, "ollama"),
        ("/api/v1/embeddings", {}, "openai-chat"),
        ("/v1/messages/count_tokens", {"anthropic-version": "2023-06-01"}, "anthropic"),
        ("/v1beta/models/g:countTokens", {}, "gemini"),
    ],
)
def test_client_that_asks_for_what_is_not_there_has_a_dialect(path: str, headers: dict[str, str], dialect: str) -> None:
    assert dialect_at(path, headers) == dialect


def test_gemini_streams_an_array_unless_events_are_asked_for() -> None:
    path = "/v1beta/models/g:streamGenerateContent"
    array, events = posted(path), posted(path, alt="sse")
    assert array is not None
    assert events is not None
    assert (array.form, events.form) == (Form.ARRAY, Form.USUAL)


@pytest.mark.parametrize(
    ("path", "query", "headers", "dialect"),
    [
        ("/v1/models", {}, {}, "openai-chat"),
        ("/v1/models", {}, {"anthropic-version": "2023-06-01"}, "anthropic"),
        ("/anthropic/v1/models", {}, {}, "anthropic"),
        ("/v1/models", {"key": "k"}, {}, "gemini"),
        ("/v1/models", {}, {"x-goog-api-key": "k"}, "gemini"),
        ("/v1beta/models", {}, {}, "gemini"),
        ("/api/tags", {}, {}, "ollama"),
    ],
)
def test_models_are_listed_as_the_client_lists_them(
    path: str, query: dict[str, str], headers: dict[str, str], dialect: str
) -> None:
    assert place_of("GET", path, query, headers) == Place(operation="models", dialect=dialect)


def test_one_model_may_have_slashes_in_its_name() -> None:
    assert place_of("GET", "/v1/models/org%2Fname", {}, {}) == Place(
        operation="models", dialect="openai-chat", model="org/name"
    )


def test_root_and_version_are_told() -> None:
    told = [place_of("HEAD", path, {}, {}) for path in ("/", "/api/version", "/favicon.ico")]
    assert [place and place.operation for place in told] == ["about", "version", None]
