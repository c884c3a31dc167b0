"""`dragoman convert`, in this process: what comes out where, and with which status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dragoman.cli import convert as command
from dragoman.cli.conversion import run
from dragoman.schemas import convert_request, dialects, natural_losses
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.policy import POLICIES
from tests.cli.harness import EXAMPLE, LOSSY, REQUEST, convert, invoke, lines

CONVERTED = convert_request(LOSSY, source="openai-chat", target="anthropic")


def report_of(path: Path) -> list[Wire]:
    return [json.loads(line) for line in path.read_text().splitlines()]


# ── output ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_document_goes_to_stdout_on_one_line() -> None:
    done = convert(body=LOSSY)
    assert (done.status, done.out.count(b"\n"), done.out[-1:]) == (0, 1, b"\n")
    assert done.documents() == [CONVERTED.body]


def test_document_is_laid_out_on_a_terminal() -> None:
    done = invoke("convert", str(EXAMPLE), "--to", "openai-chat", terminals=["stdout"], variables={"NO_COLOR": "1"})
    assert done.out.startswith(b'{\n  "model": "gpt-5.1",\n')
    assert json.loads(done.out) == json.loads(EXAMPLE.read_bytes())
    assert done.out.endswith(b"}\n")


def test_document_is_in_colour_on_a_terminal_alone() -> None:
    arguments = ("convert", str(EXAMPLE), "--to", "openai-chat")
    assert b"\x1b[" in invoke(*arguments, terminals=["stdout"]).out
    assert b"\x1b[" not in invoke(*arguments, variables={"FORCE_COLOR": "1"}).out


def test_summary_is_in_colour_on_a_terminal_alone() -> None:
    assert "\x1b[" in invoke("convert", str(EXAMPLE), "--to", "anthropic", terminals=["stderr"]).err
    assert "\x1b[" not in invoke("convert", str(EXAMPLE), "--to", "anthropic", terminals=["stdout"]).err


def test_document_goes_to_a_file_on_one_line(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    target.write_text("old")
    done = convert("-o", str(target), body=LOSSY)
    assert (done.status, done.out) == (0, b"")
    assert json.loads(target.read_text()) == CONVERTED.body


def test_input_may_be_its_own_output(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(EXAMPLE.read_bytes())
    assert convert(str(file), "-o", str(file)).status == 0
    assert "max_tokens" in json.loads(file.read_bytes())


def test_several_files_come_out_in_order(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.json", "b.jsonl", "c.json")]
    for file, models in zip(files, (["1"], ["2", "3"], ["4"]), strict=True):
        file.write_bytes(lines(*({**REQUEST, "model": model} for model in models)))
    done = convert(str(files[0]), "-", str(files[1]), str(files[2]), body={**REQUEST, "model": "stdin"})
    assert [body["model"] for body in done.documents() if isinstance(body, dict)] == ["1", "stdin", "2", "3", "4"]


def test_no_file_and_dash_are_both_stdin() -> None:
    assert convert(body=REQUEST) == convert("-", body=REQUEST)


# ── losses ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_losses_are_told_on_stderr() -> None:
    err = convert(body=LOSSY).err
    assert "openai-chat request → anthropic" in err
    for loss in CONVERTED.losses:
        assert f"{loss.path}: {loss.reason}" in err


def test_quiet_and_ignore_tell_nothing_about_losses() -> None:
    told = ("--from", "openai-chat", "--kind", "request")
    assert convert("-q", *told, body=LOSSY).err == ""
    assert convert("--on-loss", "ignore", *told, body=LOSSY).err == ""


def test_ignored_losses_are_reported_all_the_same(tmp_path: Path) -> None:
    report = tmp_path / "report"
    convert("--on-loss", "ignore", "--report", str(report), body=LOSSY)
    assert [line["path"] for line in report_of(report)] == [loss.path for loss in CONVERTED.losses]


def test_report_may_go_to_stdout_when_the_document_does_not(tmp_path: Path) -> None:
    done = convert("--report", "-", "-o", str(tmp_path / "out"), body=LOSSY)
    assert len(done.documents()) == len(CONVERTED.losses)


@pytest.mark.parametrize(("policy", "status"), [("refuse-meaning", 65), ("refuse-any", 65), ("report", 0)])
def test_policy_refuses_losses(policy: str, status: int) -> None:
    done = convert("--on-loss", policy, body=LOSSY)
    assert done.status == status
    assert (done.out == b"") is (status == 65)
    assert "$.n" in done.err


def test_policy_against_meaning_lets_advice_go() -> None:
    assert convert("--on-loss", "refuse-meaning", body={**REQUEST, "seed": 7}).status == 0
    assert convert("--on-loss", "refuse-any", body={**REQUEST, "seed": 7}).status == 65


def test_policies_are_those_of_the_library() -> None:
    assert {*POLICIES, "ignore"} == set(command.POLICIES)


# ── validation ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_violation_is_told_with_its_path_and_side() -> None:
    body: JSON = {**REQUEST, "temperature": "hot", "stop": 7}
    done = convert("--validate", "--from", "openai-chat", "--kind", "request", "--to", "openai-chat", body=body)
    assert (done.status, done.out) == (65, b"")
    for side in ("input", "output"):
        for path in ("$.temperature", "$.stop"):
            assert f"{side}: {path}: " in done.err


def test_output_of_a_good_document_is_good() -> None:
    for dialect in dialects():
        done = invoke("convert", str(EXAMPLE), "--to", dialect.name, "--validate")
        assert (done.status, done.out.count(b"\n")) == (0, 1)


# ── many documents ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_line_that_fails_is_counted_and_the_rest_goes_on(tmp_path: Path) -> None:
    report = tmp_path / "report"
    content = lines(REQUEST) + b"broken\n" + lines({"a": 1}, {**REQUEST, "model": "last"})
    done = convert("--report", str(report), stdin=content)
    assert done.status == 1
    assert [body["model"] for body in done.documents() if isinstance(body, dict)] == ["m", "last"]
    assert [(line["type"], line["line"]) for line in report_of(report) if line["type"] == "error"] == [
        ("error", 2),
        ("error", 3),
    ]
    assert done.err.splitlines()[-1] == "dragoman: 2 of 4 documents failed"


def test_failures_are_shown_up_to_a_bound() -> None:
    content = b'{"a": 1}\n' * 50
    assert convert(stdin=content).err.count("error:") == run.MAX_FAILURES
    assert convert("-v", stdin=content).err.count("error:") == 50


def test_one_line_that_is_refused_is_one_that_failed() -> None:
    done = convert("--on-loss", "refuse-meaning", stdin=lines(LOSSY, REQUEST))
    assert (done.status, len(done.documents())) == (1, 1)


def test_file_that_fails_among_others_does_not_stop_them(tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.json", tmp_path / "good.json"
    bad.write_bytes(b"{")
    good.write_bytes(lines(REQUEST))
    done = convert(str(bad), str(good))
    assert (done.status, len(done.documents())) == (1, 1)
    assert f"{bad}:1:" in done.err


def test_output_file_stays_if_nothing_could_be_converted(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_text("old")
    assert convert("-o", str(target), body={"a": 1}).status == 65
    assert target.read_text() == "old"


def test_empty_file_of_lines_gives_no_lines(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_bytes(b"")
    done = convert(str(empty))
    assert (done.status, done.out) == (0, b"")


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("alias", ["claude", "messages", "ANTHROPIC"])
def test_dialects_have_aliases(alias: str) -> None:
    assert convert("--to", alias, body=LOSSY).documents() == [CONVERTED.body]


def test_guess_is_told() -> None:
    done = convert(body=REQUEST)
    assert "note: read as openai-chat request" in done.err
    assert "--from" in done.err


def test_model_in_the_url_is_told() -> None:
    assert "gemini names the model in the URL: m" in convert("--to", "gemini", body=LOSSY).err


def test_model_is_named_anew() -> None:
    assert b'"model":"claude"' in convert("-m", "claude", body=REQUEST).out


def test_list_shows_dialects_aliases_and_pairs() -> None:
    out = invoke("convert", "--list", variables={"COLUMNS": "100"}).out.decode()
    for dialect in dialects():
        assert f"  {dialect.name}: {dialect.title}\n" in out
        assert dialect.aliases[0] in out
    for pair in natural_losses():
        assert f"  {pair.source} → {pair.target}\n" in out
    assert max(map(len, out.splitlines())) <= 100


# ── usage ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "--to is missing: the dialect to convert into"),
        (["--to", "anthropc"], "--to: unknown dialect 'anthropc', none of anthropic, gemini, ollama, openai-chat"),
        (["--to", "gemini", "--from", "?"], "--from: unknown dialect '?'"),
        (
            ["--to", "gemini", "--kind", "reqest"],
            "--kind: expected auto, request, response, error or stream, got 'reqest'",
        ),
        (["--to", "gemini", "--on-loss", "x"], "--on-loss: expected report, refuse-meaning, refuse-any or ignore"),
        (["--to", "gemini", "-j", "0"], "--jobs: expected 1 to 256, got 0"),
        (["--to", "gemini", "--report", "-"], "--report and the documents cannot go to the same place"),
        (["--to", "gemini", "--report", "x", "-o", "./x"], "--report and the documents cannot go to the same place"),
        (["--to", "gemini", "-", "-"], "standard input can be read once only"),
        (["--too", "gemini"], "no such option: --too"),
        (["--to"], "option '--to' requires an argument"),
    ],
)
def test_mistake_is_one_line_and_status_two(arguments: list[str], problem: str) -> None:
    done = invoke("convert", *arguments)
    assert (done.status, done.out) == (2, b"")
    assert done.err.lower().startswith(f"dragoman: error: {problem}".lower())
    assert len(done.err.splitlines()) <= 2


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--to", "anthropc"], "did you mean 'anthropic'?"),
        (["--to", "gemini", "--kind", "reqest"], "did you mean 'request'?"),
        ([], "one of anthropic, gemini, ollama, openai-chat, openai-responses"),
    ],
)
def test_mistake_has_a_hint(arguments: list[str], hint: str) -> None:
    assert invoke("convert", *arguments).err.splitlines()[1] == f"  hint: {hint}"


def test_terminal_as_stdin_is_read_only_when_named() -> None:
    arguments = ("convert", "--to", "anthropic")
    done = invoke(*arguments, terminals=["stdin"])
    assert (done.status, "standard input is a terminal" in done.err) == (2, True)
    assert invoke(*arguments, "-", stdin=lines(REQUEST), terminals=["stdin"]).status == 0


def test_missing_file_stops_before_anything_is_written(tmp_path: Path) -> None:
    done = convert(str(EXAMPLE), str(tmp_path / "gone.json"))
    assert (done.status, done.out) == (66, b"")
    assert done.err == f"dragoman: error: {tmp_path / 'gone.json'}: no such file\n"


def test_place_that_cannot_be_written_is_73(tmp_path: Path) -> None:
    assert convert("-o", str(tmp_path / "no" / "out"), body=REQUEST).status == 73


def test_list_takes_no_file() -> None:
    done = invoke("convert", "x.json", "--list")
    assert done.status == 2
    assert "--list takes no FILE" in done.err


def test_summary_of_a_refusal_does_not_sound_like_success() -> None:
    assert "not converted; refused" in convert("--on-loss", "refuse-any", body=LOSSY).err
