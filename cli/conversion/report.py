"""Outcomes → what is said about them: JSON Lines for programs, counts for the summary.

A line follows schemas/loss.schema.json. The counts need the same memory for ten documents as for ten million: losses of
one place, whatever its indexes, are one entry, and beyond MAX_ENTRIES there is only a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from dragoman.cli.conversion.sources import Document, Entry, Exchange, Passed
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
    counts the streams that are out, as far as they came; `skipped` what is no exchange, by its reason."""

    def __init__(self) -> None:
        self.documents = self.exchanges = self.failed = self.came = self.other_losses = 0
        self.skipped: dict[str, int] = {}
        self.losses: dict[Place, tuple[int, Loss]] = {}
        self.identities: dict[Identity, int] = {}
        self.models: dict[str, int] = {}

    def noun(self, count: int) -> str:
        """Return what was converted, as a word for so many of them."""
        word = "exchange" if self.exchanges else "document"
        return word if count == 1 else f"{word}s"

    def add(self, outcome: Outcome) -> None:
        self.documents += 1
        self.exchanges += bool(outcome.sides)
        self.failed += outcome.failure is not None
        self.came += outcome.came
        for side in outcome.sides or (outcome,):
            self._add_side(side)

    def skip(self, passed: Passed) -> None:
        self.skipped[passed.reason] = self.skipped.get(passed.reason, 0) + 1

    def _add_side(self, outcome: Outcome) -> None:
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


def report_lines(entry: Entry, outcome: Outcome, plan: Plan) -> Iterator[bytes]:
    """Yield the lines of the report on one entry, each with its line feed."""
    if isinstance(entry, Passed):
        yield _line("skipped", _common(entry, None, plan), {"reason": entry.reason, "detail": entry.detail})
    for side in outcome.sides or (outcome,):
        common = _common(entry, side.identity, plan)
        for loss in side.losses:
            yield _line("loss", common, _fields(loss))
        for violation in side.violations:
            yield _line("violation", common, _fields(violation))
        if side.failure:
            yield _line("error", common, {"error": _fields(side.failure)})


def _common(entry: Entry, identity: Identity | None, plan: Plan) -> Wire:
    source = identity.dialect if identity else None
    return {
        "file": entry.file,
        "line": entry.line or None,
        **_entry(entry),
        "source": source,
        "target": plan.target or source or "",
        "kind": identity.kind if identity else None,
    }


def _entry(entry: Entry) -> Wire:
    match entry:
        case Exchange():
            return {"entry": entry.number, "id": entry.captured.id or None}
        case Passed():
            return {"entry": entry.number}
        case Document():
            return {"entry": entry.number} if entry.number else {}


def _fields(value: msgspec.Struct) -> Wire:
    return msgspec.structs.asdict(value)


def _line(kind: str, common: Wire, fields: Wire) -> bytes:
    return write_json({"schema_version": SCHEMA_VERSION, "type": kind, **common, **fields}) + b"\n"
