"""Calls over HTTP. The one file that imports httpx, and that opens sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import httpx

from dragoman.providers.exchange import Call
from dragoman.providers.settings import Profile, Timeouts

__all__ = ["HttpTransport"]


class _Reply:
    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = dict(response.headers)
        self._response = response

    def chunks(self) -> AsyncIterator[bytes]:
        return self._response.aiter_bytes()

    async def aclose(self) -> None:
        await self._response.aclose()


class HttpTransport:
    def __init__(self, profile: Profile) -> None:
        self._client = httpx.AsyncClient(follow_redirects=False)

    async def send(self, call: Call, timeouts: Timeouts) -> _Reply:
        request = self._client.build_request(call.method, call.url, headers=dict(call.headers), content=call.body)
        return _Reply(await self._client.send(request, stream=True))

    async def aclose(self) -> None:
        await self._client.aclose()
