"""The recorded models, as each vendor's SDK lists them."""

from __future__ import annotations

from collections.abc import Iterator

import anthropic
import ollama
import openai
import pytest
from google import genai
from google.genai import types

from tests.providers.playback.recorded import MODEL, exchange, serving


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with serving([exchange()]) as url:
        yield url


def test_openai_lists_the_models(base: str) -> None:
    with openai.OpenAI(base_url=f"{base}/v1", api_key="none", max_retries=0) as client:
        assert [model.id for model in client.models.list()] == [MODEL]
        assert client.models.retrieve(MODEL).id == MODEL
        with pytest.raises(openai.NotFoundError, match="no recording of the model"):
            client.models.retrieve("another")


def test_anthropic_lists_the_models(base: str) -> None:
    with anthropic.Anthropic(base_url=base, api_key="none", max_retries=0) as client:
        assert [model.id for model in client.models.list()] == [MODEL]


def test_gemini_lists_the_models(base: str) -> None:
    with genai.Client(api_key="none", http_options=types.HttpOptions(base_url=base)) as client:
        assert [model.name for model in client.models.list()] == [f"models/{MODEL}"]


def test_ollama_lists_the_models(base: str) -> None:
    client = ollama.Client(host=base)
    assert [model.model for model in client.list().models] == [MODEL]
    client._client.close()
