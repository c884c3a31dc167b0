"""Our own recording: what is written is what is read, and what `--record` promises about a line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from dragoman.schemas.captures import Captured, Received, Skipped, Unreadable
from tests.schemas.captures.samples import CHAT_STREAM, EXCHANGES, comparable, read, read_in_pieces, written

SCHEMA = Path(__file__).parents[3] / "schemas" / "exchange.schema.json"


def test_exchanges_come_back_as_they_were() -> None:
    found = read(written("recording"))
    expected = [replace(exchange, line=number) for number, exchange in enumerate(EXCHANGES, 1)]
    assert [comparable(item) for item in found] == [comparable(item) for item in expected]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_file_may_be_cut_anywhere(size: int) -> None:
    raw = written("recording")
    assert read_in_pieces(raw, size) == read(raw)


def test_lines_follow_the_schema() -> None:
    check = Draft202012Validator(json.loads(SCHEMA.read_text()))
    for line in written("recording").splitlines():
        check.validate(json.loads(line))


def test_chunks_of_a_stream_keep_their_times() -> None:
    line = json.loads(written("recording", EXCHANGES[1:2]))
    chunks = line["response"]["chunks"]
    assert [chunk["ms"] for chunk in chunks] == [100.0, 400.0, 900.0]
    assert all("text" in chunk or "base64" in chunk for chunk in chunks)


def test_a_letter_cut_in_two_is_kept() -> None:
    at = CHAT_STREAM.index("ä".encode()) + 1
    cut = replace(
        EXCHANGES[1], response=Received(kind="stream", body=CHAT_STREAM, pace=((1.0, at), (2.0, len(CHAT_STREAM))))
    )
    found = read(written("recording", (cut,)))[0]
    assert isinstance(found, Captured)
    assert found.response is not None
    assert found.response.body == CHAT_STREAM


def test_a_listing_of_models_is_passed_over() -> None:
    line = json.dumps({"schema_version": 1, "type": "exchange", "operation": "models", "request": None}).encode()
    assert read(line) == [Skipped("a list of models")]


def test_a_field_of_another_type_is_named() -> None:
    line = json.dumps({"schema_version": 1, "type": "exchange", "request": {"url": 5}}).encode()
    assert read(line) == [Unreadable("expected `str`, got `int`", "$.request.url")]
