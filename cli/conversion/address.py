"""Where a converted request would go: a capture that was said in another dialect needs another URL.

The address is that of the vendor whose dialect it is, as the catalog has it; no key is looked for.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dragoman.schemas.dialect import find

if TYPE_CHECKING:
    from dragoman.providers.settings import Profile
    from dragoman.schemas.captures import Captured

__all__ = ["addressed"]

# dialect → the catalog's entry of the vendor whose it is
_VENDORS = {"openai-chat": "openai"}
_PLACEHOLDER = "{model}"  # where nobody names the model, and the URL has to


def addressed(captured: Captured) -> Captured:
    """Return an exchange whose request says where it goes, if it does not yet."""
    sent = captured.request
    if sent is None or sent.url:
        return captured
    from dragoman.providers.endpoints import url_of

    profile = _profile(find(captured.dialect).family)
    streams = captured.streams or (captured.response is not None and captured.response.kind == "stream")
    url = url_of(profile, "stream" if streams else "complete", captured.model or _model(sent.body) or _PLACEHOLDER)
    said = {name.lower() for name, _ in sent.headers}
    extra = tuple((name, value) for name, value in profile.headers.items() if name.lower() not in said)
    return replace(captured, request=replace(sent, url=url, headers=(*sent.headers, *extra)))


@cache
def _profile(dialect: str) -> Profile:
    from dragoman.providers.profile import load_profile

    return load_profile(_VENDORS.get(dialect, dialect), variables={})


def _model(body: bytes) -> str | None:
    """Return the model that a body names, for dialects whose URL may name it, too."""
    from dragoman.schemas.captures.typed import decoded
    from dragoman.schemas.errors import InvalidInput

    try:
        model = decoded(body, dict[str, object]).get("model")
    except InvalidInput:
        return None
    return model if isinstance(model, str) and model else None
