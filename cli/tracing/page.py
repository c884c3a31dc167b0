"""Steps of a trace → one HTML page that needs nothing else, piece by piece.

There is no script in it, and its policy allows none, nor anything from elsewhere: whatever a document holds is text.
What folds does so by <details>; light and dark are as the reader's system has them.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from html import escape

from dragoman.cli.render import pretty_document, printable, printable_text
from dragoman.cli.replaying.wording import duration, many
from dragoman.cli.tracing.steps import Step, place_text, title_of
from dragoman.schemas.diffs import Change
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.narrow import number

__all__ = ["TracePage"]

MAX_VALUE = 1 << 18  # characters of one value
MAX_CHANGES = 2000  # of a pass
STYLE = """
:root { color-scheme: light dark; --line: #8884; --quiet: #777; --old: #c0392b; --new: #1e8449; --warn: #b7791f; }
@media (prefers-color-scheme: dark) { :root { --quiet: #999; --old: #ff8a80; --new: #7ddf9a; --warn: #f2c14e; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
details { border-left: 2px solid var(--line); margin: .25rem 0; padding: 0 0 0 .75rem; }
summary { cursor: pointer; }
summary b { display: inline-block; min-width: 11rem; }
summary span { color: var(--quiet); margin-right: 1rem; }
pre { font: 13px/1.45 ui-monospace, monospace; margin: .25rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
ul { list-style: none; margin: .25rem 0; padding: 0; }
code { font: 13px/1.45 ui-monospace, monospace; color: var(--quiet); overflow-wrap: anywhere; }
del, ins { display: block; text-decoration: none; }
del { color: var(--old); } del::before { content: "- "; } ins { color: var(--new); } ins::before { content: "+ "; }
.same summary { color: var(--quiet); }
.loss { color: var(--warn); }
.failure { border: 2px solid var(--old); color: var(--old); padding: .5rem .75rem; margin: .5rem 0; }
"""
_DIGEST = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'"
HEAD = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width">
<title>%s</title>
<style>{STYLE}</style>
</head>
<body>
<h1>%s</h1>
"""
END = "</body>\n</html>\n"


class TracePage:
    """`title` is what the page is called."""

    def __init__(self, title: str) -> None:
        self._title = _text(title)
        self._exchange = ""
        self._group: tuple[str, str] | int | None = None  # side and attempt, or the event, that is open

    def head(self) -> str:
        return HEAD.replace("%s", self._title)

    def feed(self, step: Step) -> str:
        return "".join(self._pieces(step))

    def close(self) -> str:
        return "".join([*self._end_exchange(), END])

    def _pieces(self, step: Step) -> Iterator[str]:
        if step.exchange != self._exchange or step.kind == "begin":
            yield from self._begin_exchange(step)
        match step.kind:
            case "pass" | "event":
                yield from self._begin_group(step)
                yield _pass(step)
            case "failure":
                yield from self._begin_group(step)
                yield _failure(step)
            case "end":
                yield from self._end_group(next_event=False)
                yield f"<p>took {_time(step.line.get('total_ms'))}</p>\n"
            case _:
                pass

    def _begin_exchange(self, step: Step) -> Iterator[str]:
        yield from self._end_exchange()
        self._exchange = step.exchange
        said = title_of(step) if step.kind == "begin" else f"exchange {step.index}  {step.exchange}"
        yield f"<section>\n<h2>{_text(said)}</h2>\n"

    def _end_exchange(self) -> Iterator[str]:
        yield from self._end_group(next_event=False)
        if self._exchange:
            yield "</section>\n"
        self._exchange = ""

    def _begin_group(self, step: Step) -> Iterator[str]:
        """Begin a side of an attempt, or an event: the events of a stream stand in a fold of their own."""
        group = step.event if step.event is not None else (step.side, step.word("attempt"))
        if group == self._group:
            return
        had_events = isinstance(self._group, int)
        yield from self._end_group(next_event=isinstance(group, int))
        self._group = group
        if isinstance(group, int):
            if not had_events:
                yield "<details class=events open><summary><b>events</b></summary>\n"
            yield f"<details class=event><summary><b>event {group}</b></summary>\n"
        else:
            attempt = "" if group[1] in ("", "1") else f", attempt {group[1]} ({step.word('profile')})"
            yield f"<h3>{_text(group[0] + attempt)}</h3>\n"

    def _end_group(self, *, next_event: bool) -> Iterator[str]:
        if isinstance(self._group, int):
            yield "</details>\n" if next_event else "</details></details>\n"
        self._group = None


def _pass(step: Step) -> str:
    said = [duration(step.milliseconds), _said(step)]
    if step.word("bytes"):
        said.append(f"{step.word('bytes')} bytes")
    if step.losses:
        said.append(many(len(step.losses), "loss", "losses"))
    spans = "".join(f"<span>{_text(one)}</span>" for one in said if one)
    kind = "pass same" if step.changes == () and not step.losses else "pass"
    opened = " open" if step.changes or step.losses or step.problem else ""
    inside = "".join([_problem(step), _changes(step), *map(_loss, step.losses), _whole(step)])
    head = f'<details class="{kind}"{opened}><summary><b>{_text(step.name)}</b>{spans}</summary>'
    return f"{head}{inside}</details>\n"


def _said(step: Step) -> str:
    if step.changes is None:
        return "" if step.problem else "whole"
    return many(len(step.changes), "change") if step.changes else "unchanged"


def _problem(step: Step) -> str:
    return f'<p class="loss">{_text(step.problem)}</p>' if step.problem else ""


def _changes(step: Step) -> str:
    if not step.changes:
        return ""
    shown = "".join(map(_change, step.changes[:MAX_CHANGES]))
    rest = len(step.changes) - MAX_CHANGES
    return f"<ul>{shown}{f'<li>… {rest:,} more changes</li>' if rest > 0 else ''}</ul>"


def _change(change: Change) -> str:
    old = "" if change.operation == "add" else f"<del>{_json(change.old)}</del>"
    new = "" if change.operation == "remove" else f"<ins>{_json(change.new)}</ins>"
    return f"<li><code>{_text(place_text(change.path))}</code><pre>{old}{new}</pre></li>"


def _loss(loss: Wire) -> str:
    said = [str(loss.get(name, "")) for name in ("severity", "action", "feature", "path", "reason")]
    return '<p class="loss">{}</p>'.format(_text("{} loss: {} {} at {}: {}".format(*said)))


def _whole(step: Step) -> str:
    return f"<details><summary>the whole</summary><pre>{_json(step.payload)}</pre></details>"


def _failure(step: Step) -> str:
    at = f" at {step.word('path')}" if step.word("path") else ""
    head = f"{step.name} failed: {step.word('class')}{at}"
    said = step.line.get("message")
    return f'<div class="failure"><b>{_text(head)}</b><pre>{_text(said if isinstance(said, str) else "")}</pre></div>\n'


def _json(value: JSON) -> str:
    said = pretty_document(write_json(value), colour=False).decode().rstrip("\n")
    rest = len(said) - MAX_VALUE
    return _text(said[:MAX_VALUE]) + (f"… {rest:,} more characters" if rest > 0 else "")


def _text(text: str) -> str:
    """Return a text as HTML shows it, and does nothing about it."""
    return escape(printable_text(text) if "\n" in text else printable(text))


def _time(milliseconds: JSON) -> str:
    told = number(milliseconds)
    return duration(float(told)) if told is not None and 0 <= told < 1e15 else "?"
