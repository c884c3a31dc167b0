"""What every provider can do: the type that programs ask for, whoever it is that answers."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from dragoman.providers.answers import Completion, Stream
from dragoman.providers.conversation import Asked, Tools
from dragoman.providers.listing import Model
from dragoman.providers.onlookers import AnyLog
from dragoman.providers.prepare import Prepared
from dragoman.providers.recalled import Recalled
from dragoman.providers.settings import Profile
from dragoman.schemas.ir import JSON

if TYPE_CHECKING:
    from dragoman.providers.talk import Talk
    from dragoman.providers.threads import Threads
    from dragoman.providers.tracing.tracer import Tracer

__all__ = ["Provider"]


class Provider(Protocol):
    """`prepare` and `prepare_document` send nothing; `send` and `open` send what they return. `async with` closes.
    `profile` is who is asked first, `warnings` are for people."""

    warnings: tuple[str, ...]

    @property
    def profile(self) -> Profile: ...

    async def complete(self, request: Asked, *, tools: Tools = ()) -> Completion: ...
    def stream(self, request: Asked, *, tools: Tools = ()) -> Stream: ...
    async def models(self) -> tuple[Model, ...]: ...

    def prepare(
        self,
        request: Asked,
        tools: Tools = (),
        *,
        streams: bool = False,
        on_loss: str = "report",
        allows_loss: bool = False,
        recalled: Recalled | None = None,
    ) -> Prepared: ...
    def prepare_document(
        self,
        document: JSON,
        *,
        source: str,
        streams: bool = False,
        on_loss: str = "report",
        allows_loss: bool = False,
        recalled: Recalled | None = None,
    ) -> Prepared: ...
    async def send(self, prepared: Prepared) -> Completion: ...
    def open(self, prepared: Prepared, *, whole: bool = True) -> Stream: ...

    @property
    def threads(self) -> Threads: ...
    async def recall(
        self, *, session: str | None = None, previous_response_id: str | None = None, keeps: bool = False
    ) -> Recalled: ...
    def talk(
        self, *, session: str | None = None, previous_response_id: str | None = None, keeps: bool = True
    ) -> Talk: ...

    def set_tracer(self, tracer: Tracer | None, *, follows: bool = False) -> None: ...
    def set_raw_log_callback(self, *logs: AnyLog | None) -> None: ...
    async def aclose(self) -> None: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
