"""A whole run as a user sees it: interrupts, closed pipes, full disks, keys, continuations, and what files are for."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from dragoman.schemas.captures import Captured, Received
from tests.cli.harness import PROGRAM, Result, environment_of_process, invoke, running, shell
from tests.cli.replaying.host import Host, hosting, profile
from tests.cli.replaying.recordings import asked, exchange, recording, write
from tests.schemas.captures.samples import EXCHANGES

pytestmark = pytest.mark.slow

CANARY, KEY = "recorded-canary-0123456789", "sk-profile-canary-987654321"


@pytest.fixture
def host() -> Iterator[Host]:
    with hosting() as running:
        yield running


@pytest.fixture
def known(host: Host, tmp_path: Path) -> dict[str, str]:
    return profile(tmp_path, host, more=", retry: {attempts: 1}")


@pytest.fixture
def many(tmp_path: Path) -> str:
    return write(tmp_path, [exchange(f"e{number}") for number in range(40)])


def results(out: bytes) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, out.splitlines()) if line["type"] == "result"]


def ids(file: Path) -> list[str]:
    return [line["source"]["id"] for line in results(file.read_bytes())]


def replay(*arguments: str, known: dict[str, str] | None = None, stdin: bytes = b"") -> Result:
    who = () if {"-p", "--offline"} & set(arguments) else ("-p", "sandbox")
    return invoke("replay", *who, *arguments, variables=known, stdin=stdin)


# ---- what ends a run -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "status", "kind"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_an_interrupt_keeps_what_was_told(
    host: Host, known: dict[str, str], many: str, tmp_path: Path, number: int, status: int, kind: str
) -> None:
    ledger = tmp_path / "results.jsonl"
    arguments = ("replay", many, "-p", "loop", "--jsonl", "--concurrency", "3", "--resume", str(ledger))
    with running(*arguments, variables=known) as process:
        assert process.stdout is not None
        told = process.stdout.readline() + process.stdout.readline()
        host.gate.clear()
        process.send_signal(number)
        rest, err = process.communicate(timeout=20)
    assert process.returncode == status
    lines = (told + rest).splitlines()
    assert json.loads(lines[-1])["error"]["kind"] == kind
    assert [line["source"]["id"] for line in results(told + rest)] == ids(ledger)
    assert b"Traceback" not in err
    assert b"pending" not in err
    assert b"exchanges: " in err


def test_a_pipe_that_nobody_reads_ends_the_run_at_once(host: Host, known: dict[str, str], many: str) -> None:
    line = f"dragoman replay {many} -p loop --rate 20 --jsonl -q | head -n 2; echo ${{PIPESTATUS[0]}}"
    done = shell(line, variables=known)
    assert done.out.splitlines()[-1] == b"141"
    assert done.err == ""
    assert len(host.seen) < 10


def test_a_pipe_that_never_says_more_can_be_interrupted() -> None:
    with running("replay", "-", "-p", "sandbox", "--yes", "--jsonl") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(recording(exchange("one"), exchange("two"), exchange("three")))
        process.stdin.flush()
        first = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=20)
    assert process.returncode == 143
    assert json.loads(first)["source"]["id"] == "one"
    assert json.loads(out.splitlines()[-1])["type"] == "error"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no device that is always full")
@pytest.mark.parametrize("option", ["-o /dev/full", "--record /dev/full", ">/dev/full"])
def test_a_full_disk_is_told(many: str, option: str) -> None:
    done = shell(f"dragoman replay {many} -p sandbox {option}")
    assert done.status == 74
    assert "No space left on device" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("option", ["-o", "--resume", "--record"])
def test_a_file_that_may_grow_no_further_is_told(many: str, tmp_path: Path, option: str) -> None:
    done = shell(f"ulimit -f 2; dragoman replay {many} -p sandbox -q --jsonl {option} {tmp_path / 'out'}")
    assert done.status == 74
    assert f"cannot write {tmp_path / 'out'}: File too large" in done.err


@pytest.mark.parametrize(
    ("option", "status", "problem"),
    [
        ("--resume /nowhere/x", 73, "cannot create /nowhere/x"),
        ("--record /nowhere/x", 73, "cannot create /nowhere/x"),
        ("-o /nowhere/x", 73, "cannot create /nowhere/x"),
        ("--junit /nowhere/x", 73, "cannot create /nowhere/x"),
        ("--plot /nowhere/x.svg", 73, "cannot create /nowhere/x.svg"),
        ("--resume .", 73, "cannot create .: Is a directory"),
        ("--resume /dev/null", 73, "cannot create /dev/null: it is no regular file"),
        ("-p nobody", 78, "nobody"),
        ("-p openai --retries x", 2, "--retries"),
    ],
)
def test_what_would_fail_at_the_end_fails_before_anything_is_sent(
    host: Host, known: dict[str, str], many: str, option: str, status: int, problem: str
) -> None:
    done = replay(many, "-p", "loop", *option.split(), known=known)
    assert (done.status, host.seen) == (status, [])
    assert problem in done.err


def test_a_missing_key_is_told_before_anything_is_sent(many: str) -> None:
    assert replay(many, "-p", "openai").status == 78
    assert replay(many, "-p", "openai", "--original").status == 78
    assert replay(many, "-p", "openai", "--dry-run", "--limit", "1").status == 0


def test_unfinished_files_do_not_appear(host: Host, known: dict[str, str], many: str, tmp_path: Path) -> None:
    host.rejections = [(401, {})]
    out = tmp_path / "out.jsonl"
    assert replay(many, "-p", "loop", "-o", str(out), known=known).status == 77
    assert not out.exists()


def test_there_is_no_warning_of_python(host: Host, known: dict[str, str], many: str) -> None:
    environment = environment_of_process(**known, PYTHONWARNINGS="error")
    environment.pop("COVERAGE_PROCESS_CONFIG", None)  # it warns of itself
    host.rejections = [(500, {})] * 3
    line = [str(PROGRAM), "replay", many, "-p", "loop", "--concurrency", "8", "-q", "--jsonl", "-o", os.devnull]
    done = subprocess.run(line, capture_output=True, env=environment, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, b"")


# ---- files that are one ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flag", ["--record", "--resume"])
def test_what_is_read_is_not_added_to(many: str, tmp_path: Path, flag: str) -> None:
    link = tmp_path / "link.jsonl"
    link.symlink_to(many)
    before = Path(many).read_bytes()
    done = replay(str(link), flag, many)
    assert done.status == 2
    assert f"{flag} cannot be added to {link}, which is read" in done.err
    assert Path(many).read_bytes() == before


@pytest.mark.parametrize(
    ("one", "other"), [("-o", "--junit"), ("-o", "--resume"), ("--record", "--resume"), ("--junit", "--record")]
)
def test_no_two_outputs_are_one_file(many: str, tmp_path: Path, one: str, other: str) -> None:
    place = str(tmp_path / "out")
    done = replay(many, one, place, other, place)
    assert done.status == 2
    assert f"{one} and {other} cannot go to the same file" in done.err


def test_nowhere_may_take_all(many: str) -> None:
    assert replay(many, "-o", os.devnull, "--junit", os.devnull, "--record", os.devnull, "-q").status == 0


# ---- keys ------------------------------------------------------------------------------------------------------------


def with_secrets(captured: Captured, url: str) -> Captured:
    headers = (
        ("Authorization", f"Bearer {CANARY}"),
        ("x-api-key", CANARY),
        ("cookie", f"session={CANARY}"),
        ("x-goog-api-key", CANARY),
    )
    assert captured.request is not None
    assert captured.response is not None
    body = captured.response.body.replace(b"Sandbox", CANARY.encode())
    sent = replace(captured.request, url=f"{url}?key={CANARY}&kept=1", headers=headers)
    return replace(captured, request=sent, response=replace(captured.response, body=body))


@pytest.mark.parametrize("form", [(), ("--json",), ("--jsonl",), ("--dry-run",), ("--dry-run", "--json"), ("-vv",)])
@pytest.mark.parametrize("original", [(), ("--original",)])
def test_no_key_is_found_in_anything(
    host: Host, tmp_path: Path, form: tuple[str, ...], original: tuple[str, ...]
) -> None:
    file = write(tmp_path, [with_secrets(exchange("one"), f"{host.origin}/v1/chat/completions")])
    Path(file).write_bytes(
        Path(file).read_bytes().replace(b'"headers":{}', b'"headers":{"x-api-key":"' + KEY.encode() + b'"}')
    )
    host.text = f"you said {KEY}"
    outputs = [tmp_path / name for name in ("record", "results", "junit")]
    files = ("--record", str(outputs[0]), "--resume", str(outputs[1]), "--junit", str(outputs[2]))
    options = (*original, *form, "--expect", "recorded", "--strict-text", *(files if "--dry-run" not in form else ()))
    done = replay(file, "-p", "loop", *options, known=profile(tmp_path, host, key=KEY))
    assert done.status == (0 if "--dry-run" in form else 1)
    texts = [done.out, done.err.encode(), *(output.read_bytes() for output in outputs if output.exists())]
    for text in texts:
        assert CANARY.encode() not in text
        assert KEY.encode() not in text
    for seen in host.seen:
        assert CANARY not in json.dumps([seen.path, dict(seen.headers), seen.body])
        assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert len(host.seen) == ("--dry-run" not in form)


def test_the_recorded_host_gets_the_rest_of_its_url(host: Host, tmp_path: Path) -> None:
    file = write(tmp_path, [with_secrets(exchange("one"), f"{host.origin}/deep/v9/chat/completions")])
    assert replay(file, "-p", "loop", "--original", known=profile(tmp_path, host)).status == 0
    assert [seen.path for seen in host.seen] == ["/deep/v9/chat/completions?kept=1"]


def test_the_key_goes_to_the_recorded_host_alone_and_that_is_told(host: Host, tmp_path: Path) -> None:
    with hosting() as other:
        file = write(tmp_path, [with_secrets(exchange(name), f"{other.origin}/v1/chat/completions") for name in "abc"])
        done = replay(file, "-p", "loop", "--original", known=profile(tmp_path, host, key=KEY))
        assert done.status == 0
        assert [len(host.seen), len(other.seen)] == [0, 3]
    assert done.err.count("warning: the key of loop goes to") == 1


# ---- comparing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", ["openai-responses", "anthropic", "gemini", "ollama"])
@pytest.mark.parametrize("streams", ["--stream", "--no-stream"])
def test_the_same_answer_in_another_dialect_is_the_same(tmp_path: Path, dialect: str, streams: str) -> None:
    file = write(tmp_path, [exchange("one"), exchange("two")])
    done = replay(file, "--dialect", dialect, streams, "--expect", "recorded", "--strict-text", "--allow-loss")
    assert done.status == 0, done.err


def test_a_refused_key_that_was_recorded_is_as_expected(host: Host, known: dict[str, str], tmp_path: Path) -> None:
    host.rejections = [(401, {})] * 2
    refused = [exchange(name, response={"error": {"message": "no"}}, status=401) for name in "ab"]
    done = replay(write(tmp_path, refused), "-p", "loop", "--expect", "recorded", known=known)
    assert (done.status, len(host.seen)) == (0, 2)


def test_a_cut_stream_plays_as_it_was_recorded(tmp_path: Path) -> None:
    stream = EXCHANGES[1]
    assert stream.response is not None
    cut = replace(stream, response=Received(kind="stream", body=stream.response.body[:200]))
    done = replay(write(tmp_path, [cut]), "--offline", "--speed", "max", "--expect", "recorded")
    assert (done.status, done.out.split()[1]) == (0, b"ok")


# ---- going on --------------------------------------------------------------------------------------------------------


def test_what_is_done_is_not_sent_again(host: Host, known: dict[str, str], many: str, tmp_path: Path) -> None:
    resume = ("-p", "loop", "--resume", str(tmp_path / "r"), "-q")
    assert replay(many, *resume, "--limit", "5", known=known).status == 0
    assert replay(many, *resume, "--index", "3-10", known=known).status == 0
    assert replay(many, *resume, known=known).status == 0
    assert replay(many, *resume, known=known).status == 0
    assert len(host.seen) == 40
    assert sorted(ids(tmp_path / "r")) == sorted(f"e{number}" for number in range(40))


def test_more_repeats_send_the_difference(host: Host, known: dict[str, str], many: str, tmp_path: Path) -> None:
    resume = (many, "-p", "loop", "--limit", "2", "--resume", str(tmp_path / "r"), "-q")
    replay(*resume, "--repeat", "2", known=known)
    replay(*resume, "--repeat", "3", known=known)
    assert len(host.seen) == 6


def test_files_in_another_order_are_the_same(host: Host, known: dict[str, str], many: str, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    other.write_bytes(recording(exchange("e0"), exchange("e0")))
    resume = ("-p", "loop", "--resume", str(tmp_path / "r"), "-q")
    replay(many, str(other), *resume, known=known)
    done = replay(str(other), many, *resume, "--jsonl", known=known)
    assert len(host.seen) == 42
    assert json.loads(done.out.splitlines()[-1])["count"] == 42


@pytest.mark.parametrize(
    "change", [("-m", "x"), ("--set", "seed=1"), ("--stream",), ("--expect", "recorded"), ("--original",)]
)
def test_results_of_another_run_are_refused(many: str, tmp_path: Path, change: tuple[str, ...]) -> None:
    resume = (many, "--limit", "1", "--resume", str(tmp_path / "r"))
    assert replay(*resume).status == 0
    done = replay(*resume, *change)
    assert done.status == 2
    assert "it is of another run" in done.err


def test_a_file_of_something_else_is_left_alone(many: str, tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("my notes\n")
    done = replay(many, "--resume", str(other))
    assert (done.status, other.read_text()) == (2, "my notes\n")


def test_stdin_can_be_gone_on_with(host: Host, known: dict[str, str], many: str, tmp_path: Path) -> None:
    resume = ("-", "-p", "loop", "--resume", str(tmp_path / "r"), "-q")
    for _ in range(2):
        assert replay(*resume, known=known, stdin=Path(many).read_bytes()).status == 0
    assert len(host.seen) == 40


def test_a_refused_key_is_worth_another_try(host: Host, known: dict[str, str], many: str, tmp_path: Path) -> None:
    host.rejections = [(401, {})]
    resume = (many, "-p", "loop", "--resume", str(tmp_path / "r"), "--jsonl")
    assert replay(*resume, known=known).status == 77
    done = replay(*resume, known=known)
    assert (done.status, len(results(done.out))) == (0, 40)


def test_results_told_and_results_kept_are_the_same_lines(many: str, tmp_path: Path) -> None:
    done = replay(many, "--resume", str(tmp_path / "r"), "--jsonl", "--limit", "3")
    assert done.out.splitlines()[:3] == (tmp_path / "r").read_bytes().splitlines()[1:]


def test_two_runs_do_not_keep_results_in_one_file(host: Host, known: dict[str, str], many: str, tmp_path: Path) -> None:
    host.gate.clear()
    arguments = (many, "-p", "loop", "--resume", str(tmp_path / "r"))
    with running("replay", *arguments, variables=known) as process:
        assert host.has_come.acquire(timeout=20)
        done = replay(*arguments, known=known)
        process.kill()
        process.communicate()
    assert done.status == 73
    assert "another run is writing there" in done.err


# ---- what cannot be read ---------------------------------------------------------------------------------------------


def test_what_cannot_be_read_is_told_even_by_the_quiet(tmp_path: Path) -> None:
    file = tmp_path / "traffic.jsonl"
    file.write_bytes(recording(exchange("one")) + b"{torn\n" + recording(exchange("two")))
    for form in ((), ("-q",), ("-n",)):
        done = replay(str(file), *form)
        assert done.status == 1
        assert "traffic.jsonl:2" in done.err


def test_nothing_to_send_is_an_error_of_a_rehearsal_too(many: str) -> None:
    done = replay(many, "-n", "--filter", "model=other")
    assert (done.status, "nothing to replay" in done.err) == (65, True)


def test_more_than_one_format_at_once(tmp_path: Path) -> None:
    body = json.dumps(asked("three"))
    curl = tmp_path / "line.sh"
    curl.write_text(f"curl https://api.openai.com/v1/chat/completions -d {shlex.quote(body)}\n")
    done = replay(write(tmp_path, [exchange("one")]), str(curl), "--jsonl")
    assert [line["text"] for line in results(done.out)] == ["Sandbox: one", "Sandbox: three"]


def test_what_cannot_be_read_is_told_up_to_a_number(tmp_path: Path) -> None:
    file = tmp_path / "traffic.jsonl"
    file.write_bytes(recording(exchange("one")) + b"{torn\n" * 30)
    err = replay(str(file), "-q").err
    assert (err.count("traffic.jsonl:"), "and 20 more entries that cannot be read" in err) == (10, True)


def test_what_is_no_request_is_counted(tmp_path: Path) -> None:
    file = write(tmp_path, [exchange("one"), replace(exchange("two"), request=None)])
    assert "dragoman: passed over: a response without its request (1)" in replay(file).err
    assert "passed over" not in replay(file, "-q").err


# ---- what to do instead ----------------------------------------------------------------------------------------------

HAR = b'{"log":{"version":"1.2","creator":{"name":"x","version":"1"},"entries":[]}}'


@pytest.mark.parametrize("form", [(), ("-n",), ("--jsonl",)])
def test_a_selection_that_selects_nothing_says_what_was_there(many: str, form: tuple[str, ...]) -> None:
    done = replay(many, "--filter", "model=other", *form)
    assert done.status == 65
    assert "nothing to replay: 40 entries, and --filter model=other holds for none" in done.err + done.out.decode()


@pytest.mark.parametrize(
    ("content", "problem"),
    [(HAR, "traffic.any holds no exchange"), (b"neither\nhere\nnor there", "the one entry cannot be read")],
)
def test_a_file_that_holds_nothing_says_so(tmp_path: Path, content: bytes, problem: str) -> None:
    file = tmp_path / "traffic.any"
    file.write_bytes(content)
    done = replay(str(file))
    assert (done.status, problem in done.err) == (65, True)


@pytest.mark.parametrize(
    ("option", "ways"),
    [
        ((), ("hint: --offline plays what was recorded; to ask somebody: -p NAME",)),
        (("--original",), ("hint: --original asks the recorded host with the key of a profile: -p NAME",)),
        (("--original", "-n"), ("the key of a profile: -p NAME",)),
    ],
)
def test_nobody_named_is_told_with_what_to_do(many: str, option: tuple[str, ...], ways: tuple[str, ...]) -> None:
    done = invoke("replay", many, *option, variables={})
    assert done.status == 78
    assert all(way in done.err for way in ways)


def test_a_profile_that_is_not_there_is_told_as_it_is(many: str) -> None:
    assert "--offline" not in replay(many, "-p", "nobody").err
    assert "--offline" not in invoke("replay", many, variables={"DRAGOMAN_PROFILE": "nobody"}).err


def test_results_and_junit_are_not_mixed(many: str, tmp_path: Path) -> None:
    done = replay(many, "--junit", "-")
    assert (done.status, done.out) == (2, b"")
    assert "--junit - and the results would be mixed" in done.err
    apart = replay(many, "--junit", "-", "-o", str(tmp_path / "out"), "-q")
    assert (apart.status, apart.out.startswith(b"<?xml")) == (0, True)


def test_what_the_sandbox_answered_has_no_original(tmp_path: Path) -> None:
    one = exchange("one")
    assert one.request is not None
    url = "sandbox://sandbox/v1/chat/completions"
    file = write(tmp_path, [replace(one, request=replace(one.request, url=url)), exchange("two")])
    done = replay(file, "--original", "--jsonl", "--retries", "0")
    first, second = results(done.out)
    assert first["error"]["message"].startswith("$.request.url: recorded from the sandbox: there is no host")
    assert (first["attempts"], second["attempts"]) == (0, 1)


def test_another_factor_is_another_run(many: str, tmp_path: Path) -> None:
    resume = (many, "--limit", "1", "--resume", str(tmp_path / "r"), "--expect", "recorded")
    assert replay(*resume).status == 0
    assert "it is of another run: factor was" in replay(*resume, "--factor", "2").err
