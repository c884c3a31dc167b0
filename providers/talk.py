"""A conversation, turn by turn: each request goes on from the answer before it, whoever gave it and whoever is asked.

    talk = provider.talk(session="trip")
    await talk.complete("Three days in Lisbon?")
    answer = await talk.complete("And with rain?")

A session goes on in the next process, and at another provider. Without one, it goes on from the answer of
`previous_response_id`, or begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dragoman.providers.conversation import Asked, Tools

if TYPE_CHECKING:
    from dragoman.providers.answers import Completion, Stream
    from dragoman.providers.protocol import Provider
    from dragoman.providers.recalled import Recalled

__all__ = ["Talk"]


class Talk:
    """`last` is the id of the last answer that was whole: what the next request goes on from. With both, a session
    begins anew at that answer."""

    def __init__(
        self, provider: Provider, *, session: str | None, previous_response_id: str | None, keeps: bool
    ) -> None:
        self.session, self.last = session, previous_response_id
        self._begins_at = previous_response_id
        self._provider, self._keeps = provider, keeps
        self._stream: Stream | None = None

    async def complete(self, request: Asked, *, tools: Tools = ()) -> Completion:
        recalled = await self._recalled()
        answer = await self._provider.send(self._provider.prepare(request, tools, recalled=recalled))
        self.last = answer.kept or self.last
        return answer

    async def stream(self, request: Asked, *, tools: Tools = ()) -> Stream:
        """Return the answer as it comes. The turn after it goes on from it when it has been read to its end."""
        recalled = await self._recalled()
        self._stream = self._provider.open(self._provider.prepare(request, tools, streams=True, recalled=recalled))
        return self._stream

    async def _recalled(self) -> Recalled:
        self._settle()
        has_answered = self.last != self._begins_at
        previous = None if self.session is not None and self._keeps and has_answered else self.last
        return await self._provider.recall(session=self.session, previous_response_id=previous, keeps=self._keeps)

    def _settle(self) -> None:
        """Take note of how the last stream ended: one that is not whole is nothing to go on from."""
        stream, self._stream = self._stream, None
        if stream is not None and stream.error is None:
            self.last = stream.kept or self.last
