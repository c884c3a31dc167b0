"""`convert --trace`: one exchange for each document, wherever it goes; what fails is told, what is secret is not."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any, cast

import pytest

from dragoman.cli.status import Status
from dragoman.providers.tracing import replayed
from dragoman.schemas.ir import JSON, Wire
from tests.cli.harness import LOSSY, REQUEST, Result, convert, invoke, lines
from tests.cli.test_startup import CONVERT, imported_by
from tests.schemas.test_traced import CHAT

KEY = "sk-canary-0123456789"
ANSWER: Wire = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
}
Line = dict[str, Any]


def traced(*arguments: str, body: JSON = None, stdin: bytes = b"") -> tuple[Result, list[Line]]:
    """Convert with the trace on stderr; return its lines, too."""
    result = convert("--trace", "-", "-q", *arguments, body=body, stdin=stdin)
    return result, [cast("Line", json.loads(line)) for line in result.err.splitlines() if line.startswith("{")]


def passes(told: list[Line]) -> list[tuple[str, str]]:
    return [(line["side"], line["pass"]) for line in told if line["type"] == "pass"]


def failure(told: list[Line]) -> tuple[str, str, str]:
    (line,) = [line for line in told if line["type"] == "failure"]
    assert told[-1]["failed"] is True
    return line["side"], line["pass"], line["class"]


RESPONSE = [("response", name) for name in ("provider_response", "parsed", "encoded", "final")]
ASKING = [("request", name) for name in ("client_request", "parsed", "encoded")]


# ── what is told ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_request_is_told_pass_by_pass() -> None:
    result, told = traced(body=LOSSY)
    assert passes(told) == ASKING
    whole = replayed(told)
    assert [whole[0], whole[-1]] == [LOSSY, *result.documents()]
    assert {loss["feature"] for loss in told[-2]["losses"]} == {"n", "sampling", "max_tokens"}


@pytest.mark.parametrize("body", [ANSWER, {"error": {"message": "no", "type": "server_error"}}])
def test_response_and_error_are_told_pass_by_pass(body: Wire) -> None:
    result, told = traced(body=body)
    assert passes(told) == RESPONSE
    assert replayed(told)[-1] == result.documents()[0]


def test_trace_says_which_document_it_is_of() -> None:
    _, told = traced(stdin=lines(REQUEST, REQUEST))
    begun = [(line["operation"], line["profile"], line["dialect"]) for line in told if line["type"] == "begin"]
    assert begun == [("convert", f"standard input:{number}", "anthropic") for number in (1, 2)]


def test_each_document_is_an_exchange_in_a_file_of_its_own(tmp_path: Path) -> None:
    assert convert("--trace", f"{tmp_path}/new/", stdin=lines(REQUEST, ANSWER)).status == 0
    files = sorted((tmp_path / "new").iterdir())
    assert len(files) == 2
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_file_grows_and_is_private(tmp_path: Path) -> None:
    file = tmp_path / "trace.jsonl"
    for _ in range(2):
        convert("--trace", str(file), body=REQUEST)
    told = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["type"] for line in told].count("begin") == 2
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_stream_is_told_event_by_event_and_comes_out_the_same() -> None:
    result, told = traced("--from", "openai-chat", stdin=CHAT)
    assert result.out == convert("--from", "openai-chat", stdin=CHAT).out
    events = [(line["event"], line["pass"]) for line in told if line["type"] == "event"]
    assert events == [(number, name) for number in range(1, 5) for name in ("provider_event", "parsed", "encoded")]
    assert passes(told) == RESPONSE


def test_sample_is_of_events() -> None:
    _, told = traced("--trace-sample", "3", stdin=CHAT)
    assert {line["event"] for line in told if line["type"] == "event"} == {1, 4}
    assert passes(told) == RESPONSE


def test_assembled_stream_and_exploded_response_are_told() -> None:
    result, told = traced("--assemble", stdin=CHAT)
    assert replayed([line for line in told if line["type"] == "pass"])[-1] == result.documents()[0]
    assert passes(told) == RESPONSE
    result, told = traced("--explode", body=ANSWER)
    assert passes(told) == RESPONSE
    assert replayed(told)[-1] == result.out.decode()


@pytest.fixture
def har(tmp_path: Path) -> str:
    """Return a capture of one exchange with a whole answer, one with a stream, and one with a page of text."""

    def entry(mime: str, text: str, status: int = 200) -> Wire:
        return {
            "startedDateTime": "2026-01-01T00:00:00Z",
            "time": 1,
            "request": {
                "method": "POST",
                "url": f"https://api.openai.com/v1/chat/completions?api_key={KEY}",
                "headers": [{"name": "Authorization", "value": f"Bearer {KEY}"}],
                "postData": {"mimeType": "application/json", "text": json.dumps({**REQUEST, "api_key": KEY})},
            },
            "response": {"status": status, "headers": [], "content": {"mimeType": mime, "text": text}},
        }

    entries = [
        entry("application/json", json.dumps(ANSWER)),
        entry("text/event-stream", CHAT.decode()),
        entry("text/html", "<html>bad gateway</html>", 502),
    ]
    file = tmp_path / "traffic.har"
    file.write_text(json.dumps({"log": {"version": "1.2", "creator": {}, "entries": cast("JSON", entries)}}))
    return str(file)


@pytest.mark.parametrize("target", ["gemini", "openai-chat"])
def test_exchange_of_a_capture_is_told_with_both_sides(har: str, target: str) -> None:
    _, told = traced("--write", "recording", "--to", target, har)
    assert passes(told) == [*ASKING, *RESPONSE] * 3
    assert KEY not in json.dumps(told)


def test_what_is_no_exchange_with_a_model_is_not_told(har: str) -> None:
    other = Path(har).read_text().replace("/v1/chat/completions", "/favicon.ico").replace("messages", "what")
    _, told = traced("--write", "recording", "--format", "har", stdin=other.encode())
    assert told == []


def test_stream_of_a_capture_is_told_as_the_response_it_becomes(har: str) -> None:
    _, told = traced("--to", "gemini", har)
    assert passes(told) == [*ASKING, *RESPONSE] * 3


@pytest.mark.parametrize("name", ["api_key", "authorization", "accessToken", "secret"])
def test_what_is_called_a_secret_is_not_told(name: str) -> None:
    for target in ("anthropic", "openai-chat"):
        result = convert("--to", target, "--trace", "-", body={**REQUEST, name: KEY, "tools": [{"x": {name: KEY}}]})
        assert '"type":"end"' in result.err
        assert KEY not in result.err


# ── what fails ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("arguments", "stdin", "expected"),
    [
        ([], b'{"model": ', ("request", "parsed", "MalformedJSON")),
        ([], b'{"who": "knows"}', ("request", "parsed", "UndetectedDialect")),
        (["--kind", "response", "--from", "chat"], b'{"choices": 1}', ("response", "parsed", "InvalidInput")),
        (["--kind", "response"], b"[", ("response", "parsed", "MalformedJSON")),
        (["--on-loss", "refuse-any"], json.dumps(LOSSY).encode(), ("request", "encoded", "RefusedLoss")),
        (["--explode"], json.dumps(REQUEST).encode(), ("response", "parsed", "InvalidInput")),
        (["--validate"], b'{"model": 1, "messages": []}', ("request", "parsed", "InvalidInput")),
        (["--from", "chat"], CHAT[:180], ("response", "provider_event", "TruncatedStream")),
        (["--from", "chat", "--assemble"], CHAT[:180], ("response", "provider_event", "TruncatedStream")),
        ([], b"data: {}\n\n", ("response", "provider_event", "UndetectedDialect")),
        (["--write", "recording"], b'{"who": "knows"}', ("request", "parsed", "UndetectedDialect")),
    ],
)
def test_what_fails_is_told_with_its_pass(arguments: list[str], stdin: bytes, expected: tuple[str, str, str]) -> None:
    result, told = traced(*arguments, stdin=stdin)
    assert result.status != Status.DONE
    assert failure(told) == expected


def test_failing_document_among_many_has_its_own_failure() -> None:
    _, told = traced("--from", "chat", "--kind", "request", stdin=lines(REQUEST, {"messages": 1}, REQUEST))
    assert [line["failed"] for line in told if line["type"] == "end"] == [False, True, False]


def test_answer_of_a_capture_that_is_no_json_fails_on_its_side(tmp_path: Path, har: str) -> None:
    broken = tmp_path / "broken.har"
    broken.write_text(Path(har).read_text().replace('\\"object\\": \\"chat.completion\\"', "oh"))
    _, told = traced("--write", "recording", str(broken))
    assert failure([*told[:6], {"failed": True, "type": "end"}])[:2] == ("response", "parsed")


# ── where it goes ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_place_that_cannot_be_created_is_73_and_nothing_is_written(tmp_path: Path) -> None:
    output = tmp_path / "out.json"
    result = convert("--trace", f"{tmp_path}/none/t.jsonl", "-o", str(output), body=REQUEST)
    assert result.status == Status.CANNOT_CREATE
    assert "none/t.jsonl: No such file" in result.err
    assert not output.exists()


def test_folder_in_which_no_file_can_be_created_is_73() -> None:
    result = convert("--trace", "/proc", body=REQUEST)
    assert result.status == Status.CANNOT_CREATE
    assert "cannot create a file in /proc" in result.err


def test_full_disk_is_74_and_says_which_file() -> None:
    result = convert("--trace", "/dev/full", body=REQUEST)
    assert result.status == Status.IO_FAILURE
    assert "cannot write /dev/full: No space left" in result.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--trace", "-", "-j", "2"], "--trace watches one process"),
        (["--trace", "-", "--trace-sample", "0"], "--trace-sample: expected 1 or more"),
        (["--trace", "same", "-o", "./same"], "--trace and --output cannot go to the same place"),
        (["--trace", "same", "-o", "other", "--report", "same"], "--trace and --report cannot go to the same place"),
    ],
)
def test_what_does_not_go_with_it_is_usage(arguments: list[str], said: str) -> None:
    result = convert(*arguments, body=REQUEST)
    assert result.status == Status.USAGE
    assert said in result.err


def test_help_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    invoke("convert", "--help")
    assert "--trace FILE|DIR" in capsys.readouterr().out


def test_nothing_of_it_is_imported_unless_it_is_asked_for() -> None:
    modules = imported_by(*CONVERT)
    assert not [name for name in modules if "trac" in name and name.startswith("dragoman")]
    assert "dragoman.providers.tracing.tracer" in imported_by(*CONVERT, "--trace", "/dev/null")
