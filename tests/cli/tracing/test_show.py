"""A trace is shown pass by pass: on a terminal in colour, in a pipe as plain lines, some exchanges or all."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.cli.environment import Environment
from dragoman.cli.status import CannotCreate, IOFailure, NoInput
from dragoman.cli.tracing.page import TracePage
from dragoman.cli.tracing.reading import Selection
from dragoman.cli.tracing.show import show_trace
from dragoman.cli.tracing.steps import Steps
from dragoman.cli.tracing.terminal import TraceText
from dragoman.schemas.errors import InvalidInput
from tests.cli.harness import Bytes, Text
from tests.cli.tracing.samples import HOSTILE, write_trace


def shown(file: Path | str, *, terminal: bool = False, stdin: bytes = b"", **options: Any) -> tuple[str, str]:
    """Return what is shown on stdout and stderr."""
    out, err = Bytes(terminal=terminal), Text()
    environment = Environment(Bytes(stdin), out, stderr=err, variables={"COLUMNS": "80"})
    assert show_trace(str(file), environment, **options) == 0
    return out.getvalue().decode(), err.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "t.jsonl"


def test_passes_are_shown_with_what_they_changed(file: Path) -> None:
    write_trace(file)
    lines = [line.strip() for line in shown(file)[0].splitlines()]
    assert lines[0].startswith("exchange 1  tr_")
    assert "mine (openai-chat)  m" in lines[0]
    names = [line.split()[0] for line in lines[2:] if line and line.split()[0].isidentifier()]
    assert names[:5] == ["client_request", "parsed", "defaults", "encoded", "quirks"]
    assert ["unchanged" in line for line in lines if line.startswith("defaults")] == [True]
    at = lines.index('- /model: "m"')
    assert lines[at : at + 2] == ['- /model: "m"', '+ /model: "m2"']
    assert '- /text: "hi"' in lines
    assert "+ /x: 1" in lines


def test_losses_events_and_times_are_shown(file: Path) -> None:
    write_trace(file)
    text, _ = shown(file)
    assert "! meaning loss: dropped n at $.n: there is one answer only" in text
    assert text.index("event 1") < text.index("event 2") < text.index("response", text.index("event 2"))
    assert "took " in text.splitlines()[-1]


def test_pass_that_failed_is_shown_in_red(file: Path) -> None:
    write_trace(file, fails=True)
    assert "✗ wire_field_cache failed: InvalidInput at $.x" in shown(file)[0]
    assert "\x1b[31m\x1b[1m    ✗ wire_field_cache failed" in shown(file, terminal=True)[0]


def test_colours_are_for_terminals_alone(file: Path) -> None:
    write_trace(file)
    assert "\x1b" not in shown(file)[0]
    assert "\x1b[32m      + /x: 1\x1b[0m" in shown(file, terminal=True)[0]


def test_lines_are_no_wider_than_the_terminal(file: Path) -> None:
    write_trace(file, "x" * 300)
    widths = [len(line) for line in shown(file, terminal=True)[0].splitlines() if "\x1b" not in line]
    assert widths
    assert max(widths) <= 80


def test_all_of_a_payload_is_shown_where_that_is_asked_for(file: Path) -> None:
    write_trace(file)
    assert '        "model": "m",' in shown(file, whole=True)[0].splitlines()


def test_terminal_does_nothing_about_what_documents_hold(file: Path) -> None:
    write_trace(file, HOSTILE)
    for whole in (False, True):
        text, _ = shown(file, whole=whole)
        assert not {"\x1b", "\u202e"} & set(text)


@pytest.mark.parametrize("numbers", [(2,), (1, 3)])
def test_exchanges_are_chosen_by_number_or_id(file: Path, numbers: tuple[int, ...]) -> None:
    ids = [write_trace(file, said) for said in ("one", "two", "three")]
    text, _ = shown(file, wanted=Selection(spans=tuple((number, number) for number in numbers)))
    assert [known in text for known in ids] == [number in numbers for number in (1, 2, 3)]
    assert shown(file, wanted=Selection(ids=tuple(ids[number - 1][:12] for number in numbers)))[0] == text


def test_exchange_that_is_not_there_is_an_error(file: Path) -> None:
    write_trace(file)
    with pytest.raises(NoInput, match="no such exchange"):
        shown(file, wanted=Selection(spans=((2, 9),)))


def test_exchanges_at_one_time_are_told_apart(file: Path, tmp_path: Path) -> None:
    for said in ("one", "two"):
        write_trace(tmp_path / said, said)
    pairs = zip(*((tmp_path / said).read_text().splitlines() for said in ("one", "two")), strict=True)
    file.write_text("\n".join(line for pair in pairs for line in pair))
    text, _ = shown(file)
    assert "cannot be shown" not in text
    assert text.count('- /text: "one"') == text.count('- /text: "two"') == 1


def test_folder_is_shown_file_by_file(tmp_path: Path) -> None:
    ids = [write_trace(tmp_path / f"{number}.jsonl") for number in range(3)]
    (tmp_path / "readme.txt").write_text("no trace")
    text, _ = shown(tmp_path)
    assert [text.index(known) for known in ids] == sorted(text.index(known) for known in ids)


def test_stdin_is_read(file: Path) -> None:
    write_trace(file)
    assert shown("-", stdin=file.read_bytes())[0] == shown(file)[0]


def test_lines_that_are_none_are_passed_over_and_counted(file: Path) -> None:
    write_trace(file)
    good = shown(file)
    with file.open("ab") as more:
        more.write(b'{"torn": \n\n[]\n{"type": "pass"}\n{"type": "guess", "exchange": "x"}\n')
    text, said = shown(file)
    assert (text, good[1]) == (good[0], "")
    assert "lines that are none of a trace: 4" in said


def test_diff_without_its_payload_is_shown_as_it_is(file: Path) -> None:
    write_trace(file)
    lines = file.read_text().splitlines()
    file.write_text("\n".join(line for line in lines if '"client_request"' not in line))
    text, _ = shown(file)
    assert "the diff cannot be shown: $.diff: what it is to is not in this trace" in text


def test_many_changes_are_counted(file: Path, tmp_path: Path) -> None:
    write_trace(file)
    first, *_ = [line for line in map(json.loads, file.read_text().splitlines()) if line["type"] == "pass"]
    many = [{"op": "add", "path": f"/{number}", "value": number} for number in range(60)]
    more = {**{name: first[name] for name in first if name != "payload"}, "pass": "parsed", "diff": many}
    file.write_text(f"{json.dumps(first)}\n{json.dumps(more)}\n")
    assert "… 10 more changes" in shown(file)[0]
    assert "+ /59: 59" in shown(file, whole=True)[0]


def test_what_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(InvalidInput, match="no line of a trace"):
        shown(tmp_path / "empty")
    with pytest.raises(NoInput, match="cannot read"):
        shown(tmp_path / "not there")
    with pytest.raises(NoInput, match="no trace is in"):
        shown(tmp_path)
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(IOFailure, match="Is a directory"):
        shown(tmp_path)
    with pytest.raises(NoInput, match="closed"):
        show_trace("-", Environment(None, Bytes(), stderr=Text()))


# ── the page ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_page_is_written_whole(file: Path, tmp_path: Path) -> None:
    write_trace(file)
    page = tmp_path / "t.html"
    assert shown(file, html=str(page)) == ("", "")
    text = page.read_text()
    assert text.startswith("<!DOCTYPE html>")
    assert text.endswith("</html>\n")
    assert text.count("<details") == text.count("</details>")
    assert text.count("<section>") == text.count("</section>") == 1
    assert shown(file, html="-")[0] == text


def test_page_shows_passes_events_losses_and_failures(file: Path) -> None:
    for fails in (False, True):
        write_trace(file, fails=fails)
    text, _ = shown(file, html="-")
    said = ("client_request", "parsed", "defaults", "encoded", "quirks", "final", "event 2", "dropped n at $.n")
    assert not [word for word in said if word not in text]
    assert "<code>/model</code><pre><del>&quot;m&quot;</del><ins>&quot;m2&quot;</ins></pre>" in text
    assert '<div class="failure"><b>wire_field_cache failed: InvalidInput at $.x</b>' in text


def test_page_holds_no_markup_of_documents(file: Path) -> None:
    write_trace(file, HOSTILE, fails=True)
    text, _ = shown(file, html="-")
    assert not [said for said in ("<script", "<img", "\x1b", "\u202e") if said in text]
    assert "&lt;script&gt;" in text


def test_page_that_fails_is_not_left_half(file: Path, tmp_path: Path) -> None:
    write_trace(file)
    page = tmp_path / "t.html"
    with pytest.raises(NoInput):
        shown(file, html=str(page), wanted=Selection(ids=("tr_none",)))
    assert [path.name for path in tmp_path.iterdir()] == ["t.jsonl"]
    with pytest.raises(CannotCreate):
        shown(file, html=str(tmp_path / "no" / "t.html"))


ACTING = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u202e]")
FIELDS = st.dictionaries(
    st.sampled_from(["side", "pass", "event", "attempt", "took_ms", "total_ms", "bytes", "losses", "payload", "diff"])
    | st.sampled_from(["profile", "dialect", "message", "path", "class", "started", "model"]),
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.lists(st.dictionaries(st.text(), st.text())),
)
LINES = st.builds(
    lambda fields, kind, exchange: {**fields, "type": kind, "exchange": exchange},
    FIELDS,
    st.sampled_from(["begin", "pass", "event", "failure", "end"]),
    st.sampled_from(["a", "b", "<b>"]),
)


@given(st.lists(LINES, max_size=12))
def test_no_line_is_too_odd_to_be_shown(lines: list[Any]) -> None:
    steps, text, page = Steps(), TraceText(), TracePage("x")
    told = [steps.feed(number, line) for number, line in enumerate(lines)]
    said = "".join(page.feed(step) for step in told) + page.close()
    assert not [line for step in told for line in text.lines(step) if ACTING.search(line)]
    assert said.count("<details") == said.count("</details>")
    assert "<b>failure" not in said
