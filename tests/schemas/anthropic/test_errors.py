"""Error bodies, whatever shape they come in."""

from __future__ import annotations

import pytest
from anthropic.types import ErrorResponse

from dragoman.schemas import convert_error
from dragoman.schemas.anthropic.errors import decode_error, encode_error
from dragoman.schemas.ir import JSON, Error, ErrorKind, Wire
from dragoman.schemas.losses import Losses

BUSY: Wire = {
    "type": "error",
    "error": {"type": "overloaded_error", "message": "Overloaded"},
    "request_id": "req_1",
}


def say(error: Error) -> tuple[Wire, list[tuple[str, str, str]]]:
    losses = Losses()
    wire = encode_error(error, losses)
    ErrorResponse.model_validate(wire)
    return wire, [(loss.path, loss.feature, loss.action) for loss in losses.found]


def test_error_is_read_and_comes_back() -> None:
    error = decode_error(BUSY, 529)
    assert (error.kind, error.message, error.native, error.status) == (
        "overloaded",
        "Overloaded",
        "overloaded_error",
        529,
    )
    assert say(error) == (BUSY, [])


def test_own_fields_of_an_error_come_back() -> None:
    wire: Wire = {
        "type": "error",
        "error": {"type": "billing_error", "message": "Pay.", "details": {"limit": 5}, "hint": "x"},
    }
    assert say(decode_error(wire, 402)) == (wire, [])


SHAPES: dict[str, tuple[JSON, str]] = {
    "text": ("<html>Bad gateway</html>", "<html>Bad gateway</html>"),
    "error as text": ({"error": "No."}, "No."),
    "Bedrock": ({"message": "No."}, "No."),
    "FastAPI": ({"detail": "No."}, "No."),
    "FastAPI in detail": ({"detail": [{"msg": "No."}, {"loc": ["a"]}]}, 'No.; {"loc":["a"]}'),
    "error inside an error": ({"error": {"error": "No."}}, "No."),
    "list": ([{"error": {"message": "No."}}], "No."),
    "nothing": (None, ""),
    "number": (7, "7"),
}


@pytest.mark.parametrize(("wire", "message"), SHAPES.values(), ids=SHAPES.keys())
def test_error_of_any_shape_has_its_message(wire: JSON, message: str) -> None:
    assert decode_error(wire, 502).message == message


TYPES: dict[ErrorKind, str] = {
    "invalid_request": "invalid_request_error",
    "authentication": "authentication_error",
    "permission": "permission_error",
    "not_found": "not_found_error",
    "too_large": "request_too_large",
    "rate_limit": "rate_limit_error",
    "server": "api_error",
    "overloaded": "overloaded_error",
    "timeout": "timeout_error",
    "unknown": "api_error",
}


@pytest.mark.parametrize(("kind", "named"), TYPES.items())
def test_kind_has_claudes_name(kind: ErrorKind, named: str) -> None:
    losses = Losses()
    assert encode_error(Error(message="No.", kind=kind), losses) == {
        "type": "error",
        "error": {"type": named, "message": "No."},
    }
    assert losses.found == []


def test_kind_is_told_by_the_name_where_there_is_no_status() -> None:
    assert decode_error(BUSY, None).kind == "overloaded"


def test_conflict_is_an_invalid_request() -> None:
    wire, losses = say(Error(message="No.", kind="conflict"))
    assert wire["error"] == {"type": "invalid_request_error", "message": "No."}
    assert losses == [("$", "extension", "approximated")]


def test_what_claudes_errors_do_not_have_is_reported() -> None:
    error = Error(message="No.", kind="invalid_request", code="x", param="tools", details=[1], dialect="openai-chat")
    assert {path for path, *_ in say(error)[1]} == {"$.code", "$.param", "$.details"}


def test_unknown_fields_are_reported_at_their_places() -> None:
    wire: Wire = {"type": "error", "error": {"type": "api_error", "message": "No.", "hint": "x"}, "request_id": "r"}
    converted = convert_error(wire, source="anthropic", target="openai-chat", status=500)
    assert {"$.error.hint", "$.request_id"} <= {loss.path for loss in converted.losses}
