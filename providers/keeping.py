"""What is kept of an exchange when it has ended: values for the field cache, and the answer itself.

Only an answer that is whole establishes values. Where there is nothing to keep, nothing is done. That something cannot
be kept is told, and takes nobody's answer away.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dragoman.providers.auth import credential_id
from dragoman.providers.continuing import Thread, place_of, provider_id
from dragoman.providers.conversations import Origin
from dragoman.schemas.errors import StateFault
from dragoman.schemas.ir import Response, Wire

if TYPE_CHECKING:
    from dragoman.providers.fieldcache.harvest import Harvest
    from dragoman.providers.prepare import Prepared
    from dragoman.providers.routing import Turn
    from dragoman.providers.threads import Threads

__all__ = ["Keeping"]

_LOGGER = logging.getLogger("dragoman.providers")


class Keeping:
    """`harvest` sees what the one who answers says, where rules of the field cache want something of it. `kept` is the
    id under which the answer is kept, `kept_as` the one that it will have."""

    def __init__(self, threads: Threads | None) -> None:
        self.harvest: Harvest | None = None
        self.kept: str | None = None
        self.kept_as: str | None = None
        self._threads = threads
        self._prepared: Prepared | None = None
        self._turn: Turn | None = None

    def begin(self, turn: Turn, prepared: Prepared) -> None:
        """Take note of who answers, and of what he was asked."""
        self._turn, self._prepared, self.kept_as = turn, prepared, None
        self.harvest = self._harvest(turn, prepared)

    async def settle(self, response: Response) -> None:
        """Settle under which id an answer will be kept that has just begun."""
        if self._threads is None or self._thread is None:
            return
        try:
            self.kept_as = await self._threads.free_id(response.id)
        except StateFault as fault:
            _LOGGER.warning("%s: the answer may not be kept", fault)

    async def whole(self, response: Response, wire: Wire | None = None) -> None:
        """Keep what is to be kept of a whole answer."""
        prepared, threads = self._prepared, self._threads
        if prepared is None:
            return
        changes = None if self.harvest is None else self.harvest.whole(response, wire)
        prepared.wanted.passes.on_pass("response", "extraction", {"records": list(changes or ())})
        if threads is None:
            return
        thread = prepared.wanted.thread
        if changes is not None:
            try:
                await threads.update(changes, keeps=thread is not None and thread.keeps)
            except StateFault as fault:
                _LOGGER.warning("%s: what the provider wants back is not kept", fault)
        await self._keep(response)

    async def broken(self, response: Response | None, error: BaseException, said: tuple[str, str]) -> None:
        """Keep what came of an answer that is not whole, as such."""
        await self._keep(response, error, said)

    async def _keep(
        self, response: Response | None, error: BaseException | None = None, said: tuple[str, str] | None = None
    ) -> None:
        prepared, threads = self._prepared, self._threads
        thread = self._thread
        if prepared is None or threads is None or self._turn is None or thread is None:
            return
        origin = self._origin(self._turn, prepared, response)
        if response is not None and self.kept_as is not None:
            response = replace(response, id=self.kept_as)
        try:
            self.kept = await threads.keep(thread, prepared.said, origin, response, error, said)
        except StateFault as fault:
            _LOGGER.warning("%s: the answer is not kept", fault)

    @property
    def _thread(self) -> Thread | None:
        """Return the conversation in which the answer is kept, if it is."""
        thread = None if self._prepared is None else self._prepared.wanted.thread
        return thread if thread is not None and thread.keeps else None

    def _origin(self, turn: Turn, prepared: Prepared, response: Response | None) -> Origin:
        from dragoman.providers.threads import native_id

        profile = turn.candidate.profile
        return Origin(
            profile=profile.name,
            provider=provider_id(profile),
            dialect=profile.dialect,
            model=prepared.model,
            credential=credential_id(profile, turn.seat.key),
            native_id=native_id(profile.dialect, prepared.wire, response),
        )

    def _harvest(self, turn: Turn, prepared: Prepared) -> Harvest | None:
        profile = turn.candidate.profile
        if not prepared.wanted.records or self._threads is None:
            return None
        from dragoman.providers.fieldcache.harvest import Harvest
        from dragoman.providers.fieldcache.rules import records_for

        place = place_of(profile, turn.seat.key, prepared.model, prepared.wanted.thread)
        if not records_for(profile.field_cache, place):
            return None
        harvest = Harvest(profile.field_cache, place, profile.dialect)
        harvest.on_request(prepared.request, prepared.wire)
        return harvest
