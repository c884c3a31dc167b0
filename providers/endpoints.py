"""Where a dialect's operations are: paths under a base URL, and the URL that one call goes to.

A vendor or a profile may name other paths (`paths` in the catalog). A base URL may end in a slash, and in the version
that the path starts with.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from dragoman.providers.settings import Profile
from dragoman.schemas.errors import ProfileFault

__all__ = ["OPERATIONS", "PATHS", "url_of"]

OPERATIONS = ("complete", "stream", "models")
# dialect → operation → path; {model} and {deployment} are filled in, escaped
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


def url_of(profile: Profile, operation: str, model: str | None = None, query: Mapping[str, str] | None = None) -> str:
    """Return where an operation of this provider is. `query` is added to what path and profile ask for already."""
    base = _base(profile)
    path, _, asked = _filled(_path(profile, operation), profile, model).partition("?")
    version = path[1:].partition("/")[0]
    if base.endswith("/" + version) and version.startswith("v1"):
        path = path[len(version) + 1 :]
    parts = [part for part in (asked, urlencode({**profile.query, **(query or {})})) if part]
    return base + path + ("?" + "&".join(parts) if parts else "")


def _base(profile: Profile) -> str:
    base = profile.base_url.strip().rstrip("/")
    if base.startswith(("http://", "https://", "sandbox://")) and len(base.partition("://")[2]) > 0:
        return base
    problem = f"no http or https URL: {base!r}" if base else "there is none, and this vendor has no usual one"
    raise ProfileFault(problem, place=f"{profile.name}: base_url", hint="base_url: https://host/v1 in the profile")


def _path(profile: Profile, operation: str) -> str:
    known = {**PATHS.get(profile.dialect, {}), **profile.paths}
    path = known.get(operation) or known.get("complete" if operation == "stream" else operation)
    if path:
        return path
    raise ProfileFault(f"{profile.dialect} has no {operation!r} here", place=profile.name, hint="paths: names one")


def _filled(path: str, profile: Profile, model: str | None) -> str:
    for name, value in (("model", model), ("deployment", profile.deployment or model)):
        if "{" + name + "}" not in path:
            continue
        if not value:
            raise ProfileFault(f"there is none, and the URL needs it: {path}", place=f"{profile.name}: {name}")
        path = path.replace("{" + name + "}", quote(value.removeprefix("models/"), safe=""))
    return path
