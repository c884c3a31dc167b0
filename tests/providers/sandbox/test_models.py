"""Listings of the sandbox, in every dialect's form."""

from __future__ import annotations

from decimal import Decimal

from dragoman.providers.sandbox.models import listing
from dragoman.schemas.ir import Wire
from dragoman.schemas.narrow import as_object, objects


def models(dialect: str, key: str = "data") -> list[Wire]:
    return objects(listing(dialect)[key])


def test_prices_are_a_token() -> None:
    pricing = [as_object(model["pricing"], ()) for model in models("openai-chat")]
    assert [Decimal(str(price["prompt"])) * 1_000_000 for price in pricing] == [0, 3, 0]
    assert [Decimal(str(price["completion"])) * 1_000_000 for price in pricing] == [0, 15, 0]


def test_models_differ_in_what_they_can() -> None:
    calls = [("tools" in (model["supported_parameters"] or [])) for model in models("openai-chat")]  # type: ignore[operator]
    assert calls == [True, True, False]
    assert [model["thinking"] for model in models("gemini", "models")] == [True, False, False]


def test_ollama_tells_abilities_in_words() -> None:
    assert models("ollama", "models")[0]["capabilities"] == ["completion", "tools", "vision", "thinking"]
    assert models("ollama", "models")[2]["capabilities"] == ["completion"]


def test_claude_tells_abilities_one_by_one() -> None:
    abilities = [as_object(model["capabilities"], ()) for model in models("anthropic")]
    assert [ability["image_input"] for ability in abilities] == [{"supported": yes} for yes in (True, False, False)]


def test_unknown_dialect_lists_as_openai_does() -> None:
    assert listing("toy") == listing("openai-chat")
