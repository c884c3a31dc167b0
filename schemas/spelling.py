"""Names and ids that fit: what one vendor allows, another refuses.

A name or id that does not fit is rewritten the same way every time, with a digest of the original so that two of them
stay two; call and result therefore still pair. `names_back` maps the rewritten tool names to what the program knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from dragoman.schemas.ir import Response, Text

__all__ = ["digest", "fit_id", "fit_name", "made_up_id", "names_back"]

_ODD = re.compile(r"[^a-zA-Z0-9_-]")


def digest(said: str) -> str:
    import hashlib  # the slowest import of a small conversion, and few names need it

    return hashlib.sha1(said.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()[:8]


@lru_cache(4096)
def fit_name(name: str, limit: int = 64) -> str:
    """Return a tool name that matches ^[a-zA-Z0-9_-]{1,limit}$: the name itself where it does already."""
    return name if 0 < len(name) <= limit and not _ODD.search(name) else _rewritten(name, limit)


@lru_cache(4096)
def fit_id(call_id: str, limit: int = 64) -> str:
    """Return a call id that matches ^[a-zA-Z0-9_-]{1,limit}$."""
    return call_id if 0 < len(call_id) <= limit and not _ODD.search(call_id) else _rewritten(call_id, limit)


def _rewritten(said: str, limit: int) -> str:
    return f"{_ODD.sub('_', said)[: limit - 9]}_{digest(said)}"


def names_back(names: Iterable[str], fit: Callable[[str], str]) -> dict[str, str]:
    """Return what each rewritten name stands for."""
    return {fit(name): name for name in names if fit(name) != name}


def made_up_id(prefix: str, response: Response) -> str:
    """Return an id for an answer that came without one: the same one every time, another for another answer."""
    said = "".join(part.text for candidate in response.candidates for part in candidate.parts if isinstance(part, Text))
    return f"{prefix}{digest(f'{response.model} {response.created} {said}')}"
