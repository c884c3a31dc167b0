"""The embedded provider: a wire server in this process that answers in any dialect, without network, key or chance.

It is a transport like any other: it is sent the bytes that a real server would be sent, reads them with the dialect's
own rooms, and answers in bytes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from dragoman.providers.exchange import Call
from dragoman.providers.settings import Profile, Timeouts
from dragoman.schemas.accumulate import explode
from dragoman.schemas.dialect import find
from dragoman.schemas.ir import Candidate, Request, Response, Text, Usage
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_object

__all__ = ["SandboxTransport"]


class _Reply:
    def __init__(self, status: int, headers: Mapping[str, str], pieces: list[bytes]) -> None:
        self.status, self.headers = status, headers
        self._pieces = pieces

    async def chunks(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece

    async def aclose(self) -> None:
        self._pieces = []


class SandboxTransport:
    def __init__(self, profile: Profile) -> None:
        self._dialect = find(profile.dialect)

    async def send(self, call: Call, timeouts: Timeouts) -> _Reply:
        wire = as_object(read_json(call.body), ())
        request = self._dialect.requests.decode_request(wire)
        response = _answer(request)
        streams = wire.get("stream") is True or ":stream" in call.url
        if not streams:
            body = write_json(self._dialect.responses.encode_response(response, Losses(), request))
            return _Reply(200, {"content-type": "application/json"}, [body])
        encoder = self._dialect.streams.StreamEncoder(Losses(), request)
        return _Reply(
            200, {"content-type": "text/event-stream"}, [p for e in explode(response) for p in encoder.feed(e)]
        )

    async def aclose(self) -> None:
        """Nothing is open."""


def _answer(request: Request) -> Response:
    last = request.messages[-1].parts if request.messages else ()
    said = "".join(part.text for part in last if isinstance(part, Text))
    text = Text(text=f"Sandbox: {said}")
    return Response(
        candidates=(Candidate(parts=(text,), stop="stop"),),
        id="sandbox-1",
        model=request.model,
        created=0,
        usage=Usage(input_tokens=len(said.split()), output_tokens=len(text.text.split())),
    )
