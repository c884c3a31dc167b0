"""The page of a trace in Chromium: it shows each pass, asks for nothing, and what documents hold does nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any, Final, cast

import pytest

from dragoman.cli.environment import Environment
from dragoman.cli.tracing.show import show_trace
from tests.cli.harness import Text
from tests.cli.tracing.samples import HOSTILE, write_trace
from tests.e2e.install import HERE, NODE, PLAYWRIGHT

CHROMIUM: Final = shutil.which("chromium") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: apt install chromium")


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Open the page of two hostile exchanges, of which one failed, once for all tests."""
    folder = tmp_path_factory.mktemp("page")
    for fails in (False, True):
        write_trace(folder / "t.jsonl", HOSTILE, fails=fails)
    page = folder / "t.html"
    assert show_trace(str(folder / "t.jsonl"), Environment(stderr=Text()), html=str(page)) == 0
    command = [NODE, str(HERE / "page.mjs"), str(PLAYWRIGHT), str(CHROMIUM), str(page)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return {**cast("dict[str, Any]", json.loads(done.stdout)), "page": page.as_uri()}


def test_page_loads_without_a_complaint(seen: dict[str, Any]) -> None:
    assert (seen["console"], seen["errors"]) == ([], [])


def test_page_asks_for_nothing_but_itself(seen: dict[str, Any]) -> None:
    assert seen["requests"] == [seen["page"]]


def test_page_shows_each_pass_loss_and_failure(seen: dict[str, Any]) -> None:
    passes = ("client_request", "parsed", "defaults", "encoded", "quirks", "provider_response", "event 2", "final")
    said = (*passes, "meaning loss: dropped n at $.n", "wire_field_cache failed: InvalidInput at $.x")
    assert not [word for word in said if word not in seen["text"]]


def test_folds_open(seen: dict[str, Any]) -> None:
    assert len(seen["opened"]) > len(seen["text"])
    assert "the whole" in seen["text"]


def test_what_documents_hold_is_text(seen: dict[str, Any]) -> None:
    assert seen["title"] == "Trace: t.jsonl"
    assert not {"script", "img", "iframe", "link", "object"} & set(seen["elements"])
    assert "<img src=x onerror=" in seen["opened"]


def test_page_is_light_or_dark_as_its_reader_is(seen: dict[str, Any]) -> None:
    light, dark = seen["colours"]["light"], seen["colours"]["dark"]
    assert all(one != other for one, other in zip(light, dark, strict=True))
