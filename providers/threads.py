"""Conversations that go on: what a request goes on from is looked up before it is prepared, its answer is kept after.

An answer that was cut off, or that failed, is kept as such; nobody goes on from it unnoticed. A session stands for the
last answer that was whole. Two who go on from one answer at the same time have both theirs kept: a conversation is a
tree.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from dragoman.providers.clock import Clock
from dragoman.providers.continuing import RESPONSES, Thread, place_of
from dragoman.providers.conversations import Kept, Origin, Status
from dragoman.providers.recalled import Recalled
from dragoman.providers.settings import Keep, Profile
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import CallerError, NetworkFault, StateFault, TruncatedStream, UnknownResponse
from dragoman.schemas.ir import Request, Response, Wire

if TYPE_CHECKING:
    from dragoman.providers.conversations import Archive, Update, Values

__all__ = ["Shelves", "Threads", "native_id"]

MAX_NAME = 200
_WHOLE = frozenset({"stop", "tool_use", "refusal"})


class Shelves(msgspec.Struct, frozen=True, kw_only=True):
    """Where things are kept: at `where`, else in the usual file, or, if that `is_off`, in this process."""

    variables: Mapping[str, str]
    clock: Clock
    keep: Keep
    where: str | None = None
    is_off: bool = False

    def kept(self) -> Archive:
        """Return the archive of conversations."""
        if self.is_off or self.where is not None:
            return self._archive(self.where)
        from dragoman.providers.states.files import default_path

        return self._archive(str(default_path(self.variables)))

    def passing(self) -> Archive:
        """Return that of values which belong to no conversation: no file is begun for them."""
        return self._archive(self.where)

    def _archive(self, where: str | None) -> Archive:
        from dragoman.providers.conversations.opening import open_archive

        return open_archive(where, self.variables, self.clock, self.keep)


class Threads:
    """Conversations on their shelf, which is opened when it is first needed."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves, self._clock = shelves, shelves.clock
        self._kept: Archive | None = None
        self._passing: Archive | None = None

    @property
    def archive(self) -> Archive:
        if self._kept is None:
            self._kept = self._shelves.kept()
        return self._kept

    async def begin(
        self, *, session: str | None = None, previous: str | None = None, keeps: bool = True, goes_on: bool = True
    ) -> Thread:
        """Return what the next request goes on from: the last answer of a session, or one by its id, or nothing.

        Raises UnknownResponse for an id that nobody here knows, unless `goes_on` is False: the provider may know it.
        """
        if session is not None:
            _check_name(session)
        at = previous
        if at is None and session is not None:
            at = await self.archive.head(session)
        lineage = () if at is None else tuple(await self.archive.lineage(at))
        if at is not None and not lineage:
            if goes_on:
                raise UnknownResponse(at)
            return Thread(conversation=_new_id("conv"), named=at, session=session, keeps=keeps)
        if lineage:
            _refuse_broken(lineage)
        return Thread(
            conversation=lineage[-1].conversation if lineage else _new_id("conv"),
            lineage=lineage,
            session=session,
            carries=session is not None,
            keeps=keeps,
        )

    async def recall(
        self, profiles: Sequence[Profile], *, session: str | None, previous: str | None, keeps: bool
    ) -> Recalled:
        """Return what the next request goes on from, and the records of the field cache that those who may be asked
        have a use for."""
        is_thread = keeps or session is not None or previous is not None
        knows = all(profile.continuation != "native" for profile in profiles)
        thread = await self.begin(session=session, previous=previous, keeps=keeps, goes_on=knows) if is_thread else None
        records = tuple(dict.fromkeys(record for profile in profiles for record in _records(profile, thread)))
        return Recalled(thread=thread, records=records, values=await self.load(records, keeps=is_thread))

    async def keep(
        self,
        thread: Thread,
        request: Request,
        origin: Origin,
        response: Response | None,
        error: BaseException | None = None,
        said: tuple[str, str] | None = None,
    ) -> str:
        """Keep an answer, whatever has become of it, and return its id: the one that it has, if that is free. `said`
        is what the error says, without secrets."""
        status = _status(response, error)
        last = thread.lineage[-1] if thread.lineage else None
        kept = Kept(
            id=await self.free_id(None if response is None else response.id),
            created=self._clock.today(),
            status=status,
            conversation=thread.conversation,
            request=request,
            origin=origin,
            turn=1 if last is None else last.turn + 1,
            previous=thread.named if last is None else last.id,
            session=thread.session,
            response=response,
            error=said,
        )
        is_next = status in ("completed", "incomplete")
        return await self._put(kept, thread.session if is_next else None)

    async def free_id(self, said: str | None) -> str:
        """Return the provider's id, or one of our own: an id that is known stays whose it is."""
        if said and len(said) <= MAX_NAME and said.isprintable() and await self.archive.get(said) is None:
            return said
        return _new_id("resp")

    # ------------------------------------------------------------------------------------------------- the field cache
    async def load(self, records: Sequence[str], *, keeps: bool) -> Mapping[str, Values]:
        return await self._shelf(keeps=keeps).load(records) if records else {}

    async def update(self, changes: Mapping[str, Update], *, keeps: bool) -> None:
        for record, change in changes.items():
            await self._shelf(keeps=keeps).update(record, change)

    async def aclose(self) -> None:
        for archive in (self._kept, self._passing):
            if archive is not None:
                await archive.aclose()
        self._kept = self._passing = None

    def _shelf(self, *, keeps: bool) -> Archive:
        if keeps:
            return self.archive
        if self._passing is None:
            self._passing = self._shelves.passing()
        return self._passing

    async def _put(self, kept: Kept, session: str | None) -> str:
        """Put an answer away, by an id of our own where somebody else has just taken the one that it has."""
        try:
            await self.archive.put(kept, session=session)
        except StateFault:
            if await self.archive.get(kept.id) is None:
                raise
            kept = msgspec.structs.replace(kept, id=_new_id("resp"))
            await self.archive.put(kept, session=session)
        return kept.id


