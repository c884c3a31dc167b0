"""Rendering: what a person reads, and what a terminal must never be made to do."""

from __future__ import annotations

import json

import pytest

from dragoman.cli import render
from dragoman.cli.conversion.report import Tally
from dragoman.cli.conversion.sources import Document
from dragoman.cli.conversion.work import Failure, Identity, Outcome, SidedViolation
from dragoman.cli.render import error_text, failure_text, identity_notes, loss_summary, pretty_document, violation_text
from dragoman.schemas.ir import JSON
from dragoman.schemas.losses import Loss, Severity

IDENTITY = Identity("openai-chat", "request")
ESC = "\x1b"


def loss(path: str, severity: Severity = "advisory", reason: str = "no such parameter") -> Loss:
    return Loss(path, "sampling", severity, "dropped", reason)


def tally(*losses: Loss, documents: int = 1) -> Tally:
    found = Tally()
    for _ in range(documents):
        found.add(Outcome(b"{}", IDENTITY, losses))
    return found


def test_pretty_document_is_the_same_json() -> None:
    body: JSON = {"text": "a\nb — \u009b31m\u202e\x7f", "n": 12345678901234567890123, "list": [1.0, None, True, {}]}
    assert json.loads(pretty_document(json.dumps(body, ensure_ascii=False).encode(), colour=False)) == body


@pytest.mark.parametrize("acting", ["\x7f", "\x9b", "\u202e", "\u2066"])
def test_pretty_document_does_nothing_to_a_terminal(acting: str) -> None:
    raw = json.dumps({"text": acting}, ensure_ascii=False).encode()
    assert f"\\u{ord(acting):04x}" in pretty_document(raw, colour=False).decode()


def test_colours_are_all_that_colour_adds() -> None:
    raw = json.dumps({"key": ["[bold]text[/bold]", 1.5, None, "x" * 5000]}).encode()
    coloured = pretty_document(raw, colour=True).decode()
    assert ESC in coloured
    assert render_without_colour(coloured) == pretty_document(raw, colour=False).decode()


def render_without_colour(text: str) -> str:
    return "".join(piece.partition("m")[2] if index else piece for index, piece in enumerate(text.split(ESC)))


def test_document_of_great_size_is_not_coloured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "MAX_COLOURED", 10)
    assert ESC not in pretty_document(b'{"a":"0123456789"}', colour=True).decode()


@pytest.mark.parametrize(("depth", "lines"), [(render.MAX_DEPTH, 2 * render.MAX_DEPTH - 1), (5000, 1)])
def test_document_nested_too_deeply_to_lay_out_is_shown_as_it_is(depth: int, lines: int) -> None:
    raw = b"[" * depth + b"]" * depth
    shown = pretty_document(raw, colour=False)
    assert (b"".join(shown.split()), shown.count(b"\n")) == (raw, lines)


def test_document_with_half_of_a_surrogate_pair_is_shown_as_it_is() -> None:
    assert pretty_document(b'{"a":"\\ud83d"}', colour=False) == b'{"a":"\\ud83d"}\n'


def test_brackets_in_texts_are_no_depth() -> None:
    assert pretty_document(json.dumps(["[" * 500, '"' + "{" * 500]).encode(), colour=False).count(b"\n") == 4


def test_error_is_one_line_and_one_hint() -> None:
    text = error_text(f"a\nb{ESC}[2J", "try c")
    assert text == "dragoman: error: a\\u000ab\\u001b[2J\n  hint: try c"


def test_error_in_colour_says_the_same() -> None:
    assert render_without_colour(error_text("a", colour=True)) == error_text("a")


@pytest.mark.parametrize(
    ("line", "failure", "place"),
    [
        (0, Failure("x", "wrong", 65), "a.json: "),
        (7, Failure("x", "wrong", 65), "a.json:7: "),
        (0, Failure("x", "wrong", 65, line=3, column=9), "a.json:3:9: "),
        (7, Failure("x", "wrong", 65, line=1, column=9), "a.json:7:9: "),
    ],
)
def test_failure_names_the_place_in_the_file(line: int, failure: Failure, place: str) -> None:
    assert failure_text(Document("a.json", line, b""), failure) == f"dragoman: error: {place}wrong"


def test_violation_says_which_document_and_where() -> None:
    text = violation_text(Document("-", 2, b""), SidedViolation("output", "$.n", "expected an integer", '"x"'))
    assert text == "  standard input:2: output: $.n: expected an integer"


def test_nothing_lost_is_said() -> None:
    assert loss_summary(tally(), "gemini") == "dragoman: openai-chat request → gemini: nothing lost"


def test_losses_of_meaning_come_first() -> None:
    text = loss_summary(tally(loss("$.seed"), loss("$.n", "meaning")), "gemini")
    assert text.splitlines() == [
        "dragoman: openai-chat request → gemini: 2 losses, 1 of them in meaning",
        "  meaning   dropped  sampling  $.n: no such parameter",
        "  advisory  dropped  sampling  $.seed: no such parameter",
    ]


def test_losses_of_many_documents_are_counted() -> None:
    text = loss_summary(tally(loss("$.seed"), documents=3), "gemini")
    assert text.splitlines() == [
        "dragoman: 3 documents → gemini: 3 losses, none in meaning",
        "  advisory  dropped  sampling  $.seed: no such parameter (3 times)",
    ]


def test_summary_is_short_unless_all_is_wanted() -> None:
    many = tally(*(loss(f"$.p{number}") for number in range(50)))
    assert loss_summary(many, "gemini").splitlines()[-1] == "  and 30 more: -v lists them"
    assert len(loss_summary(many, "gemini", whole=True).splitlines()) == 51


def test_summary_in_colour_says_the_same() -> None:
    found = tally(loss("$.seed"), loss("$.n", "meaning"))
    coloured = loss_summary(found, "gemini", colour=True)
    assert ESC in coloured
    assert render_without_colour(coloured) == loss_summary(found, "gemini")


def test_reason_from_a_document_does_nothing_to_a_terminal() -> None:
    assert ESC not in loss_summary(tally(loss(f"$[{ESC}]", reason=f"{ESC}[31m")), "gemini")


@pytest.mark.parametrize(("certainty", "said"), [("guess", "others look just like it"), ("likely", "probably")])
def test_guess_is_told_with_the_flags_that_end_it(certainty: str, said: str) -> None:
    found = Tally()
    found.add(Outcome(b"{}", Identity("ollama", "request", certainty)))
    (note,) = identity_notes(found)
    assert f"read as ollama request ({said})" in note
    assert "--from" in note


@pytest.mark.parametrize("certainty", ["told", "certain"])
def test_what_is_certain_needs_no_note(certainty: str) -> None:
    found = Tally()
    found.add(Outcome(b"{}", Identity("ollama", "request", certainty)))
    assert list(identity_notes(found)) == []
