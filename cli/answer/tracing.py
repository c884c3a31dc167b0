"""`--trace WHERE`: the tracer of the providers, with errors that a command line knows. `-` is standard error: standard
output has the answer."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager

from dragoman.cli.environment import Environment
from dragoman.cli.status import CannotCreate, IOFailure
from dragoman.providers.exchange import Exchange
from dragoman.providers.secrets import Secrets
from dragoman.providers.tracing import Trace, Tracer

__all__ = ["opened_tracer"]


@contextmanager
def opened_tracer(where: str, sample: int, environment: Environment) -> Generator[Tracer]:
    """Yield what traces exchanges; it is opened before anything is sent, and ends what is still traced."""
    try:
        tracer = FileTracer(where, sample) if where != "-" else Tracer(_Stderr(environment), sample=sample)
    except OSError as error:
        raise CannotCreate(f"cannot create {where}: {error.strerror}") from error
    with tracer:
        yield tracer


class FileTracer(Tracer):
    """Says which file cannot be written."""

    def __init__(self, name: str, sample: int) -> None:
        self._name = name
        super().__init__(name, sample=sample)

    def begin(self, exchange: Exchange, *, secrets: Secrets | None = None, redact: Iterable[str] = ()) -> Trace:
        try:
            return super().begin(exchange, secrets=secrets, redact=redact)
        except OSError as error:
            raise CannotCreate(f"cannot create a file in {self._name}: {error.strerror}") from error

    def failed(self, error: OSError) -> BaseException:
        return IOFailure(f"cannot write {self._name}: {error.strerror}")


class _Stderr:
    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def write(self, data: bytes) -> None:
        self._environment.say(data.decode(), end="")