def _records(profile: Profile, thread: Thread | None) -> tuple[str, ...]:
    """Return the records that a profile has a use for. They are found by session and conversation: keys and models are
    told apart in them."""
    if not profile.field_cache:
        return ()
    from dragoman.providers.fieldcache.rules import records_for

    place = place_of(profile, None, profile.model, thread)
    return records_for(profile.field_cache, msgspec.structs.replace(place, model=place.model or "-"))


def native_id(dialect: str, wire: Wire, response: Response | None) -> str | None:
    """Return the id under which a provider keeps what it answered to this request."""
    speaks = find(dialect).family == RESPONSES
    return response.id if speaks and response is not None and wire.get("store") is not False else None


def _refuse_broken(lineage: Sequence[Kept]) -> None:
    """Refuse to go on from half an answer."""
    last = lineage[-1]
    if last.status in ("cut", "failed"):
        told = f": {last.error[1]}" if last.error else ""
        what = "was cut off" if last.status == "cut" else "failed"
        error = CallerError(f"the answer {last.id} {what}{told}")
        error.hint = f"go on from {last.previous}, the one before it" if last.previous else "ask again"
        raise error


def _status(response: Response | None, error: BaseException | None) -> Status:
    if isinstance(error, (TruncatedStream, NetworkFault)) and response is not None:
        return "cut"
    if error is not None or response is None or not response.candidates:
        return "failed"
    return "completed" if response.candidates[0].stop in _WHOLE else "incomplete"


def _check_name(session: str) -> None:
    if not session.strip() or len(session) > MAX_NAME or not session.isprintable():
        raise CallerError(f"a session's name is a word of at most {MAX_NAME} characters that can be printed")


def _new_id(kind: str) -> str:
    return f"{kind}_{os.urandom(16).hex()}"
