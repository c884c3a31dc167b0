"""Laws one and two over recorded traffic: every request, response and error of the file that DRAGOMAN_CORPUS names.

The file holds one exchange a line, gzipped or not: {"id", "protocol", "request", "response", "status"}. Without it this
module is not collected.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from dragoman.schemas import Converted, convert_error, convert_request, convert_response
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import read_json
from tests.laws.codec import decoded, encoded, losses_of, said_by
from tests.laws.excuses import unexcused
from tests.laws.passage import judge_passage
from tests.laws.verdicts import judge
from tests.laws.wires.every import NAMES

PROTOCOLS: Final = {
    "openai-chat": "openai-chat",
    "openai-responses": "openai-responses",
    "anthropic": "anthropic",
    "anthropic-messages": "anthropic",
    "gemini": "gemini",
    "ollama": "ollama",
}
_CONVERT: Final[dict[str, Callable[..., Converted[Wire]]]] = {
    "request": convert_request,
    "response": convert_response,
    "error": convert_error,
}


def lines() -> Iterator[bytes]:
    path = Path(os.environ["DRAGOMAN_CORPUS"])
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        yield from file


def _documents() -> Iterator[tuple[str, str, str, Wire]]:
    """Yield id, dialect, kind and document."""
    for line in lines():
        exchange = read_json(line)
        name = PROTOCOLS.get(str(exchange.get("protocol"))) if isinstance(exchange, dict) else None
        if name is None or not isinstance(exchange, dict):
            continue
        answer, status = exchange.get("response"), exchange.get("status")
        kind = "error" if isinstance(status, int) and status >= 400 else "response"
        for found, document in (("request", exchange.get("request")), (kind, answer)):
            if isinstance(document, dict):
                yield str(exchange.get("id")), name, found, document


_FOUND: Final = [pytest.param(name, kind, wire, id=f"{kind} {key}") for key, name, kind, wire in _documents()]


@pytest.mark.parametrize(("name", "kind", "wire"), _FOUND)
def test_recording_comes_out_equal(name: str, kind: str, wire: Wire) -> None:
    assert _CONVERT[kind](wire, source=name, target=name).body == wire


@pytest.mark.parametrize(("name", "kind", "wire"), _FOUND)
def test_recording_says_the_same_after_the_codec(name: str, kind: str, wire: Wire) -> None:
    losses = losses_of(name, kind, wire)
    said = decoded(name, kind, wire)
    written = encoded(name, said, losses)
    complaints = unexcused(said_by(said), said_by(decoded(name, kind, written)), losses.found)
    documents: dict[str, JSON] = {"document": wire, "written": written}
    judge(f"{name} {kind}", complaints, losses.found, **documents)


@pytest.mark.parametrize(("name", "kind", "wire"), _FOUND)
def test_recording_says_the_same_in_every_dialect(name: str, kind: str, wire: Wire) -> None:
    said = decoded(name, kind, wire)
    for target in NAMES:
        judge_passage(name, target, kind, wire, said)
