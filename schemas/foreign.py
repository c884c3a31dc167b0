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
    _, rest = shared(request.extra, target.shares)
    if rest is not None:
        _fields(request.at, rest, target, losses)
    _messages(request.instructions, target, losses)
    _messages(request.messages, target, losses)
    for tool in request.tools:
        if tool.extra is not None:
            _fields(tool.at, tool.extra, target, losses)
    for node in (request.tool_choice, request.output, request.reasoning):
        _node(node, target, losses)


def report_response(response: Response, target: Dialect, losses: Losses) -> None:
    _node(response, target, losses)
    for candidate in response.candidates:
        _node(candidate, target, losses)
        _parts(candidate.parts, target, losses)
    usage = response.usage
    if usage is not None and usage.extra is not None:
        _fields(usage.at, usage.extra, target, losses, feature="usage")
    _echo(response, target, losses)


def report_error(error: Error, target: Dialect, losses: Losses) -> None:
    _node(error, target, losses)


def _messages(messages: Iterable[Message], target: Dialect, losses: Losses) -> None:
    for message in messages:
        if message.extra is not None:
            _fields(message.at, message.extra, target, losses)
        _parts(message.parts, target, losses)


def _parts(parts: Iterable[Part], target: Dialect, losses: Losses) -> None:
    for part in parts:
        if part.extra is not None:
            _fields(part.at, part.extra, target, losses)
        if type(part) is Text:
            if part.citations:
                _citations(part, target, losses)
        elif isinstance(part, (ToolResult, Media)) and part.content:
            _parts(part.content, target, losses)


def _citations(part: Text, target: Dialect, losses: Losses) -> None:
    for citation in part.citations:
        _node(citation, target, losses)


def _node(node: Node | None, target: Dialect, losses: Losses) -> None:
    if node is not None and node.extra is not None:
        _fields(node.at, node.extra, target, losses)


def _fields(at: At, extra: Extra, target: Dialect, losses: Losses, *, feature: str | None = None) -> None:
    for name, fields in extra.items():
        if not target.owns(name):
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


def _echo(response: Response, target: Dialect, losses: Losses) -> None:
    for name, fields in (response.echo or {}).items():
        if fields and not target.owns(name):
            said = ", ".join(sorted(fields)[:40])
            losses.dropped(response.at, "extension", f"what {name} repeats of the request: {said}")
