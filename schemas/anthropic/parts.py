"""Content blocks ↔ parts of the IR.

A block of a type that is not known is `Native`: it returns to Claude, and is a loss for everyone else. Blocks of tools
that run at Anthropic's are `BuiltinCall` and `BuiltinResult`, whole. https://platform.claude.com/docs/en/api/messages
"""

from __future__ import annotations

from collections.abc import Callable

from dragoman.schemas.anthropic.marks import NAME, dropped_fields, finished, marked, reported_signature
from dragoman.schemas.anthropic.sources import decode_document, decode_image, decode_search_result, encode_media
from dragoman.schemas.arguments import arguments_object, arguments_text
from dragoman.schemas.builtin import builtin_kind
from dragoman.schemas.fields import leftovers, overlay
from dragoman.schemas.ir import (
    JSON,
    At,
    BuiltinCall,
    BuiltinResult,
    Citation,
    Media,
    Native,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Value,
    Wire,
)
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_object, expected, flag, objects, text
from dragoman.schemas.spelling import fit_id, fit_name
from dragoman.schemas.turns import plain_text

__all__ = [
    "NAME",
    "decode_block",
    "decode_blocks",
    "decode_citation",
    "decode_content",
    "encode_call",
    "encode_citation",
    "encode_content",
    "encode_part",
    "encode_result",
    "encode_text",
    "encode_thought",
    "fitted_name",
    "is_blank",
]

_TEXT = frozenset({"type", "text", "citations", "cache_control"})
_CALL = frozenset({"type", "id", "name", "input", "cache_control", "caller"})
_RESULT = frozenset({"type", "tool_use_id", "content", "is_error", "cache_control"})
_CITATION = frozenset(
    {"type", "cited_text", "title", "url", "source", "encrypted_index", "document_index", "document_title", "file_id"}
    | {"start_char_index", "end_char_index", "start_page_number", "end_page_number", "start_block_index"}
    | {"end_block_index", "search_result_index"}
)
_DIRECT: Wire = {"type": "direct"}  # what calls a tool unless something else is said
# What the loss of a block is called that only Claude knows.
_FEATURES = {
    "container_upload": "document",
    "compaction": "continuation",
    "fallback": "builtin_call",
    "tool_addition": "tool",
    "tool_removal": "tool",
    "mcp_tool_listing": "builtin_tool",
    "tool_use": "tool_call",
    "tool_result": "tool_result",
    "tool_reference": "tool_result",
    "browser_state": "tool_result",
    "image": "image",
    "document": "document",
    "search_result": "document",
    "text": "text",
    "thinking": "reasoning",
    "redacted_thinking": "reasoning_signature",
}


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_content(content: JSON, at: At) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (Text(text=content, at=(*at, "content")),)
    if content is None:
        return ()
    if not isinstance(content, list):
        raise expected("a string or a list of blocks", content, (*at, "content"))
    return decode_blocks(content, (*at, "content"))


def decode_blocks(items: list[JSON], at: At) -> tuple[Part, ...]:
    parts: list[Part] = []
    for index, item in enumerate(items):
        if type(item) is dict and len(item) == 2 and item.get("type") == "text" and isinstance(item.get("text"), str):
            parts.append(Text(text=str(item["text"]), at=(*at, index)))
        else:
            parts.append(decode_block(item, (*at, index)))
    return tuple(parts)


def decode_block(item: JSON, at: At) -> Part:
    return _decode_block(item, at, _BLOCKS)


def _decode_block(item: JSON, at: At, blocks: dict[str, Callable[[Wire, At], Part | None]]) -> Part:
    wire = item if type(item) is dict else as_object(item, at)
    kind = wire.get("type")
    decode = blocks.get(kind) if isinstance(kind, str) else None
    part = None if decode is None else decode(wire, at)
    return part if part is not None else _unknown_block(wire, text(kind) or "", at)


def _unknown_block(wire: Wire, kind: str, at: At) -> Part:
    if kind.endswith("_tool_result"):
        return BuiltinResult(kind=builtin_kind(kind.removesuffix("_tool_result")), dialect=NAME, wire=wire, at=at)
    return Native(dialect=NAME, wire=wire, feature=_FEATURES.get(kind, "extension"), at=at)


def _text(wire: Wire, at: At) -> Part | None:
    said = wire.get("text")
    if not isinstance(said, str):
        return None
    if len(wire) == 2:
        return Text(text=said, at=at)
    cited = wire.get("citations")
    known = _TEXT if cited is None or isinstance(cited, list) else _TEXT - {"citations"}
    cache, extra = marked(wire, known)
    return Text(text=said, citations=_decode_citations(cited, at), cache=cache, at=at, extra=extra)


def _decode_citations(cited: JSON, at: At) -> tuple[Citation, ...]:
    if not cited:
        return ()
    return tuple(decode_citation(item, (*at, "citations", index)) for index, item in enumerate(objects(cited)))


