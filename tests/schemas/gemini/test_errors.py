"""Error bodies: Google's own, in a list, old and odd ones; and other vendors' errors in Google's words."""

from __future__ import annotations

import pytest

from dragoman.schemas import convert_error
from dragoman.schemas.gemini.errors import decode_error, encode_error
from dragoman.schemas.ir import JSON, Error, ErrorKind, Wire
from dragoman.schemas.losses import Losses

QUOTA: Wire = {"error": {"code": 429, "message": "Slow down.", "status": "RESOURCE_EXHAUSTED"}}


def said(error: Error) -> tuple[Wire, list[tuple[str, str]]]:
    losses = Losses()
    wire = encode_error(error, losses)
    return wire, [(loss.path, loss.feature) for loss in losses.found]


@pytest.mark.parametrize("body", [QUOTA, [QUOTA]])
def test_error_is_read_also_from_a_list(body: JSON) -> None:
    error = decode_error(body, None)
    assert (error.message, error.kind, error.status, error.native) == (
        "Slow down.",
        "rate_limit",
        429,
        "RESOURCE_EXHAUSTED",
    )
    assert error.at == (("error",) if isinstance(body, dict) else (0, "error"))
    assert (error.code, error.extra, error.dialect) == (None, None, "gemini")


ODD: list[tuple[JSON, int | None, str, ErrorKind]] = [
    ({"error": "no"}, 404, "no", "not_found"),
    ({"message": "no"}, 401, "no", "authentication"),
    ({"error": {"status": "UNAVAILABLE"}}, None, '{"status":"UNAVAILABLE"}', "overloaded"),
    ({"error": {"message": 5}}, 500, "5", "server"),
    ({"error": None}, 500, "", "server"),
    ("<html>", 502, "<html>", "server"),
    ([], None, "[]", "unknown"),
    (None, None, "", "unknown"),
]


@pytest.mark.parametrize(("body", "status", "message", "kind"), ODD)
def test_odd_error_is_read(body: JSON, status: int | None, message: str, kind: ErrorKind) -> None:
    error = decode_error(body, status)
    assert (error.message, error.kind) == (message, kind)


def test_error_of_google_comes_back_as_it_was() -> None:
    details: JSON = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3s"}]
    body: Wire = {
        "error": {"code": 429, "message": "x", "status": "RESOURCE_EXHAUSTED", "details": details, "xMore": 1}
    }
    error = decode_error(body, 429)
    assert error.extra == {"gemini": {"xMore": 1}}
    assert said(error) == (body, [])


def test_what_stands_beside_an_error_comes_back_beside_it() -> None:
    body: Wire = {
        "error": {"code": 400, "message": "x", "status": "INVALID_ARGUMENT", "details": [1], "xIn": 2},
        "xOut": 3,
    }
    error = decode_error(body, 400)
    assert (error.at, error.details) == ((), None)
    assert said(error) == (body, [])


def test_code_that_is_not_the_status_is_kept() -> None:
    error = decode_error({"error": {"code": 13, "message": "x", "status": "INTERNAL"}}, 500)
    assert (error.status, error.code) == (500, 13)
    assert said(error)[0] == {"error": {"code": 13, "message": "x", "status": "INTERNAL"}}


def test_odd_code_travels_as_extra() -> None:
    assert decode_error({"error": {"code": "x", "message": "m"}}, 400).extra == {"gemini": {"code": "x"}}


@pytest.mark.parametrize(
    ("kind", "status", "code", "word"),
    [
        ("invalid_request", 400, 400, "INVALID_ARGUMENT"),
        ("authentication", 401, 401, "UNAUTHENTICATED"),
        ("permission", None, 403, "PERMISSION_DENIED"),
        ("not_found", None, 404, "NOT_FOUND"),
        ("billing", None, 402, "FAILED_PRECONDITION"),
        ("too_large", 413, 413, "INVALID_ARGUMENT"),
        ("rate_limit", None, 429, "RESOURCE_EXHAUSTED"),
        ("server", 500, 500, "INTERNAL"),
        ("overloaded", 529, 529, "UNAVAILABLE"),
        ("timeout", None, 504, "DEADLINE_EXCEEDED"),
        ("unknown", 418, 418, "UNKNOWN"),
    ],
)
def test_error_of_another_vendor_is_said_in_googles_words(
    kind: ErrorKind, status: int | None, code: int, word: str
) -> None:
    wire, losses = said(Error(message="x", kind=kind, status=status, native="their_word", dialect="anthropic"))
    assert wire == {"error": {"code": code, "message": "x", "status": word}}
    assert losses == []


def test_what_google_has_no_place_for_is_a_loss() -> None:
    error = Error(
        message="x",
        kind="invalid_request",
        code="bad",
        param="n",
        details={"a": 1},
        dialect="openai-chat",
        at=("error",),
    )
    assert said(error)[1] == [
        ("$.error.details", "extension"),
        ("$.error.param", "extension"),
        ("$.error.code", "extension"),
    ]


def test_error_of_chat_becomes_googles() -> None:
    body: Wire = {"error": {"message": "x", "type": "invalid_request_error", "param": None, "code": None}}
    converted = convert_error(body, source="openai-chat", target="gemini", status=400)
    assert converted.body == {"error": {"code": 400, "message": "x", "status": "INVALID_ARGUMENT"}}


def test_error_of_google_becomes_chats() -> None:
    converted = convert_error(QUOTA, source="gemini", target="openai-chat", status=429)
    error = converted.body["error"]
    assert isinstance(error, dict)
    assert (error["message"], error["type"]) == ("Slow down.", "rate_limit_error")
