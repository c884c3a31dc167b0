"""Calls over HTTP. The one file that imports httpx, and that opens sockets.

Nothing is sent but what a `Call` holds: no redirect is followed, no cookie kept, no netrc read. How long a connection
may take is decided here; how long an answer may take, in `attempts.py`. A stream is asked for as it is, because what
compresses it holds it back; anything else may come compressed, and is inflated in pieces of a bounded size.
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, ExitStack
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import AsyncGeneratorType, TracebackType

from dragoman.providers.commandless import CommandLess
from dragoman.providers.exchange import Call
from dragoman.providers.replies.faults import Route, network_fault, proxy_fault
from dragoman.providers.settings import Profile, Timeouts
from dragoman.schemas.errors import CallerError, InvalidInput, NetworkFault, ProfileFault, TimedOut
from dragoman.schemas.inflating import ENCODINGS, Inflater
from dragoman.schemas.inflating import MAX_PIECE as MAX_PIECE

with CommandLess():
    import httpx

__all__ = ["HttpReply", "HttpTransport"]

_ROOM = 4  # connections of one client
_NO_END = 1 << 30  # calls at a time
_STREAMS = frozenset({"text/event-stream", "application/x-ndjson"})
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BROKEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class HttpTransport:
    """The connections that all calls of a provider share, each made when it is first needed. Those of one event loop
    cannot be used in another: each has its own, and `aclose` closes those of the loop that it is called in."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._lanes: dict[asyncio.AbstractEventLoop, _Lanes] = {}
        self._is_closed = False

    async def send(self, call: Call, timeouts: Timeouts) -> HttpReply:
        lanes = self._here()
        route = _route(self._profile, call.url)
        lane = await lanes.take(route, timeouts, is_secure=not call.url.startswith("http://"))
        with lane:
            request = _request(self._profile, lane.client, call, timeouts, route)
            try:
                response = await lane.client.send(request, stream=True)
            except (httpx.HTTPError, OSError, UnicodeError) as error:
                raise _fault(error, route, timeouts) from _shown(error)
        return HttpReply(response, lane, route, timeouts)

    async def aclose(self) -> None:
        self._is_closed = True
        lanes = self._lanes.pop(asyncio.get_running_loop(), None)
        if lanes is not None:
            await lanes.aclose()

    def _here(self) -> _Lanes:
        """Return what is used in the event loop that runs. What was left open in one that is over is lost with it."""
        loop = asyncio.get_running_loop()
        if self._is_closed:
            raise CallerError(f"{self._profile.name}: this provider has been closed")
        if loop not in self._lanes:
            self._lanes = {other: lanes for other, lanes in self._lanes.items() if not other.is_closed()}
            self._lanes[loop] = _Lanes(self._profile)
        return self._lanes[loop]


class _Lane:
    """A client with room for a few connections, and how many calls are under way on it. A call that fails under `with`
    leaves it at once; one that is answered does so when its answer is closed."""

    __slots__ = ("_places", "client", "room", "under_way")

    def __init__(self, client: httpx.AsyncClient, room: int, places: asyncio.Semaphore) -> None:
        self.client, self.room, self.under_way = client, room, 0
        self._places = places

    def leave(self) -> None:
        self.under_way -= 1
        self._places.release()

    def __enter__(self) -> None:
        """It was taken already."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.leave()


class _Lanes:
    """Clients, each with a few of the connections of a profile. A pool of httpx looks at every connection that it has,
    and asks the system about it, at the begin and at the end of every call: with 256 in one that takes ten times as
    long as all else. Over HTTP/2 the calls share connections, and then there is one client with room for all."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._lanes: list[_Lane] = []
        self._left = profile.pool.connections  # that no client has yet
        self._places = asyncio.Semaphore(_NO_END if profile.http2 else self._left)
        self._trust: ssl.SSLContext | None = None
        self._is_closed = False

    def check(self) -> None:
        if self._is_closed:
            raise CallerError(f"{self._profile.name}: this provider has been closed")

    async def take(self, route: Route, timeouts: Timeouts, *, is_secure: bool) -> _Lane:
        """Return the first with room, so that connections are used again; wait for one where there is none."""
        if self._places.locked():
            await self._wait(route, timeouts)
        else:
            await self._places.acquire()
        with ExitStack() as failing:
            failing.callback(self._places.release)
            self.check()
            lane = next((lane for lane in self._lanes if lane.under_way < lane.room), None)
            lane = lane or self._open(is_secure=is_secure)
            failing.pop_all()
        lane.under_way += 1
        return lane

    async def aclose(self) -> None:
        lanes, self._lanes, self._is_closed = self._lanes, [], True
        async with AsyncExitStack() as stack:
            for lane in lanes:
                stack.push_async_callback(lane.client.aclose)

    async def _wait(self, route: Route, timeouts: Timeouts) -> None:
        try:
            async with asyncio.timeout(timeouts.pool):
                await self._places.acquire()
        except TimeoutError:
            raise TimedOut("pool", timeouts.pool or 0.0, place=route.place) from None

    def _open(self, *, is_secure: bool) -> _Lane:
        if self._trust is None:
            self._trust = _trust(self._profile, is_secure=is_secure)
        connections = self._left if self._profile.http2 else min(self._left, _ROOM)
        client = _client(self._profile, self._trust, connections)
        lane = _Lane(client, _NO_END if self._profile.http2 else connections, self._places)
        self._lanes.append(lane)
        self._left -= connections
        return lane


