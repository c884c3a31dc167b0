"""Errors of Ollama: a text, and the status beside it."""

from __future__ import annotations

import json

import pytest
from ollama import ResponseError

from dragoman.schemas import convert_error
from dragoman.schemas.ir import JSON, Error, ErrorKind
from dragoman.schemas.losses import Losses
from dragoman.schemas.ollama.errors import decode_error, encode_error


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (404, 'model "x" not found, try pulling it first', "not_found"),
        (400, '"x" does not support tools', "invalid_request"),
        (401, "unauthorized", "authentication"),
        (503, "server busy, please try again", "overloaded"),
        (500, "model requires more system memory", "server"),
        (None, "unauthorized", "authentication"),
    ],
)
def test_kind_is_told_by_the_status(status: int | None, message: str, kind: ErrorKind) -> None:
    error = decode_error({"error": message}, status)
    assert (error.message, error.kind, error.status) == (message, kind, status)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "no", "type": "api_error", "code": 7}}, "no"),
        ({"message": "no"}, "no"),
        ("502 Bad Gateway", "502 Bad Gateway"),
        ({"error": None}, ""),
        ({"error": ["a"]}, '["a"]'),
        (None, ""),
    ],
)
def test_other_shapes_are_read(body: JSON, message: str) -> None:
    assert decode_error(body, 500).message == message


def test_status_is_read_from_the_body_where_it_stands_there() -> None:
    assert decode_error({"StatusCode": 401, "Status": "401 Unauthorized", "error": "unauthorized"}, None).status == 401


def test_error_comes_back() -> None:
    body: JSON = {"error": "unauthorized", "signin_url": "https://ollama.example/connect"}
    losses = Losses()
    assert encode_error(decode_error(body, 401), losses) == body
    assert losses.found == []


def test_what_is_more_than_a_text_is_reported() -> None:
    error = Error(message="no", kind="rate_limit", status=429, code="x", param="p", details=[1], at=("error",))
    losses = Losses()
    assert encode_error(error, losses) == {"error": "no"}
    assert [loss.path for loss in losses.found] == ["$.error.code", "$.error.param", "$.error.details"]


def test_kind_that_no_status_tells_is_reported() -> None:
    losses = Losses()
    encode_error(Error(message="no", kind="rate_limit"), losses)
    assert [(loss.feature, loss.action) for loss in losses.found] == [("extension", "dropped")]


def test_error_of_chat_is_understood_by_the_sdk() -> None:
    body: JSON = {"error": {"message": "Slow down.", "type": "rate_limit_error", "param": None, "code": None}}
    converted = convert_error(body, status=429, source="openai-chat", target="ollama")
    assert ResponseError(json.dumps(converted.body), 429).error == "Slow down."
