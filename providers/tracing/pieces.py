"""Secrets that come in pieces, over several events of a stream → events with no more of one than a few characters.

A provider that echoes a key does so as it writes everything: a few letters at a time. What an event says goes on from
what the one before it said at the same place (items of lists stand at one place), in the same pass.
"""

from __future__ import annotations

from dragoman.providers.secrets import REDACTED, Secrets
from dragoman.schemas.ir import JSON

__all__ = ["Pieces"]

FEW = 4  # bytes: with so many, it may be the beginning of a secret
MAX_BEGUN = 1000  # places


class Pieces:
    """Those of one stream. `secrets` may become more meanwhile."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._begun: dict[int, bytes] = {}  # by place: how the text ended, where a secret begins so

    def hidden(self, name: str, payload: JSON) -> JSON:
        """Return the payload of a pass of the next event without what goes on with a secret."""
        return self._below(payload, hash(name)) if self._secrets else payload

    def _below(self, value: JSON, place: int) -> JSON:
        match value:
            case str():
                return self._text(value, place)
            case dict():
                return {name: self._below(inner, hash((place, name))) for name, inner in value.items()}
            case list():
                return [self._below(inner, place) for inner in value]
            case _:
                return value

    def _text(self, text: str, place: int) -> str:
        begun, raw = self._begun.pop(place, b""), text.encode("utf-8", "surrogatepass")
        if not begun and self._secrets.passes(raw):
            return text
        whole = begun + raw
        clean, rest = self._secrets.split(whole, is_end=False)
        if rest and len(self._begun) < MAX_BEGUN:
            self._begun[place] = rest
        if clean == whole[: len(whole) - len(rest)]:  # no secret has ended: what was said before is left out
            clean, end = clean[len(begun) :], whole[max(len(begun), len(clean)) :]
        else:
            end = rest
        shown = clean + (REDACTED.encode() if end and len(rest) >= FEW else end)
        return shown.decode("utf-8", "surrogatepass")
