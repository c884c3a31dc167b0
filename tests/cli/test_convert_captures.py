"""`dragoman convert` over captures: every format in and out, what is told of it, and how it ends."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from dragoman.schemas.captures import Captured, Received
from dragoman.schemas.captures.formats import WRITABLE
from dragoman.schemas.ir import Wire
from tests.cli.harness import Result, execute, invoke, lines, shell
from tests.cli.replaying.recordings import answer, asked, exchange, recording
from tests.cli.test_json_schemas import checker
from tests.schemas.captures.samples import EXCHANGES, read, written

FORMATS = [name for name in WRITABLE if name != "bodies"]
STREAM = EXCHANGES[1]


def convert(*arguments: str, stdin: bytes = b"", terminals: Sequence[str] = ()) -> Result:
    return invoke("convert", *arguments, stdin=stdin, terminals=terminals)


def captured(raw: bytes, name: str = "recording") -> list[Captured]:
    return [item for item in read(raw, name) if isinstance(item, Captured)]


def report(file: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in file.read_bytes().splitlines()]
    schema = checker("loss")
    assert all(schema.is_valid(line) for line in found)
    return found


def cut() -> Captured:
    assert STREAM.response is not None
    return replace(STREAM, response=Received(kind="stream", body=STREAM.response.body[:200]))


@pytest.fixture
def traffic(tmp_path: Path) -> str:
    file = tmp_path / "traffic.jsonl"
    file.write_bytes(recording(*EXCHANGES))
    return str(file)


# ---- every format ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_is_what_stdout_would_have_been(traffic: str, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    told = convert(traffic, "--write", name)
    kept = convert(traffic, "--write", name, "-o", str(out))
    assert (told.status, kept.status, kept.out) == (0, 0, b"")
    assert out.read_bytes() == told.out
    assert told.err == kept.err


@pytest.mark.parametrize("to", ["openai-chat", "openai-responses", "anthropic", "gemini", "ollama"])
@pytest.mark.parametrize("name", FORMATS)
def test_what_is_written_in_any_dialect_can_be_read(traffic: str, name: str, to: str) -> None:
    done = convert(traffic, "--write", name, "--to", to, "-q")
    assert {each.dialect for each in captured(done.out, name)} <= {to}


@pytest.mark.parametrize("name", FORMATS)
def test_what_was_written_is_converted_again(traffic: str, tmp_path: Path, name: str) -> None:
    first = convert(traffic, "--write", name, "--to", "anthropic", "-q")
    again = convert("--format", name, "--write", "recording", "-q", stdin=first.out)
    assert len(captured(again.out)) == len(captured(first.out, name))


def test_bodies_are_a_line_a_side(traffic: str) -> None:
    done = convert(traffic, "--to", "anthropic", "-q")
    assert len(done.documents()) == 11


def test_a_folder_has_a_file_an_exchange(traffic: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    assert convert(traffic, "--write", "files", "-o", str(folder), "--to", "gemini", "-q").status == 0
    assert len(os.listdir(folder)) == 6
    assert "000003-anthropic-failed-etc.json" in os.listdir(folder)
    again = convert(traffic, "--write", "files", "-o", str(folder))
    assert (again.status, "not empty" in again.err) == (73, True)


def test_a_folder_is_needed_for_files(traffic: str) -> None:
    assert convert(traffic, "--write", "files").status == 2


def test_formats_may_be_mixed(traffic: str, tmp_path: Path) -> None:
    names = [traffic]
    for name in ("har", "vcr", "curl", "openai-batch"):
        file = tmp_path / f"traffic.{name}"
        file.write_bytes(written(name, (exchange("one"),)))
        names.append(str(file))
    body = tmp_path / "request.json"
    body.write_text(json.dumps(asked("alone")))
    done = convert(*names, str(body), "--write", "recording", "-q")
    assert (done.status, len(captured(done.out))) == (0, 11)


# ---- one side --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "has"), [("request", (True, False)), ("response", (False, True))])
def test_one_side_is_what_was_asked_for(kind: str, has: tuple[bool, bool]) -> None:
    done = convert("--kind", kind, "--write", "recording", "-q", stdin=recording(exchange("one"), exchange("two")))
    found = [(each.request is not None, each.response is not None) for each in captured(done.out)]
    assert found == [has, has]


def test_a_model_is_named_in_requests_and_responses() -> None:
    done = convert("--to", "gemini", "-m", "other", "--write", "recording", "-q", stdin=recording(exchange("one")))
    (found,) = captured(done.out)
    assert found.request is not None
    assert found.request.url.endswith("/models/other:generateContent")


# ---- halves ----------------------------------------------------------------------------------------------------------


def half(name: str, **side: object) -> Wire:
    return {"custom_id": name, **side}  # type: ignore[dict-item]  # what a test says is JSON


def asking(*names: str) -> bytes:
    body = asked("Hi")
    return lines(*(half(name, method="POST", url="/v1/chat/completions", body=body) for name in names))


def answering(*names: str) -> bytes:
    return lines(*(half(name, response={"status_code": 200, "body": answer(name)}, error=None) for name in names))


@pytest.fixture
def halves(tmp_path: Path) -> tuple[str, str]:
    inputs, outputs = tmp_path / "inputs.jsonl", tmp_path / "outputs.jsonl"
    inputs.write_bytes(asking("a", "b", "c", "d"))
    outputs.write_bytes(answering("c", "x", "a", "b"))
    return str(inputs), str(outputs)


def sides(done: Result) -> list[tuple[str, bool, bool]]:
    return [(each.id, each.request is not None, each.response is not None) for each in captured(done.out)]


@pytest.mark.parametrize("order", [1, -1])
def test_halves_are_joined_in_the_order_of_the_requests(halves: tuple[str, str], order: int) -> None:
    done = convert(*halves[::order], "--pair", "--write", "recording", "-q")
    joined = [("a", True, True), ("b", True, True), ("c", True, True), ("d", True, False), ("x", False, True)]
    assert (done.status, sides(done)) == (0, joined)


def test_halves_stay_apart_unless_that_is_said(halves: tuple[str, str]) -> None:
    assert len(sides(convert(*halves, "--write", "recording", "-q"))) == 8


def test_a_pair_is_at_the_place_of_its_request(tmp_path: Path) -> None:
    inputs, outputs = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    lossy = half("a", method="POST", url="/v1/chat/completions", body=asked("Hi", n=2))
    inputs.write_bytes(asking("z") + lines(lossy))
    outputs.write_bytes(answering("a", "z"))
    line = (str(outputs), str(inputs), "--pair", "--to", "anthropic", "--report", str(tmp_path / "r"), "-q")
    assert convert(*line).status == 0
    (loss,) = [line for line in report(tmp_path / "r") if line["severity"] == "meaning"]
    assert (loss["file"], loss["entry"], loss["line"], loss["id"]) == (str(inputs), 2, 2, "a")


def test_pairs_are_joined_before_processes_share_them(halves: tuple[str, str]) -> None:
    line = ("convert", *halves, "--pair", "--write", "har", "--to", "anthropic")
    one, two = execute(*line), execute(*line, "-j", "2")
    assert one == two


def test_what_is_no_half_goes_on(tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_text(json.dumps(asked("alone")))
    torn = tmp_path / "torn.jsonl"
    torn.write_bytes(recording(exchange("one")) + b"{torn\n")
    done = convert(str(body), str(torn), "--pair", "--write", "recording", "-q")
    assert (done.status, len(sides(done))) == (1, 2)


# ---- what is told ----------------------------------------------------------------------------------------------------


def foreign() -> bytes:
    url = "https://api.openai.com/v1/embeddings"
    request: Wire = {"method": "POST", "url": url, "postData": {"mimeType": "application/json", "text": "{}"}}
    entry: Wire = {"request": request, "response": {"status": 200, "content": {"text": "{}"}}}
    return json.dumps({"log": {"entries": [entry] * 3}}).encode()


@pytest.mark.parametrize("name", ["recording", "har", "vcr", "openai-batch", "anthropic-batch", "gemini-batch"])
def test_what_a_batch_did_not_answer_keeps_its_id(name: str) -> None:
    dialect = {"anthropic-batch": "anthropic", "gemini-batch": "gemini"}.get(name, "openai")
    raw = json.dumps({"custom_id": "late", "result": {"type": "expired"}}).encode()
    done = convert("--write", name, "--to", dialect, stdin=raw)
    assert "left out" not in done.err
    assert [(item.id, "expired" in item.fault) for item in captured(done.out, name)] == [("late", True)]


def test_a_format_without_faults_leaves_them_out() -> None:
    done = convert("--write", "curl", stdin=b'{"custom_id": "late", "result": {"type": "expired"}}')
    assert "left out: an exchange without what the format holds (1)" in done.err


def test_an_option_of_curl_is_named_as_it_stands() -> None:
    done = convert("--write", "recording", stdin=b"curl https://x/v1/messages -d @body.json\n")
    assert "standard input:1: -d: a file that a document names is not opened" in done.err


def test_what_was_passed_over_is_counted(traffic: str, tmp_path: Path) -> None:
    file = tmp_path / "other.har"
    file.write_bytes(foreign())
    done = convert(traffic, str(file), "--write", "recording", "-o", os.devnull, "--report", str(tmp_path / "r"))
    assert done.status == 0
    assert "passed over 3 of 9: embeddings (3)" in done.err
    assert [line["reason"] for line in report(tmp_path / "r") if line["type"] == "skipped"] == ["embeddings"] * 3


def test_nothing_but_what_is_passed_over_is_nothing(tmp_path: Path) -> None:
    done = convert("--write", "recording", stdin=foreign())
    assert (done.status, "nothing to convert" in done.err) == (65, True)


def test_what_a_format_does_not_hold_is_counted(traffic: str) -> None:
    err = convert(traffic, "--write", "openai-batch").err
    assert "left out: " in err
    assert "ollama, which openai-batch does not hold (1)" in err


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_every_line_of_a_report_keeps_to_its_schema(traffic: str, tmp_path: Path, jobs: str) -> None:
    mixed = tmp_path / "mixed.jsonl"
    mixed.write_bytes(Path(traffic).read_bytes() + b"{torn\n" + recording(exchange("n", asked("x", n=3)), cut()))
    har = tmp_path / "other.har"
    har.write_bytes(foreign())
    line = ("convert", str(mixed), str(har), "--to", "anthropic", "--report", str(tmp_path / "r"), "-j", jobs)
    assert execute(*line, "-o", os.devnull).status == 1
    assert {found["type"] for found in report(tmp_path / "r")} == {"loss", "error", "skipped"}


@pytest.mark.parametrize("name", ["bodies", "recording", "har", "curl"])
def test_processes_change_nothing(tmp_path: Path, name: str) -> None:
    file = tmp_path / "many.jsonl"
    file.write_bytes(recording(*(replace(each, id=f"e{n}") for n in range(40) for each in EXCHANGES)) + b"{torn\n")
    found: list[tuple[Result, bytes, bytes]] = []
    for jobs in ("1", "2"):
        out, told = tmp_path / f"out{jobs}", tmp_path / f"report{jobs}"
        options = ("--to", "anthropic", "--write", name, "-o", str(out), "--report", str(told), "-j", jobs)
        done = execute("convert", str(file), *options)
        found.append((done, out.read_bytes(), told.read_bytes()))
    assert found[0] == found[1]


# ---- how it ends -----------------------------------------------------------------------------------------------------


def test_what_cannot_be_read_is_a_failure_among_others(tmp_path: Path) -> None:
    done = convert("--write", "recording", stdin=recording(exchange("one")) + b"{torn\n" + recording(exchange("two")))
    assert (done.status, len(captured(done.out))) == (1, 2)
    assert "standard input:2" in done.err


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("har", "nothing to convert"),
        ("vcr", "traffic.jsonl"),
        ("mitmproxy", "traffic.jsonl"),
        ("anthropic-batch", "traffic.jsonl"),
    ],
)
def test_a_format_that_is_wrong_is_told(traffic: str, name: str, said: str) -> None:
    done = convert(traffic, "--format", name, "--write", "recording")
    assert done.status in (1, 65)
    assert said in done.err
    assert captured(done.out) == []


@pytest.mark.parametrize("name", ["recording", "har"])
def test_a_stream_that_was_cut_off_is_written_and_ends_with_76(name: str) -> None:
    done = convert("--to", "anthropic", "--write", name, stdin=recording(cut()))
    assert done.status == 76
    assert len(captured(done.out, name)) == 1


def test_a_cut_stream_among_others_ends_with_1() -> None:
    done = convert("--to", "anthropic", "--write", "recording", stdin=recording(exchange("one"), cut()))
    assert (done.status, len(captured(done.out))) == (1, 2)


def test_a_refused_loss_leaves_its_exchange_out() -> None:
    source = recording(exchange("one"), exchange("lossy", asked("x", n=3)))
    line = ("--to", "anthropic", "--write", "recording", "--on-loss", "refuse-meaning")
    done = convert(*line, stdin=source)
    assert done.status == 1
    assert [each.id for each in captured(done.out)] == ["one"]
    alone = convert(*line, stdin=recording(exchange("lossy", asked("x", n=3))))
    assert (alone.status, captured(alone.out)) == (65, [])


@pytest.mark.parametrize("option", ["--validate", "--explode"])
def test_what_is_for_bodies_is_refused(traffic: str, option: str) -> None:
    assert convert(traffic, "--to", "anthropic", option).status == 2


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no device that is always full")
@pytest.mark.parametrize("option", ["-o /dev/full", ">/dev/full"])
def test_a_full_disk_is_told(traffic: str, option: str) -> None:
    done = shell(f"dragoman convert {traffic} --write recording {option}")
    assert (done.status, "No space left on device" in done.err) == (74, True)


def test_a_full_disk_in_a_folder_is_told(traffic: str, tmp_path: Path) -> None:
    big = tmp_path / "big.jsonl"
    big.write_bytes(recording(exchange("one", asked("x" * 100_000))))
    done = shell(f"ulimit -f 2; dragoman convert {big} --write files -o {tmp_path / 'out'}")
    assert (done.status, "File too large" in done.err) == (74, True)


def test_a_pipe_that_nobody_reads_is_silent(tmp_path: Path) -> None:
    file = tmp_path / "many.jsonl"
    file.write_bytes(recording(*(exchange(f"e{number}") for number in range(2000))))
    done = shell(f"dragoman convert {file} --write recording | head -n 1 >/dev/null; echo ${{PIPESTATUS[0]}}")
    assert (done.out, done.err) == (b"141\n", "")


# ---- terminals -------------------------------------------------------------------------------------------------------


def test_bodies_are_laid_out_for_eyes(traffic: str) -> None:
    done = invoke("convert", traffic, "--to", "anthropic", terminals=["stdout"], variables={"NO_COLOR": "1"})
    assert done.out.count(b"\n  ") > 20


def test_a_capture_does_nothing_to_a_terminal() -> None:
    evil = exchange("\x1b]0;x\x07", asked("\x1b[2J"), response=answer("\x1b[31m"))
    for form in ((), ("--to", "anthropic"), ("--write", "har")):
        line = ("convert", *(form or ("--write", "recording")))
        done = invoke(*line, stdin=recording(evil), terminals=["stdout", "stderr"], variables={"NO_COLOR": "1"})
        assert b"\x1b" not in done.out
        assert "\x1b" not in done.err
