"""All who look on at one exchange, as one log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from dragoman.providers.exchange import (
    Attempted,
    AttemptLog,
    Call,
    Exchange,
    ExchangeLog,
    ExchangeLogs,
    Outcome,
    RawLog,
)
from dragoman.providers.secrets import Secrets

__all__ = ["AnyLog", "Onlookers"]

AnyLog: TypeAlias = "RawLog | ExchangeLogs"


class Onlookers:
    """Those who have a log for each exchange get one begun, and are told its end. Nobody is told a secret."""

    def __init__(self, logs: Sequence[AnyLog], exchange: Exchange, secrets: Secrets) -> None:
        self._told_end: list[ExchangeLog] = []
        self._all: list[RawLog] = []
        self.secrets = secrets
        for log in logs:
            self._all.append(self._begun(log, exchange))

    def __bool__(self) -> bool:
        return bool(self._all)

    def on_request(self, call: Call, number: int) -> None:
        for log in self._all:
            log.on_request(call, number)

    def on_response(self, status: int, headers: Mapping[str, str], number: int) -> None:
        for log in self._all:
            log.on_response(status, headers, number)

    def on_chunk(self, chunk: bytes, number: int) -> None:
        for log in self._all:
            log.on_chunk(chunk, number)

    def on_attempt(self, attempted: Attempted) -> None:
        for log in self._all:
            if isinstance(log, AttemptLog):
                log.on_attempt(attempted)

    def end(self, outcome: Outcome) -> None:
        """Tell the end; only the first time counts."""
        told, self._told_end = self._told_end, []
        for log in told:
            log.on_end(outcome)

    def said(self, error: BaseException) -> tuple[str, str]:
        """Return what an outcome has of an error: its kind, and what it says."""
        kind = str(getattr(error, "kind", "")) or type(error).__name__
        return kind, self.secrets.redact(str(error) or type(error).__name__)

    def _begun(self, log: AnyLog, exchange: Exchange) -> RawLog:
        if not isinstance(log, ExchangeLogs):
            return log
        begun = log.begin(exchange)
        self._told_end.append(begun)
        return begun
