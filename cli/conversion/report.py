"""Outcomes → what is said about them: JSON Lines for programs, counts for the summary.

A line follows schemas/loss.schema.json. The counts need the same memory for ten documents as for ten million: losses of
one place, whatever its indexes, are one entry, and beyond MAX_ENTRIES there is only a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from dragoman.cli.conversion.sources import Document
from dragoman.cli.conversion.work import Identity, Outcome, Plan
from dragoman.schemas.ir import Wire
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Loss

__all__ = ["SCHEMA_VERSION", "Place", "Tally", "report_lines"]

SCHEMA_VERSION = 1
MAX_ENTRIES = 1000
_INDEX = re.compile(r"\[\d+\]")


class Place(msgspec.Struct, frozen=True):
    """What losses have in common that are counted together. `path` has no indexes: $.messages[].name."""

    severity: str
    action: str
    feature: str
    path: str


class Tally:
    """Counts of a whole run. `losses` keeps, for each place, how many there were and the first of them; `came`
    counts the streams that are out, as far as they came."""

    def __init__(self) -> None:
        self.documents = self.failed = self.came = self.other_losses = 0
        self.losses: dict[Place, tuple[int, Loss]] = {}
        self.identities: dict[Identity, int] = {}
        self.models: dict[str, int] = {}

    def add(self, outcome: Outcome) -> None:
        self.documents += 1
        self.failed += outcome.failure is not None
        self.came += outcome.came
        if outcome.identity:
            self.identities[outcome.identity] = self.identities.get(outcome.identity, 0) + 1
        if outcome.model and len(self.models) < MAX_ENTRIES:
            self.models[outcome.model] = self.models.get(outcome.model, 0) + 1
        for loss in outcome.losses:
            self._add_loss(loss)

    def count(self, severity: str = "") -> int:
        """Return how many losses there were, of one severity if one is named."""
        counted = sum(count for place, (count, _) in self.losses.items() if severity in ("", place.severity))
        return counted if severity else counted + self.other_losses

    def _add_loss(self, loss: Loss) -> None:
        place = Place(loss.severity, loss.action, loss.feature, _INDEX.sub("[]", loss.path))
        count, first = self.losses.get(place, (0, loss))
        if count or len(self.losses) < MAX_ENTRIES:
            self.losses[place] = (count + 1, first)
        else:
            self.other_losses += 1


def report_lines(document: Document, outcome: Outcome, plan: Plan) -> Iterator[bytes]:
    """Yield the lines of the report on one document, each with its line feed."""
    common = _common(document, outcome.identity, plan)
    for loss in outcome.losses:
        yield _line("loss", common, _fields(loss))
    for violation in outcome.violations:
        yield _line("violation", common, _fields(violation))
    if outcome.failure:
        yield _line("error", common, {"error": _fields(outcome.failure)})


def _common(document: Document, identity: Identity | None, plan: Plan) -> Wire:
    return {
        "file": document.file,
        "line": document.line or None,
        "source": identity.dialect if identity else None,
        "target": plan.target,
        "kind": identity.kind if identity else None,
    }


def _fields(value: msgspec.Struct) -> Wire:
    return msgspec.structs.asdict(value)


def _line(kind: str, common: Wire, fields: Wire) -> bytes:
    return write_json({"schema_version": SCHEMA_VERSION, "type": kind, **common, **fields}) + b"\n"