def decode_citation(wire: Wire, at: At) -> Citation:
    """Read a citation: what others understand of it, and the whole of it for Claude."""
    source = text(wire.get("source"))
    url = text(wire.get("url")) or (source if source is not None and "://" in source else None)
    made = wire.get("type") == "web_search_result_location" and not wire.get("encrypted_index")
    return Citation(
        url=url,
        title=text(wire.get("title")) or text(wire.get("document_title")) or (None if url else source),
        cited_text=text(wire.get("cited_text")) or None,
        file_id=text(wire.get("file_id")),
        native=None if made else wire,
        dialect=None if made else NAME,
        at=at,
        extra=leftovers(wire, _CITATION, NAME),
    )


def _thinking(wire: Wire, at: At) -> Part | None:
    said, signature = wire.get("thinking"), wire.get("signature")
    if not isinstance(said, str):
        return None
    return Reasoning(
        text=said,
        signature=Opaque(NAME, signature) if isinstance(signature, str) and signature else None,
        dialect=NAME,
        at=at,
        extra=leftovers(wire, ("type", "thinking", "signature"), NAME),
    )


def _redacted(wire: Wire, at: At) -> Part | None:
    data = wire.get("data")
    if not isinstance(data, str):
        return None
    extra = leftovers(wire, ("type", "data"), NAME)
    return Reasoning(redacted=True, signature=Opaque(NAME, data), dialect=NAME, at=at, extra=extra)


def _tool_use(wire: Wire, at: At) -> Part | None:
    call_id, name, said = wire.get("id"), wire.get("name"), wire.get("input")
    if not isinstance(call_id, str) or not isinstance(name, str) or not isinstance(said, (dict, str, type(None))):
        return None
    if len(wire) == 4 and "input" in wire:
        return ToolCall(id=call_id, name=name, arguments={} if said is None else said, at=at)
    known = _CALL if wire.get("caller") in (None, _DIRECT) else _CALL - {"caller"}
    cache, extra = marked(wire, known)
    return ToolCall(id=call_id, name=name, arguments={} if said is None else said, cache=cache, at=at, extra=extra)


def _tool_result(wire: Wire, at: At) -> Part | None:
    call_id, said = wire.get("tool_use_id"), wire.get("content")
    if not isinstance(call_id, str):
        return None
    content: tuple[Part, ...]
    if isinstance(said, str):
        content = (Text(text=said, at=(*at, "content")),)
    elif isinstance(said, list):
        content = tuple([_decode_block(item, (*at, "content", index), _INNER) for index, item in enumerate(said)])
    else:
        content = decode_content(said, at)
    if len(wire) == 3 and "content" in wire:
        return ToolResult(call_id=call_id, content=content, at=at)
    cache, extra = marked(wire, _RESULT)
    return ToolResult(
        call_id=call_id, content=content, is_error=flag(wire.get("is_error")), cache=cache, at=at, extra=extra
    )


def _server_call(wire: Wire, at: At) -> Part | None:
    return BuiltinCall(kind=builtin_kind(text(wire.get("name")) or "unknown"), dialect=NAME, wire=wire, at=at)


def _mcp_call(wire: Wire, at: At) -> Part | None:
    return BuiltinCall(kind="mcp", dialect=NAME, wire=wire, at=at)


# What a tool result or a document may hold; it holds no results and no calls.
_INNER: dict[str, Callable[[Wire, At], Part | None]] = {
    "text": _text,
    "image": decode_image,
    "document": decode_document,
    "search_result": decode_search_result,
}
_BLOCKS: dict[str, Callable[[Wire, At], Part | None]] = _INNER | {
    "tool_use": _tool_use,
    "tool_result": _tool_result,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
    "server_tool_use": _server_call,
    "mcp_tool_use": _mcp_call,
}


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_content(blocks: list[JSON]) -> JSON:
    """Return content in its shortest form: a string for one plain text."""
    if len(blocks) == 1 and isinstance(block := blocks[0], dict) and len(block) == 2 and "text" in block:
        return block["text"]
    return blocks


def is_blank(said: str) -> bool:
    return not said or said.isspace()


def encode_part(part: Part, losses: Losses) -> Wire | None:
    """Return a block that anyone may say, or None where Claude has no words for it, which is then reported."""
    match part:
        case Text():
            return encode_text(part, losses, replayed=True)
        case Media():
            return encode_media(part, losses)
        case Value():
            return {"type": "text", "text": write_json(part.value).decode()}
        case Native(dialect=dialect) | BuiltinCall(dialect=dialect) | BuiltinResult(dialect=dialect) if dialect == NAME:
            return part.wire
        case BuiltinCall() | BuiltinResult():
            losses.dropped(part.at, "builtin_call", f"a call of {part.kind} that {part.dialect} ran itself")
        case Native():
            losses.dropped(part.at, part.feature, f"only {part.dialect} knows this part", severity="meaning")
        case Refusal():
            losses.approximated(part.at, "refusal", "Claude takes no refusal back; said as text")
            return {"type": "text", "text": part.text} if part.text else None
        case Reasoning():
            losses.dropped(part.at, "reasoning", "Claude takes reasoning from the assistant only")
        case ToolCall():
            losses.dropped(part.at, "tool_call", "Claude takes calls from the assistant only")
        case ToolResult():
            losses.dropped(part.at, "tool_result", "Claude takes results from the user only")
    return None


