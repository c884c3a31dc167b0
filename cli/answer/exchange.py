"""One exchange with a provider, run under signals: opened, told of, recorded, and closed in every case.

What is wrong between here and there is raised as a FailedExchange, which names the profile. An answer that came, and
is not what was asked for, or is not whole, is first kept where it was written, and then raised.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeAlias

from dragoman.cli.answer.onlooker import ALL, Onlooker, log_to
from dragoman.cli.answer.outlet import Outlet
from dragoman.cli.answer.output import Output, failed_exchange
from dragoman.cli.answer.running import run_async
from dragoman.cli.ask.asking import Asking
from dragoman.cli.ask.notices import tell_losses, tell_warnings, weighed
from dragoman.cli.environment import Environment
from dragoman.cli.sinks import open_sink
from dragoman.cli.status import Status
from dragoman.providers import Completion, Stream, create_provider
from dragoman.providers.prepare import Prepared
from dragoman.schemas.convert import guarded
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import DragomanError, NetworkFault, ProviderFault
from dragoman.schemas.ir import Wire
from dragoman.schemas.losses import Loss, Losses

if TYPE_CHECKING:
    from dragoman.providers.onlookers import AnyLog
    from dragoman.providers.protocol import Provider

__all__ = ["Exchange", "Telling"]

Telling: TypeAlias = "Callable[[Exchange, Outlet], Coroutine[object, object, DragomanError | None]]"


class Exchange:
    """`profile` is who is asked. Used once: `run` opens it, and whoever is told of it prepares and sends."""

    def __init__(self, asking: Asking, output: Output, environment: Environment) -> None:
        self.profile = asking.profile
        self._asking, self._output, self._environment = asking, output, environment
        self._provider: Provider | None = None

    def run(self, tell: Telling) -> int:
        """Let `tell` ask and print. Raises what went wrong; what it returns is raised when the output is safe."""
        tell_warnings(self.profile.warnings, self._environment, quiet=self._output.quiet)
        with open_sink(self._output.output, self._environment) as sink:
            outlet = Outlet(sink, self._environment)
            # A command that prints the key may take its time; outside of the loop an interrupt ends it.
            self._provider = create_provider(self.profile, variables=self._environment.variables)
            failure = run_async(self._opened(tell, outlet), outlet)
        if failure is not None:
            raise failure
        return Status.DONE

    def prepare(self, *, streams: bool) -> Prepared:
        """Return what is to be sent, having told what is lost on the way."""
        prepared = self._asking.prepared(self._ready(), streams=streams)
        self.tell_losses(weighed(prepared.losses, self._asking.typed), self.profile.name)
        return prepared

    async def send(self, prepared: Prepared) -> Completion:
        """Return the whole answer."""
        try:
            return await self._ready().send(prepared)
        except (ProviderFault, NetworkFault) as error:
            raise failed_exchange(self.profile, error) from error

    def open(self, prepared: Prepared, *, whole: bool = True) -> Stream:
        """Return the answer as it comes. Nothing has been sent yet. Unless `whole`, long texts are forgotten."""
        return self._ready().open(prepared, whole=whole)

    def request_as(self, dialect: str, prepared: Prepared) -> Wire:
        """Return what is asked as a request of a dialect: what an answer in that dialect repeats of it."""
        document = self._asking.document
        if isinstance(document, dict) and find(self._asking.source).name == dialect:
            return document
        return guarded(find(dialect).requests.encode_request, prepared.request, Losses())

    def tell_losses(self, losses: Sequence[Loss], target: str) -> None:
        verbosity = -1 if self._output.quiet else self._output.verbose
        tell_losses(losses, target, self._environment, verbosity=verbosity)

    def _ready(self) -> Provider:
        assert self._provider is not None
        return self._provider

    async def _opened(self, tell: Telling, outlet: Outlet) -> DragomanError | None:
        with ExitStack() as stack:
            logs = self._logs(stack)
            async with self._ready() as provider:
                provider.set_raw_log_callback(*logs)
                return await tell(self, outlet)

    def _logs(self, stack: ExitStack) -> list[AnyLog]:
        """Return those who look on. The stack closes what they hold."""
        logs: list[AnyLog] = []
        if self._output.verbose:
            logs.append(Onlooker(self._environment, self._output.verbose))
        if self._output.verbose >= ALL:
            stack.callback(log_to(self._environment))
        if self._output.record:
            from dragoman.cli.answer.recording import open_recorder

            logs.append(stack.enter_context(open_recorder(self._output.record)))
        return logs
