"""What the assistant says ↔ parts: thoughts, words with their citations, refusals, sounds, pictures, calls.

The same message stands in requests and in responses; it goes back to a provider without what no API takes back.
Thoughts have three names among vendors. https://platform.openai.com/docs/api-reference/chat/object
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

from msgspec.structs import replace

from dragoman.schemas.arguments import arguments_text
from dragoman.schemas.fields import leftovers, nested, overlay
from dragoman.schemas.ir import (
    JSON,
    At,
    Citation,
    Media,
    Message,
    Native,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Wire,
)
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.media import data_url
from dragoman.schemas.narrow import as_object, count, expected, objects, text
from dragoman.schemas.openai_chat.parts import (
    NAME,
    decode_content,
    decode_part,
    decode_spoken,
    encode_content,
    encode_part,
    encode_text,
    holds_mark,
    is_plain,
)
from dragoman.schemas.pairing import Pairing
from dragoman.schemas.spelling import fit_id, fit_name

__all__ = [
    "CALL",
    "INNER",
    "THOUGHTS",
    "decode_annotation",
    "decode_answer",
    "decode_sound",
    "decode_thoughts",
    "encode_answer",
    "encode_citation",
    "moved",
]

_CALLING = frozenset({"role", "content", "tool_calls"})
_ANSWER = _CALLING | {
    "refusal",
    "function_call",
    "audio",
    "reasoning_content",
    "reasoning",
    "annotations",
    "images",
    "cache_control",
}
# The names that vendors have for reasoning.
THOUGHTS = ("reasoning_content", "reasoning", "thinking")
CALL = frozenset({"id", "type", "function", "custom", "index"})
INNER = frozenset({"name", "arguments", "input"})
_CITATION = frozenset({"url", "title", "content", "start_index", "end_index"})


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_answer(wire: Wire, at: At, pairing: Pairing) -> Message:
    """Read an assistant message of a request or a response: thoughts, words, refusal, sound, calls, in that order."""
    if wire.keys() <= _CALLING:
        content = wire.get("content")
        said = () if content is None else decode_content(content, at)
        return Message(role="assistant", parts=(*said, *_calls(wire.get("tool_calls"), at, pairing)), at=at)
    spoken = decode_spoken(wire, at)
    known = _ANSWER if holds_mark(wire, spoken) else _ANSWER - {"cache_control"}
    if spoken and isinstance(spoken[-1], Text):
        spoken = _with_citations(spoken, spoken[-1], wire, at)
    elif wire.get("annotations"):
        known = known - {"annotations"}
    calls = _calls(wire.get("tool_calls"), at, pairing)
    old = tuple(_old_calls(wire.get("function_call"), (*at, "function_call"), pairing))
    if not old and wire.get("function_call"):
        known = known - {"function_call"}
    if isinstance(wire.get("thinking"), str):
        known = known | {"thinking"}
    parts = (*decode_thoughts(wire, at), *spoken, *_asides(wire, at), *calls, *old)
    return Message(role="assistant", parts=parts, at=at, extra=leftovers(wire, known, NAME))


def decode_thoughts(wire: Wire, at: At) -> Iterable[Reasoning]:
    """Yield the reasoning, under whichever of its names: some vendors say it twice."""
    for key in THOUGHTS:
        said = wire.get(key)
        if isinstance(said, dict):
            said = said.get("content") or said.get("summary")
        if isinstance(said, str) and said:
            yield Reasoning(text=said, dialect=NAME, at=(*at, key))
            return
    details = wire.get("reasoning_details")
    key = "reasoning_details" if details else "thinking_blocks"
    blocks = objects(details) or objects(wire.get("thinking_blocks"))
    said = "".join(text(b.get("text")) or text(b.get("summary")) or text(b.get("thinking")) or "" for b in blocks)
    if said:
        yield Reasoning(text=said, dialect=NAME, at=(*at, key))


def _with_citations(parts: tuple[Part, ...], last: Text, wire: Wire, at: At) -> tuple[Part, ...]:
    """Put the message's annotations on its text, where the IR has them; on the last one where they do not say which."""
    notes = objects(wire.get("annotations"))
    if not notes:
        return parts
    cited = tuple(decode_annotation(note, (*at, "annotations", index)) for index, note in enumerate(notes))
    if len(parts) > 1:
        return _spread(parts, cited)
    return (*parts[:-1], Text(text=last.text, citations=cited, cache=last.cache, at=last.at, extra=last.extra))


