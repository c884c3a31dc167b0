"""--heartbeat: a sign of life in every silence, as clients understand it, and nothing is lost or doubled by it."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any, cast

import pytest

from dragoman.cli.answer.exchange import Exchange
from dragoman.cli.answer.outlet import Outlet
from dragoman.cli.answer.output import Output
from dragoman.cli.answer.translated import DialectPrinter
from dragoman.cli.ask.asking import Asking
from dragoman.cli.environment import Environment
from dragoman.cli.sinks import StdoutSink
from dragoman.providers.groups import load_group
from tests.cli.harness import Bytes, Result, Running, invoke, running
from tests.cli.server import ANSWER, Server
from tests.cli.test_json_schemas import checker

Variables = dict[str, str]
FORMS = [["--events"], ["--as", "openai-chat"], ["--as", "anthropic"], ["--as", "gemini"], ["--as", "openai-responses"]]
EVERY_FORM = pytest.mark.parametrize("form", FORMS, ids=[form[-1] for form in FORMS])


def stream(variables: Variables, *arguments: str, profile: str = "late", beat: str = "0.04") -> Result:
    line = ("stream", "-p", profile, "--no-stdin", "--heartbeat", beat, *arguments, "Why?")
    return invoke(*line, variables=variables)


def kinds(done: Result) -> list[str]:
    for line in done.documents():
        checker("event").validate(line)
    return [str(cast("dict[str, Any]", line)["type"]) for line in done.documents()]


def frames(done: Result) -> list[bytes]:
    return [frame for frame in done.out.split(b"\n\n") if frame]


def text_of(done: Result, dialect: str) -> str:
    back = invoke("convert", "--from", dialect, "--to", "openai-chat", "--assemble", "-q", stdin=done.out)
    assert back.status == 0
    return str(json.loads(back.out)["choices"][0]["message"]["content"])


def first_line(process: Running, server: Server) -> bytes:
    """Return what came first, as soon as the provider has been asked, too."""
    assert process.stdout is not None
    line = process.stdout.readline()
    while not server.asked:
        process.stdout.readline()
    return line


def test_events_have_beats_before_the_answer_and_within(variables: Variables) -> None:
    found = kinds(stream(variables, "--events"))
    start, last = found.index("start"), len(found) - found[::-1].index("text")
    assert set(found[:start]) == {"heartbeat"}
    assert "heartbeat" in found[start:last]
    assert [kind for kind in found if kind != "heartbeat"] == ["start", *["text"] * 5, "finish", "usage", "done"]


@pytest.mark.parametrize("dialect", [form[-1] for form in FORMS[1:]])
def test_text_is_whole_in_every_dialect(dialect: str, variables: Variables) -> None:
    assert text_of(stream(variables, "--as", dialect), dialect) == ANSWER


def test_own_words_are_passed_on_with_comments_between_events(variables: Variables) -> None:
    found = frames(stream(variables, "--as", "openai-chat"))
    words = [frame for frame in found if not frame.startswith(b":")]
    assert found[0].startswith(b":")
    assert len(found) - len(words) >= 4
    assert all(frame.startswith(b"data: ") and frame.count(b"\n") == 0 for frame in words)


def test_translation_for_claude_has_comments_before_the_message_and_pings_after(variables: Variables) -> None:
    found = frames(stream(variables, "--as", "anthropic"))
    start = next(number for number, frame in enumerate(found) if frame.startswith(b"event: message_start"))
    assert all(frame.startswith(b":") for frame in found[:start])
    assert start > 0
    assert any(frame.startswith(b"event: ping") for frame in found[start:])


def test_translation_for_gemini_has_no_comments(variables: Variables) -> None:
    found = frames(stream(variables, "--as", "gemini"))
    assert all(json.loads(frame.removeprefix(b"data: "))["candidates"] for frame in found)


@EVERY_FORM
def test_quick_answer_has_no_beats(form: list[str], variables: Variables) -> None:
    assert stream(variables, *form, profile="answer", beat="5").out.count(b"heartbeat") == 0


def test_beats_go_on_while_it_is_tried_again_and_elsewhere(variables: Variables) -> None:
    line = ("--events", "--fallback", "late", "--timeout", "first_byte=0.25")
    found = kinds(stream(variables, *line, profile="silent"))
    assert found.index("start") >= 3
    assert found[-1] == "done"


@EVERY_FORM
@pytest.mark.parametrize("profile", ["silent", "slow"])
def test_beat_is_no_byte_of_the_providers(form: list[str], profile: str, server: Server, variables: Variables) -> None:
    more = ("--timeout", "first_byte=0.15", "--timeout", "idle=0.15", "--retries", "0")
    done = stream(variables, *form, *more, profile=profile)
    assert done.status == 124
    assert server.left.wait(5)


@EVERY_FORM
def test_failure_before_the_answer_is_told_after_the_beats(form: list[str], variables: Variables) -> None:
    done = stream(variables, *form, "--timeout", "first_byte=0.15", "--retries", "0", profile="silent")
    assert done.out.rstrip().rpartition(b"\n")[2].count(b"no answer within 0.15 s")
    assert "hint" in done.err


@pytest.mark.slow
@EVERY_FORM
def test_client_that_goes_away_closes_the_upstream(form: list[str], server: Server, variables: Variables) -> None:
    line = ("stream", "-p", "silent", "--no-stdin", "--heartbeat", "0.05", *form, "Why?")
    with running(*line, variables=variables) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert first_line(process, server)
        process.stdout.close()
        assert process.wait(10) == 141
        assert process.stderr.read() == b""
    assert server.left.wait(5)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@EVERY_FORM
def test_signal_between_beats_closes_everything(
    form: list[str], number: int, status: int, server: Server, variables: Variables
) -> None:
    line = ("stream", "-p", "slow", "--no-stdin", "--heartbeat", "0.05", *form, "Why?")
    with running(*line, variables=variables | {"PYTHONASYNCIODEBUG": "1", "PYTHONWARNINGS": "error"}) as process:
        assert first_line(process, server)
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
    assert process.returncode == status
    told = [line for line in err.splitlines() if not line.startswith(b"Executing ")]  # slow is the machine's affair
    assert not [line for line in told if b"Task" in line or b"Traceback" in line]
    assert server.left.wait(5)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ((), "--heartbeat is for what programs read"),
        (("--as", "ollama"), "a stream of ollama has no sign of life"),
    ],
)
def test_beats_have_no_place_in_text_and_ndjson(line: tuple[str, ...], said: str, variables: Variables) -> None:
    done = stream(variables, *line, profile="answer")
    assert done.status == 2
    assert said in done.err


@pytest.mark.parametrize("said", ["0", "-1", "x", "1e9", ""])
def test_beat_is_seconds(said: str, variables: Variables) -> None:
    done = invoke("stream", "-p", "answer", "--events", f"--heartbeat={said}", "Why?", variables=variables)
    assert done.status == 2
    assert "--heartbeat: expected seconds" in done.err


def test_error_after_nothing_but_beats_is_in_the_file(tmp_path: Path, variables: Variables) -> None:
    target = tmp_path / "out"
    line = ("--as", "openai-chat", "-o", str(target), "--timeout", "first_byte=0.15", "--retries", "0")
    assert stream(variables, *line, profile="silent").status == 124
    assert b"error" in target.read_bytes()


@pytest.mark.parametrize(
    ("dialect", "before", "within"),
    [
        ("openai-chat", b": \n\n", b": \n\n"),
        ("openai-responses", b": \n\n", b": \n\n"),
        ("anthropic", b": \n\n", b'event: ping\ndata: {"type":"ping"}\n\n'),
    ],
)
def test_sign_of_life_is_that_of_the_dialect(dialect: str, before: bytes, within: bytes) -> None:
    environment = Environment(None, Bytes())
    asking = Asking(group=load_group("sandbox", variables={}))
    outlet = Outlet(StdoutSink(environment), environment)
    printer = DialectPrinter(outlet, Exchange(asking, Output(), environment), dialect)
    assert printer.beat() == before
    outlet.write(b"something")
    assert printer.beat() == within
