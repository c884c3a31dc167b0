"""Error bodies of chat and its relatives, both ways."""

from __future__ import annotations

import pytest

from dragoman.schemas import convert_error
from dragoman.schemas.ir import JSON, Error, ErrorKind, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.openai_chat.errors import decode_error, encode_error

OPENAI: Wire = {"message": "No.", "type": "invalid_request_error", "param": "messages", "code": "bad"}


def test_error_comes_back() -> None:
    body: Wire = {"error": {**OPENAI, "innererror": {"code": "ResponsibleAIPolicyViolation"}}}
    losses = Losses()
    assert encode_error(decode_error(body, 400), losses) == body
    assert losses.found == []


def test_error_is_read() -> None:
    error = decode_error({"error": OPENAI}, 429)
    assert (error.message, error.kind, error.status) == ("No.", "rate_limit", 429)
    assert (error.native, error.code, error.param, error.at) == ("invalid_request_error", "bad", "messages", ("error",))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": "No."}, "No."),
        ({"message": "No."}, "No."),
        ({"detail": "No."}, "No."),
        ({"detail": [{"loc": ["body"], "msg": "a"}, {"msg": "b"}, {"x": 1}]}, 'body: a; b; {"x":1}'),
        ({"detail": [{"loc": ["body", "tools", 0], "msg": "Field required"}]}, "body.tools.0: Field required"),
        ({"statusCode": 400, "message": "No.", "error": "Bad Request"}, "No."),
        ([{"error": {"message": "No."}}], "No."),
        ({"error": {"error": "No."}}, "No."),
        ({"error": {"code": 7}}, ""),
        ("<html>502</html>", "<html>502</html>"),
        ({"detail": ["a", {"msg": "b"}, 7]}, "a; b; 7"),
        ({}, ""),
        (None, ""),
        ([], ""),
        (7, "7"),
    ],
)
def test_other_shapes_are_read(body: JSON, message: str) -> None:
    assert decode_error(body, 500).message == message


@pytest.mark.parametrize(
    ("code", "kind"), [("insufficient_quota", "billing"), ("rate_limit_exceeded", "rate_limit"), (None, "unknown")]
)
def test_kind_is_told_by_words_where_there_is_no_status(code: JSON, kind: ErrorKind) -> None:
    assert decode_error({"error": {"message": "No.", "code": code}}, None).kind == kind


def test_code_of_a_gateway_comes_back_as_a_number() -> None:
    body: Wire = {"error": {"message": "No.", "type": "api_error", "param": None, "code": 402}}
    assert encode_error(decode_error(body, 402), Losses()) == body


def test_what_chat_has_no_place_for_is_reported() -> None:
    error = Error(message="No.", kind="server", code=[7], details=[{"@type": "x"}], dialect="gemini", at=("error",))
    losses = Losses()
    assert encode_error(error, losses) == {
        "error": {"message": "No.", "type": "server_error", "param": None, "code": None}
    }
    assert [loss.path for loss in losses.found] == ["$.error.code", "$.error.details"]


@pytest.mark.parametrize(
    "kind", ["invalid_request", "authentication", "billing", "permission", "not_found", "conflict"]
)
def test_kind_is_told_by_the_type(kind: ErrorKind) -> None:
    body = encode_error(Error(message="No.", kind=kind, dialect="anthropic", native="x"), Losses())
    assert decode_error(body, None).kind == kind


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({"detail": [{"loc": ["body", "model"], "msg": "Field required", "type": "missing"}]}, ["$.detail"]),
        ({"error": [{"msg": "No.", "x": 1}]}, ["$.error"]),
        ({"error": {"message": "No.", "detail": "why"}}, ["$.error.detail"]),
        ({"error": {"message": "No.", "error": {"x": 1}}}, ["$.error.error.x"]),
        ({"detail": {"message": "No.", "code": "c", "x": 1}}, ["$.detail.code", "$.detail.x"]),
        ({"detail": {"message": "No.", "x": 1}, "y": 2}, ["$.y", "$.detail.x"]),
        ({"error": "Bad Request", "message": "No."}, ["$.error"]),
        ({"error": "No.", "code": "c"}, ["$.code"]),
        ([{"error": {"message": "No.", "code": "c"}}], ["$[0].error.code"]),
        ({"type": "error", "error": {"message": "No."}}, []),
        ({"detail": ["No.", "Never."]}, []),
    ],
)
def test_what_is_no_message_is_reported_where_it_stands(body: JSON, paths: list[str]) -> None:
    losses = convert_error(body, source="openai-chat", target="anthropic", status=400).losses
    assert [loss.path for loss in losses] == paths


@pytest.mark.parametrize(
    "body",
    [
        {"detail": [{"loc": ["body"], "msg": "a", "x": 1}]},
        {"detail": {"message": "No.", "x": 1}, "y": 2},
        {"error": {"message": "No.", "error": {"x": 1}}},
        {"error": "Bad Request", "message": "No."},
    ],
)
def test_odd_shapes_say_the_same_when_read_again(body: JSON) -> None:
    error = decode_error(body, 400)
    again = decode_error(encode_error(error, Losses()), 400)
    assert (again.message, again.extra) == (error.message, error.extra)