def _spread(parts: tuple[Part, ...], cited: Iterable[Citation]) -> tuple[Part, ...]:
    """Put each citation on its own one of several texts: they are one to the offsets, which the IR counts anew."""
    holders = [index for index, part in enumerate(parts) if isinstance(part, Text)]
    lengths = (len(part.text) for part in parts if isinstance(part, Text))
    starts = list(accumulate(lengths, initial=0))[:-1]
    held: dict[int, list[Citation]] = {}
    for citation in cited:
        nth = len(holders) - 1 if citation.start is None else max(bisect_right(starts, citation.start) - 1, 0)
        held.setdefault(holders[nth], []).append(moved(citation, starts[nth]))
    return tuple(
        replace(part, citations=tuple(held[index])) if index in held and isinstance(part, Text) else part
        for index, part in enumerate(parts)
    )


def moved(citation: Citation, offset: int) -> Citation:
    """Return a citation with offsets that count from `offset` on."""
    if citation.start is None or not offset:
        return citation
    end = None if citation.end is None else max(citation.end - offset, 0)
    return replace(citation, start=citation.start - offset, end=end)


def decode_annotation(wire: Wire, at: At) -> Citation:
    held = wire.get("url_citation")
    if not isinstance(held, dict):
        return Citation(native=wire, dialect=NAME, at=at)
    return Citation(
        url=text(held.get("url")),
        title=text(held.get("title")),
        cited_text=text(held.get("content")),
        start=count(held.get("start_index")),
        end=count(held.get("end_index")),
        at=at,
        extra=nested(
            leftovers(wire, ("type", "url_citation"), NAME), "url_citation", leftovers(held, _CITATION, NAME), NAME
        ),
    )


def _asides(wire: Wire, at: At) -> Iterable[Part]:
    refusal = wire.get("refusal")
    if isinstance(refusal, str) and refusal:
        yield Refusal(text=refusal, at=(*at, "refusal"))
    sound = wire.get("audio")
    if isinstance(sound, dict) and any(sound.values()):  # some servers fill in every field, with nothing
        yield decode_sound(sound, (*at, "audio"))
    for index, image in enumerate(objects(wire.get("images"))):
        yield decode_part({"type": "image_url", **image}, (*at, "images", index))


def decode_sound(wire: Wire, at: At) -> Media:
    data = text(wire.get("data"))
    return Media(
        kind="audio",
        mime="audio/wav" if data else None,
        data=data,
        file_id=text(wire.get("id")) if data is None else None,
        dialect=NAME,
        transcript=text(wire.get("transcript")),
        at=at,
        extra=leftovers(wire, ("data", "transcript") if data else ("id", "transcript"), NAME),
    )


def _calls(said: JSON, at: At, pairing: Pairing) -> list[Part]:
    calls: list[Part] = []
    if not said:
        return calls
    if not isinstance(said, list):
        raise expected("a list", said, (*at, "tool_calls"))
    for index, item in enumerate(said):
        place = (*at, "tool_calls", index)
        calls.append(_call(as_object(item, place), place, pairing))
    return calls


def _old_calls(held: JSON, at: At, pairing: Pairing) -> Iterable[Part]:
    """Read a call from before there were several, if there is one: it is nothing but the function."""
    if not isinstance(held, dict) or not isinstance(held.get("name"), str) or not held["name"]:
        return
    name, said = str(held["name"]), held.get("arguments")
    yield ToolCall(
        id=pairing.call(name, None),
        name=name,
        arguments=_arguments(said),
        at=at,
        extra=leftovers(held, INNER, NAME),
    )


def _arguments(said: JSON) -> str | Wire:
    return said if isinstance(said, (str, dict)) else "" if said is None else write_json(said).decode()


def _plain_call(wire: Wire, function: Wire, at: At, pairing: Pairing) -> ToolCall | None:
    """Read an id, a name and a text of arguments, which most calls are, in half of the time."""
    call_id, name, said = wire.get("id"), function.get("name"), function.get("arguments")
    if not (isinstance(call_id, str) and isinstance(name, str) and isinstance(said, str) and "type" in wire):
        return None
    return ToolCall(id=pairing.call(name, call_id), name=name, arguments=said, at=at)


