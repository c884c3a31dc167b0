"""Steps of a trace → lines for eyes: pass by pass what it changed, in colour where that is wanted.

Values come from documents: a terminal does nothing about them but show them. What does not fit on a line is cut.
"""

from __future__ import annotations

from collections.abc import Iterator

from dragoman.cli.replaying.wording import duration, fitted, many
from dragoman.cli.tracing.steps import Step, place_text, title_of, value_text
from dragoman.schemas.diffs import Change
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.narrow import number

__all__ = ["TraceText"]

RED, GREEN, YELLOW, BOLD, DIM, PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[1m", "\x1b[2m", "\x1b[0m"
WIDE = 2000  # columns of a line in a pipe
MAX_CHANGES = 50  # of a pass
NAME = 18  # columns for the name of a pass


class TraceText:
    """`width` is that of the terminal, None in a pipe. `whole`: all changes, and all that a payload holds."""

    def __init__(self, *, width: int | None = None, colour: bool = False, whole: bool = False) -> None:
        self._width, self._colour, self._whole = width or WIDE, colour, whole
        self._exchange = ""
        self._group: tuple[str, str] | int | None = None

    def lines(self, step: Step) -> Iterator[str]:
        """Yield lines, without line feeds."""
        if step.exchange != self._exchange or step.kind == "begin":
            yield from self._headed(step)
        match step.kind:
            case "pass" | "event":
                yield from self._grouped(step)
                yield self._summary(step)
                yield from self._content(step)
            case "failure":
                yield from self._failure(step)
            case "end":
                yield self._line(f"  took {_time(step.line.get('total_ms'))}", DIM)
            case _:
                pass

    def _headed(self, step: Step) -> Iterator[str]:
        if self._exchange:
            yield ""
        is_new = step.kind == "begin"
        yield self._line(title_of(step) if is_new else f"exchange {step.index}  {step.exchange}", BOLD)
        self._exchange, self._group = step.exchange, None

    def _grouped(self, step: Step) -> Iterator[str]:
        group = step.event if step.event is not None else (step.side, step.word("attempt"))
        if group != self._group:
            yield self._line(f"  event {group}" if isinstance(group, int) else f"  {_side(step)}", BOLD)
        self._group = group

    def _summary(self, step: Step) -> str:
        said = [duration(step.milliseconds).rjust(8), _said(step)]
        size = step.word("bytes")
        if size:
            said.append(f"{size} bytes")
        if step.losses:
            said.append(many(len(step.losses), "loss", "losses"))
        name = fitted(step.name, NAME)
        return self._line(f"    {name:{NAME}}  " + "  ".join(said), DIM if step.changes == () else "")

    def _content(self, step: Step) -> Iterator[str]:
        if step.problem:
            yield self._line(f"      {step.problem}", YELLOW)
        if step.changes is None:
            yield from self._payload(step)
        else:
            shown = step.changes if self._whole else step.changes[:MAX_CHANGES]
            for change in shown:
                yield from self._change(change)
            if len(shown) < len(step.changes):
                yield self._line(f"      … {len(step.changes) - len(shown):,} more changes", DIM)
        for loss in step.losses:
            yield self._loss(loss)

    def _payload(self, step: Step) -> Iterator[str]:
        if not self._whole:
            yield self._line(f"      {value_text(step.payload, WIDE)}", DIM)
            return
        from dragoman.cli.render import pretty_document
        from dragoman.schemas.jsontext import write_json

        for line in pretty_document(write_json(step.payload), colour=False).decode().splitlines():
            yield f"      {line}"

    def _change(self, change: Change) -> Iterator[str]:
        place = place_text(change.path)
        if change.operation != "add":
            yield self._line(f"      - {place}: {value_text(change.old, WIDE)}", RED)
        if change.operation != "remove":
            yield self._line(f"      + {place}: {value_text(change.new, WIDE)}", GREEN)

    def _loss(self, loss: Wire) -> str:
        said = [str(loss.get(name, "")) for name in ("severity", "action", "feature", "path", "reason")]
        return self._line("      ! {} loss: {} {} at {}: {}".format(*said), YELLOW)

    def _failure(self, step: Step) -> Iterator[str]:
        yield from self._grouped(step) if step.event is not None or step.side else ()
        at = f" at {step.word('path')}" if step.word("path") else ""
        yield self._line(f"    ✗ {step.name} failed: {step.word('class')}{at}", RED + BOLD)
        yield self._line(f"      {step.line.get('message', '')}", RED)

    def _line(self, text: str, paint: str = "") -> str:
        shown = text if self._whole and len(text) <= WIDE and text.isprintable() else fitted(text, self._width)
        return f"{paint}{shown}{PLAIN}" if paint and self._colour else shown


def _side(step: Step) -> str:
    attempt = step.word("attempt")
    return step.side if attempt in ("", "1") else f"{step.side}, attempt {attempt} ({step.word('profile')})"


def _said(step: Step) -> str:
    if step.changes is None:
        return "" if step.problem else "whole"
    return many(len(step.changes), "change") if step.changes else "unchanged"


def _time(milliseconds: JSON) -> str:
    told = number(milliseconds)
    return duration(float(told)) if told is not None and 0 <= told < 1e15 else "?"
