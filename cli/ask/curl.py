"""A call → a line for curl, which a shell reads as it is pasted.

The key is what the shell fetches itself: "$NAME", "$(cat FILE)" or "$(COMMAND)". A body that no shell takes as one
argument stands in a here-document under the line.
"""

from __future__ import annotations

import shlex

from dragoman.cli.ask.masking import MARK, KeySource
from dragoman.cli.render import printable
from dragoman.cli.status import Usage
from dragoman.providers.exchange import Call
from dragoman.providers.settings import Profile

__all__ = ["curl_line"]

MAX_ARGUMENT = 100_000  # bytes; Linux takes 131,072
END = "END_OF_BODY"


def curl_line(call: Call, profile: Profile, source: KeySource | None, *, streams: bool) -> str:
    """Return the line. Raises Usage for what no curl can reach."""
    if not call.url.startswith(("http://", "https://")):
        raise Usage(f"{profile.name} is in this process: no curl reaches it", "--dry-run shows what is sent")
    key = _key(source)
    body = printable(call.body.decode())  # in JSON, nothing but strings holds what this escapes
    is_long = len(body.encode()) > MAX_ARGUMENT
    words = ["curl", "-sS", *(["-N"] if streams else []), *_connection(profile), "-X", call.method]
    words += [_quoted(call.url, key)]
    for name, value in call.headers.items():
        words += ["-H", _quoted(f"{name}: {value}", key)]
    words += ["--data-binary", "@-"] if is_long else ["--data-raw", shlex.quote(body)]
    line = " ".join(words)
    return f"{line} <<'{END}'\n{body}\n{END}" if is_long else line


def _connection(profile: Profile) -> list[str]:
    return ["--cacert", shlex.quote(profile.ca_bundle)] if profile.ca_bundle else []


def _key(source: KeySource | None) -> str:
    """Return what a shell replaces by the key."""
    match source:
        case KeySource(kind="file", name=name):
            return f'"$(cat {shlex.quote(name)})"'
        case KeySource(kind="command", arguments=arguments):
            return f'"$({shlex.join(arguments)})"'
        case KeySource(kind="env", name=name):
            return f'"${name}"'
        case KeySource(name=text):
            return shlex.quote(text)
        case _:
            return ""


def _quoted(text: str, key: str) -> str:
    """Return a word for a shell, with the key in place of the mark."""
    return key.join(shlex.quote(piece) if piece else "" for piece in text.split(MARK))
