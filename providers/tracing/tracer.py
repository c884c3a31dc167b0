"""`--trace`: the passes of each exchange → JSON Lines (schemas/trace.schema.json), each written when it is over.

Where they go is private and only ever grows: one file, a folder with a file for each exchange, or a stream. Everything
goes through `Payloads`, so that nothing secret is written, and nothing that is passed on is changed. What a pass made
is written as a diff to the pass before it; the first of each side, and each first again, is written whole.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Protocol

import msgspec

from dragoman.providers.clock import Clock, SystemClock
from dragoman.providers.exchange import Exchange
from dragoman.providers.linefile import LineFile
from dragoman.providers.secrets import Secrets
from dragoman.providers.tracing.payloads import Payloads, size_of
from dragoman.schemas.diffs import diff
from dragoman.schemas.errors import BrokenStream, NetworkFault, ProtocolFault, Rejected, TruncatedStream
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Loss
from dragoman.schemas.passes import EVENT, REQUEST, RESPONSE, pass_after

__all__ = ["SCHEMA_VERSION", "Output", "Trace", "Tracer"]

SCHEMA_VERSION = 1
MAX_MESSAGE = 2000  # characters
MAX_MORE = 512  # bytes that a diff may be larger than what it leads to
_ENDS = frozenset({REQUEST[-1], "extraction", RESPONSE[-1]})  # after which nothing waits
_TABLES = {"request": REQUEST, "response": RESPONSE}


class Output(Protocol):
    """A stream that takes whole lines."""

    def write(self, data: bytes, /) -> object: ...


class Tracer:
    """`where` is a file, a folder (one that is there, or a name that ends with /), or an open stream. It is opened at
    once: who cannot write there learns so before anything is sent. Raises OSError. Of the events of a stream, the first
    is traced, and from there each `sample`-th."""

    def __init__(self, where: str | os.PathLike[str] | Output, *, clock: Clock | None = None, sample: int = 1) -> None:
        self.clock = clock or SystemClock()
        self.sample = max(sample, 1)
        self._folder = ""
        self._file: LineFile | None = None
        self._output: Output | None = None
        self._open: dict[str, Trace] = {}
        if not isinstance(where, str | os.PathLike):
            self._output = where
        elif (path := os.fspath(where)).endswith(os.sep) or os.path.isdir(path):
            os.makedirs(path, mode=0o700, exist_ok=True)
            self._folder = path
        else:
            self._file = LineFile(path)

    def begin(self, exchange: Exchange, *, secrets: Secrets | None = None, redact: Iterable[str] = ()) -> Trace:
        """Return what watches one exchange. `redact` are paths of what is not shown. Raises ValueError for one that is
        none, and OSError."""
        payloads = Payloads(secrets or Secrets(), redact)
        number = "tr_" + os.urandom(8).hex()
        file = LineFile(self._named(number), is_new=True) if self._folder else None
        lines = _Lines(self._written if file is None else file.write, file)
        trace = self._open[number] = Trace(self, lines, exchange, (number, payloads))
        return trace

    def failed(self, error: OSError) -> BaseException:
        """Return what is to be raised where a line cannot be written."""
        return error

    def ended(self, number: str) -> None:
        """Forget an exchange that has ended."""
        self._open.pop(number, None)

    def close(self) -> None:
        """Close the file, and end what is still traced."""
        for trace in list(self._open.values()):
            trace.close()
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Tracer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _named(self, number: str) -> str:
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(int(self.clock.today())))
        return os.path.join(self._folder, f"{moment}-{number}.jsonl")

    def _written(self, line: Wire) -> None:
        if self._file is not None:
            self._file.write(line)
        elif self._output is not None:
            self._output.write(write_json(line) + b"\n")


class _Lines:
    """Where the lines of one exchange go. `file`: it is theirs alone."""

    def __init__(self, write: Callable[[Wire], None], file: LineFile | None) -> None:
        self.write = write
        self._file = file

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


class _Noted(msgspec.Struct, frozen=True):
    """A pass that was noted then."""

    at: float
    side: str
    name: str
    value: object
    losses: Sequence[Loss]


class Trace:
    """One exchange, as it goes on (`schemas.passes.Passes`)."""

    def __init__(self, tracer: Tracer, lines: _Lines, exchange: Exchange, known: tuple[str, Payloads]) -> None:
        self._clock, self._sample, self._lines = tracer.clock, tracer.sample, lines
        self._tracer = tracer
        self._id, self._payloads = known
        self._exchange, self._operation = exchange, exchange.operation
        self._began = self._last = self._clock.now()
        self._number = 0
        self._attempt = 1
        self._noted: dict[str, str] = {}  # of each side, the pass that was noted last
        self._shown: dict[str, JSON] = {}  # of each side, what it made
        self._event: tuple[int, str, JSON] = (0, "", None)  # number, pass and payload of what was noted last
        self._has_failed = self._is_over = False
        self._failures: list[BaseException] = []  # that were told
        self._waiting: list[_Noted] = []  # for what is found to be secret in a later pass
        self._is_broken = False  # the answer has failed, and what comes is of another one
        self._write("begin", {"started": _iso(self._clock.today()), "operation": exchange.operation, **self._whom()})

    def turn_to(self, exchange: Exchange, *, redact: Iterable[str] = ()) -> None:
        """Go on with somebody else who is asked, and shows less, perhaps."""
        self._tell()
        self._exchange = exchange
        self._payloads.hide(redact)

    def hide(self, secrets: Iterable[str]) -> None:
        """Show these texts no more, wherever they stand."""
        self._payloads.know(secrets)

    def on_pass(self, side: str, name: str, value: object, losses: Sequence[Loss] = ()) -> None:
        self._waiting.append(_Noted(self._clock.now(), side, name, value, losses))
        if name in _ENDS or not self._payloads.has_paths:
            self._tell()

    def _tell(self) -> None:
        """Tell what waits. What a path leads to in one pass is secret in those before it, too."""
        waiting, self._waiting = self._waiting, []
        for noted in waiting if len(waiting) > 1 else ():
            self._payloads.of(noted.value)
        for noted in waiting:
            self._tell_pass(noted)
            self._last = self._last if noted is waiting[-1] else noted.at

    def _tell_pass(self, noted: _Noted) -> None:
        side, name, losses = noted.side, noted.name, noted.losses
        self._take_up(side, name)
        payload = self._payloads.of(noted.value)
        size = size_of(noted.value)
        self._write(
            "pass",
            {
                "side": side,
                "pass": name,
                "attempt": self._attempt,
                **self._whom(),
                **({} if size is None else {"bytes": size}),
                **(_told(self._shown[side], payload) if side in self._shown else {"payload": payload}),
                **({"losses": self._payloads.losses(losses)} if losses else {}),
            },
            noted.at,
        )
        self._noted[side], self._shown[side] = name, payload

    def wants_event(self, number: int) -> bool:
        return number > 0 and (number - 1) % self._sample == 0

    def on_event(self, number: int, name: str, value: object) -> None:
        self._tell()
        last, _, before = self._event
        payload = self._payloads.of_event(name, value)
        told = _told(before, payload) if last == number else {"payload": payload}
        self._write("event", {"event": number, "pass": name, "attempt": self._attempt, **told})
        self._event = (number, name, payload)

    def on_failure(self, side: str, error: BaseException, name: str = "") -> None:
        if any(error is known for known in self._failures):  # it is raised since nobody else could be asked
            return
        self._tell()
        self._failures.append(error)
        self._has_failed = True
        self._is_broken = side == "response"
        place = getattr(error, "path", "") or getattr(error, "place", "")
        self._write(
            "failure",
            {
                **self._failed(side, error, name),
                "attempt": self._attempt,
                **self._whom(),
                "class": type(error).__name__,
                "kind": str(getattr(error, "kind", "")),
                "message": self._payloads.text(str(error))[:MAX_MESSAGE],
                "path": self._payloads.text(place)[:MAX_MESSAGE] if isinstance(place, str) and place else None,
            },
        )

    def close(self) -> None:
        """Tell the end; only the first time counts."""
        if self._is_over:
            return
        self._tell()
        self._is_over = True
        total = _ms(self._clock.now() - self._began)
        self._write("end", {"total_ms": total, "attempts": self._attempt, "failed": self._has_failed})
        self._lines.close()
        self._tracer.ended(self._id)

    def _take_up(self, side: str, name: str) -> None:
        """See whether the table is gone through again, or an answer has failed: then this is another attempt."""
        table = _TABLES.get(side, ())
        last = self._noted.get(side)
        is_again = last in table and name in table and table.index(last) >= table.index(name)
        if not (is_again or self._is_broken):
            return
        self._attempt += 1
        self._is_broken = False
        self._event = (0, "", None)
        for again in ("request", "response") if side == "request" else ("response",):
            self._noted.pop(again, None)
            self._shown.pop(again, None)

    def _failed(self, side: str, error: BaseException, name: str) -> Wire:
        """Return where it was: in the pass after the last, or in what had to come over the network next."""
        converts = self._operation == "convert"
        last = self._noted.get(side, "")
        if name:
            return {"side": side, "pass": name}
        if side == "request":
            found = pass_after(REQUEST, last, converts=converts)
            return {"side": side, "pass": found} if found else {"side": "response", "pass": RESPONSE[0]}
        is_outside = isinstance(error, NetworkFault | TruncatedStream) or not isinstance(error, Exception)
        streams = self._event[0] > 0 or self._operation == "stream"
        if last == RESPONSE[0] and isinstance(error, Rejected if streams else ProtocolFault | Rejected):
            return {"side": side, "pass": last}  # a status that is none of success, or what is no answer at all
        if streams and last in (RESPONSE[0], "" if self._event[0] else RESPONSE[0]):
            return {"side": side, **self._failed_event(error, converts=converts, is_outside=is_outside)}
        found = RESPONSE[0] if is_outside else pass_after(RESPONSE, last, converts=converts)
        return {"side": side, "pass": found or RESPONSE[-1]}

    def _failed_event(self, error: BaseException, *, converts: bool, is_outside: bool) -> Wire:
        number, event, _ = self._event
        if isinstance(error, BrokenStream) and error.number:
            return {"pass": "parsed", "event": error.number}
        if self._sample > 1:  # the last that was noted is not the last that came
            return {"pass": EVENT[0]}
        following = "" if is_outside or not number else pass_after(EVENT, event, converts=converts)
        return {"pass": following, "event": number} if following else {"pass": EVENT[0], "event": number + 1}

    def _write(self, kind: str, fields: Wire, at: float | None = None) -> None:
        now = self._clock.now() if at is None else at
        self._number += 1
        head: Wire = {"schema_version": SCHEMA_VERSION, "type": kind, "exchange": self._id, "number": self._number}
        times: Wire = {"ms": _ms(now - self._began), "took_ms": _ms(max(now - self._last, 0.0))}
        try:
            self._lines.write({**head, **times, **fields})
        except OSError as error:
            raise self._tracer.failed(error) from error
        self._last = self._clock.now()

    def _whom(self) -> Wire:
        whom = self._exchange
        said = {"profile": whom.profile, "vendor": whom.vendor, "dialect": whom.dialect}
        model = None if whom.model is None else self._payloads.text(whom.model)
        return {**{name: self._payloads.text(text) for name, text in said.items()}, "model": model}


def _told(before: JSON, after: JSON) -> Wire:
    """Return what has changed; where that is much more than is left, the whole."""
    changes = diff(before, after)
    if changes and len(write_json(list[JSON](changes))) > len(write_json(after)) + MAX_MORE:
        changes = [{"op": "replace", "path": "", "value": after}]
    return {"diff": list[JSON](changes)}


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _iso(seconds: float) -> str:
    whole = int(seconds)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{int((seconds - whole) * 1000):03d}Z"
