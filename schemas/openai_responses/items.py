"""Items that are no messages ↔ parts: calls and their results, thoughts, pictures, and what the vendor runs itself.

An item of a kind that nobody knows counts as a call of the vendor's, lest it is missed. A picture that was made is both
the call and an image. https://platform.openai.com/docs/api-reference/responses/create (input)
"""

from __future__ import annotations

from collections.abc import Callable

from dragoman.schemas.arguments import arguments_text
from dragoman.schemas.builtin import builtin_kind
from dragoman.schemas.fields import leftovers, overlay
from dragoman.schemas.ir import (
    JSON,
    At,
    BuiltinCall,
    BuiltinResult,
    Extra,
    Media,
    Native,
    Opaque,
    Part,
    Reasoning,
    ToolCall,
    ToolResult,
    Wire,
)
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.media import from_url, sniffed
from dragoman.schemas.narrow import objects, text
from dragoman.schemas.openai_responses.parts import NAME, decode_content, encode_content, encode_input
from dragoman.schemas.pairing import Pairing
from dragoman.schemas.spelling import fit_id, fit_name
from dragoman.schemas.turns import plain_text

__all__ = [
    "call_item",
    "decode_item",
    "fitted",
    "fitted_id",
    "new_call_id",
    "picture_item",
    "rest_of",
    "result_content",
    "result_item",
    "thought_item",
]

_CALL = frozenset({"type", "call_id", "name", "arguments", "input", "namespace"})
_RESULT = frozenset({"type", "call_id", "output"})
_THOUGHT = frozenset({"type", "summary", "content", "encrypted_content"})
_PICTURES = ("png", "webp", "jpeg", "gif")
# Items that are neither said nor called: where the conversation goes on from.
_STATE = frozenset({"item_reference", "compaction"})


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_item(wire: Wire, kind: str, at: At, pairing: Pairing) -> tuple[Part, ...]:
    """Read an item of any kind but a message."""
    decode = _ITEMS.get(kind)
    return (_unknown(wire, kind, at),) if decode is None else decode(wire, at, pairing)


def rest_of(wire: Wire, known: frozenset[str]) -> Extra | None:
    """Return what is left of an item. That it is complete goes without saying."""
    return leftovers(wire, known | {"status"} if wire.get("status") == "completed" else known, NAME)


def _call(wire: Wire, at: At, pairing: Pairing) -> tuple[Part, ...]:
    name, custom = wire.get("name"), wire.get("type") == "custom_tool_call"
    if not isinstance(name, str):
        return (Native(dialect=NAME, wire=wire, feature="tool_call", at=at),)
    said = wire.get("input" if custom else "arguments")
    call = ToolCall(
        id=pairing.call(name, text(wire.get("call_id"))),
        name=name,
        arguments=said if isinstance(said, (str, dict)) else "" if said is None else write_json(said).decode(),
        custom=custom,
        namespace=text(wire.get("namespace")),
        at=at,
        extra=rest_of(wire, _CALL),
    )
    return (call,)


def _result(wire: Wire, at: At, pairing: Pairing) -> tuple[Part, ...]:
    name, said = text(wire.get("name")), wire.get("output")
    if isinstance(said, dict):
        said = list[JSON]([said]) if "type" in said else write_json(said).decode()
    result = ToolResult(
        call_id=pairing.result(name, text(wire.get("call_id"))),
        content=decode_content(said, (*at, "output")),
        name=name,
        custom=wire.get("type") == "custom_tool_call_output",
        at=at,
        extra=rest_of(wire, _RESULT),
    )
    return (result,)


def _thought(wire: Wire, at: At, _pairing: Pairing) -> tuple[Part, ...]:
    sealed = text(wire.get("encrypted_content"))
    said, summary = _texts(wire.get("content")), tuple(_texts(wire.get("summary")))
    thought = Reasoning(
        text="\n\n".join(said),
        summary=summary,
        signature=Opaque(NAME, sealed) if sealed else None,
        redacted=bool(sealed) and not said and not summary,
        dialect=NAME,
        at=at,
        extra=rest_of(wire, _THOUGHT - {key for key in ("summary", "content") if _is_odd(wire.get(key))}),
    )
    return (thought,)


def _is_odd(wire: JSON) -> bool:
    """Tell whether pieces of reasoning say more than their text."""
    return any(len(piece) > 2 or not isinstance(piece.get("text"), str) for piece in objects(wire))


def _texts(wire: JSON) -> list[str]:
    if isinstance(wire, str):
        return [wire]
    return [said for piece in objects(wire) if (said := text(piece.get("text")))]


