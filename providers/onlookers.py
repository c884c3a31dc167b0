"""All who look on at one exchange, as one log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, TypeAlias

from dragoman.providers.exchange import Call, Exchange, ExchangeLog, ExchangeLogs, Outcome, RawLog, Timing
from dragoman.providers.secrets import Secrets
from dragoman.schemas.ir import Usage

if TYPE_CHECKING:
    from dragoman.providers.attempts import Attempts

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

    def end(
        self,
        timing: Timing,
        *,
        error: BaseException | None = None,
        usage: Usage | None = None,
        request_id: str | None = None,
        is_whole: bool = True,
    ) -> None:
        """Tell the end; only the first time counts."""
        told, self._told_end = self._told_end, []
        if not told:
            return
        outcome = Outcome(
            timing=timing,
            request_id=request_id,
            usage=usage,
            error=self._said(error) if error is not None else None,
            is_whole=is_whole and error is None,
        )
        for log in told:
            log.on_end(outcome)

    def failing(self, attempts: Attempts) -> _Failing:
        """Tell the end of what is done under this, if it fails, whatever of."""
        return _Failing(self, attempts)

    def _begun(self, log: AnyLog, exchange: Exchange) -> RawLog:
        if not isinstance(log, ExchangeLogs):
            return log
        begun = log.begin(exchange)
        self._told_end.append(begun)
        return begun

    def _said(self, error: BaseException) -> tuple[str, str]:
        kind = str(getattr(error, "kind", "")) or type(error).__name__
        return kind, self.secrets.redact(str(error) or type(error).__name__)


class _Failing:
    def __init__(self, log: Onlookers, attempts: Attempts) -> None:
        self._log, self._attempts = log, attempts

    def __enter__(self) -> None:
        """Nothing has failed."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._attempts.stop()
            self._log.end(self._attempts.timing, error=error, request_id=getattr(error, "request_id", None))
