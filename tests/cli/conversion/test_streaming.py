"""`convert` with streams: as they come, in pipes and files, assembled and exploded, and how each one ends."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from dragoman.schemas.ir import JSON, Wire
from tests.cli.harness import LOSSY, PROGRAM, invoke
from tests.schemas.streaming import sse, wires

CHAT, CLAUDE = "openai-chat", "anthropic"
TO_CLAUDE = ("convert", "--to", CLAUDE)


def chunk(content: str = "", finish: str | None = None, **fields: JSON) -> Wire:
    choice: Wire = {"index": 0, "delta": {"content": content} if content else {}, "finish_reason": finish}
    head: Wire = {"id": "c1", "object": "chat.completion.chunk", "created": 7, "model": "m"}
    return {**head, "choices": [choice], **fields}


WORDS = sse(chunk("Hel"), chunk("lo"))
WHOLE = WORDS + sse(chunk(finish="stop"), done=True)
ANSWER: Wire = {
    "id": "c1",
    "object": "chat.completion",
    "created": 7,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
}
LINES = b"".join(
    json.dumps({"model": "m", "created_at": "2026-01-01T00:00:00Z", "message": message, "done": done}).encode() + b"\n"
    for message, done in (({"role": "assistant", "content": "Hi"}, False), ({"role": "assistant", "content": ""}, True))
)
ARRAY = json.dumps(
    [
        {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hi"}]}}]},
        {"candidates": [{"content": {"role": "model", "parts": []}, "finishReason": "STOP"}], "usageMetadata": {}},
    ],
    indent=2,
).encode()


@pytest.mark.parametrize(
    "arguments", [(), ("--kind", "stream"), ("--from", CHAT), ("--from", CHAT, "--kind", "stream")]
)
def test_stream_is_told_or_seen_by_its_bytes(arguments: tuple[str, ...]) -> None:
    result = invoke(*TO_CLAUDE, *arguments, stdin=WHOLE)
    assert result.status == 0
    assert result.out.startswith(b"event: message_start\n")
    assert result.out.endswith(b'data: {"type":"message_stop"}\n\n')
    assert "openai-chat stream → anthropic" in result.err


@pytest.mark.parametrize("raw", [LINES, ARRAY, b": comment\n\n" + WHOLE, b"\xef\xbb\xbf" + WHOLE])
def test_every_framing_is_seen(raw: bytes) -> None:
    result = invoke(*TO_CLAUDE, stdin=raw)
    assert (result.status, result.out.count(b"event: message_stop")) == (0, 1)


def test_array_on_one_line_is_seen() -> None:
    assert invoke("convert", "--to", CHAT, stdin=json.dumps(json.loads(ARRAY)).encode()).out.endswith(b"[DONE]\n\n")


def test_stream_whose_first_line_is_long_is_seen() -> None:
    first = json.loads(LINES.splitlines()[0])
    first["message"]["content"] = "x" * 20_000
    raw = json.dumps(first).encode() + b"\n" + LINES.splitlines()[1] + b"\n"
    assert invoke(*TO_CLAUDE, stdin=raw).out.startswith(b"event: message_start")


def test_much_that_is_no_stream_is_given_up_soon() -> None:
    result = invoke(*TO_CLAUDE, "--kind", "stream", stdin=b"a" * 3_000_000)
    assert result.status == 65
    assert "neither JSON nor a stream" in result.err


def test_lines_of_whole_answers_are_documents() -> None:
    last = LINES.splitlines()[1]
    assert len(invoke(*TO_CLAUDE, stdin=last + b"\n" + last + b"\n").documents()) == 2


def test_file_with_a_stream_goes_to_a_file(tmp_path: Path) -> None:
    source, target = tmp_path / "in.sse", tmp_path / "out.sse"
    source.write_bytes(WHOLE)
    assert invoke(*TO_CLAUDE, str(source), "-o", str(target)).status == 0
    assert wires(target.read_bytes())[-1] == {"type": "message_stop"}


def test_documents_and_streams_may_be_mixed(tmp_path: Path) -> None:
    files = [tmp_path / "1.json", tmp_path / "2.sse", tmp_path / "3.json"]
    for file, content in zip(files, (json.dumps(ANSWER).encode(), WHOLE, json.dumps(ANSWER).encode()), strict=True):
        file.write_bytes(content)
    result = invoke(*TO_CLAUDE, *map(str, files), "-j", "2")
    assert result.status == 0
    assert [line[:6] for line in result.out.splitlines() if line[:1] == b"{"] == [b'{"id":', b'{"id":']
    assert result.out.index(b"message_start") > result.out.index(b'{"id":')


def test_stream_that_was_cut_is_status_76_and_what_came_is_out() -> None:
    result = invoke(*TO_CLAUDE, stdin=WORDS)
    assert result.status == 76
    assert b'"text":"lo"' in result.out
    assert result.out.endswith(b'{"type":"api_error","message":"the stream was cut off before its end"}}\n\n')
    assert "dragoman: error: standard input: the stream was cut off before its end" in result.err


def test_file_of_a_stream_that_was_cut_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "out.sse"
    assert invoke(*TO_CLAUDE, "-o", str(target), stdin=WORDS).status == 76
    assert b'"text":"lo"' in target.read_bytes()


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("rate_limit_error", 75),
        ("overloaded_error", 75),
        ("authentication_error", 77),
        ("invalid_request_error", 65),
        ("api_error", 69),
        ("timeout_error", 124),
    ],
)
def test_error_in_the_stream_has_its_own_status(kind: str, status: int) -> None:
    start: Wire = {
        "type": "message_start",
        "message": {"id": "m", "type": "message", "role": "assistant", "content": []},
    }
    failed: Wire = {"type": "error", "error": {"type": kind, "message": "no"}}
    assert invoke("convert", "--to", CHAT, stdin=sse(start, failed)).status == status


def test_event_that_cannot_be_read_is_status_65() -> None:
    result = invoke(*TO_CLAUDE, stdin=WORDS + b"data: {nonsense\n\n")
    assert result.status == 65
    assert b"Hel" in result.out
    assert "standard input: event 3: not JSON" in result.err


@pytest.mark.parametrize("raw", [b"data: hello\n\n", b"", b"<html>\n\n"])
def test_what_is_no_stream_is_status_65(raw: bytes) -> None:
    result = invoke(*TO_CLAUDE, "--kind", "stream", stdin=raw)
    assert (result.status, result.out) == (65, b"")


def test_report_tells_of_the_stream(tmp_path: Path) -> None:
    report = tmp_path / "report.jsonl"
    invoke(*TO_CLAUDE, "--report", str(report), stdin=WORDS)
    *_, error = map(json.loads, report.read_text().splitlines())
    assert (error["kind"], error["error"]["kind"], error["error"]["status"]) == ("stream", "truncated-stream", 76)


def test_refused_loss_leaves_no_file(tmp_path: Path) -> None:
    target = tmp_path / "out.sse"
    raw = sse(chunk("a"), chunk(finish="stop", system_fingerprint="fp"), done=True)
    assert invoke(*TO_CLAUDE, "--on-loss", "refuse-any", "-o", str(target), stdin=raw).status == 65
    assert not target.exists()


# ------------------------------------------------------------------------------------------- assembled and exploded
def test_stream_is_assembled_into_a_document() -> None:
    (answer,) = invoke(*TO_CLAUDE, "--assemble", stdin=WHOLE).documents()
    assert isinstance(answer, dict)
    assert answer["content"] == [{"type": "text", "text": "Hello"}]


def test_stream_that_was_cut_makes_no_document() -> None:
    result = invoke(*TO_CLAUDE, "--assemble", stdin=WORDS)
    assert (result.status, result.out) == (76, b"")


def test_response_is_exploded_into_a_stream() -> None:
    result = invoke(*TO_CLAUDE, "--explode", stdin=json.dumps(ANSWER).encode())
    assert result.status == 0
    assert [wire["type"] for wire in wires(result.out)][-1] == "message_stop"
    assert invoke("convert", "--to", CHAT, "--assemble", stdin=result.out).status == 0


def test_error_is_not_exploded() -> None:
    error = {"error": {"message": "boom", "type": "server_error", "param": None, "code": None}}
    result = invoke(*TO_CLAUDE, "--explode", "--from", CHAT, stdin=json.dumps(error).encode())
    assert (result.status, result.out) == (65, b"")


def test_only_a_response_is_exploded() -> None:
    result = invoke(*TO_CLAUDE, "--explode", "--kind", "request", stdin=json.dumps(LOSSY).encode())
    assert result.status == 65
    assert "a request, where a response" in result.err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--assemble", "--explode"), "one of them"),
        (("--validate",), "--validate is for documents"),
        (("-m", "x"), "--model is for documents"),
        (("--explode", "--kind", "stream"), "a stream already"),
    ],
)
def test_options_that_make_no_sense_for_streams(arguments: tuple[str, ...], problem: str) -> None:
    result = invoke(*TO_CLAUDE, *arguments, stdin=WHOLE)
    assert result.status == 2
    assert problem in result.err


def test_terminal_acts_upon_nothing_in_a_stream() -> None:
    raw = sse(chunk("a\x9bb"), chunk(finish="stop"), done=True)
    shown = invoke(*TO_CLAUDE, stdin=raw.replace(b"\\u009b", "\x9b".encode()), terminals=["stdout"])
    assert "\x9b" not in shown.out.decode()
    assert b"\\u009b" in shown.out


# ------------------------------------------------------------------------------------------------------ as a process
def test_stream_that_comes_in_drops_is_seen() -> None:
    command = [str(PROGRAM), "convert", "--to", "ollama", "-q"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for byte in b"\nda":
            process.stdin.write(bytes([byte]))
            process.stdin.flush()
        process.stdin.write(WHOLE[2:])
        process.stdin.close()
        assert b'"done":true' in process.stdout.read()
    assert process.returncode == 0


def test_each_event_is_out_when_it_arrives() -> None:
    command = [str(PROGRAM), "convert", "--from", CHAT, "--to", CLAUDE, "-q"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for word in ("one", "two"):
            process.stdin.write(sse(chunk(word)))
            process.stdin.flush()
            while f'"text":"{word}"'.encode() not in process.stdout.readline():
                assert process.poll() is None
        process.stdin.close()
        assert b"event: error" in process.stdout.read()
    assert process.returncode == 76