class HttpReply:
    """The stream of httpx is read as it comes off the wire: nothing gathers or cuts the pieces."""

    def __init__(self, response: httpx.Response, lane: _Lane, route: Route, timeouts: Timeouts) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = dict(response.headers.items())  # by names, each is looked for among all
        self._response, self._route, self._timeouts = response, route, timeouts
        self._lane: _Lane | None = lane
        self._pieces: AsyncGenerator[bytes, None] | None = None

    def chunks(self) -> AsyncIterator[bytes]:
        self._pieces = self._read()
        return self._pieces

    async def _read(self) -> AsyncGenerator[bytes, None]:
        stream = self._response.stream
        assert isinstance(stream, httpx.AsyncByteStream)
        inflater = _inflater(self.headers.get("content-encoding", ""), self._route)
        has_begun = False
        try:
            async for raw in stream:
                if inflater is None:
                    has_begun = True
                    yield raw
                    continue
                for piece in inflater.feed(raw):
                    has_begun = True
                    yield piece
            if inflater is not None:
                inflater.close()
        except (httpx.HTTPError, OSError) as error:
            raise _fault(error, self._route, self._timeouts, has_begun=has_begun) from _shown(error)
        except InvalidInput as error:
            raise _misfit(error.problem, self._route) from error
        await self._leave()  # the connection is free for the next call

    async def aclose(self) -> None:
        await self._leave()
        if isinstance(self._pieces, AsyncGeneratorType) and not self._pieces.ag_running:
            await self._pieces.aclose()  # a task that is just reading sees the end by itself

    async def _leave(self) -> None:
        lane, self._lane = self._lane, None
        try:
            await self._response.aclose()
        finally:
            if lane is not None:
                lane.leave()


def _inflater(encoding: str, route: Route) -> Inflater | None:
    """Return what undoes a content-encoding. Only those that were offered, and one at a time: layers are a bomb."""
    named = encoding.strip().lower()
    if named in ("", "identity"):
        return None
    if named not in ENCODINGS:
        raise _misfit(f"is encoded as {named[:40]!r}, which was not asked for", route)
    return Inflater(named)


def _misfit(problem: str, route: Route) -> NetworkFault:
    return NetworkFault(f"{route.place}: the answer {problem}", before_reply=False)


def _client(profile: Profile, trust: ssl.SSLContext, connections: int) -> httpx.AsyncClient:
    """Return a client of a profile. Proxies of the environment count where the profile names none."""
    try:
        return httpx.AsyncClient(
            verify=trust,
            http2=profile.http2,
            limits=httpx.Limits(
                max_connections=connections,
                max_keepalive_connections=connections,
                keepalive_expiry=profile.pool.keepalive,
            ),
            proxy=profile.proxy,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            follow_redirects=False,
        )
    except ImportError as error:
        raise _missing(profile, error) from error
    except (ValueError, httpx.InvalidURL):
        # The cause quotes the URL, and in it may be a password.
        place = f"{profile.name}: proxy" if profile.proxy else "HTTP_PROXY, HTTPS_PROXY or ALL_PROXY"
        raise ProfileFault("no URL of a proxy", place=place, hint="as in http://host:3128") from None


def _missing(profile: Profile, error: ImportError) -> ProfileFault:
    if "socks" in str(error):
        problem, extra, place = "a SOCKS proxy needs the package socksio", "socks", "proxy"
    else:
        problem, extra, place = "HTTP/2 needs the package h2", "http2", "http2"
    return ProfileFault(problem, place=f"{profile.name}: {place}", hint=f"pip install 'dragoman[{extra}]'")


