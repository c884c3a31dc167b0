"""The sandbox's models, as each dialect lists its own.

OpenAI's form says no more than a name; what is beside it here is what OpenRouter and its like say, prices included.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from dragoman.providers.sandbox.questions import MODEL
from dragoman.schemas.ir import JSON, Wire

__all__ = ["listing"]


class _Model(msgspec.Struct, frozen=True, kw_only=True):
    """Prices are in US dollars a million tokens."""

    id: str
    title: str
    context: int = 128_000
    most: int = 16_384
    sees: bool = False
    calls: bool = True
    thinks: bool = False
    price_input: str = "0"
    price_output: str = "0"


_MODELS = (
    _Model(id=MODEL, title="Sandbox", sees=True, thinks=True),
    _Model(id=f"{MODEL}-large", title="Sandbox Large", context=1_000_000, price_input="3", price_output="15"),
    _Model(id=f"{MODEL}-text", title="Sandbox Text", context=8_192, most=2_048, calls=False),
)
_CREATED = 1_704_067_200
_DATE = "2024-01-01T00:00:00Z"


def listing(dialect: str) -> Wire:
    """Return the body of a listing. A dialect that is not known here lists as OpenAI does, as most vendors do."""
    return _LISTINGS.get(dialect, _openai)()


def _openai() -> Wire:
    return {"object": "list", "data": [_openai_model(model) for model in _MODELS]}


def _openai_model(model: _Model) -> JSON:
    parameters = ["max_tokens", "stop", "response_format"]
    parameters += ["tools", "tool_choice"] if model.calls else []
    parameters += ["reasoning"] if model.thinks else []
    return {
        "id": model.id,
        "object": "model",
        "created": _CREATED,
        "owned_by": "dragoman",
        "name": model.title,
        "context_length": model.context,
        "architecture": {"input_modalities": _inputs(model), "output_modalities": ["text"]},
        "pricing": {"prompt": _per_token(model.price_input), "completion": _per_token(model.price_output)},
        "top_provider": {"context_length": model.context, "max_completion_tokens": model.most},
        "supported_parameters": [*parameters],
    }


def _inputs(model: _Model) -> list[JSON]:
    return ["text", "image"] if model.sees else ["text"]


def _per_token(price: str) -> str:
    return "0" if price == "0" else f"0.{int(price):06d}"


def _anthropic() -> Wire:
    models: list[JSON] = [
        {
            "type": "model",
            "id": model.id,
            "display_name": model.title,
            "created_at": _DATE,
            "lifecycle": "active",
            "max_input_tokens": model.context,
            "max_tokens": model.most,
            "capabilities": _abilities(model),
        }
        for model in _MODELS
    ]
    return {"data": models, "has_more": False, "first_id": _MODELS[0].id, "last_id": _MODELS[-1].id}


def _abilities(model: _Model) -> Wire:
    """Return what Anthropic tells of a model: of every ability whether it has it."""
    can, thinks = _supported(True), _supported(model.thinks)
    levels: Wire = dict.fromkeys(("low", "medium", "high", "max"), thinks)
    ways: Wire = {"enabled": thinks, "adaptive": thinks, "disabled": can, "between_tools": thinks}
    cannot = dict.fromkeys(
        ("batch", "citations", "code_execution", "context_management", "pdf_input"), _supported(False)
    )
    return {
        **cannot,
        "server_tools": {"supported": False, "web_search": _supported(False), "code_execution": _supported(False)},
        "image_input": _supported(model.sees),
        "structured_outputs": can,
        "effort": {"supported": model.thinks, **levels},
        "thinking": {"supported": model.thinks, "types": ways},
    }


def _supported(said: bool) -> JSON:
    return {"supported": said}


def _gemini() -> Wire:
    models: list[JSON] = [
        {
            "name": f"models/{model.id}",
            "version": "1",
            "displayName": model.title,
            "inputTokenLimit": model.context,
            "outputTokenLimit": model.most,
            "supportedGenerationMethods": ["generateContent", "streamGenerateContent"],
            "thinking": model.thinks,
        }
        for model in _MODELS
    ]
    return {"models": models}


def _ollama() -> Wire:
    models: list[JSON] = [
        {
            "name": model.id,
            "model": model.id,
            "modified_at": _DATE,
            "size": 0,
            "digest": "0" * 64,
            "details": {"format": "", "family": MODEL, "families": [MODEL], "parameter_size": "0B"},
            "capabilities": _capabilities(model),
        }
        for model in _MODELS
    ]
    return {"models": models}


def _capabilities(model: _Model) -> list[JSON]:
    said = {"completion": True, "tools": model.calls, "vision": model.sees, "thinking": model.thinks}
    return [name for name, can in said.items() if can]


_LISTINGS: dict[str, Callable[[], Wire]] = {"anthropic": _anthropic, "gemini": _gemini, "ollama": _ollama}
