"""One exchange with a provider, run under signals: opened, told of, recorded, and closed in every case.

What is wrong between here and there is raised as a FailedExchange, which names the profile. An answer that came, and
is not what was asked for, or is not whole, is first kept where it was written, and then raised.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeAlias

from dragoman.cli.answer.fields import named
from dragoman.cli.answer.logged import telling_logs
from dragoman.cli.answer.onlooker import Onlooker
from dragoman.cli.answer.outlet import Outlet
from dragoman.cli.answer.output import Output, asked_last, failed_exchange
from dragoman.cli.answer.running import run_async
from dragoman.cli.ask.asking import Asking
from dragoman.cli.ask.notices import tell_losses, tell_warnings, weighed
from dragoman.cli.environment import Environment
from dragoman.cli.render import printable
from dragoman.cli.sinks import open_sink
from dragoman.cli.status import FailedExchange, Status
from dragoman.providers import Completion, Stream, create_provider
from dragoman.providers.account import attempts_of
from dragoman.providers.prepare import Prepared
from dragoman.schemas.convert import guarded
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import BudgetReached, DragomanError, Exhausted, NetworkFault, ProviderFault, StateFault
from dragoman.schemas.ir import Wire
from dragoman.schemas.losses import Loss, Losses

if TYPE_CHECKING:
    from dragoman.providers.exchange import Attempted
    from dragoman.providers.onlookers import AnyLog
    from dragoman.providers.protocol import Provider
    from dragoman.providers.recalled import Recalled

__all__ = ["FAILURES", "Exchange", "Telling"]

# What an exchange may end in, whatever has been printed of it: programs that read along are told of it, too.
FAILURES = (ProviderFault, NetworkFault, Exhausted, BudgetReached, StateFault)

Telling: TypeAlias = "Callable[[Exchange, Outlet], Coroutine[object, object, DragomanError | None]]"


class Exchange:
    """`profile` is who is asked first. Used once: `run` opens it, and whoever is told of it prepares and sends."""

    def __init__(self, asking: Asking, output: Output, environment: Environment) -> None:
        self.profile = asking.profile
        self._asking, self._output, self._environment = asking, output, environment
        self._provider: Provider | None = None

    def run(self, tell: Telling) -> int:
        """Let `tell` ask and print. Raises what went wrong; what it returns is raised when the output is safe."""
        for profile in self._asking.group.targets:
            tell_warnings(profile.warnings, self._environment, quiet=self._output.quiet)
        with open_sink(self._output.output, self._environment) as sink:
            outlet = Outlet(sink, self._environment)
            # A command that prints the key may take its time; outside of the loop an interrupt ends it.
            self._provider = create_provider(self._asking.group, variables=self._environment.variables)
            tell_warnings(self._provider.warnings, self._environment, quiet=self._output.quiet)
            self.profile = self._provider.profile
            failure = run_async(self._opened(tell, outlet), outlet)
        if failure is not None:
            raise failure
        return Status.DONE

    async def prepare(self, *, streams: bool) -> Prepared:
        """Return what is to be sent, having told what is lost on the way."""
        prepared = self._asking.prepared(self._ready(), streams=streams, recalled=await self._recalled())
        self.tell_losses(weighed(prepared.losses, self._asking.typed), self.profile.name)
        return prepared

    async def send(self, prepared: Prepared) -> Completion:
        """Return the whole answer."""
        try:
            completion = await self._ready().send(prepared)
        except FAILURES as error:
            raise self.failed(error) from error
        model = completion.attempts[-1].model if completion.attempts else prepared.model
        self._tell_who(completion, model, prepared)
        self._tell_cost(completion, model)
        return completion

    def tell_kept(self, answer: Completion | Stream) -> None:
        """Tell the id under which an answer is kept, unless a session goes on from it by name."""
        thread = self._asking.following
        if answer.kept is None or thread is None or thread.is_named or self._output.quiet:
            return
        self._environment.say(printable(f"dragoman: kept as {answer.kept}"))

    async def _recalled(self) -> Recalled | None:
        """Return what is gone on from, and what the field cache has; None for all requests that stand alone."""
        provider, following = self._ready(), self._asking.following
        if following is not None:
            return await following.recalled(provider.threads, self._asking.group.targets)
        return await provider.recall()

    def tell_who(self, stream: Stream, prepared: Prepared) -> None:
        """Tell who answers, where that is not the first who was asked."""
        if stream.error is None:
            self._tell_who(stream, stream.prepared.model, prepared)

    def tell_cost(self, stream: Stream) -> None:
        """Tell that a limit of cost does not hold, where nobody knows what the answer cost."""
        self._tell_cost(stream, stream.prepared.model)

    def failed(self, error: DragomanError, *, has_begun: bool = False) -> FailedExchange:
        """Return the error with the name of who failed, having told what was tried."""
        self._tell_trail(attempts_of(error))
        failed = asked_last(self._asking.group, error)
        return failed_exchange(failed, error, has_begun=has_begun, is_told=self._output.events)

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

    def _tell_who(self, answer: Completion | Stream, model: str | None, prepared: Prepared) -> None:
        """Tell who answers, where that is not the first who was asked, and what could not be asked there."""
        first = named(self.profile.name, prepared.model)
        self._tell_trail(answer.attempts, named(answer.profile, model), first)
        if answer.losses != prepared.losses:
            self.tell_losses(weighed(answer.losses, self._asking.typed), answer.profile)

    def _tell_cost(self, answer: Completion | Stream, model: str | None) -> None:
        if answer.cost is None and self.profile.max_cost is not None and not self._output.quiet:
            from dragoman.cli.answer.trail import unpriced_line

            self._environment.say(printable(f"dragoman: {unpriced_line(answer.profile, model)}"))

    def _tell_trail(self, attempts: Sequence[Attempted], answering: str = "", first: str = "") -> None:
        if self._output.quiet or len(self._asking.group.targets) == 1:
            return
        from dragoman.cli.answer.trail import trail_lines

        for line in trail_lines(attempts, answering, first):
            self._environment.say(printable(f"dragoman: {line}"))

    def _ready(self) -> Provider:
        assert self._provider is not None
        return self._provider

    async def _opened(self, tell: Telling, outlet: Outlet) -> DragomanError | None:
        with ExitStack() as stack:
            logs = self._logs(stack)
            async with self._ready() as provider:
                provider.set_raw_log_callback(*logs)
                if self._output.trace is not None:
                    from dragoman.cli.answer.tracing import opened_tracer

                    tracing = opened_tracer(self._output.trace, self._output.trace_sample, self._environment)
                    provider.set_tracer(stack.enter_context(tracing), follows=True)
                return await tell(self, outlet)

    def _logs(self, stack: ExitStack) -> list[AnyLog]:
        """Return those who look on. The stack closes what they hold."""
        logs: list[AnyLog] = []
        verbosity = -1 if self._output.quiet else self._output.verbose
        stack.enter_context(telling_logs(self._environment, verbosity=verbosity))
        if self._output.verbose:
            logs.append(Onlooker(self._environment, self._output.verbose))
        if self._output.record:
            from dragoman.cli.answer.recording import open_recorder

            logs.append(stack.enter_context(open_recorder(self._output.record)))
        return logs