def _call(wire: Wire, at: At, pairing: Pairing) -> Part:
    function = wire.get("function")
    if isinstance(function, dict) and len(wire) == 3 and len(function) == 2:
        plain = _plain_call(wire, function, at, pairing)
        if plain is not None:
            return plain
    custom = wire.get("custom")
    free = isinstance(custom, dict) and bool(custom.get("name"))
    held = custom if free else wire.get("function")
    name = text(held.get("name")) if isinstance(held, dict) else None
    if not isinstance(held, dict) or name is None:
        return Native(dialect=NAME, wire=wire, feature="tool_call", at=at)
    said = held.get("input" if free else "arguments")
    inner = leftovers(held, INNER, NAME)
    return ToolCall(
        id=pairing.call(name, text(wire.get("id"))),
        name=name,
        arguments=_arguments(said),
        custom=free,
        at=at,
        extra=nested(leftovers(wire, CALL, NAME), "custom" if free else "function", inner, NAME),
    )


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_answer(parts: Iterable[Part], losses: Losses, *, replayed: bool) -> Wire:
    """Return an assistant message. `replayed`: it goes back to a provider, who takes no thoughts of another vendor."""
    answer = _Answer(losses, replayed=replayed)
    for part in parts:
        answer.add(part)
    return answer.wire()


class _Answer:
    """Collects an assistant message: what stands in the content, and what in fields of its own."""

    __slots__ = ("_calls", "_content", "_fields", "_images", "_length", "_losses", "_notes", "_replayed", "_thoughts")

    def __init__(self, losses: Losses, *, replayed: bool) -> None:
        self._losses = losses
        self._replayed = replayed
        self._content: list[Wire] = []
        self._length = 0  # of the texts in the content, in characters: citations count from its start
        self._thoughts: list[str] = []
        self._notes: list[JSON] = []
        self._images: list[JSON] = []
        self._calls: list[JSON] = []
        self._fields: Wire = {}

    def wire(self) -> Wire:
        wire: Wire = {"role": "assistant", **self._fields}
        if self._thoughts:
            wire["reasoning_content"] = "\n\n".join(self._thoughts)
        for key, said in (("annotations", self._notes), ("images", self._images), ("tool_calls", self._calls)):
            if said:
                wire[key] = said
        if self._content or self._calls or not self._replayed:
            wire["content"] = self._said() if self._content else None
        elif len(wire) > 1:
            wire["content"] = None if "refusal" in wire or "audio" in wire else ""
        return wire

    def _said(self) -> JSON:
        """Return the content; an answer's is one text wherever it holds nothing but texts."""
        if self._replayed or not all(map(is_plain, self._content)):
            return encode_content(self._content)
        return "".join(str(part["text"]) for part in self._content)

    def add(self, part: Part) -> None:
        match part:
            case Text():
                self._text(part)
            case ToolCall():
                self._calls.append(_encode_call(part, self._losses))
            case Native(dialect=dialect, feature="tool_call") if dialect == NAME:
                self._calls.append(part.wire)
            case Reasoning():
                self._thought(part)
            case Refusal():
                self._fields["refusal"] = str(self._fields.get("refusal") or "") + part.text
            case Media():
                self._media(part)
            case _:
                said = encode_part(part, self._losses)
                if said is not None:
                    self._content.append(said)

    def _text(self, part: Text) -> None:
        if self._calls and part.text:
            self._losses.approximated(
                part.at, "text", "chat says the text of a turn before its calls", severity="advisory"
            )
        for citation in part.citations:
            self._cite(citation, part)
        if part.text or not self._content:
            self._content.append(encode_text(part, self._losses))
            self._length += len(part.text)
        elif part.signature is not None or part.cache is not None:
            encode_text(part, self._losses)  # an empty text beside others is not said; what it carried is reported

    def _cite(self, citation: Citation, part: Text) -> None:
        own = citation.native if citation.dialect == NAME else None
        if self._replayed or (own is None and citation.url is None):
            self._losses.dropped(citation.at or part.at, "citation", "chat cites only web pages, and only in answers")
        else:
            self._notes.append(own if own is not None else encode_citation(citation, self._length, len(part.text)))
            if own is not None and self._length:
                reason = "chat does not say to which of several texts it belongs"
                self._losses.approximated(citation.at or part.at, "citation", reason)

    def _thought(self, part: Reasoning) -> None:
        said = "\n\n".join(filter(None, (*part.summary, part.text))) if part.summary else part.text
        if part.signature is not None:
            self._losses.dropped(part.at, "reasoning_signature", f"only {part.signature.dialect} can read it")
        if not said:
            return
        if self._replayed and part.dialect != NAME:
            self._losses.dropped(part.at, "reasoning", "chat takes no reasoning of another vendor back")
        elif part.extra is not None and NAME in part.extra:
            pieces: list[JSON] = [{"type": "text", "text": said}]
            self._content.append(overlay({"type": "thinking", "thinking": pieces}, part, NAME))
        else:
            if self._content or self._calls:
                self._losses.approximated(part.at, "reasoning", "chat says the thoughts of a turn first")
            self._thoughts.append(said)

    def _media(self, part: Media) -> None:
        if part.kind == "audio" and "audio" in self._fields:
            self._losses.dropped(part.at, "audio", "a message of chat holds one sound")
        elif part.kind == "audio" and (self._replayed or part.data is None):
            self._sound_again(part)
        elif part.kind == "audio" and part.data is not None:
            self._sound(part, part.data)
        else:
            self._picture(part)

    def _sound_again(self, part: Media) -> None:
        """Say a sound that the provider keeps: by its id; anyone else's by its words."""
        kept = (part.extra or {}).get(NAME, {}).get("id", part.file_id) if part.dialect == NAME else None
        if kept is not None and self._replayed:
            self._fields["audio"] = overlay({"id": kept}, part, NAME) if part.data is None else {"id": kept}
        elif kept is not None:
            words: Wire = {} if part.transcript is None else {"transcript": part.transcript}
            self._fields["audio"] = overlay({"id": kept, **words}, part, NAME)
        elif part.transcript is not None:
            self._losses.approximated(part.at, "audio", "chat takes no sound of the assistant back; said as text")
            self._text(Text(text=part.transcript, at=part.at))
        else:
            self._losses.dropped(part.at, "audio", "chat takes no sound of the assistant back")

    def _sound(self, part: Media, data: str) -> None:
        if part.mime not in (None, "audio/wav"):
            self._losses.approximated(part.at, "audio", "chat does not say what kind of sound it is")
        sound: Wire = {"id": "audio", "data": data, "transcript": part.transcript or "", "expires_at": 0}
        self._fields["audio"] = {**sound, **(part.extra or {}).get(NAME, {})}

    def _picture(self, part: Media) -> None:
        """Say a picture of the assistant's where gateways put it; no API takes one back."""
        url = part.url or (data_url(part) if part.data is not None else None)
        if self._replayed or part.kind != "image" or url is None:
            self._losses.dropped(part.at, part.kind, "an assistant message of chat holds no such medium")
            return
        if part.signature is not None:
            self._losses.dropped(part.at, "reasoning_signature", f"only {part.signature.dialect} can read it")
        held: Wire = {"url": url, "detail": part.detail} if part.detail else {"url": url}
        self._images.append(overlay({"type": "image_url", "image_url": held}, part, NAME))


