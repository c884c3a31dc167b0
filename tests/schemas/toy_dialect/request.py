"""Toy requests ↔ the IR."""

from __future__ import annotations

from dragoman.schemas.fields import leftovers, overlay
from dragoman.schemas.ir import Message, Request, Text, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_text, text

PLACES: dict[str, tuple[tuple[str | int, ...], ...]] = {}


def decode_request(wire: Wire) -> Request:
    said = Text(text=as_text(wire.get("say"), ("say",)), at=("say",))
    message = Message(role="user", parts=(said,), at=("say",))
    return Request(messages=(message,), model=text(wire.get("to")), extra=leftovers(wire, ("say", "to"), "toy"))


def encode_request(request: Request, losses: Losses) -> Wire:
    words: list[str] = []
    for message in (*request.instructions, *request.messages):
        for part in message.parts:
            if isinstance(part, Text):
                words.append(part.text)
            else:
                losses.dropped(part.at, "image", "a toy takes words only")
    return overlay({"to": request.model, "say": " ".join(words)}, request, "toy")
