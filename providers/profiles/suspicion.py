"""What looks like a secret, and what stands in for one: judged by names and shapes alone.

`shown` is how a value of a profile is quoted in a message: never, if it may be a key in the wrong place.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from dragoman.schemas.ir import JSON
from dragoman.schemas.narrow import show

__all__ = ["has_password", "is_placeholder", "looks_like_key", "names_secret", "shown"]

_NAME = re.compile(r"authorization|cookie|passw|secret|token$|(^|[-_. ])(api[-_ ]?)?keys?$|apikey|credential", re.I)
# The names of fields that say where a key is, not what it is.
_WHERE = frozenset({"api_key_env", "api_key_file", "api_key_command", "api_key_need", "auth_method"})
_KEY = re.compile(
    r"(?:Bearer +|Basic +)?"
    r"(?:(?:sk|pk|gsk|xai|hf|ghp|gho|nvapi|csk|fw|r8|key)[-_][\w.-]{8,}|AIza[\w-]{8,}|[\w+/=-]{32,})"
)
_MIXED = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])")
_LONGEST = 100  # of what stands in for a key: the search takes long in long texts
# Only what asks to be replaced: "test", "dummy" and "sk-1234" are keys that servers on a desk do take.
_STAND_INS = re.compile(
    r"""(?ix) <.*> | \$?\{.*\} | \[.*\] | \$\w+ | \.{3,} | …  | [x*]{3,} | .*(?:x{6,}|\*{4,})
    | (?:[a-z]{2,8}[-_])+(?:[x*]{3,}|\.\.\.|…).*
    | .*\b(?:your|insert|enter|replace|put|add)[-_ ].*(?:key|token|secret|here)[-_ >]* | .*[-_ ]here
    | change[-_ ]?(?:me|this).* | replace[-_ ]?(?:me|this).* | to[-_ ]?do(?:[-_: ].*)? | fix[-_ ]?me | tbd
    | placeholder.* | null | undefined """
)


def names_secret(name: str) -> bool:
    """Say whether a header, parameter or field of this name usually holds a secret."""
    return name not in _WHERE and _NAME.search(name) is not None


def looks_like_key(value: str) -> bool:
    return _KEY.fullmatch(value.strip()) is not None and _MIXED.match(value) is not None


def is_placeholder(value: str) -> bool:
    """Say whether this is what people write where a key is to go."""
    return len(value) <= _LONGEST and _STAND_INS.fullmatch(value.strip()) is not None


def has_password(url: str) -> bool:
    """Say whether a URL holds a user's password."""
    try:
        return bool(urlsplit(url).password)
    except ValueError:
        return False


def shown(name: str, value: JSON) -> str:
    """Quote the value of a field in a message."""
    if isinstance(value, str) and (names_secret(name) or looks_like_key(value) or has_password(value)):
        return "a text that may be secret"
    return repr(value) if isinstance(value, float) else show(value)  # 5.0 where 5 is wanted
