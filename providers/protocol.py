"""What every provider can do: the type that programs ask for, whoever it is that answers."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from dragoman.providers.answers import Completion, Stream
from dragoman.providers.conversation import Asked, Tools
from dragoman.providers.listing import Model
from dragoman.providers.onlookers import AnyLog
from dragoman.providers.prepare import Prepared
from dragoman.providers.settings import Profile
from dragoman.schemas.ir import JSON

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
    ) -> Prepared: ...
    def prepare_document(
        self,
        document: JSON,
        *,
        source: str,
        streams: bool = False,
        on_loss: str = "report",
        allows_loss: bool = False,
    ) -> Prepared: ...
    async def send(self, prepared: Prepared) -> Completion: ...
    def open(self, prepared: Prepared, *, whole: bool = True) -> Stream: ...

    def set_raw_log_callback(self, *logs: AnyLog | None) -> None: ...
    async def aclose(self) -> None: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
