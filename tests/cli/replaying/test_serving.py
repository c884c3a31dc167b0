"""`replay --serve`: what is said on stderr, where it listens, and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from msgspec.structs import replace

from dragoman.cli.environment import Environment
from dragoman.cli.replaying.serving import Service, place_of_server, serve
from dragoman.cli.status import CannotCreate, Status, Usage, status_of
from dragoman.providers.playback import server
from dragoman.providers.playback.server import PlaybackServer, listen
from dragoman.schemas.captures.recording import Writer
from dragoman.schemas.errors import InvalidInput
from tests.cli.harness import Bytes, Text
from tests.providers.playback.recorded import FIRST_REQUEST, exchange
from tests.providers.sandbox.asking import provider

CHILD = """
import signal, sys
from dragoman.cli.environment import Environment
from dragoman.cli.main import _catch_termination, _report
from dragoman.cli.replaying.serving import Service, serve
from dragoman.providers.factory import create_provider
from dragoman.schemas.captures import CaptureReader
from pathlib import Path

signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever started the tests
_catch_termination()
environment, reader = Environment.of_process(), CaptureReader("recording")
raw = Path(sys.argv[1]).read_bytes()
record = Path(sys.argv[2]) if len(sys.argv) > 2 else None
missing = create_provider("sandbox", variables={}) if record else None
try:
    items = [*reader.feed(raw), *reader.close()]
    sys.exit(serve(items, Service(where="0", speed=1.0, missing=missing, record=record), environment=environment))
except SystemExit:
    raise
except BaseException as error:
    sys.exit(_report(error, environment))
"""


def environment() -> tuple[Environment, Text]:
    said = Text()
    return Environment(Bytes(), Bytes(), stderr=said, variables={}), said


@contextmanager
def child(tmp_path: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], HTTPConnection]]:
    """Serve one slow stream in a process of its own."""
    captured = exchange(streams=True)
    assert captured.response is not None
    slow = replace(captured, response=replace(captured.response, pace=((1.0, 50), (50_000.0, 300))))
    file = tmp_path / "recording.jsonl"
    file.write_bytes(b"".join(Writer().feed(slow)))
    command = [sys.executable, "-c", CHILD, str(file), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            place = urlsplit(next(word for word in line.split() if word.startswith("http")))
            connection = HTTPConnection("127.0.0.1", place.port or 0, timeout=20)
            yield process, connection
            connection.close()
        finally:
            process.kill()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_ends_it_at_once_in_the_middle_of_a_stream(tmp_path: Path, number: signal.Signals, status: int) -> None:
    with child(tmp_path) as (process, connection):
        connection.request("POST", "/v1/chat/completions", json.dumps({**FIRST_REQUEST, "stream": True}))
        reply = connection.getresponse()
        assert reply.read1(10)
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
        reply.close()
    assert (process.returncode, out, err) == (status, "", "")


def test_unknown_request_is_passed_on_and_recorded(tmp_path: Path) -> None:
    record = tmp_path / "new.jsonl"
    with child(tmp_path, str(record)) as (process, connection):
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Is this new?"}]})
        connection.request("POST", "/v1/chat/completions", body)
        assert connection.getresponse().read()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
    assert len(record.read_bytes().splitlines()) == 1


@pytest.mark.parametrize(
    ("where", "place"),
    [
        ("8080", ("127.0.0.1", 8080)),
        (":0", ("127.0.0.1", 0)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("[::1]:81", ("::1", 81)),
        ("localhost:82", ("localhost", 82)),
    ],
)
def test_place_is_a_port_with_or_without_a_host(where: str, place: tuple[str, int]) -> None:
    assert place_of_server(where) == place


@pytest.mark.parametrize("where", ["", "localhost", "host:", "1:65536", "-1", "a b:1", "99999999999999", "²"])
def test_anything_else_is_no_place(where: str) -> None:
    with pytest.raises(Usage, match="HOST"):
        place_of_server(where)


def test_taken_port_is_told_with_the_way_out() -> None:
    said, _ = environment()
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(CannotCreate, match=f"cannot listen at 127.0.0.1:{port}: .*in use") as caught:
            serve([exchange()], Service(where=str(port)), environment=said)
    assert status_of(caught.value) == Status.CANNOT_CREATE
    assert "--serve 0" in caught.value.hint


def test_host_that_is_none_is_told() -> None:
    said, _ = environment()
    with pytest.raises(CannotCreate, match="cannot listen at"):
        serve([exchange()], Service(where="no.such.host.invalid:0"), environment=said)


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server end as soon as it has started."""

    class Ended(PlaybackServer):
        async def main_loop(self) -> None:
            """Serve nobody."""

    monkeypatch.setattr(server, "PlaybackServer", Ended)


@pytest.mark.usefixtures("ended")
def test_endpoints_are_told_and_what_is_not_served() -> None:
    said, err = environment()
    exchanges = [exchange(), replace(exchange(), request=None), replace(exchange(), response=None)]
    assert serve(exchanges, Service(where="0"), environment=said) == 0
    lines = err.getvalue().splitlines()
    assert lines[0] == "dragoman: 1 exchange is not served: without a request"
    assert lines[1] == "dragoman: 1 exchange is not served: without a response"
    assert lines[2].startswith("dragoman: serving 1 exchange at http://127.0.0.1:")
    assert "openai: http://127.0.0.1:" in lines[2]


@pytest.mark.usefixtures("ended")
def test_other_host_than_this_machine_is_warned_of() -> None:
    said, err = environment()
    serve([exchange()], Service(where="0.0.0.0:0"), environment=said)
    assert "warning: whoever can reach 0.0.0.0" in err.getvalue()


@pytest.mark.usefixtures("ended")
def test_provider_for_what_is_missing_needs_no_recording() -> None:
    said, err = environment()
    assert serve([], Service(where="0", missing=provider()), environment=said) == 0
    assert "serving 0 exchanges" in err.getvalue()


def test_requests_without_answers_are_nothing_to_serve() -> None:
    said, err = environment()
    with pytest.raises(InvalidInput, match="nothing to serve"):
        serve([replace(exchange(), response=None)], Service(where="0"), environment=said)
    assert "is not served: without a response" in err.getvalue()


def test_recording_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    said, _ = environment()
    with pytest.raises(CannotCreate, match="cannot write"):
        serve([], Service(where="0", missing=provider(), record=tmp_path / "no" / "file"), environment=said)


def test_missing_extra_is_told_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    said, _ = environment()
    with pytest.raises(Usage, match="uvicorn") as caught:
        serve([], Service(where="0"), environment=said)
    assert caught.value.hint == "pip install 'dragoman[serve]'"
