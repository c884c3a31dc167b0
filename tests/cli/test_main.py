"""The console script: every way to end has its status, and no way has a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from dragoman.cli.environment import Environment
from dragoman.cli.main import run
from dragoman.providers.version import VERSION
from tests.cli.harness import (
    EXAMPLE,
    LOSSY,
    REQUEST,
    Bytes,
    Text,
    execute,
    invoke,
    lines,
    running,
    shell,
)

CONVERT = ("convert", "--to", "anthropic", "-q")
FILE = f"{EXAMPLE}"


def test_version_is_told() -> None:
    assert execute("--version") == execute("-V") == (0, f"dragoman {VERSION}\n".encode(), "")


def test_nothing_typed_is_short_help_and_status_two() -> None:
    done = execute()
    assert (done.status, done.out) == (2, b"")
    assert "dragoman convert" in done.err
    assert "dragoman complete" in done.err
    assert len(done.err.splitlines()) < 12


def test_document_is_converted() -> None:
    done = execute(*CONVERT, FILE)
    assert (done.status, done.out.count(b"\n"), done.err) == (0, 1, "")


def test_unusual_spelling_is_understood_by_typer() -> None:
    assert execute("convert", "--to", "anthropic", "-q", "-j", "01", FILE) == execute(*CONVERT, FILE)


ENDS = [
    ("conver", 2, "did you mean 'convert'?"),
    ("--nope", 2, "no such option: --nope"),
    ("convert --to anthropic --nope", 2, "no such option: --nope"),
    ("convert --to anthropic gone.json", 66, "gone.json: no such file"),
    ("convert --to anthropic /", 66, "/: is a directory"),
    ("convert --to anthropic </dev/null", 65, "standard input: empty"),
    ("convert --to anthropic <<< '{\"a\":'", 65, "standard input:2:1: not JSON"),
    (r"convert --to anthropic < <(printf '{\"a\": \"\377\"}')", 65, "not UTF-8 (byte 7)"),
    (f"convert --to anthropic {FILE} --on-loss refuse-any -q", 65, "would be"),
    (f"convert --to anthropic {FILE} -o /nowhere/out", 73, "cannot create /nowhere/out: No such file or directory"),
    (f"convert --to anthropic {FILE} -o /dev/full", 74, "cannot write /dev/full: No space left on device"),
    (f"convert --to anthropic {FILE} >/dev/full", 74, "cannot write to standard output: No space left on device"),
    (f"convert --to anthropic {FILE} --report /dev/full >/dev/null", 74, "cannot write /dev/full"),
    (f"convert --to anthropic {FILE} >&-", 74, "standard output is closed"),
    ("convert --to anthropic <&-", 66, "standard input is closed"),
    ("convert --to anthropic - <&-", 66, "standard input is closed"),
    ("--version >/dev/full", 74, "cannot write to standard output: No space left on device"),
    ("--version >&-", 74, "standard output is closed"),
    ("convert --to anthropic /proc/self/mem", 74, "/proc/self/mem: Input/output error"),
    ("convert --list >/dev/full", 74, "cannot write to standard output"),
]
# Only some systems have a device that is always full, and a file that cannot be read though it is there.
MISSING = [device for device in ("/dev/full", "/proc/self/mem") if not os.path.exists(device)]


@pytest.mark.parametrize(
    ("line", "status", "said"), [end for end in ENDS if not any(device in end[0] for device in MISSING)]
)
def test_every_error_is_one_line_and_a_status(line: str, status: int, said: str) -> None:
    done = shell(f"dragoman {line}")
    assert (done.status, done.out) == (status, b"")
    assert done.err.startswith("dragoman: error: ")
    assert said in done.err
    assert len(done.err.splitlines()) <= 2


def test_closed_stderr_changes_nothing() -> None:
    done = shell(f"dragoman convert --to anthropic {FILE} 2>&-")
    assert (done.status, done.out) == (0, execute(*CONVERT, FILE).out)
    assert shell("dragoman convert 2>&-").status == 2


def test_closed_pipe_is_silent() -> None:
    done = shell(
        f"for i in {{1..2000}}; do tr -d '\\n' < {FILE}; echo; done | dragoman {' '.join(CONVERT)} | head -n 2; "
        "echo ${PIPESTATUS[1]}"
    )
    assert done.out.splitlines()[2:] == [b"141"]
    assert done.err == ""


def test_interrupt_keeps_what_was_printed() -> None:
    with running(*CONVERT) as process:
        printed = fed(process, lines(REQUEST, REQUEST))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, printed[:1], printed[-1:], err) == (130, b"{", b"\n", b"")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_leaves_no_file_behind(tmp_path: Path, number: signal.Signals, status: int) -> None:
    with running(*CONVERT, "-o", str(tmp_path / "out"), "--report", "-") as process:
        fed(process, lines(LOSSY, LOSSY, LOSSY))
        assert len(list(tmp_path.iterdir())) == 1
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err, list(tmp_path.iterdir())) == (status, b"", [])


def test_interrupt_ends_all_processes_quietly() -> None:
    with running(*CONVERT, "-j2") as process:
        fed(process, lines(REQUEST) * 1024)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, b"")


def test_trace_is_shown_to_those_who_ask_twice() -> None:
    arguments = ("convert", "--to", "anthropic", "gone.json")
    assert "Traceback" not in invoke(*arguments, "-v").err
    for verbose in (["-vv"], ["-v", "-v"], ["--verbose", "-v"]):
        assert "Traceback" in invoke(*arguments, *verbose).err


def test_fault_of_ours_is_one_line_too() -> None:
    class Broken(Bytes):
        def readinto(self, _buffer: object) -> int:
            raise ZeroDivisionError("oops")

    err = Text()
    assert run(["convert", "--to", "anthropic"], Environment(Broken(), Bytes(), stderr=err)) == 70
    assert err.getvalue().splitlines() == [
        "dragoman: error: our own fault: ZeroDivisionError: oops",
        "  hint: the same command with -vv shows where",
    ]


def fed(process: subprocess.Popen[bytes], content: bytes) -> bytes:
    """Send some input, keep the pipe open, and return the first line that comes out."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(content)
    process.stdin.flush()
    return process.stdout.readline()
