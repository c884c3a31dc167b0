"""The onlooker: what -v and -vv tell of attempts, requests and responses."""

from __future__ import annotations

from dragoman.cli.answer.onlooker import Onlooker
from dragoman.cli.environment import Environment
from dragoman.providers.exchange import Attempted, Call
from tests.cli.harness import Text

CALL = Call(url="http://here/v1", headers={"A": "b\x1b[2J"}, body=b'{"a":1}')


def looked_on(verbosity: int, *, number: int = 1, status: int = 200, body: bytes = CALL.body) -> list[str]:
    err = Text()
    onlooker = Onlooker(Environment(stderr=err), verbosity)
    onlooker.on_request(Call(url=CALL.url, headers=CALL.headers, body=body), number)
    onlooker.on_response(status, {"x": "y"}, number)
    onlooker.on_chunk(b"12345", number)
    onlooker.on_chunk(b"678", number)
    return [line.removeprefix("dragoman: debug: ") for line in err.getvalue().splitlines()]


def test_once_verbose_is_about_attempts_that_are_over() -> None:
    err = Text()
    onlooker = Onlooker(Environment(stderr=err), 1)
    onlooker.on_request(CALL, 1)
    onlooker.on_response(500, {}, 1)
    assert err.getvalue() == ""
    onlooker.on_attempt(Attempted(number=1, profile="p\x1b", dialect="d", decision="stop", status=500, kind="server"))
    assert err.getvalue() == "dragoman: attempt 1: p\\u001b: 500 server → stop\n"


def test_who_was_passed_over_has_made_no_attempt() -> None:
    err = Text()
    Onlooker(Environment(stderr=err), 1).on_attempt(Attempted(number=0, profile="p", dialect="d", decision="skipped"))
    assert err.getvalue() == ""


def test_twice_verbose_is_about_everything() -> None:
    assert looked_on(2) == [
        "attempt 1: POST http://here/v1",
        r"> A: b\u001b[2J",
        '> {"a":1}',
        "attempt 1: status 200",
        "< x: y",
        "< 5 bytes, 5 in all",
        "< 3 bytes, 8 in all",
    ]


def test_long_request_is_cut() -> None:
    assert max(map(len, looked_on(2, body=b"x" * 99_999))) < 4100
