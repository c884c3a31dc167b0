"""Losses: what a conversion could not say, as values.

A loss names the place in the *source* document, the feature, how serious it is and what was done about it. Encoders
collect them in a `Losses`; how serious a feature is by nature stands in one table. Nothing is ever logged or dropped
in silence: an encoder that cannot say a thing calls `dropped`, `approximated` or `synthesized`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from dragoman.schemas.ir import JSON, At

__all__ = ["FEATURES", "Action", "Loss", "Losses", "Severity", "path_of"]

Severity = Literal["meaning", "advisory"]
Action = Literal["dropped", "approximated", "synthesized"]

# Every feature that a loss may name, and how serious it is unless the encoder knows better.
FEATURES: dict[str, Severity] = {
    "text": "meaning",
    "instructions": "meaning",
    "role": "advisory",
    "image": "meaning",
    "audio": "meaning",
    "video": "meaning",
    "document": "meaning",
    "tool": "meaning",
    "strict": "advisory",
    "tool_choice": "meaning",
    "parallel_tools": "advisory",
    "tool_call": "meaning",
    "tool_result": "meaning",
    "tool_result_error": "advisory",
    "builtin_tool": "meaning",
    "builtin_call": "meaning",
    "custom_tool": "meaning",
    "reasoning": "advisory",
    "reasoning_signature": "advisory",
    "reasoning_config": "advisory",
    "citation": "advisory",
    "refusal": "meaning",
    "structured_output": "meaning",
    "sampling": "advisory",
    "max_tokens": "advisory",
    "stop": "advisory",
    "n": "meaning",
    "logprobs": "advisory",
    "cache_control": "advisory",
    "metadata": "advisory",
    "service_tier": "advisory",
    "safety": "advisory",
    "store": "advisory",
    "stream_options": "advisory",
    "continuation": "meaning",
    "history": "advisory",
    "id": "advisory",
    "model": "advisory",
    "modality": "meaning",
    "usage": "advisory",
    "cost": "advisory",
    "finish_reason": "meaning",
    "extension": "advisory",
}


class Loss(msgspec.Struct, frozen=True):
    path: str
    feature: str
    severity: Severity
    action: Action
    reason: str


def path_of(at: At) -> str:
    """Return a place as a JSON path: ("messages", 3, "content") is $.messages[3].content."""
    return "$" + "".join(_step(step) for step in at)


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if step.isidentifier() else f"[{step!r}]"


class Losses:
    """The losses of one conversion. `places` says under which names the source knows a parameter of the IR, `source`
    which dialect the document came from."""

    __slots__ = ("_body", "_places", "found", "source")

    def __init__(
        self, places: Mapping[str, tuple[At, ...]] | None = None, body: JSON = None, source: str | None = None
    ) -> None:
        self.found: list[Loss] = []
        self.source = source
        self._places = places or {}
        self._body = body

    def dropped(self, at: At, feature: str, reason: str, *, severity: Severity | None = None) -> None:
        self._add(at, feature, "dropped", reason, severity)

    def approximated(self, at: At, feature: str, reason: str, *, severity: Severity | None = None) -> None:
        self._add(at, feature, "approximated", reason, severity)

    def synthesized(self, at: At, feature: str, reason: str, *, severity: Severity | None = None) -> None:
        self._add(at, feature, "synthesized", reason, severity)

    def place(self, name: str) -> At:
        """Return where the source says the parameter that the IR calls `name`."""
        spellings = self._places.get(name, ((name,),))
        return next((at for at in spellings if _is_there(self._body, at)), spellings[0])

    def forget(self, feature: str) -> None:
        """Take back what was said of a feature."""
        self.found = [loss for loss in self.found if loss.feature != feature]

    def _add(self, at: At, feature: str, action: Action, reason: str, severity: Severity | None) -> None:
        self.found.append(Loss(path_of(at), feature, severity or FEATURES[feature], action, reason))


def _is_there(body: JSON, at: At) -> bool:
    for step in at:
        if not isinstance(body, dict) or step not in body:
            return False
        body = body[str(step)]
    return body is not None
