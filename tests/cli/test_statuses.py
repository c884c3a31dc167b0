"""Exit statuses: each one that the help names, from a real process that asks a provider."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from dragoman.cli.status import Status
from tests.cli.harness import PROGRAM, environment_of_process, execute, hear_interrupts, running, shell
from tests.cli.server import ANSWER, Server

pytestmark = pytest.mark.slow

Variables = dict[str, str]
BOTH = pytest.mark.parametrize("command", ["complete", "stream"])

# profile, status, what is said of it
ANSWERED = [
    ("refusal", 1, "refusal: the model refused: I will not."),
    ("400", 65, "400: 400 said 400 (request id req-7)"),
    ("404", 65, "404: 404 said 404"),
    ("500", 69, "500: 500 said 500"),
    ("503", 75, "503: 503 said 503"),
    ("429", 75, "429: 429 said 429"),
    ("html", 76, "html: "),
    ("401", 77, "401: 401 said 401 (request id req-7)"),
    ("403", 77, "403: 403 said 403"),
]


@BOTH
@pytest.mark.parametrize(("profile", "status", "said"), ANSWERED)
def test_what_a_provider_answers_has_its_status(
    command: str, profile: str, status: int, said: str, variables: Variables
) -> None:
    done = execute(command, "-p", profile, "--no-stdin", "Why?", variables=variables)
    assert (done.status, done.out) == (status, b"")
    first, *rest = done.err.splitlines()
    assert first.startswith(f"dragoman: error: {said}")
    assert len(rest) <= 1


@BOTH
def test_answer_is_done(command: str, variables: Variables) -> None:
    done = execute(command, "-p", "answer", "--no-stdin", "Why?", variables=variables)
    assert done == (0, ANSWER.encode() + b"\n", "")


@pytest.mark.parametrize(
    ("profile", "status", "said"),
    [
        ("cut", 76, "cut: the stream was cut off before its end"),
        ("reset", 76, "the connection was reset in the middle of the answer"),
        ("malformed", 76, "malformed: 1 malformed event in the stream"),
        ("reported", 75, "too many tokens a minute"),
    ],
)
def test_stream_that_breaks_off_keeps_what_came(profile: str, status: int, said: str, variables: Variables) -> None:
    done = execute("stream", "-p", profile, "--no-stdin", "Why?", variables=variables)
    assert (done.status, done.out[:3], done.out[-1:]) == (status, b"The", b"\n")
    assert said in done.err


@BOTH
@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("-p answer ''", 2, "empty"),
        ("-p answer --nope x", 2, "no such option: --nope"),
        ("-p answer --as klingon x", 2, "--as: unknown dialect 'klingon'"),
        ("-p answer -f gone.txt x", 66, "gone.txt"),
        ("-p answer -o /nowhere/out x", 73, "cannot create /nowhere/out"),
        ("-p answer --record /nowhere/out x", 73, "cannot create /nowhere/out"),
        ("-p answer x >/dev/full", 74, "cannot write to standard output: No space left on device"),
        ("-p answer -o /dev/full x", 74, "cannot write /dev/full"),
        ("-p answer x >&-", 74, "standard output is closed"),
        ("-p nobody x", 78, "nobody"),
        ("-p slow --timeout first_byte=0.1 --timeout idle=0.1 x", 124, "slow: "),
    ],
)
def test_what_is_wrong_here_has_its_status(
    command: str, line: str, status: int, said: str, variables: Variables
) -> None:
    if "/dev/full" in line and not os.path.exists("/dev/full"):
        pytest.skip("this system has no device that is always full")
    done = shell(f"dragoman {command} --no-stdin {line}", variables=variables)
    assert done.status == status
    assert done.err.splitlines()[0].startswith("dragoman: error: ")
    assert said in done.err


@BOTH
def test_refused_connection_and_unknown_host_are_unavailable(command: str, tmp_path: Path) -> None:
    file = tmp_path / "dragoman.yaml"
    settings = "type: openai-compatible, model: m, retry: {attempts: 1}"
    file.write_text(
        f"profiles:\n  closed: {{base_url: 'http://127.0.0.1:1/v1', {settings}}}\n"
        f"  lost: {{base_url: 'http://nohost.invalid/v1', {settings}}}\n"
    )
    for profile in ("closed", "lost"):
        done = execute(command, "-p", profile, "--no-stdin", "Why?", variables={"DRAGOMAN_CONFIG": str(file)})
        assert (done.status, done.out) == (69, b"")
        assert done.err.startswith(f"dragoman: error: {profile}: ")


@BOTH
def test_missing_key_and_bad_prompt_are_told_apart(command: str) -> None:
    assert execute(command, "-p", "anthropic", "Why?", variables={"ANTHROPIC_API_KEY": ""}).status == 78
    assert execute(command, "-p", "sandbox", "-", stdin=b"\xff").status == 65


@BOTH
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_closes_the_connection_and_is_silent(
    command: str, number: signal.Signals, status: int, server: Server, variables: Variables
) -> None:
    with running(command, "-p", "slow", "--no-stdin", "Why?", variables=variables) as process:
        wait_until_asked(server)
        printed = first_line(process) if command == "stream" else b""
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, printed + out, err) == (status, b"The sky\n" if command == "stream" else b"", b"")
    assert server.left.wait(30)


def test_interrupt_ends_a_process_whose_reader_does_not_read(server: Server, variables: Variables) -> None:
    with running("stream", "-p", "flood", "--no-stdin", "Why?", variables=variables) as process:
        first_line(process)
        time.sleep(0.2)  # the pipe is full by now
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        process.communicate()
    assert server.left.wait(30)


@pytest.mark.parametrize("more", ["", "--events", "--as anthropic", "--as openai-chat"])
def test_reader_that_leaves_ends_it_silently(more: str, server: Server, variables: Variables) -> None:
    line = f"dragoman stream -p flood --no-stdin {more} Why? | head -n 1 >/dev/null; echo ${{PIPESTATUS[0]}}"
    done = shell(line, variables=variables)
    assert (done.out, done.err) == (b"141\n", "")
    assert server.left.wait(30)


@BOTH
def test_reader_that_leaves_is_noticed_while_the_provider_is_silent(
    command: str, server: Server, variables: Variables
) -> None:
    reading, writing = os.pipe()
    arguments = [str(PROGRAM), command, "-p", "slow", "--no-stdin", "Why?"]
    environment = environment_of_process(**variables)
    with subprocess.Popen(
        arguments, stdout=writing, stderr=subprocess.PIPE, env=environment, preexec_fn=hear_interrupts
    ) as process:
        os.close(writing)
        wait_until_asked(server)
        os.close(reading)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (141, b"")
    assert server.left.wait(30)


def test_every_status_is_tested_here() -> None:
    """70 cannot be had from outside: a fault of ours that was known would be mended. See test_main.py."""
    text = Path(__file__).read_text()
    assert {status for status in Status if str(status.value) not in text} == set()


def wait_until_asked(server: Server) -> None:
    for _ in range(1000):
        if server.asked:
            return
        time.sleep(0.01)
    pytest.fail("nothing was asked")


def first_line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return process.stdout.readline()
