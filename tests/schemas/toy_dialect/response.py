"""Toy responses ↔ the IR."""

from __future__ import annotations

from dragoman.schemas.ir import At, Candidate, Request, Response, Text, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_text, text

PLACES: dict[str, tuple[At, ...]] = {}


def decode_response(wire: Wire) -> Response:
    said = Text(text=as_text(wire.get("said"), ("said",)), at=("said",))
    return Response(candidates=(Candidate(parts=(said,), stop="stop"),), model=text(wire.get("by")))


def encode_response(response: Response, losses: Losses, request: Request | None = None) -> Wire:
    parts = response.candidates[0].parts
    asked = {} if request is None else {"asked": request.model}
    return {"by": response.model, "said": " ".join(part.text for part in parts if isinstance(part, Text)), **asked}
