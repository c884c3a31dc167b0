"""What one provider said → what another one of the same dialect, or the same one that kept nothing, can be told of it.

Dialects see to it that nobody is shown what only another dialect can read. Two vendors that speak the same one cannot
be told apart by them: so signatures, sealed results, ids of things that one of them keeps, and files that were given to
it are taken out here.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress, pairwise
from operator import not_

from msgspec.structs import replace

from dragoman.schemas.dialect import find
from dragoman.schemas.ir import (
    BuiltinCall,
    BuiltinResult,
    Citation,
    Extra,
    Media,
    Message,
    Native,
    Opaque,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from dragoman.schemas.losses import Losses

__all__ = ["RESPONSES", "shown_by_user", "told_abroad", "told_anew"]

RESPONSES = "openai-responses"  # the dialect in which a request can name an answer, and what is in it
_SHOWN_PICTURES = frozenset({"anthropic", "openai-chat", RESPONSES})  # who takes pictures, and none of the assistant's


def told_abroad(message: Message, family: str, whose: str, losses: Losses) -> Message:
    """Return a message without what only `whose` can read, a provider that speaks a dialect of this family."""
    found = [(part, _abroad(part, family)) for part in message.parts]
    is_answer = message.role == "assistant"  # whose words stay: what it did for them is nothing that anybody asks for
    for feature in dict.fromkeys(_feature(part) for part, told in found if told is not part):
        reason = f"only {whose} can read it, which gave it"
        losses.dropped(message.at, feature, reason, severity="advisory" if is_answer else None)
    parts = tuple(told for _, told in found if told is not None)
    if is_answer:
        parts = tuple(_without_own(part, family) for part in parts)
    return message if parts == message.parts else replace(message, parts=parts)


def told_anew(message: Message, losses: Losses) -> Message:
    """Return a message without reasoning that stands for what its provider keeps, for one that does not keep it."""
    parts = tuple(part for part in message.parts if not _is_kept_elsewhere(part))
    if len(parts) == len(message.parts):
        return message
    losses.dropped(message.at, "reasoning", "it came without its seal, and the provider does not keep it")
    return replace(message, parts=parts)


def shown_by_user(messages: Sequence[Message], family: str, losses: Losses) -> Sequence[Message]:
    """Return messages in which the user shows the pictures of an answer when he goes on from it, for a dialect that
    takes none of the assistant's back."""
    if family not in _SHOWN_PICTURES:
        return messages
    told = list(messages)
    for number, (message, after) in enumerate(pairwise(messages)):
        if message.role != "assistant" or after.role != "user":
            continue
        shows = [_is_picture(part, before) for before, part in pairwise((None, *message.parts))]
        if not any(shows):
            continue
        pictures = list(compress(message.parts, shows))
        told[number] = replace(message, parts=tuple(compress(message.parts, map(not_, shows))))
        told[number + 1] = _showing(after, [_without_own(part, family) for part in pictures])
        for part in pictures:
            reason = "an answer shows no picture here; the user shows it"
            losses.approximated(part.at, "image", reason, severity="advisory")
    return told


def _is_picture(part: Part | None, before: Part | None) -> bool:
    """Tell whether a part is a picture, and not what a call before it has made, where that call is still there."""
    if not isinstance(part, Media) or part.kind != "image" or (part.data is None and part.url is None):
        return False
    return not (isinstance(before, BuiltinCall) and before.kind == "image_generation")


def _showing(message: Message, pictures: Sequence[Part]) -> Message:
    """Return what the user says with pictures before it, and after the results that stand first."""
    results = tuple(part for part in message.parts if isinstance(part, ToolResult))
    others = tuple(part for part in message.parts if not isinstance(part, ToolResult))
    return replace(message, parts=(*results, *pictures, *others))


def _is_kept_elsewhere(part: Part) -> bool:
    return (
        isinstance(part, Reasoning)
        and part.dialect is not None
        and find(part.dialect).family == RESPONSES
        and part.signature is None
        and not part.text
    )


def _abroad(part: Part, family: str) -> Part | None:
    match part:
        case BuiltinCall() | BuiltinResult() | Native() if find(part.dialect).family == family:
            return None
        case Reasoning() if part.redacted and _is_of(part.signature, family):
            return None
        case Reasoning() if family == RESPONSES and part.dialect is not None and find(part.dialect).family == family:
            return None
        case Media(file_id=str()) if part.dialect is not None and find(part.dialect).family == family:
            return Text(text=part.transcript, at=part.at) if part.transcript else None
        case Text() if any(_is_sealed(citation, family) for citation in part.citations):
            citations = tuple(_citation(one) if _is_sealed(one, family) else one for one in part.citations)
            return _unsigned(replace(part, citations=citations), family)
        case Text() | Media() | ToolCall() | Reasoning():
            return _unsigned(part, family)
        case _:
            return part


def _unsigned(part: Text | Media | ToolCall | Reasoning, family: str) -> Part:
    return replace(part, signature=None) if _is_of(part.signature, family) else part


def _is_sealed(citation: Citation, family: str) -> bool:
    """Tell whether a citation holds words of the vendor's: a sealed place in a result may be among them."""
    return citation.native is not None and citation.dialect is not None and find(citation.dialect).family == family


def _citation(citation: Citation) -> Citation:
    return replace(citation, native=None, dialect=None, extra=None)


def _is_of(signature: Opaque | None, family: str) -> bool:
    return signature is not None and find(signature.dialect).family == family


def _without_own(part: Part, family: str) -> Part:
    """Return a part of an answer without the fields that its provider put beside it: they hold ids of its own."""
    if part.extra is None:
        return part
    rest: Extra = {dialect: fields for dialect, fields in part.extra.items() if find(dialect).family != family}
    return part if len(rest) == len(part.extra) else replace(part, extra=rest or None)


def _feature(part: Part) -> str:
    """Return what the loss of a part, or of something in it, is called."""
    match part:
        case BuiltinCall() | BuiltinResult():
            return "builtin_call"
        case Native():
            return part.feature
        case Media(file_id=str()):
            return part.kind
        case Text(signature=None):
            return "citation"
        case Reasoning(signature=None):
            return "reasoning"
        case _:
            return "reasoning_signature"
