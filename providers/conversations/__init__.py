"""What was asked and answered, kept: conversations that go on across commands, vendors and processes.

A `Kept` is one answer with what was new in its request; `previous` names the one that it went on from. So a
conversation is a tree, and a lineage, from the first answer to one of them, is what the next request goes on from. A
session is a name for the answer that came last. Beside them an archive keeps the values of the field cache, by record.
What is kept is private, and holds no key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol, TypeAlias

import msgspec

from dragoman.schemas.ir import Request, Response, Wire

__all__ = ["Archive", "Kept", "Origin", "Page", "Status", "Update", "Values"]

# "incomplete": the answer ended early, at its limit or by a filter; "cut": it was cut off on the way
Status: TypeAlias = Literal["completed", "incomplete", "cut", "failed"]


class Origin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who answered. Opaque state, such as a signature, goes back to the same `provider` and dialect only: `provider` is
    the vendor and the host of its URL. `credential` is a digest (`auth.credential_id`). `native_id`: the provider keeps
    the answer under this id."""

    profile: str
    provider: str
    dialect: str
    model: str | None = None
    credential: str = ""
    native_id: str | None = None


class Kept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`request` has what was new: its instructions, messages and settings; `turn` counts the answers of its lineage,
    from 1. `conversation` is the id of the first of them. `error` is the kind of what went wrong, and what it said;
    `response` then has what came before that."""

    id: str
    created: float
    status: Status
    conversation: str
    request: Request
    origin: Origin
    turn: int = 1
    previous: str | None = None
    session: str | None = None
    response: Response | None = None
    error: tuple[str, str] | None = None


class Page(msgspec.Struct, frozen=True):
    """Some of them, in the order that was asked for. `has_more`: there are others after them."""

    kept: tuple[Kept, ...]
    has_more: bool


Values: TypeAlias = "Mapping[str, Wire]"  # one record of the field cache: entry → its value, as JSON
Update: TypeAlias = Callable[[Mapping[str, Wire]], Mapping[str, Wire]]


class Archive(Protocol):
    """Memory, a file or a server. Everything raises StateFault where it cannot be reached.

    `put` never replaces an answer: it raises StateFault for an id that is taken. With `session`, that name stands for
    it from then on, in the same step; once it is deleted or forgotten, for the one before it, if that is there.
    `lineage` returns the first of a conversation first; what was forgotten or deleted is missing at its beginning.
    `page` raises UnknownResponse where nobody knows `after`. `sessions` begins with the one that was used last.

    `get` and `lineage` raise StateFault for an answer that is there and cannot be read; `page` leaves it out. `load`
    returns the records that are there. `update` reads, changes and writes one record as one step, and takes it away
    where nothing is left in it; a function may be called more than once, and in another thread.

    What is too old, or too much (`settings.Keep`), is forgotten when something is written: the oldest answers go first,
    whatever goes on from them. `flush` returns when all that was put is as safe as can be; `clear` forgets everything.
    """

    async def put(self, kept: Kept, *, session: str | None = None) -> None: ...
    async def get(self, answer_id: str) -> Kept | None: ...
    async def lineage(self, answer_id: str) -> Sequence[Kept]: ...
    async def head(self, session: str) -> str | None: ...
    async def latest_session(self) -> str | None: ...
    async def sessions(self) -> Mapping[str, str]: ...
    async def delete(self, answer_id: str) -> bool: ...
    async def page(self, *, limit: int = 20, after: str | None = None, newest_first: bool = True) -> Page: ...
    async def load(self, records: Sequence[str]) -> Mapping[str, Values]: ...
    async def update(self, record: str, change: Update) -> None: ...
    async def flush(self) -> None: ...
    async def clear(self) -> None: ...
    async def aclose(self) -> None: ...
