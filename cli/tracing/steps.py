"""Lines of a trace → what there is to be shown of each, for whoever shows it: a terminal, or a page.

Lines come from files: whatever their fields hold, there is something to show.
"""

from __future__ import annotations

import msgspec

from dragoman.providers.tracing.replayed import Replayer, chain_of
from dragoman.schemas.diffs import Change, changes_made
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.narrow import as_object, number, objects, text

__all__ = ["Step", "Steps", "place_text", "title_of", "value_text"]

MAX_WORD = 200  # characters of a name


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """`kind` is the type of the line. `changes` is None where there is no diff but a whole payload, and where what the
    diff is to is not known (`problem`). `event` is None for what is no event of a stream."""

    kind: str
    exchange: str
    index: int
    line: Wire
    side: str = ""
    name: str = ""
    event: int | None = None
    milliseconds: float = 0.0
    payload: JSON = None
    changes: tuple[Change, ...] | None = None
    losses: tuple[Wire, ...] = ()
    problem: str = ""

    def word(self, field: str) -> str:
        """Return a field that is a text, or a number, as a text; else nothing."""
        said = self.line.get(field)
        return said[:MAX_WORD] if isinstance(said, str) else "" if said is None else value_text(said, MAX_WORD)


class Steps:
    def __init__(self) -> None:
        self._replayer = Replayer()

    def feed(self, index: int, line: Wire, weight: int = 0) -> Step:
        """Return what there is to be shown of a line, of so many bytes, of the exchange with that number."""
        event, took = line.get("event"), number(line.get("took_ms"))
        step = Step(
            kind=str(line.get("type")),
            exchange=str(line.get("exchange"))[:MAX_WORD],
            index=index,
            line=line,
            side=(text(line.get("side")) or "")[:MAX_WORD],
            name=(text(line.get("pass")) or "")[:MAX_WORD],
            event=event if isinstance(event, int) else None,
            milliseconds=float(took) if took is not None and 0 <= took < 1e15 else 0.0,
            losses=tuple(objects(line.get("losses"))),
        )
        return self._closed(step) if chain_of(line) is None else self._with_payload(step, weight)

    def _closed(self, step: Step) -> Step:
        self._replayer.feed(step.line)
        return step

    def _with_payload(self, step: Step, weight: int) -> Step:
        before, line = self._replayer.before(step.line), step.line
        try:
            payload = self._replayer.feed(line, weight)
            changes = line.get("diff")
            if "payload" in line or not isinstance(changes, list) or _replaces_all(changes):
                return msgspec.structs.replace(step, payload=payload)
            return msgspec.structs.replace(step, payload=payload, changes=tuple(changes_made(before, changes)))
        except InvalidInput as error:
            problem = f"the diff cannot be shown: {error}"
            return msgspec.structs.replace(step, payload=line.get("diff"), problem=problem)


def title_of(step: Step) -> str:
    """Return what an exchange is called."""
    whom = f"{step.word('profile')} ({step.word('dialect')})".strip()
    said = [step.word("started"), step.word("operation"), whom, step.word("model")]
    return "  ".join([f"exchange {step.index}", step.exchange, *(word for word in said if word not in ("", "()"))])


def place_text(pointer: str) -> str:
    return pointer or "(all of it)"


def value_text(value: JSON, limit: int) -> str:
    """Return a value as JSON on one line, no longer than that."""
    from dragoman.schemas.jsontext import write_json

    said = write_json(value).decode("utf-8", "replace")
    return said if len(said) <= limit else said[:limit] + "…"


def _replaces_all(changes: list[JSON]) -> bool:
    return len(changes) == 1 and isinstance(changes[0], dict) and as_object(changes[0], ()).get("path") == ""
