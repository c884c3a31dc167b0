"""Where a dialect's operations are: paths under a base URL, and the URL that one call goes to.

A vendor or a profile may name other paths (`paths` in the catalog). A base URL may end in a slash, in what the path
starts with (/v1), in a version in place of the path's, or be the whole URL of an answer; its query goes on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, urlencode, urlsplit

from dragoman.providers.settings import Profile
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import ProfileFault
from dragoman.schemas.narrow import show

__all__ = ["OPERATIONS", "PATHS", "url_of"]

OPERATIONS = ("complete", "stream", "models")
# dialect → operation → path; {model}, {deployment} and {api_version} are filled in, escaped
PATHS: Mapping[str, Mapping[str, str]] = {
    "openai-chat": {"complete": "/chat/completions", "models": "/models"},
    "openai-responses": {"complete": "/responses", "models": "/models"},
    "anthropic": {"complete": "/v1/messages", "models": "/v1/models?limit=1000"},
    "gemini": {
        "complete": "/models/{model}:generateContent",
        "stream": "/models/{model}:streamGenerateContent?alt=sse",
        "models": "/models?pageSize=1000",
    },
    "ollama": {"complete": "/api/chat", "models": "/api/tags"},
}
_VERSION = re.compile(r"v[0-9]+(alpha|beta)?[0-9]*")
_SCHEMES = ("http", "https", "sandbox", "litellm")


def url_of(profile: Profile, operation: str, model: str | None = None, query: Mapping[str, str] | None = None) -> str:
    """Return where an operation of this provider is. `query` is added to what URL, path and profile ask for already."""
    base, carried = _base(profile)
    path, _, asked = _filled(_path(profile, operation), profile, model).partition("?")
    complete = _path(profile, "complete").partition("?")[0]
    added = urlencode({**profile.query, **(query or {})})
    parts = [part for part in (carried, asked, added) if part]
    return _joined(base.removesuffix(complete), path) + ("?" + "&".join(parts) if parts else "")


def _base(profile: Profile) -> tuple[str, str]:
    """Return the URL without a slash at its end, and its query."""
    told = profile.base_url.strip()
    origin = profile.origins.get("base_url")
    place = f"{profile.name}: base_url ({origin})" if origin else f"{profile.name}: base_url"
    if not told:
        hint = "base_url: https://host/v1 in the profile"
        raise ProfileFault("there is none", place=place, hint=hint)
    try:
        parts = urlsplit(told)
        sound = parts.scheme in _SCHEMES and bool(parts.hostname) and parts.port != 0 and told.isprintable()
    except ValueError:
        sound, parts = False, urlsplit("")
    if not sound or " " in told:
        shown = show(told.rpartition("@")[2])
        raise ProfileFault(f"no http or https URL: {shown}", place=place, hint="it looks like https://host/v1")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}", parts.query


def _joined(base: str, path: str) -> str:
    """Put a path under a URL, without saying twice what the one ends in and the other begins with."""
    root, slash, rest = base.partition("://")[2].partition("/")
    have, want = rest.split("/") if slash else [], path.removeprefix("/").split("/")
    if have and len(want) > 1 and _VERSION.fullmatch(have[-1]) and _VERSION.fullmatch(want[0]):
        want = want[1:]
    else:
        shared = range(min(len(have), len(want) - 1), 0, -1)
        want = want[next((number for number in shared if have[-number:] == want[:number]), 0) :]
    return "/".join([f"{base.partition('://')[0]}://{root}", *have, *want])


def _path(profile: Profile, operation: str) -> str:
    known = {**PATHS.get(find(profile.dialect).family, {}), **profile.paths}
    path = known.get(operation) or known.get("complete" if operation == "stream" else operation)
    if path:
        return path
    raise ProfileFault(f"{profile.dialect} has no {operation!r} here", place=profile.name, hint="paths: names one")


def _filled(path: str, profile: Profile, model: str | None) -> str:
    values = {"model": model, "deployment": profile.deployment or model, "api_version": profile.api_version}
    for name, value in values.items():
        if "{" + name + "}" not in path:
            continue
        if not value:
            raise ProfileFault(f"there is none, and the URL needs it: {path}", place=f"{profile.name}: {name}")
        path = path.replace("{" + name + "}", quote(value.removeprefix("models/"), safe=""))
    return path
