"""`--as`: what one dialect's server says, printed in each dialect, is what that vendor's own client understands.

In the server's own dialect it is what the server said, byte by byte if it is a stream.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.harness import DIALECTS, HELLO, TOOLS, Place
from tests.e2e.vendors import HEARS_DOCUMENT, HEARS_STREAM

every_pair = pytest.mark.parametrize(
    ("source", "target"), [(source, target) for source in DIALECTS for target in DIALECTS if source != target]
)
every_dialect = pytest.mark.parametrize("dialect", DIALECTS)
QUESTION = "What is the weather in two places?"
CALLS = [("get_weather", {"city": "Lisbon"}), ("get_weather", {"city": "Oslo"})]


@every_pair
def test_vendors_types_parse_the_document(place: Place, source: str, target: str) -> None:
    tools = place.write("tools.json", TOOLS)
    result = place.run("complete", "--as", target, "--tools", tools, "-p", source, QUESTION)
    assert result.status == 0, result
    heard = HEARS_DOCUMENT[target](result.out)
    assert (heard.text, heard.calls) == ("I look it up.", CALLS)


@every_pair
def test_vendors_client_reads_the_stream(place: Place, source: str, target: str) -> None:
    tools = place.write("tools.json", TOOLS)
    result = place.run("stream", "--as", target, "--tools", tools, "-p", source, QUESTION)
    assert result.status == 0, result
    heard = HEARS_STREAM[target](result.out)
    assert (heard.text, heard.calls) == ("I look it up.", CALLS)


@every_pair
def test_thoughts_do_not_get_into_the_words(place: Place, source: str, target: str) -> None:
    stream = place.run("stream", "--as", target, "-p", source, "Think first.")
    assert (stream.status, HEARS_STREAM[target](stream.out).text) == (0, "Forty-two."), stream


@every_dialect
def test_answer_of_a_vendor_with_ways_of_its_own(place: Place, dialect: str) -> None:
    document = place.run("complete", "--as", dialect, "-p", "openrouter", "Say hello.")
    assert (document.status, HEARS_DOCUMENT[dialect](document.out).text) == (0, HELLO)


@every_dialect
def test_document_of_the_same_dialect_is_the_servers_own(place: Place, dialect: str) -> None:
    result = place.run("complete", "--as", dialect, "--record", "record.jsonl", "-p", dialect, "Think first.")
    assert (result.status, result.err) == (0, "")
    assert json.loads(result.out) == recorded(place)["body"]


@every_dialect
def test_stream_of_the_same_dialect_is_the_servers_own(place: Place, dialect: str) -> None:
    result = place.run("stream", "--as", dialect, "--record", "record.jsonl", "-p", dialect, "Think first.")
    assert (result.status, result.err) == (0, "")
    said = "".join(chunk["text"] for chunk in recorded(place)["chunks"])
    assert result.out.decode() == said


@pytest.mark.parametrize("source", ["openai-chat", "anthropic"])
@pytest.mark.parametrize("target", DIALECTS)
def test_stream_that_breaks_off_does_not_look_whole(place: Place, source: str, target: str) -> None:
    result = place.run("stream", "--as", target, "-p", source, "Break off.")
    assert result.status == 76, result
    assert b"One" in result.out
    assert result.err.startswith("dragoman: error: "), result.err
    for end in (b"[DONE]", b'"message_stop"', b'"response.completed"', b'"finishReason"', b'"done":true'):
        assert end not in result.out


@pytest.mark.parametrize("command", ["complete", "stream"])
@every_dialect
def test_error_is_said_in_that_dialect(place: Place, dialect: str, command: str) -> None:
    result = place.run(command, "--as", dialect, "-p", "openrouter", "Refuse the key.")
    assert result.status == 77, result
    detected = place.run(
        "convert", "--kind", "error", "--from", dialect, "--to", "openai-chat", stdin=unframed(result.out)
    )
    assert json.loads(detected.out)["error"]["message"] == "no such key", detected
    assert result.err.startswith("dragoman: error: "), result.err


def unframed(raw: bytes) -> bytes:
    """Return the JSON of the one event of a stream, or the document that this is."""
    (line,) = [line for line in raw.splitlines() if line.startswith((b"data: ", b"{"))]
    return line.removeprefix(b"data: ")


def recorded(place: Place) -> dict[str, Any]:
    """Return the answer in the recording of the one exchange that there was."""
    response = json.loads((place.folder / "record.jsonl").read_text())["response"]
    assert isinstance(response, dict)
    return response
