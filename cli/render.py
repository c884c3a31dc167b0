"""What a run has to say → text for eyes, and documents for eyes or for pipes.

What comes from documents is made harmless before it reaches a terminal: it cannot move the cursor or change colours.
Colours are used where the caller says so; rich, which is slow to import, only for a document in colour.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from dragoman.cli.conversion.report import Place, Tally
from dragoman.cli.conversion.sources import Document, Entry
from dragoman.cli.conversion.work import Failure, Identity, SidedViolation
from dragoman.schemas.losses import Loss

__all__ = [
    "capture_summary",
    "compact_document",
    "error_text",
    "failure_text",
    "identity_notes",
    "loss_summary",
    "pretty_document",
    "printable",
    "printable_text",
    "violation_text",
]

MAX_PLACES = 20  # of losses, in a summary
MAX_COLOURED = 1 << 18  # bytes of a document that are worth colouring
MAX_DEPTH = 200  # of a document that is laid out
RED, YELLOW, BOLD, DIM, PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[1m", "\x1b[2m", "\x1b[0m"
# What terminals act upon: C0 but for tab, DEL, C1, what turns the direction of writing, and what is no text at all.
_ACTING = "[\x00-\x08\x0a-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
_BRACKETS = rb'(?s)"[^"\\]*(?:\\.[^"\\]*)*"|[][{}]'


# ── documents ────────────────────────────────────────────────────────────────────────────────────────────────────────


def compact_document(body: bytes) -> bytes:
    return body + b"\n"


def pretty_document(body: bytes, *, colour: bool) -> bytes:
    """Return a document for a terminal. It is still the same JSON."""
    text = printable_text(_laid_out(body).decode())
    return (_coloured(text) if colour and len(text) <= MAX_COLOURED else text).encode() + b"\n"


def _laid_out(body: bytes) -> bytes:
    try:
        return body if _is_deep(body) else msgspec.json.format(body, indent=2)
    except msgspec.DecodeError:  # half of a surrogate pair is in it
        return body


def _is_deep(body: bytes) -> bool:
    """Tell whether to lay a document out would fill the screen with blanks, of which there are depth times depth."""
    depth = 0
    for found in re.finditer(_BRACKETS, body):
        depth += (found[0] in b"[{") - (found[0] in b"]}")
        if depth > MAX_DEPTH:
            return True
    return False


def _coloured(text: str) -> str:
    from io import StringIO

    from rich.console import Console
    from rich.highlighter import JSONHighlighter
    from rich.text import Text

    console = Console(file=StringIO(), force_terminal=True, color_system="standard", no_color=False, width=1 << 20)
    with console.capture() as captured:
        console.print(JSONHighlighter()(Text(text)), end="", soft_wrap=True)
    return captured.get()


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def printable(text: str) -> str:
    """Return a line of text that a terminal does nothing about but show it."""
    return text if text.isprintable() else re.sub(_ACTING, _escaped, text)


def printable_text(text: str) -> str:
    """Return lines of text that a terminal does nothing about but show them."""
    return "\n".join(map(printable, text.replace("\r\n", "\n").split("\n")))


# ── errors ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def error_text(problem: str, hint: str = "", *, colour: bool = False) -> str:
    """Return the line about an error, and the hint under it."""
    label = _painted("error:", RED + BOLD, colour)
    return f"dragoman: {label} {printable(problem)}" + (f"\n  hint: {printable(hint)}" if hint else "")


def failure_text(entry: Entry, failure: Failure, *, colour: bool = False) -> str:
    """Return the line about an entry that was not converted."""
    place = entry.place
    if failure.line is not None and isinstance(entry, Document):
        at = msgspec.structs.replace(entry, line=max(entry.line, 1) + failure.line - 1)
        place = f"{at.place}:{failure.column}"
    return error_text(f"{place}: {failure.message}", failure.hint, colour=colour)


def violation_text(document: Entry, violation: SidedViolation) -> str:
    return printable(f"  {document.place}: {violation.side}: {violation.path}: {violation.message}")


# ── losses ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def loss_summary(tally: Tally, target: str, *, colour: bool = False, whole: bool = False) -> str:
    """Return what a run lost, grouped and counted; everything if `whole`."""
    places = sorted(tally.losses.items(), key=_by_weight)
    shown = places if whole else places[:MAX_PLACES]
    done = "not converted; refused " if tally.failed == tally.documents and not tally.came else ""
    lines = [f"dragoman: {_read(tally)} → {target}: {done}{_lost(tally)}", *_rows(shown, colour)]
    hidden = tally.count() - sum(count for _, (count, _) in shown)
    if hidden:
        lines.append(f"  and {hidden:,} more" + ("" if whole else ": -v lists them"))
    return "\n".join(lines)


def identity_notes(tally: Tally) -> Iterator[str]:
    """Yield what should be said about documents whose dialect was not told and is not certain."""
    for identity, count in tally.identities.items():
        if identity.certainty in ("likely", "guess"):
            many = "" if count == 1 else f"{count:,} documents "
            how = "others look just like it" if identity.certainty == "guess" else "probably"
            yield (
                f"dragoman: note: {many}read as {_named(identity)} ({how}); "
                "--from DIALECT and --kind KIND say it for certain"
            )


def capture_summary(tally: Tally, left_out: Mapping[str, int]) -> Iterator[str]:
    """Yield what was passed over of a capture, and what could not be written."""
    if tally.skipped:
        passed = sum(tally.skipped.values())
        yield printable(f"dragoman: passed over {passed:,} of {passed + tally.documents:,}: {_counted(tally.skipped)}")
    if left_out:
        yield printable(f"dragoman: left out: {_counted(left_out)}")


def _counted(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} ({count:,})" for reason, count in sorted(reasons.items()))


def _by_weight(entry: tuple[Place, tuple[int, Loss]]) -> tuple[bool, int]:
    place, (count, _) = entry
    return place.severity != "meaning", -count


def _read(tally: Tally) -> str:
    if tally.documents == 1 and tally.identities and not tally.exchanges:
        return _named(next(iter(tally.identities)))
    done = tally.documents - tally.failed
    return f"{done:,} {tally.noun(done)}"


def _named(identity: Identity) -> str:
    return f"{identity.dialect} {identity.kind}"


def _lost(tally: Tally) -> str:
    losses, serious = tally.count(), tally.count("meaning")
    if not losses:
        return "nothing lost"
    counted = f"{losses:,} losses" if losses > 1 else "1 loss"
    return f"{counted}, {serious:,} of them in meaning" if serious else f"{counted}, none in meaning"


def _rows(places: Sequence[tuple[Place, tuple[int, Loss]]], colour: bool) -> Iterator[str]:
    actions = max((len(place.action) for place, _ in places), default=0)
    features = max((len(place.feature) for place, _ in places), default=0)
    for place, (count, first) in places:
        weight = _painted(f"{place.severity:8}", YELLOW + BOLD if place.severity == "meaning" else DIM, colour)
        what = f"{place.action:{actions}}  {place.feature:{features}}"
        times = f" ({count:,} times)" if count > 1 else ""
        yield f"  {weight}  {what}  " + printable(f"{first.path}: {first.reason}{times}")


def _painted(text: str, paint: str, colour: bool) -> str:
    return f"{paint}{text}{PLAIN}" if colour else text
