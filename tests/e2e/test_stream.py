"""`stream` against aimock, in every dialect: as text, as events, until it breaks off or somebody stops it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from typing import IO

import pytest

from tests.e2e.harness import DIALECTS, HELLO, TALKERS, TOOLS, Place, error_line

every_profile = pytest.mark.parametrize("profile", TALKERS)
every_dialect = pytest.mark.parametrize("profile", DIALECTS)


@every_profile
def test_text_is_the_answer_and_one_newline(place: Place, profile: str) -> None:
    result = place.run("stream", "-p", profile, "Say hello.")
    assert (result.status, result.out, result.err) == (0, f"{HELLO}\n".encode(), "")


@every_profile
def test_letters_that_are_cut_in_two_arrive_whole(place: Place, profile: str) -> None:
    result = place.run("stream", "-p", profile, "Say it in other letters.")
    assert result.out.decode() == 'Grüße 👋🏽 из Лиссабона — 你好, "quoted" \\ and\nnew lines.\n'


# aimock cuts as JavaScript counts: a letter outside of Unicode's first plane is two
@every_dialect
def test_every_event_holds_whole_letters(place: Place, profile: str) -> None:
    events = place.events("-p", profile, "Say it in other letters.")
    pieces = [event["text"].encode() for event in events if event["type"] == "text"]
    assert b"".join(pieces).decode() == 'Grüße 👋🏽 из Лиссабона — 你好, "quoted" \\ and\nnew lines.'


@every_profile
def test_events_end_in_one_done(place: Place, profile: str) -> None:
    events = place.events("-p", profile, "Say hello.")
    assert [event["type"] for event in events].count("done") == 1
    assert events[-1]["type"] == "done"
    assert "".join(event["text"] for event in events if event["type"] == "text") == HELLO


@every_dialect
def test_text_comes_in_pieces(place: Place, profile: str) -> None:
    events = place.events("-p", profile, "Say hello.")
    assert len([event for event in events if event["type"] == "text"]) > 1


# aimock has Ollama think in a field that Ollama does not have
@pytest.mark.parametrize("profile", [name for name in (*DIALECTS, "openrouter") if name != "ollama"])
def test_thoughts_are_shown_on_stderr_alone(place: Place, profile: str) -> None:
    result = place.run("stream", "--show-reasoning", "-p", profile, "Think first.")
    assert (result.status, result.out) == (0, b"Forty-two.\n")
    assert "Six times seven is needed here." in result.err


@every_profile
def test_tool_calls_are_events_with_parsed_arguments(place: Place, profile: str) -> None:
    tools = place.write("tools.json", TOOLS)
    events = place.events("--tools", tools, "-p", profile, "What is the weather in two places?")
    calls = [(event["name"], event["arguments"]) for event in events if event["type"] == "tool_call"]
    assert calls == [("get_weather", {"city": "Lisbon"}), ("get_weather", {"city": "Oslo"})]


@every_dialect
def test_long_answer_comes_whole(place: Place, profile: str) -> None:
    said = "lorem ipsum " * 2000  # which aimock says in more than three thousand pieces
    result = place.run("stream", "-p", profile, stdin=said.encode())
    assert (result.status, result.out.decode().rstrip(), result.err) == (0, said.rstrip(), "")


# aimock's counts of Ollama's are always 0
@pytest.mark.parametrize("profile", [name for name in DIALECTS if name != "ollama"])
def test_tokens_are_counted(place: Place, profile: str) -> None:
    events = place.events("-p", profile, "Count the tokens.")
    (told,) = [event["usage"] for event in events if event["type"] == "usage"]
    assert told == events[-1]["usage"]
    assert (told["input_tokens"], told["output_tokens"]) == (11, 7)


@every_dialect
def test_stream_that_breaks_off_is_told_and_what_came_is_kept(place: Place, profile: str) -> None:
    result = place.run("stream", "-p", profile, "Break off.")
    assert result.status == 76, result
    assert result.out.startswith(b"One")
    assert b"twelve" not in result.out
    assert error_line(result)


@every_dialect
def test_events_of_a_stream_that_breaks_off_end_in_one_error(place: Place, profile: str) -> None:
    result = place.run("stream", "--events", "-p", profile, "Vanish slowly.")
    events = [json.loads(line) for line in result.out.splitlines()]
    assert result.status == 76, result
    assert [event["type"] for event in events if event["type"] in ("done", "error")] == ["error"]
    assert events[-1]["type"] == "error"
    assert error_line(result)


@every_dialect
def test_interrupt_keeps_what_was_printed(place: Place, profile: str) -> None:
    with speaking(place, profile) as process:
        begun = _out(process).read(8)
        process.send_signal(signal.SIGINT)
        rest, said = process.communicate(timeout=20)
    assert (process.returncode, said) == (130, b"")
    assert (begun + rest).startswith(b"One, two")


@every_dialect
def test_termination_is_the_last_event(place: Place, profile: str) -> None:
    with speaking(place, profile, "--events") as process:
        begun = _out(process).readline()
        process.terminate()
        rest, _ = process.communicate(timeout=20)
    types = [json.loads(line)["type"] for line in (begun + rest).splitlines()]
    assert (process.returncode, types[-1], types.count("error")) == (143, "error", 1)


@every_dialect
def test_closed_pipe_ends_it_in_silence(place: Place, profile: str) -> None:
    with speaking(place, profile) as process:
        begun = _out(process).read(4)
        _out(process).close()
        assert (process.wait(20), begun) == (141, b"One,")
        assert process.stderr is not None
        assert process.stderr.read() == b""


@every_dialect
def test_silence_is_not_waited_for_for_ever(place: Place, profile: str) -> None:
    result = place.run(
        "stream", "--timeout", "first_byte=0.3", "--retries", "0", "-p", profile, "Say nothing for long."
    )
    assert (result.status, result.out) == (124, b""), result
    assert "0.3" in error_line(result)


def speaking(place: Place, profile: str, *options: str) -> subprocess.Popen[bytes]:
    """Start a stream that takes seconds."""
    return subprocess.Popen(
        place.command("stream", *options, "-p", profile, "Speak for a long time."),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=place.folder,
        env=place.environment(),
        preexec_fn=_hear_interrupts if os.name == "posix" else None,
    )


def _hear_interrupts() -> None:
    """Undo what a shell does to its background jobs."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _out(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdout is not None
    return process.stdout