def encode_citation(citation: Citation, offset: int, length: int) -> Wire:
    """Return a page that a text cites: one of this length, which begins at `offset` in the whole content."""
    end = citation.end if citation.end is not None else length
    held: Wire = {
        "url": citation.url,
        "title": citation.title or "",
        "start_index": offset + (citation.start or 0),
        "end_index": offset + end,
    }
    if citation.cited_text:
        held["content"] = citation.cited_text
    return overlay({"type": "url_citation", "url_citation": held}, citation, NAME)


def _encode_call(call: ToolCall, losses: Losses) -> Wire:
    if call.signature is not None:
        losses.dropped(call.at, "reasoning_signature", f"only {call.signature.dialect} can read it")
    if call.cache is not None:
        losses.dropped(call.at, "cache_control", "chat marks no call for the cache")
    if call.namespace is not None:
        losses.dropped(call.at, "tool_call", "chat has no namespaces of tools", severity="advisory")
    name = fit_name(call.name)
    if name != call.name:
        reason = f'chat takes no name like "{call.name[:80]}"; called {name}'
        losses.approximated(call.at, "tool_call", reason, severity="advisory")  # answers have the name back
    if call.custom:
        held: Wire = {"name": name, "input": arguments_text(call)}
        return overlay({"id": fit_id(call.id, 40), "type": "custom", "custom": held}, call, NAME)
    held = {"name": name, "arguments": arguments_text(call) or "{}"}
    return overlay({"id": fit_id(call.id, 40), "type": "function", "function": held}, call, NAME)
