"""What a message says ↔ parts of the IR: Ollama has one text and a list of pictures, apart.

The server puts the pictures before the text, so they are read in that order; a picture that stood after a text is
reported. Pictures are plain base64, whose first bytes tell the type. https://docs.ollama.com/api/chat
"""

from __future__ import annotations

from dragoman.schemas.ir import (
    JSON,
    At,
    BuiltinCall,
    BuiltinResult,
    Extra,
    Media,
    Native,
    Node,
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
from dragoman.schemas.media import from_url, sniffed, text_of
from dragoman.schemas.narrow import as_list, as_text

__all__ = ["NAME", "Spoken", "decode_images", "decode_spoken", "kept", "unsaid"]

NAME = "ollama"


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_spoken(wire: Wire, at: At) -> tuple[Part, ...]:
    """Read the pictures and the text of a message. A null says nothing; an empty text beside pictures neither."""
    shown = decode_images(wire.get("images"), at)
    said = wire.get("content")
    if said is None or (said == "" and shown):
        return shown
    return (*shown, Text(text=as_text(said, (*at, "content")), at=(*at, "content")))


def decode_images(images: JSON, at: At) -> tuple[Media, ...]:
    if not images:
        return ()
    return tuple(
        _picture(as_text(item, (*at, "images", index)), (*at, "images", index))
        for index, item in enumerate(as_list(images, (*at, "images")))
    )


def _picture(said: str, at: At) -> Media:
    """Read base64, or what some programs send in its place and the server refuses: a data URL, a URL."""
    if "://" in said[:16] or said.startswith("data:"):
        media = from_url(said, "image")
        return Media(kind=media.kind, mime=media.mime, data=media.data, url=media.url, at=at)
    return Media(kind="image", mime=sniffed(said), data=said, at=at)


def kept(extra: Extra | None, key: str, value: JSON) -> Extra:
    """Return `extra` with one more field that only Ollama knows, or knows how to read."""
    return {NAME: {**(extra or {}).get(NAME, {}), key: value}}


# ------------------------------------------------------------------------------------------------------ IR → wire
class Spoken:
    """Collects what a message says, in the two places that Ollama has for it."""

    __slots__ = ("_images", "_losses", "_words")

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self._words: list[str] = []
        self._images: list[JSON] = []

    def wire(self, glue: str) -> Wire:
        """Return the fields of the message, with texts joined by `glue`."""
        said: Wire = {"content": glue.join(self._words)}
        if self._images:
            said["images"] = self._images
        return said

    @property
    def silent(self) -> bool:
        return not self._words and not self._images

    def add(self, part: Part) -> None:
        """Add a part, or report that Ollama has no words for it."""
        unsaid(part, self._losses)
        match part:
            case Text():
                self._text(part)
            case Media():
                self._media(part)
            case Refusal():
                self._losses.approximated(part.at, "refusal", "Ollama has no field for a refusal; said as text")
                self._words.append(part.text)
            case Value():
                self._words.append(write_json(part.value).decode())
            case BuiltinCall() | BuiltinResult():
                self._losses.dropped(part.at, "builtin_call", f"a call of {part.kind} that {part.dialect} ran itself")
            case Native():
                self._losses.dropped(part.at, part.feature, f"only {part.dialect} knows this part", severity="meaning")
            case Reasoning():
                self._losses.dropped(part.at, "reasoning", "Ollama takes thoughts from the assistant only")
            case ToolCall():
                self._losses.dropped(part.at, "tool_call", "stands where Ollama has no calls")
            case ToolResult():
                self._losses.dropped(part.at, "tool_result", "stands where Ollama has no results")

    def _text(self, part: Text) -> None:
        if part.signature is not None:
            self._losses.dropped(part.at, "reasoning_signature", f"only {part.signature.dialect} can read it")
        if part.cache is not None:
            self._losses.dropped(part.at, "cache_control", "Ollama takes no marks for its cache")
        for citation in part.citations:
            self._losses.dropped(citation.at or part.at, "citation", "Ollama has no citations")
        self._words.append(part.text)

    def _media(self, part: Media) -> None:
        if part.cache is not None:
            self._losses.dropped(part.at, "cache_control", "Ollama takes no marks for its cache")
        if part.signature is not None:
            self._losses.dropped(part.at, "reasoning_signature", f"only {part.signature.dialect} can read it")
        if part.kind == "image" and part.data is not None:
            self._picture(part, part.data)
            return
        words = part.transcript if part.kind == "audio" else text_of(part)
        if words is None:
            self._losses.dropped(part.at, part.kind, _reason(part))
        else:
            self._losses.approximated(part.at, part.kind, "Ollama takes pictures only; said as text")
            self._words.append(words)

    def _picture(self, part: Media, data: str) -> None:
        if self._words:
            self._losses.approximated(
                part.at, "image", "Ollama shows pictures before the text of a message", severity="advisory"
            )
        if part.detail is not None or part.name is not None or part.context is not None or part.cite is not None:
            self._losses.dropped(
                part.at, "image", "Ollama takes nothing but the bytes of a picture", severity="advisory"
            )
        if part.mime is not None and part.mime != sniffed(data):
            self._losses.dropped(part.at, "image", "Ollama tells the type from the bytes", severity="advisory")
        self._images.append(data)


def _reason(part: Media) -> str:
    if part.kind != "image":
        return "Ollama takes pictures only"
    return "Ollama fetches no URL" if part.url is not None else "Ollama takes pictures as bytes only"


def unsaid(node: Node, losses: Losses) -> None:
    """Report fields of Ollama's own on a node that is no object on the wire: only a program puts them there."""
    if node.extra is not None:
        for key in node.extra.get(NAME, ()):
            losses.dropped((*node.at, key), "extension", "Ollama has no object here that could hold it")
