"""HARs that Chromium wrote, of a page that asked what models are asked: every exchange is there, as it was."""

from __future__ import annotations

import json
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest

from dragoman.schemas.captures import Captured, CaptureReader, Item, Skipped, find_format
from tests.e2e.install import HERE, NODE, PLAYWRIGHT

CHROMIUM: Final = shutil.which("chromium") or shutil.which("google-chrome")
KEY: Final = b"sk-chromium-e2e-key-4711-0815"
DIALECTS: Final = {"chat": "openai-chat", "stream": "openai-chat", "gzip": "anthropic", "error": "openai-responses"}

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: apt install chromium")
every_writer = pytest.mark.parametrize("name", ["devtools", "playwright-embedded", "playwright-minimal"])
every_whole_case = pytest.mark.parametrize("case", DIALECTS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Let Chromium write its files, once for all tests."""
    folder = tmp_path_factory.mktemp("chromium")
    command = [NODE, str(HERE / "chromium.mjs"), str(PLAYWRIGHT), str(CHROMIUM), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def exchanges(folder: Path) -> dict[str, dict[str, str]]:
    """What the server was asked, and what it answered, for each case."""
    found: dict[str, dict[str, str]] = json.loads((folder / "exchanges.json").read_text())
    return found


def read(raw: bytes) -> list[Item]:
    reader = CaptureReader()
    return [*reader.feed(raw), *reader.close()]


def found(folder: Path, name: str) -> dict[str, Captured]:
    """Return the exchanges of a file by their cases; "refused" is that with a server that is not there."""
    items = read((folder / f"{name}.har").read_bytes())
    assert not [item for item in items if not isinstance(item, Captured | Skipped)]
    asked = [(item, item.request) for item in items if isinstance(item, Captured)]
    return {sent.url.rpartition("case=")[2] if "case=" in sent.url else "refused": item for item, sent in asked if sent}


@every_writer
@every_whole_case
def test_bodies_are_what_went_over_the_wire(
    folder: Path, exchanges: dict[str, dict[str, str]], name: str, case: str
) -> None:
    captured: Any = found(folder, name)[case]
    assert captured.request.body.decode() == exchanges[case]["asked"]
    assert captured.response.body.decode() == exchanges[case]["answered"]


@every_writer
def test_exchanges_are_known_for_what_they_are(folder: Path, name: str) -> None:
    captured = found(folder, name)
    assert list(captured) == ["chat", "stream", "gzip", "error", "cut", "refused"]
    assert {case: captured[case].dialect for case in DIALECTS} == DIALECTS
    kinds = [answer.kind for case in DIALECTS if (answer := captured[case].response)]
    assert kinds == ["response", "stream", "response", "error"]


@every_writer
def test_no_key_is_left(folder: Path, name: str) -> None:
    assert KEY in (folder / f"{name}.har").read_bytes()
    assert KEY.decode() not in str(found(folder, name))


@every_writer
def test_what_failed_is_told(folder: Path, name: str) -> None:
    captured: Any = found(folder, name)
    assert (captured["refused"].response, captured["refused"].fault) == (None, "net::ERR_CONNECTION_REFUSED")
    assert [captured[case].response.is_cut for case in ("stream", "cut")] == [False, True]


def test_what_is_no_question_to_a_model_is_passed_over(folder: Path) -> None:
    skipped = [item for item in read((folder / "devtools.har").read_bytes()) if isinstance(item, Skipped)]
    reasons = {item.reason for item in skipped}
    assert reasons == {"no request to a model", "OPTIONS where a model is asked by POST"}
    assert any(item.detail.endswith("/picture.png") for item in skipped)


def test_the_pace_of_a_stream_is_that_of_its_events(folder: Path) -> None:
    captured: Any = found(folder, "devtools")["stream"]
    times = [ms for ms, _ in captured.response.pace]
    assert 2 <= len(times) <= 3  # a busy browser may see two events at once
    assert all(later > earlier for earlier, later in pairwise(times))
    assert times[-1] - times[0] > 100


def test_a_stream_that_was_cut_off_is_there_as_far_as_it_came(
    folder: Path, exchanges: dict[str, dict[str, str]]
) -> None:
    captured: Any = found(folder, "devtools")["cut"]
    assert captured.response.body
    assert exchanges["cut"]["answered"].startswith(captured.response.body.decode())


def test_requests_whose_bodies_were_left_out_are_passed_over_with_the_reason(folder: Path) -> None:
    reasons = [
        item.reason for item in read((folder / "playwright-omitted.har").read_bytes()) if isinstance(item, Skipped)
    ]
    assert reasons.count("a request that was saved without its body") == len(found(folder, "devtools"))


@every_writer
def test_what_is_written_of_it_is_read_again(folder: Path, name: str) -> None:
    captured = found(folder, name)
    writer = find_format("har").writer()
    raw = b"".join([*(piece for each in captured.values() for piece in writer.feed(each)), *writer.close()])
    assert read(raw) == list(captured.values())
