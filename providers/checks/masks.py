"""A provider's words about a key → the same words without any part of it.

Providers echo keys masked: "Incorrect API key provided: sk-proj-****wxyz". What is left of it is still a part of a
secret, and CI logs are public. So whatever looks like a key, whole or masked, is taken out, and whatever is a part of
the key that was sent. Words that only look like a part of one may go, too: nobody misses them.
"""

from __future__ import annotations

import re
from functools import partial

__all__ = ["LONGEST", "MASK", "mask"]

MASK = "[key]"
LONGEST = 2000  # characters
_PART = 4  # characters from which on the start or the end of the key is a part of it
_INSIDE = 6  # the same for what is amid it

_WORD = r"[A-Za-z0-9_\-./+=]"
# How vendors begin their keys.
_BEGINS = r"sk|pk|rk|gsk|xai|nvapi|hf|csk|tgp|ghp|gho|ghu|ghs|github_pat|glpat|AIza|AQ\.|ya29\.|eyJ|AKIA|pplx|r8"
_HIDES = r"(?:[*•●·█]|…|\.{3,}|[xX]{4,})"
_PATTERNS = (
    re.compile(rf"(?<![A-Za-z0-9])(?:{_BEGINS})[-_.]?[A-Za-z0-9_\-]*{_HIDES}+{_WORD}*"),  # sk-…abcd
    re.compile(rf"{_WORD}*[*•●█]{{2,}}(?:{_WORD}|[*•●█])*"),  # ****wxyz
    re.compile(rf"(?:{_WORD}*[A-Za-z0-9_\-])?(?:…|\.{{3,}})[A-Za-z0-9_\-]+"),  # abc...wxyz
    re.compile(rf"(?<![A-Za-z0-9])(?:{_BEGINS})[-_.][A-Za-z0-9_\-]{{8,}}"),  # a whole one
    re.compile(r"(?<![A-Za-z0-9])(?:AIza|eyJ|AKIA)[A-Za-z0-9_\-.]{12,}"),
    re.compile(r"(?<![A-Za-z0-9_\-])(?=[A-Za-z_\-]*[0-9])(?=[A-Z0-9_\-]*[a-z])[A-Za-z0-9_]{32,}(?![A-Za-z0-9_\-])"),
)
_TOLD = re.compile(
    r"((?:end(?:s|ing)?|start(?:s|ing)?|begin(?:s|ning)?) (?:in|with|on) |last (?:four|4)(?: \w+)?:? )"
    r"""(["'`]?)[A-Za-z0-9_\-]{2,}"""
)
_TOKEN = re.compile(r"[A-Za-z0-9_\-]{4,}")


def mask(said: str, *secrets: str) -> str:
    """Return a text without keys and parts of them; `secrets` are those that were sent. What is endless is cut."""
    if len(said) > LONGEST:
        said = said[:LONGEST] + " …"
    for pattern in _PATTERNS:
        said = pattern.sub(MASK, said)
    said = _TOLD.sub(rf"\1\2{MASK}", said)
    for secret in secrets:
        if len(secret) >= _INSIDE:
            said = _TOKEN.sub(partial(_masked, secret=secret), said)
    return said


def _masked(found: re.Match[str], *, secret: str) -> str:
    return MASK if _is_part(found[0], secret) else found[0]


def _is_part(token: str, secret: str) -> bool:
    if token == MASK[1:-1]:
        return False
    if secret.startswith(token) or secret.endswith(token):
        return len(token) >= _PART
    return (len(token) >= _INSIDE and token in secret) or secret[-_INSIDE:] in token or secret[:_INSIDE] in token
