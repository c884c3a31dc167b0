"""Fields that only their own dialect knows, met on the way to another one: every one of them is a loss.

One walk over the finished IR, for all dialects, so that no encoder can forget a node.
"""

from __future__ import annotations

from collections.abc import Iterable

from dragoman.schemas.dialect import Dialect, find
from dragoman.schemas.fields import shared
from dragoman.schemas.ir import (
    At,
    Error,
    Extra,
    Media,
    Message,
    Node,
    Part,
    Request,
    Response,
    Text,
    ToolResult,
    Wire,
)
from dragoman.schemas.losses import FEATURES, Losses

__all__ = ["report_error", "report_request", "report_response"]


def report_request(request: Request, target: Dialect, losses: Losses) -> None:
    name = target.name
    _, rest = shared(request.extra, target.shares)
    if rest is not None:
        _fields(request.at, rest, name, losses)
    _messages(request.instructions, name, losses)
    _messages(request.messages, name, losses)
    for tool in request.tools:
        if tool.extra is not None:
            _fields(tool.at, tool.extra, name, losses)
    for node in (request.tool_choice, request.output, request.reasoning):
        _node(node, name, losses)


def report_response(response: Response, target: Dialect, losses: Losses) -> None:
    name = target.name
    _node(response, name, losses)
    for candidate in response.candidates:
        _node(candidate, name, losses)
        _parts(candidate.parts, name, losses)
    usage = response.usage
    if usage is not None and usage.extra is not None:
        _fields(usage.at, usage.extra, name, losses, feature="usage")
    _echo(response, name, losses)


def report_error(error: Error, target: Dialect, losses: Losses) -> None:
    _node(error, target.name, losses)


def _messages(messages: Iterable[Message], target: str, losses: Losses) -> None:
    for message in messages:
        if message.extra is not None:
            _fields(message.at, message.extra, target, losses)
        _parts(message.parts, target, losses)


def _parts(parts: Iterable[Part], target: str, losses: Losses) -> None:
    for part in parts:
        if part.extra is not None:
            _fields(part.at, part.extra, target, losses)
        if type(part) is Text:
            if part.citations:
                _citations(part, target, losses)
        elif isinstance(part, (ToolResult, Media)) and part.content:
            _parts(part.content, target, losses)


def _citations(part: Text, target: str, losses: Losses) -> None:
    for citation in part.citations:
        _node(citation, target, losses)


def _node(node: Node | None, target: str, losses: Losses) -> None:
    if node is not None and node.extra is not None:
        _fields(node.at, node.extra, target, losses)


def _fields(at: At, extra: Extra, target: str, losses: Losses, *, feature: str | None = None) -> None:
    for name, fields in extra.items():
        if name != target:
            _report(at, fields, find(name), losses, feature)


def _report(at: At, fields: Wire, dialect: Dialect, losses: Losses, feature: str | None) -> None:
    for key, value in fields.items():
        if key in dialect.wrappers and isinstance(value, dict):
            _report((*at, key), value, dialect, losses, feature)
        elif value is not None:
            named = feature or dialect.features.get(key, "extension")
            losses.dropped((*at, key), named, f"only {dialect.name} knows this field{_hint(named)}")


def _hint(feature: str) -> str:
    return ", and it may change the answer" if FEATURES[feature] == "meaning" else ""


def _echo(response: Response, target: str, losses: Losses) -> None:
    for name, fields in (response.echo or {}).items():
        if name != target and fields:
            said = ", ".join(sorted(fields)[:40])
            losses.dropped(response.at, "extension", f"what {name} repeats of the request: {said}")