def _trust(profile: Profile, *, is_secure: bool) -> ssl.SSLContext:
    """Return what is trusted. Reading the certificates of the world takes longer than a call on this machine, so that
    where nothing is encrypted there are none: then nothing would be trusted."""
    if not is_secure:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    named = profile.ca_bundle
    try:
        return httpx.create_ssl_context() if named is None else _bundle(os.path.expanduser(named))
    except OSError as error:
        problem = "it holds no certificates" if isinstance(error, ssl.SSLError) else error.strerror or str(error)
        place = f"{profile.name}: ca_bundle: {named}" if named else "SSL_CERT_FILE or SSL_CERT_DIR in the environment"
        raise ProfileFault(problem, place=place, hint="a file of certificates in PEM, or a folder of them") from error


def _bundle(path: str) -> ssl.SSLContext:
    is_folder = os.path.isdir(path)
    return ssl.create_default_context(cafile=None if is_folder else path, capath=path if is_folder else None)


def _request(
    profile: Profile, client: httpx.AsyncClient, call: Call, timeouts: Timeouts, route: Route
) -> httpx.Request:
    """Return a call as httpx knows it. The read timeout is that of `attempts.py`."""
    waits = {"connect": timeouts.connect, "write": timeouts.write, "pool": timeouts.pool, "read": None}
    try:
        return client.build_request(
            call.method,
            call.url,
            headers=_headers(profile, call.headers),
            content=call.body,
            extensions={"timeout": waits, "trace": route.note},
        )
    except httpx.InvalidURL:
        raise _no_url(profile) from None


def _route(profile: Profile, url: str) -> Route:
    try:
        return Route(url)
    except ValueError:
        raise _no_url(profile) from None


def _no_url(profile: Profile) -> ProfileFault:
    """Name the place and not the URL: there may be a key in it."""
    place = f"{profile.name}: base_url"
    return ProfileFault("no URL that can be called", place=place, hint="as in https://host:8000/v1")


def _headers(profile: Profile, said: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Return headers as bytes. One that would break out of its line is refused, and its value is not told."""
    streams = any(name.lower() == "accept" and value in _STREAMS for name, value in said.items())
    given = {name.lower() for name in said}
    encoding = {} if "accept-encoding" in given else {"Accept-Encoding": "identity" if streams else "gzip, deflate"}
    for name, value in said.items():
        if not _NAME.fullmatch(name) or _BROKEN.search(value):
            problem = "not a name and a value in one line" if _NAME.fullmatch(name) else "not the name of a header"
            raise ProfileFault(
                problem, place=f"{profile.name}: headers: {name!r}", hint="is there a line break in it, or in the key?"
            )
    return [(name.encode(), value.strip().encode()) for name, value in {**said, **encoding}.items()]


def _fault(error: Exception, route: Route, timeouts: Timeouts, *, has_begun: bool = False) -> NetworkFault:
    match error:
        case httpx.ConnectTimeout():
            return TimedOut("connect", timeouts.connect or 0.0, place=route.proxy or route.place)
        case httpx.WriteTimeout():
            return TimedOut("write", timeouts.write or 0.0, place=route.place)
        case httpx.PoolTimeout():
            return TimedOut("pool", timeouts.pool or 0.0, place=route.place)
        case httpx.ProxyError():
            status = re.match(r"\d{3}\b", str(error))
            return proxy_fault(route, status[0] if status else "")
        case httpx.RemoteProtocolError():
            return _cut(str(error), route, has_begun=has_begun)
        case _:
            return network_fault(error, route, has_begun=has_begun)


def _cut(said: str, route: Route, *, has_begun: bool) -> NetworkFault:
    """Return the fault of a server that hangs up, or speaks no HTTP."""
    if "without sending a response" in said:
        problem = "the server hung up without an answer"
    elif "without sending complete" in said or "closed connection" in said:
        problem = "the server hung up in the middle of the answer"
    else:
        problem = "what the server sends is no HTTP"
    return NetworkFault(f"{route.place}: {problem}", kind="reset", before_reply=not has_begun)


def _shown(error: Exception) -> Exception | None:
    """Return the cause as far as a traceback may show it: what a server said in place of HTTP may hold a key."""
    return None if isinstance(error, (httpx.ProtocolError, httpx.ProxyError)) else error
