"""What the generations of Claude take and refuse, told by the model's name.

A name that is not known (another vendor's, an alias of a gateway's) is taken for the newest that refuses nothing
which the API itself takes. https://platform.claude.com/docs/en/about-claude/models/overview
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

__all__ = ["Model", "model_of"]

_FAMILY = "opus|sonnet|haiku|fable|mythos"
_NAMED = re.compile(rf"claude-({_FAMILY})-(\d)(?:[-.](\d))?(?!\d)")
_NUMBERED = re.compile(rf"claude-(\d)(?:[-.](\d))?-({_FAMILY})")
_FIRST = re.compile(r"claude-(?:v?[12]\b|instant)")


class Model(msgspec.Struct, frozen=True):
    """`temperature_and_top_p`: both at once. `sampling`: any of them. `budget`, `adaptive`: ways to switch thinking on.
    `instructions_amid`: a system message in the conversation. `max_tokens`: what is asked for where nothing is said."""

    temperature_and_top_p: bool = False
    sampling: bool = True
    budget: bool = True
    adaptive: bool = True
    instructions_amid: bool = True
    max_tokens: int = 16384


@lru_cache(256)
def model_of(name: str | None) -> Model:
    said = name or ""
    if (named := _NAMED.search(said)) is not None:
        return _generation(named[1], (int(named[2]), int(named[3] or 0)))
    if (numbered := _NUMBERED.search(said)) is not None:
        return _generation(numbered[3], (int(numbered[1]), int(numbered[2] or 0)))
    return _generation("", (2, 0)) if _FIRST.search(said) else Model()


def _generation(family: str, version: tuple[int, int]) -> Model:
    return Model(
        temperature_and_top_p=version < (4, 1),
        sampling=version < (4, 7),
        budget=(3, 7) <= version < (4, 7),
        adaptive=version >= (4, 6),
        instructions_amid=version >= (4, 8) and not (family == "sonnet" and version == (5, 0)),
        max_tokens=16384 if version >= (3, 7) else 8192 if version >= (3, 5) else 4096,
    )
