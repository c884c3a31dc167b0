"""A recorded URL → a profile whose calls go to it: --original.

All of the URL is kept but what a change may ask to be otherwise: the model that is named there, and whether the answer
streams. Credentials are none of it: they are gone since the recording was read.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, unquote, urlsplit

from msgspec.structs import replace

from dragoman.providers.settings import Profile
from dragoman.schemas.captures import Captured
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.narrow import show

__all__ = ["is_loopback", "origin_of", "original_profile"]

PORTS = {"http": 80, "https": 443}
# The end of a path that names a model → for a whole answer, and for a stream.
_GEMINI = re.compile(r"/(?P<kind>models|endpoints|tunedModels)/[^/:]+:(?:streamG|g)enerateContent$")
_CLAUDE = re.compile(r"/models/(?P<name>[^/:]+):(?:streamR|r)awPredict$")
_DEPLOYMENT = re.compile(r"/deployments/(?P<name>[^/]+)(?=/)")


def original_profile(profile: Profile, captured: Captured, *, names_model: bool = False) -> Profile:
    """Return the profile as it speaks to the recorded host. `names_model`: somebody wants another model, which an
    Azure deployment stands for. Raises InvalidInput where no host was recorded."""
    parts = _parts(captured)
    paths, deployment = _paths(_path(parts))
    query = _query(parts, {*profile.query, "alt"} if "alt=" in paths["stream"] else set(profile.query))
    return replace(
        profile,
        dialect=find(captured.dialect).name,
        base_url=f"{parts.scheme}://{parts.netloc}" + (f"?{query}" if query else ""),
        paths=paths,
        deployment=None if names_model else deployment,
    )


def _paths(path: str) -> tuple[dict[str, str], str | None]:
    """Return the paths of a whole answer and of a stream, with what a model stands in; and what stood there, where the
    body names a model, too, which may be another."""
    if (found := _GEMINI.search(path)) is not None:
        named = f"{path[: found.start()]}/{found['kind']}/{{model}}"
        return {"complete": f"{named}:generateContent", "stream": f"{named}:streamGenerateContent?alt=sse"}, None
    if (found := _CLAUDE.search(path)) is not None:
        named = f"{path[: found.start()]}/models/{{deployment}}"
        return {"complete": f"{named}:rawPredict", "stream": f"{named}:streamRawPredict"}, unquote(found["name"])
    if (found := _DEPLOYMENT.search(path)) is not None:
        path = f"{path[: found.start()]}/deployments/{{deployment}}{path[found.end() :]}"
        return {"complete": path, "stream": path}, unquote(found["name"])
    return {"complete": path, "stream": path}, None


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of a URL; nothing of what is none."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return "", "", None


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _parts(captured: Captured) -> SplitResult:
    url = captured.request.url if captured.request else ""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise InvalidInput("$.request.url", f"no URL: {show(url)}") from error
    if not parts.netloc:
        raise InvalidInput("$.request.url", "no host was recorded, and --original asks for it")
    scheme, host, _ = origin_of(url)
    if scheme == "sandbox":
        raise InvalidInput(
            "$.request.url", "recorded from the sandbox: there is no host; without --original, -p is asked"
        )
    if scheme not in PORTS or not host:
        raise InvalidInput("$.request.url", f"no http or https URL: {show(url)}")
    return parts


def _path(parts: SplitResult) -> str:
    """Return the recorded path, in which nothing is to be filled in."""
    return (parts.path or "/").replace("{", "%7B").replace("}", "%7D")


def _query(parts: SplitResult, said_elsewhere: set[str]) -> str:
    pieces = parts.query.split("&")
    return "&".join(piece for piece in pieces if unquote(piece.partition("=")[0]) not in said_elsewhere)
