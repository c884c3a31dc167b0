"""The models that were recorded, as each dialect lists its own: clients that list first go on to ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from dragoman.schemas.ir import JSON, Wire

__all__ = ["listing", "model_entry"]

_DATE = "1970-01-01T00:00:00Z"  # when a model was made, no recording says


def listing(dialect: str, models: Sequence[str]) -> Wire:
    """Return the body of a listing."""
    entries: list[JSON] = [model_entry(dialect, model) for model in models]
    match dialect:
        case "anthropic":
            ends: Wire = {"first_id": models[0] if models else None, "last_id": models[-1] if models else None}
            return {"data": entries, "has_more": False, **ends}
        case "gemini" | "ollama":
            return {"models": entries}
        case _:
            return {"object": "list", "data": entries}


def model_entry(dialect: str, model: str) -> Wire:
    """Return what a dialect says of one model."""
    return _ENTRIES.get(dialect, _openai)(model)


def _openai(model: str) -> Wire:
    return {"id": model, "object": "model", "created": 0, "owned_by": "recording"}


def _anthropic(model: str) -> Wire:
    return {"type": "model", "id": model, "display_name": model, "created_at": _DATE}


def _gemini(model: str) -> Wire:
    operations: list[JSON] = ["generateContent", "streamGenerateContent"]
    return {
        "name": f"models/{model.removeprefix('models/')}",
        "version": "1",
        "displayName": model,
        "supportedGenerationMethods": operations,
    }


def _ollama(model: str) -> Wire:
    return {
        "name": model,
        "model": model,
        "modified_at": _DATE,
        "size": 0,
        "digest": "0" * 64,
        "details": {"format": "", "family": "", "families": [], "parameter_size": "", "quantization_level": ""},
    }


_ENTRIES: Mapping[str, Callable[[str], Wire]] = {"anthropic": _anthropic, "gemini": _gemini, "ollama": _ollama}
