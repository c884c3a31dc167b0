"""Problems: what people and programs are told of an error."""

from __future__ import annotations

import json

import pytest

from dragoman.cli.answer.problems import error_fields, error_line, is_told, problem_of
from dragoman.cli.status import CheckFailed, FailedExchange, IOFailure, Terminated, Usage
from dragoman.schemas.errors import NetworkFault, Rejected, ReportedError, TimedOut, UnknownProfile
from dragoman.schemas.ir import Error

DENIED = Rejected(
    Error(message="no", kind="authentication", status=401, code="invalid_api_key"), request_id="r7", retry_after=3.5
)


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        (Usage("x"), "usage", 2),
        (UnknownProfile("x"), "unknown-profile", 78),
        (FailedExchange("local", DENIED), "authentication", 77),
        (FailedExchange("local", TimedOut("idle", 1)), "timeout", 124),
        (FailedExchange("local", NetworkFault("x", kind="reset", before_reply=False)), "reset", 76),
        (FailedExchange("local", NetworkFault("x", kind="dns")), "dns", 69),
        (CheckFailed("refusal", "x"), "refusal", 1),
        (IOFailure("x"), "io", 74),
        (OSError(5, "x"), "io", 74),
        (KeyboardInterrupt(), "interrupted", 130),
        (Terminated(), "terminated", 143),
        (BrokenPipeError(), "closed-pipe", 141),
        (ZeroDivisionError("x"), "internal", 70),
    ],
)
def test_kind_goes_with_the_status(error: BaseException, kind: str, status: int) -> None:
    fields = error_fields(error)
    assert (fields["kind"], fields["status"]) == (kind, status)
    assert fields["message"]


def test_what_a_provider_told_is_passed_on() -> None:
    assert error_fields(FailedExchange("local", DENIED, hint="set a key")) == {
        "kind": "authentication",
        "message": "local: 401 no (request id r7)",
        "status": 77,
        "hint": "set a key",
        "profile": "local",
        "http_status": 401,
        "code": "invalid_api_key",
        "request_id": "r7",
        "retry_after": 3.5,
    }


def test_error_in_a_stream_has_its_param() -> None:
    told = ReportedError(Error(message="no", kind="invalid_request", param="tools"))
    assert error_fields(told)["param"] == "tools"


def test_hint_of_the_error_itself_wins() -> None:
    assert FailedExchange("local", TimedOut("idle", 1), hint="other").hint.startswith("timeouts.idle")


def test_line_is_one_json_object() -> None:
    line = error_line(Usage("two\nlines"))
    assert line.count(b"\n") == 1
    assert json.loads(line)["type"] == "error"


def test_people_are_told_of_all_but_what_they_did() -> None:
    assert [problem_of(error).is_said for error in (KeyboardInterrupt(), Terminated(), BrokenPipeError())] == [
        False
    ] * 3
    assert problem_of(OSError(5, "Input/output error", "file")).message == "file: Input/output error"


def test_error_that_was_told_is_known_to_be() -> None:
    assert is_told(CheckFailed("refusal", "x", is_told=True))
    assert not is_told(FailedExchange("local", DENIED))
    assert not is_told(ValueError())
