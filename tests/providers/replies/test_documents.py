"""Bytes of a whole answer: what is a response, what is an error in disguise, and what is neither."""

from __future__ import annotations

import pytest

from dragoman.providers.replies.documents import beginning, read_document, read_response
from dragoman.schemas.errors import ProtocolFault, Rejected
from dragoman.schemas.ir import JSON, Wire
from tests.providers.wires import said


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "nothing at all"),
        (b"\x1f\x8b\x08", "gzip, of which no header tells"),
        (b"\x89PNG\r\n\x1a\n\x00", "bytes 89 50 4e 47 0d 0a 1a 0a 00"),
        ("ä".encode() * 60, repr("ä" * 40)),
        (b"<html>\n<p>", r"'<html>\n<p>'"),
    ],
)
def test_beginning_can_be_read(raw: bytes, told: str) -> None:
    assert beginning(raw) == told


def test_document_is_read() -> None:
    assert read_document(b'\xef\xbb\xbf{"a": 1}', {}, 200) == {"a": 1}


def test_what_is_no_object_tells_status_and_type() -> None:
    with pytest.raises(ProtocolFault, match="status 203, text/html; charset=x, and no JSON object: 'no'"):
        read_document(b"no", {"content-type": "text/html; charset=x"}, 203)
    with pytest.raises(ProtocolFault, match="no content type"):
        read_document(b"no", {}, 200)


def test_response_is_read() -> None:
    assert read_response("openai-chat", said("Hello")).model == "m"


@pytest.mark.parametrize("error", ["overloaded", {"message": "overloaded"}])
@pytest.mark.parametrize("dialect", ["openai-chat", "openai-responses", "anthropic", "gemini", "ollama"])
def test_error_in_disguise_is_a_rejection(dialect: str, error: JSON) -> None:
    with pytest.raises(Rejected, match="overloaded") as caught:
        read_response(dialect, {"error": error}, "req_1")
    assert caught.value.request_id == "req_1"


@pytest.mark.parametrize("wire", [{"choices": 7}, {"choices": [[]]}, {"choices": [{"message": 1}]}])
def test_response_of_another_form_breaks_the_protocol(wire: Wire) -> None:
    with pytest.raises(ProtocolFault, match="no openai-chat response: "):
        read_response("openai-chat", wire)