def encode_text(part: Text, losses: Losses, *, replayed: bool) -> Wire | None:
    """Return a text block, or None for a text without a word: Claude refuses those."""
    if part.signature is not None:
        reported_signature(part, losses)
    if not part.text and not part.citations and (replayed or part.extra is None):
        if part.cache is not None:
            losses.dropped(part.at, "cache_control", "the mark is on an empty text")
        dropped_fields(part, losses, "Claude takes no empty text")
        return None
    wire: Wire = {"type": "text", "text": part.text}
    if not part.citations and part.cache is None and part.extra is None:
        return wire
    if part.citations:
        cited = [said for item in part.citations if (said := encode_citation(item, part, losses, replayed=replayed))]
        if cited:
            wire["citations"] = list[JSON](cited)
    return finished(wire, part)


def encode_citation(citation: Citation, part: Text, losses: Losses, *, replayed: bool) -> Wire | None:
    at = citation.at or part.at
    if citation.dialect == NAME and citation.native is not None:
        return citation.native
    if replayed or citation.url is None:
        losses.dropped(at, "citation", "Claude takes back only citations of its own")
        return None
    losses.approximated(at, "citation", "said as a page found by a web search; Claude does not take it back")
    wire: Wire = {
        "type": "web_search_result_location",
        "url": citation.url,
        "title": citation.title,
        "cited_text": citation.cited_text or "",
        "encrypted_index": "",
    }
    return overlay(wire, citation, NAME)


def encode_thought(part: Reasoning, losses: Losses, *, replayed: bool) -> Wire | None:
    """Return reasoning. `replayed`: it goes back to Claude, who takes only what it has signed itself."""
    signature = part.signature
    mine = signature is not None and signature.dialect == NAME
    if signature is not None and not mine:
        losses.dropped(part.at, "reasoning_signature", f"only {signature.dialect} can read it")
    if part.redacted and signature is not None and mine:
        return _with_own({"type": "redacted_thinking", "data": signature.value}, part)
    said = part.text or "\n\n".join(part.summary)
    if part.summary and not (replayed and not mine):
        losses.approximated(part.at, "reasoning", "Claude's thinking has no summary apart from its text")
    if signature is not None and mine:
        return _with_own({"type": "thinking", "thinking": said, "signature": signature.value}, part)
    if not said:
        dropped_fields(part, losses, "there is no thinking")
        return None
    if replayed:
        losses.dropped(part.at, "reasoning", "Claude takes back only thinking that it has signed")
        dropped_fields(part, losses, "Claude takes back only thinking that it has signed")
        return None
    return _with_own({"type": "thinking", "thinking": said, "signature": ""}, part)


def _with_own(wire: Wire, part: Reasoning) -> Wire:
    own = (part.extra or {}).get(NAME)
    return wire if own is None else {**own, **wire}


def encode_call(call: ToolCall, losses: Losses) -> Wire:
    if call.signature is not None:
        reported_signature(call, losses)
    if call.namespace is not None:
        losses.dropped(call.at, "tool_call", "Claude has no namespaces of tools", severity="advisory")
    name = fitted_name(call.name)
    if name != call.name:
        reason = f'Claude takes no name like "{call.name[:80]}"; called {name}'
        losses.approximated(call.at, "tool_call", reason, severity="advisory")  # answers have the name back
    if call.custom:
        losses.approximated(call.at, "custom_tool", "Claude has no free-form tools; the text is in the field input")
        said: Wire = {"input": arguments_text(call)}
    else:
        said = arguments_object(call, losses)
    wire: Wire = {"type": "tool_use", "id": fit_id(call.id), "name": name, "input": said}
    return wire if call.cache is None and call.extra is None else finished(wire, call)


def fitted_name(name: str) -> str:
    """Return a name that Claude takes: up to 128 characters as they are, else as every dialect rewrites them."""
    return name if fit_name(name, 128) == name else fit_name(name)


def encode_result(result: ToolResult, losses: Losses) -> Wire:
    wire: Wire = {"type": "tool_result", "tool_use_id": fit_id(result.call_id)}
    said = plain_text(result.content)
    if said is not None and said:
        wire["content"] = said
    elif result.content:
        blocks: list[JSON] = [block for part in result.content if (block := _encode_inner(part, losses)) is not None]
        if blocks:
            wire["content"] = encode_content(blocks)
    if result.is_error is not None:
        wire["is_error"] = result.is_error
    if result.custom:
        losses.approximated(result.at, "custom_tool", "Claude has no free-form tools", severity="advisory")
    return wire if result.cache is None and result.extra is None else finished(wire, result)


def _encode_inner(part: Part, losses: Losses) -> Wire | None:
    if isinstance(part, Text):
        return None if is_blank(part.text) else encode_text(part, losses, replayed=True)
    return encode_part(part, losses)