def _picture(wire: Wire, at: At, _pairing: Pairing) -> tuple[Part, ...]:
    """Read a picture that was made: the call without its result, and the result as an image."""
    result = wire.get("result")
    if not isinstance(result, str) or not result:
        return (BuiltinCall(kind="image_generation", dialect=NAME, wire=wire, at=at),)
    made = text(wire.get("output_format"))
    image = from_url(result, "image") if result.startswith("data:") else Media(kind="image", data=result)
    mime = image.mime or (f"image/{made}" if made else sniffed(result) or "image/png")
    call: Wire = {key: value for key, value in wire.items() if key != "result"}
    return (
        BuiltinCall(kind="image_generation", dialect=NAME, wire=call, at=at),
        Media(kind="image", mime=mime, data=image.data, url=image.url, at=(*at, "result")),
    )


def _unknown(wire: Wire, kind: str, at: At) -> Part:
    if kind in _STATE:
        return Native(dialect=NAME, wire=wire, feature="continuation", at=at)
    if kind.endswith(("_output", "_response")):
        return BuiltinResult(kind=builtin_kind(kind), dialect=NAME, wire=wire, at=at)
    return BuiltinCall(kind=builtin_kind(kind), dialect=NAME, wire=wire, at=at)


_ITEMS: dict[str, Callable[[Wire, At, Pairing], tuple[Part, ...]]] = {
    "function_call": _call,
    "custom_tool_call": _call,
    "function_call_output": _result,
    "custom_tool_call_output": _result,
    "reasoning": _thought,
    "image_generation_call": _picture,
}


# ------------------------------------------------------------------------------------------------------ IR → wire
def thought_item(thought: Reasoning) -> Wire:
    """Return reasoning with the state of our own that is sealed in it."""
    item: Wire = {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": said} for said in thought.summary],
    }
    kept: Wire = {} if thought.extra is None else thought.extra.get(NAME, {})
    if "summary" in kept and _texts(kept["summary"]) == list(thought.summary):
        item["summary"] = kept["summary"]
    if thought.text:
        item["content"] = [{"type": "reasoning_text", "text": thought.text}]
    if "content" in kept and "\n\n".join(_texts(kept["content"])) == thought.text:
        item["content"] = kept["content"]
    if thought.signature is not None and thought.signature.dialect == NAME:
        item["encrypted_content"] = thought.signature.value
    return overlay(item, thought, NAME)


def picture_item(part: Media, losses: Losses) -> Wire:
    reason = "responses shows a picture as what a call of image generation made"
    losses.synthesized(part.at, "builtin_call", reason, severity="advisory")
    item: Wire = {"type": "image_generation_call", "status": "completed", "result": part.data}
    made = (part.mime or "").removeprefix("image/")
    return overlay({**item, "output_format": made} if made in _PICTURES else item, part, NAME)


def call_item(call: ToolCall, call_id: str, losses: Losses) -> Wire:
    if call.signature is not None:
        losses.dropped(call.at, "reasoning_signature", f"only {call.signature.dialect} can read it")
    if call.cache is not None:
        losses.dropped(call.at, "cache_control", "responses marks no call for the cache")
    name = fitted(call.name)
    if name != call.name:
        reason = f'responses takes no name like "{call.name[:80]}"; called {name}'
        losses.approximated(call.at, "tool_call", reason, severity="advisory")  # answers have the name back
    item: Wire = {"type": "function_call", "call_id": call_id, "name": name}
    if call.custom:
        item["type"] = "custom_tool_call"
        item["input"] = arguments_text(call)
    else:
        item["arguments"] = arguments_text(call) or "{}"
    if call.namespace is not None:
        item["namespace"] = call.namespace
    return item if call.extra is None else overlay(item, call, NAME)


def fitted(name: str) -> str:
    """Return a name that the API takes: it allows for more characters than others, but for no other ones."""
    return name if len(name) <= 128 and fit_name(name, 128) == name else fit_name(name)


def fitted_id(call_id: str) -> str:
    """Return a call id that the API takes: it minds nothing but the length."""
    return call_id if 0 < len(call_id) <= 64 else fit_id(call_id)


def new_call_id(call_id: str, called: set[str]) -> str:
    """Return the id of a call as the API takes it: an id that was there before gets another ending."""
    named = fitted_id(call_id)
    return fitted_id(f"{call_id}_{len(called)}") if named in called else named


def result_item(result: ToolResult, call_id: str, losses: Losses) -> Wire:
    said = plain_text(result.content)
    item: Wire = {
        "type": "custom_tool_call_output" if result.custom else "function_call_output",
        "call_id": call_id,
        "output": said if said is not None else encode_content(result_content(result, losses)) or "",
    }
    if result.is_error:
        losses.dropped(result.at, "tool_result_error", "responses has no mark for a failed call")
    if result.cache is not None:
        losses.dropped(result.at, "cache_control", "responses marks no result for the cache")
    return item if result.extra is None else overlay(item, result, NAME)


def result_content(result: ToolResult, losses: Losses) -> list[Wire]:
    """Return what a result holds, part by part; what cannot be shown is reported."""
    return [shown for part in result.content if (shown := encode_input(part, losses)) is not None]
