"""The path of a request → the endpoint that a client means: any dialect's, under any prefix that vendors have.

So /v1/chat/completions, /openai/deployments/NAME/chat/completions and /api/v1/chat/completions are one. Two dialects
list their models at the same path; there, the headers that their clients send tell them apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from urllib.parse import unquote

import msgspec

__all__ = ["ENDPOINTS", "Form", "Place", "dialect_at", "place_of"]

# What a person is told of the endpoints.
ENDPOINTS: Mapping[str, tuple[str, ...]] = {
    "openai-chat": ("POST /v1/chat/completions", "GET /v1/models"),
    "openai-responses": ("POST /v1/responses", "GET /v1/models"),
    "anthropic": ("POST /v1/messages", "GET /v1/models"),
    "gemini": (
        "POST /v1beta/models/MODEL:generateContent",
        "POST /v1beta/models/MODEL:streamGenerateContent",
        "GET /v1beta/models",
    ),
    "ollama": ("POST /api/chat", "POST /api/generate", "GET /api/tags", "GET /api/version"),
}
_DEPLOYMENT = r"(?:/deployments/(?P<model>[^/]+))?"
_POSTS = (
    (re.compile(rf"{_DEPLOYMENT}/chat/completions$"), "openai-chat"),
    (re.compile(rf"{_DEPLOYMENT}/responses$"), "openai-responses"),
    (re.compile(r"/messages$"), "anthropic"),
    (re.compile(r"/(?:models|tunedModels|endpoints)/(?P<model>[^/]+):(?P<streams>streamG|g)enerateContent$"), "gemini"),
    (re.compile(r"/api/chat$"), "ollama"),
    (re.compile(r"/api/(?P<generates>generate)$"), "ollama"),
)
_LISTINGS = re.compile(r"/models(?:/(?P<model>.+))?$")
_GEMINI = re.compile(r"^/v1(?:alpha|beta)\d*/")
_ANTHROPIC = re.compile(r"/anthropic/")


class Form(Enum):
    """In which of its forms a dialect is to answer, where it has several."""

    USUAL = "usual"
    ARRAY = "array"  # Gemini's stream, as one array of JSON
    GENERATED = "generated"  # Ollama's answer, as its older endpoint /api/generate says it


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """`operation` is "complete", "models", "version" or "about". `model` is the one that the path names; `streams` is
    None where the body says it."""

    operation: str
    dialect: str
    model: str | None = None
    streams: bool | None = None
    form: Form = Form.USUAL


def place_of(method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Place | None:
    """Return what is at a path. Header names are in lower case. A POST may be asked for as any other method."""
    path = path.rstrip("/")
    if method in ("GET", "HEAD"):
        return _got(path, query, headers)
    return next(filter(None, (_posted(path, query, *entry) for entry in _POSTS)), None)


def _posted(path: str, query: Mapping[str, str], pattern: re.Pattern[str], dialect: str) -> Place | None:
    match = pattern.search(path)
    if match is None:
        return None
    told = match.groupdict()
    model = unquote(told["model"]) if told.get("model") else None
    streams = told["streams"].startswith("stream") if "streams" in told else None
    form = Form.GENERATED if "generates" in told else Form.USUAL
    if streams and query.get("alt", "").lower() != "sse":
        form = Form.ARRAY
    return Place(operation="complete", dialect=dialect, model=model, streams=streams, form=form)


def dialect_at(path: str, headers: Mapping[str, str]) -> str:
    """Return the dialect of a client that asks for what is not there."""
    if path.startswith("/api/") and not path.startswith("/api/v"):
        return "ollama"
    return _lister(path, {}, headers)


def _got(path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Place | None:
    match path:
        case "":
            return Place(operation="about", dialect="openai-chat")
        case "/api/tags":
            return Place(operation="models", dialect="ollama")
        case "/api/version":
            return Place(operation="version", dialect="ollama")
        case _:
            found = _LISTINGS.search(path)
    if found is None:
        return None
    model = found["model"]
    return Place(operation="models", dialect=_lister(path, query, headers), model=unquote(model) if model else None)


def _lister(path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> str:
    if _GEMINI.search(path) or "x-goog-api-key" in headers or "key" in query:
        return "gemini"
    if "anthropic-version" in headers or _ANTHROPIC.search(path):
        return "anthropic"
    return "openai-chat"
