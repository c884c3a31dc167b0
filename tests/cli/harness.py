"""The command line under test: in this process with an `Environment` of its own, or as a real process."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from dragoman.cli.environment import Environment
from dragoman.cli.main import run
from dragoman.schemas.ir import JSON, Wire

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "tests" / "cases" / "example-request.json"
PROGRAM = Path(sysconfig.get_path("scripts")) / "dragoman"
REQUEST: Wire = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
LOSSY: Wire = {**REQUEST, "n": 2, "seed": 7}  # for anthropic, n is a loss in meaning and seed an advisory one


class Bytes(io.BytesIO):
    def __init__(self, content: bytes = b"", *, terminal: bool = False) -> None:
        super().__init__(content)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


class Text(io.StringIO):
    def __init__(self, *, terminal: bool = False) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


class Result(NamedTuple):
    status: int
    out: bytes
    err: str

    def documents(self) -> list[JSON]:
        return [json.loads(line) for line in self.out.splitlines()]


def invoke(
    *arguments: str, stdin: bytes = b"", terminals: Sequence[str] = (), variables: Mapping[str, str] | None = None
) -> Result:
    """Run a command line in this process; `terminals` names the streams that are one."""
    out, err = Bytes(terminal="stdout" in terminals), Text(terminal="stderr" in terminals)
    source = Bytes(stdin, terminal="stdin" in terminals)
    status = run(arguments, Environment(source, out, stderr=err, variables=variables))
    return Result(status, out.getvalue(), err.getvalue())


def convert(*arguments: str, body: JSON = None, stdin: bytes = b"") -> Result:
    """Convert what is on stdin to anthropic, unless told otherwise."""
    target = () if "--to" in arguments else ("--to", "anthropic")
    return invoke("convert", *target, *arguments, stdin=stdin or json.dumps(body).encode())


def lines(*bodies: JSON) -> bytes:
    return b"".join(json.dumps(body).encode() + b"\n" for body in bodies)


def environment_of_process(**more: str) -> dict[str, str]:
    """Return the variables for a real process: this one's, without what changes how a command line looks."""
    unwanted = ("NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS", "_DRAGOMAN_COMPLETE")
    return {name: value for name, value in os.environ.items() if name not in unwanted} | more


def execute(*arguments: str, stdin: bytes = b"", variables: Mapping[str, str] | None = None) -> Result:
    """Run the installed console script as a process of its own."""
    done = subprocess.run(
        [PROGRAM, *arguments],
        input=stdin,
        capture_output=True,
        env=environment_of_process(**(variables or {})),
        timeout=60,
        check=False,
        preexec_fn=hear_interrupts,
    )
    return Result(done.returncode, done.stdout, done.stderr.decode())


def shell(script: str, *, variables: Mapping[str, str] | None = None) -> Result:
    """Run a line of bash in which `dragoman` is the program under test."""
    path = f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        env=environment_of_process(PATH=path, **(variables or {})),
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
        preexec_fn=hear_interrupts,
    )
    return Result(done.returncode, done.stdout, done.stderr.decode())


class Running(subprocess.Popen[bytes]):
    """A process in a group of its own, which does not outlive a test that failed."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
        super().__exit__(kind, error, trace)


def running(*arguments: str, variables: Mapping[str, str] | None = None) -> Running:
    """Start a process whose input goes on, and which may be sent signals. It is not measured: a signal that is raised
    as an exception while coverage holds its lock would stop it for ever."""
    environment = environment_of_process(**(variables or {}))
    environment.pop("COVERAGE_PROCESS_CONFIG", None)
    return Running(
        [PROGRAM, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
        preexec_fn=hear_interrupts,
    )


def hear_interrupts() -> None:
    """Undo that a process which a shell started in the background, and all that it starts, ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
