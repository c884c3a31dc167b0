"""The onlooker: what -v and -vv tell of attempts, requests and responses."""

from __future__ import annotations

import logging

import pytest

from dragoman.cli.answer.onlooker import Onlooker, log_to
from dragoman.cli.environment import Environment
from dragoman.providers.exchange import Call
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


@pytest.mark.parametrize(
    ("number", "status", "lines"),
    [
        (1, 200, []),
        (1, 500, ["attempt 1: status 500"]),
        (2, 200, ["attempt 2: POST http://here/v1"]),
    ],
)
def test_once_verbose_is_about_attempts(number: int, status: int, lines: list[str]) -> None:
    assert looked_on(1, number=number, status=status) == lines


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


def test_log_goes_to_stderr_until_it_is_ended() -> None:
    err = Text()
    end = log_to(Environment(stderr=err))
    logger = logging.getLogger("dragoman.providers")
    logger.debug("one")
    end()
    logger.debug("two")
    assert err.getvalue() == "dragoman: debug: one\n"
