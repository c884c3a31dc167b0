"""Those who look on at an exchange: each sees all of it, and is told its end once."""

from __future__ import annotations

from collections.abc import Mapping

from dragoman.providers.exchange import Attempted, Call, Exchange, ExchangeLog, Outcome, Timing
from dragoman.providers.onlookers import Onlookers
from dragoman.providers.secrets import Secrets
from dragoman.schemas.errors import TruncatedStream

EXCHANGE = Exchange(operation="stream", profile="p", vendor="v", dialect="ollama")


class Plain:
    def __init__(self) -> None:
        self.seen: list[object] = []

    def on_request(self, call: Call, number: int) -> None:
        self.seen.append(call.url)

    def on_response(self, status: int, headers: Mapping[str, str], number: int) -> None:
        self.seen.append(status)

    def on_chunk(self, chunk: bytes, number: int) -> None:
        self.seen.append(chunk)


class Keeping(Plain):
    def on_end(self, outcome: Outcome) -> None:
        self.seen.append(outcome)


class Keeper:
    def __init__(self) -> None:
        self.logs: list[Keeping] = []

    def begin(self, exchange: Exchange) -> ExchangeLog:
        assert exchange is EXCHANGE
        self.logs.append(Keeping())
        return self.logs[-1]


def test_all_see_the_same() -> None:
    plain, keeper = Plain(), Keeper()
    all_ = Onlookers((plain, keeper), EXCHANGE, Secrets())
    all_.on_request(Call(url="u"), 1)
    all_.on_response(200, {}, 1)
    all_.on_chunk(b"x", 1)
    assert plain.seen == keeper.logs[0].seen == ["u", 200, b"x"]


def test_each_exchange_has_a_log_of_its_own() -> None:
    keeper = Keeper()
    Onlookers((keeper,), EXCHANGE, Secrets())
    Onlookers((keeper,), EXCHANGE, Secrets())
    assert len(keeper.logs) == 2


def test_end_is_told_once() -> None:
    keeper = Keeper()
    all_ = Onlookers((keeper,), EXCHANGE, Secrets())
    all_.end(Outcome(timing=Timing(), request_id="r"))
    all_.end(Outcome(timing=Timing(), error=("truncated-stream", "cut")))
    assert keeper.logs[0].seen == [Outcome(timing=Timing(), request_id="r")]


def test_error_is_told_by_kind_and_without_secrets() -> None:
    onlookers = Onlookers((), EXCHANGE, Secrets(["sk-canary"]))
    assert onlookers.said(ValueError("no sk-canary")) == ("ValueError", "no [redacted]")
    assert onlookers.said(TruncatedStream())[0] == "truncated-stream"


class Told(Plain):
    def on_attempt(self, attempted: Attempted) -> None:
        self.seen.append(attempted.decision)


def test_attempts_are_told_to_those_who_want_to_know() -> None:
    plain, told = Plain(), Told()
    attempted = Attempted(number=1, profile="p", dialect="ollama", decision="retry")
    Onlookers((plain, told), EXCHANGE, Secrets()).on_attempt(attempted)
    assert (plain.seen, told.seen) == ([], ["retry"])


def test_nobody_is_no_onlooker() -> None:
    assert not Onlookers((), EXCHANGE, Secrets())
    assert Onlookers((Plain(),), EXCHANGE, Secrets())
