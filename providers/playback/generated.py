"""Ollama's two ways to say an answer: /api/chat as a `message`, the older /api/generate as a `response`.

All else of a document, or of the lines of a stream, is the same in both. /api/generate has no words for calls of tools.
https://docs.ollama.com/api/generate
"""

from __future__ import annotations

from dragoman.schemas.framing import Deframer, line_frame
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_object

__all__ = ["Rewording", "reworded"]


class Rewording:
    """Lines of either way → lines of the wanted one. `feed` and `close` as everywhere; `losses` is what they lost."""

    def __init__(self, *, generates: bool) -> None:
        self._generates = generates
        self._deframer = Deframer()
        self.losses = Losses(None, None, "ollama")

    def feed(self, raw: bytes) -> bytes:
        return b"".join(self._line(frame.data) for frame in self._deframer.feed(raw) if frame.data)

    def close(self) -> bytes:
        return b"".join(self._line(frame.data) for frame in self._deframer.close() if frame.data)

    def _line(self, data: bytes) -> bytes:
        wire = as_object(read_json(data), ())
        return line_frame(write_json(reworded(wire, self.losses, generates=self._generates)))


def reworded(wire: Wire, losses: Losses, *, generates: bool) -> Wire:
    """Say a document, or a line of a stream, in the wanted way. Errors are the same in both."""
    said = wire.get("message")
    if generates and isinstance(said, dict):
        return _replaced(wire, "message", _generated(said, losses))
    if not generates and said is None and "response" in wire:
        return _replaced(wire, "response", {"message": _message(wire)}, besides=("thinking", "image", "context"))
    return wire


def _generated(message: Wire, losses: Losses) -> Wire:
    calls, images = message.get("tool_calls"), message.get("images")
    if calls:
        losses.dropped(("message", "tool_calls"), "tool_call", "/api/generate has no words for calls of tools")
    more: Wire = {"thinking": message["thinking"]} if message.get("thinking") else {}
    if isinstance(images, list) and images:
        more["image"] = images[0]
    return {"response": message.get("content") or "", **more}


def _message(wire: Wire) -> Wire:
    said: Wire = {"role": "assistant", "content": wire["response"] or ""}
    if wire.get("thinking"):
        said["thinking"] = wire["thinking"]
    if wire.get("image"):
        said["images"] = [wire["image"]]
    return said


def _replaced(wire: Wire, field: str, by: Wire, besides: tuple[str, ...] = ()) -> Wire:
    """Put other fields in the place of one; `besides` go without any."""
    said: dict[str, JSON] = {}
    for name, value in wire.items():
        if name == field:
            said.update(by)
        elif name not in besides:
            said[name] = value
    return said
