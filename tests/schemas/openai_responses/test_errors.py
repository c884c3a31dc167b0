"""Error bodies in every shape that OpenAI's relatives answer with, both ways."""

from __future__ import annotations

import pytest

from dragoman.schemas import convert_error
from dragoman.schemas.ir import JSON, Error, ErrorKind, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.openai_responses.errors import decode_error, encode_error
from tests.schemas.openai_responses.speaking import NAME

KNOWN: Wire = {"message": "No.", "type": "invalid_request_error", "param": "input", "code": "invalid_value"}

SHAPES: dict[str, tuple[JSON, str]] = {
    "as documented": ({"error": KNOWN}, "No."),
    "in a list": ([{"error": {"message": "No."}}], "No."),
    "a text": ({"error": "No."}, "No."),
    "flat": ({"message": "No.", "type": "x"}, "No."),
    "as an event": ({"type": "error", "code": "x", "message": "No.", "sequence_number": 3}, "No."),
    "in detail": ({"detail": "No."}, "No."),
    "in details": ({"detail": [{"msg": "a", "loc": ["x"]}, {"msg": "b"}]}, "x: a; b"),
    "in several": ([{"msg": "a"}, {"msg": "b"}], "a; b"),
    "nested": ({"error": {"error": "No."}}, "No."),
    "plain": ("No.", "No."),
    "nothing": (None, ""),
    "empty": ({}, ""),
    "number": (7, "7"),
}


@pytest.mark.parametrize(("wire", "message"), SHAPES.values(), ids=SHAPES)
def test_message_is_found_in_any_shape(wire: JSON, message: str) -> None:
    error = decode_error(wire, 400)
    assert (error.message, error.kind) == (message, "invalid_request")


def test_all_of_an_error_is_read() -> None:
    assert decode_error({"error": KNOWN}, 404) == Error(
        message="No.",
        kind="not_found",
        status=404,
        native="invalid_request_error",
        code="invalid_value",
        param="input",
        dialect=NAME,
        at=("error",),
    )


def test_words_beside_a_mere_text_are_the_errors_own() -> None:
    error = decode_error({"error": "No.", "code": "rate_limit_exceeded"}, None)
    assert (error.code, error.kind) == ("rate_limit_exceeded", "rate_limit")


@pytest.mark.parametrize(
    ("wire", "extra", "at"),
    [
        ({"error": {**KNOWN, "x": 1}}, {"x": 1}, ("error",)),
        ({"error": KNOWN, "y": 2}, {"y": 2}, ()),
        ({"error": {**KNOWN, "x": 1}, "y": 2}, {"y": 2, "error": {"x": 1}}, ()),
    ],
)
def test_fields_that_nobody_knows_are_kept_and_return(wire: Wire, extra: Wire, at: tuple[str, ...]) -> None:
    error = decode_error(wire, 400)
    assert (error.extra, error.at) == ({NAME: extra}, at)
    if "error" in extra or not at:
        losses = convert_error(wire, source=NAME, target="anthropic", status=400).losses
        assert "$.y" in [loss.path for loss in losses]


def test_fields_in_and_beside_an_error_return_to_their_places() -> None:
    wire: Wire = {"error": {**KNOWN, "x": 1}, "y": 2}
    assert encode_error(decode_error(wire, 400), Losses()) == wire


KINDS: dict[ErrorKind, str] = {
    "authentication": "authentication_error",
    "rate_limit": "rate_limit_error",
    "overloaded": "server_error",
    "too_large": "invalid_request_error",
    "unknown": "api_error",
}


@pytest.mark.parametrize(("kind", "word"), KINDS.items())
def test_kind_is_said_in_our_word(kind: ErrorKind, word: str) -> None:
    wire = encode_error(Error(message="No.", kind=kind, native="overloaded_error", dialect="anthropic"), Losses())
    assert wire == {"error": {"message": "No.", "type": word, "param": None, "code": None}}


@pytest.mark.parametrize(("code", "said"), [("x", "x"), (429, 429), (True, None), ({"a": 1}, None)])
def test_code_is_a_word_or_a_number(code: JSON, said: JSON) -> None:
    losses = Losses()
    wire = encode_error(Error(message="No.", kind="unknown", code=code), losses)
    assert isinstance(wire["error"], dict)
    assert wire["error"]["code"] == said
    assert [loss.feature for loss in losses.found] == ([] if said is not None else ["extension"])


def test_details_have_no_place() -> None:
    losses = Losses()
    encode_error(Error(message="No.", kind="unknown", details=[1], at=("error",)), losses)
    assert [(loss.path, loss.feature) for loss in losses.found] == [("$.error.details", "extension")]
