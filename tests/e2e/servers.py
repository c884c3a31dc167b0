"""The two servers as processes of ours: started on free ports of this machine, waited for, and always stopped.

`running` yields the variables that tell the tests where the servers are. Neither is told anything of our environment
that might be a key.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from tests.e2e.install import AIMOCK, HERE, LITELLM, NODE

__all__ = ["AIMOCK_KEY", "LITELLM_KEY", "ServerFailed", "open_directly", "running"]

AIMOCK_KEY = "aimock-e2e-key-4711-0815"
LITELLM_KEY = "sk-litellm-e2e-key-4711-0815"
PATIENCE = 120.0  # seconds; the proxy takes ten on a quiet machine
open_directly = build_opener(ProxyHandler({})).open  # no proxy stands between this machine and itself
KEPT = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL")


class ServerFailed(Exception):
    """A server did not start; the end of what it said is part of the message."""


@contextmanager
def running(logs: Path) -> Iterator[dict[str, str]]:
    """Run both servers. What they say goes to files in `logs`."""
    logs.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        aimock = stack.enter_context(_aimock(logs))
        litellm = stack.enter_context(_litellm(logs, aimock))
        yield {"E2E_AIMOCK": aimock, "E2E_LITELLM": litellm}


@contextmanager
def _aimock(logs: Path) -> Iterator[str]:
    command = (NODE, str(HERE / "aimock.mjs"), str(AIMOCK), str(HERE / "fixtures"))
    with _process(command, logs / "aimock", {"E2E_KEY": AIMOCK_KEY}) as process:
        yield _when(process, logs / "aimock", lambda: _url_said(logs / "aimock.out"))


@contextmanager
def _litellm(logs: Path, aimock: str) -> Iterator[str]:
    url = f"http://127.0.0.1:{_free_port()}"
    port = url.rpartition(":")[2]
    command = (str(LITELLM), "--config", str(HERE / "litellm.yaml"), "--host", "127.0.0.1", "--port", port)
    variables = {
        "E2E_AIMOCK": aimock,
        "E2E_AIMOCK_V1": f"{aimock}/v1",
        "E2E_KEY": AIMOCK_KEY,
        "E2E_LITELLM_KEY": LITELLM_KEY,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # prices are not fetched
        "DISABLE_ADMIN_UI": "True",
    }
    with _process((*command, "--telemetry", "False"), logs / "litellm", variables) as process:
        yield _when(process, logs / "litellm", lambda: url if _answers(f"{url}/health/readiness") else None)


@contextmanager
def _process(command: tuple[str, ...], log: Path, variables: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    with (
        log.with_suffix(".out").open("wb") as out,
        log.with_suffix(".err").open("wb") as err,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=environment | dict(variables),
            start_new_session=True,  # Ctrl-C is for us: we stop it
        ) as process,
    ):
        try:
            yield process
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a server and what it started: they are a group of processes of their own."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


def _when(process: subprocess.Popen[bytes], log: Path, ready: Callable[[], str | None]) -> str:
    """Return the URL as soon as there is one."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        if url := ready():
            return url
        time.sleep(0.1)
    said = log.with_suffix(".err").read_text(errors="replace")[-2000:]
    how = "is not ready" if process.poll() is None else f"ended with status {process.returncode}"
    raise ServerFailed(f"{log.name} {how}; it said:\n{said}")


def _url_said(out: Path) -> str | None:
    line = out.read_text()
    return str(json.loads(line)["url"]) if line.endswith("\n") else None


def _answers(url: str) -> bool:
    try:
        with open_directly(url, timeout=5) as reply:
            return bool(reply.status == 200)
    except (URLError, TimeoutError, ConnectionError):
        return False


def _free_port() -> int:
    with socket.socket() as finder:
        finder.bind(("127.0.0.1", 0))
        return int(finder.getsockname()[1])
