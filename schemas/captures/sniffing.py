"""The first bytes of a file → the format that it is in.

JSON is known by the names at its top, which are found without decoding it, so that a beginning is enough; a list stands
for what is in it. Adding a format of JSON is a row of `_BY_FIELDS`: the first that fits wins.
"""

from __future__ import annotations

import re

from dragoman.schemas.captures.marks import BOM, EVENT_FIELDS
from dragoman.schemas.errors import InvalidInput, MalformedJSON, UndetectedDialect

__all__ = ["HEAD", "is_enough", "sniff"]

HEAD = 1 << 18  # bytes in which a file shows what it is
_PAGE = re.compile(rb'\{\s*"data"\s*:\s*\[\s*\{')  # of the answers of an API that lists entries
_TOKEN = re.compile(rb'"((?:[^"\\\n]|\\.)*+)"\s*(:)?|[{}\[\]"]')  # a quote alone: of a text whose end is missing
# format → names of which all are there, or name=value
_BY_FIELDS: tuple[tuple[str, frozenset[str]], ...] = tuple(
    (name, frozenset(fields.split()))
    for name, fields in (
        ("recording", "schema_version type=exchange request"),
        ("har", "log"),
        ("har", "startedDateTime request"),  # a response may be far behind
        ("har", "cache request"),  # Chromium's order is that of the alphabet
        ("gemini-batch", "custom_id request"),  # Vertex AI, of any model
        ("gemini-batch", "processed_time request"),
        ("openai-batch", "custom_id method url"),
        ("openai-batch", "custom_id response"),
        ("openai-batch", "custom_id body"),
        ("openai-batch", "custom_id error"),
        ("anthropic-batch", "custom_id params"),
        ("anthropic-batch", "custom_id result"),
        ("anthropic-batch", "requests"),
        ("anthropic-batch", "modelInput"),
        ("anthropic-batch", "modelOutput"),
        ("gemini-batch", "key request"),
        ("gemini-batch", "key response"),
        ("gemini-batch", "key error"),
        ("litellm", "call_type messages"),
        ("litellm", "call_type request_id"),
        ("litellm", "standard_logging_object"),
        ("langfuse", "observations"),
        ("langfuse", "type=GENERATION"),
        ("langfuse", "traceId input output"),
        ("langfuse", "trace_id input output"),
        ("langfuse", "traceId startTime"),
        ("helicone", "request_body"),
        ("helicone", "response_body"),
        ("helicone", "signed_body_url"),
        ("helicone", "request_created_at response_status"),
        ("vcr", "interactions"),
        ("vcr", "http_interactions"),
        ("gemini-batch", "request"),  # Vertex AI: nothing stands beside it
    )
)
# Patterns are compiled when there is a text to try them on: JSON, which is most of what comes, never needs them. Where
# they could begin anew at every place of a hostile text they do not go back (++, *+, a look ahead).
_TEXTS = (
    (r"\A\d{1,12}:", "mitmproxy"),
    (
        r"\A(?:#[^\n]*\n|\s|(?:[A-Za-z_]\w*=|(?:set|export|cd|:|@?echo|printf|cat)[ \t])[^\n]*\n)*"
        r"(?:[^\s'\"]*[$%>#][ \t]*|(?:echo|printf|cat)[ \t][^\n]*\|[ \t]*)?(?:/[\w./]*/)?curl(?:\.exe)?[ \t^\\]",
        "curl",
    ),
    (r"\A(?=#![^\n]*sh\b)(?s:.*\n)[ \t]*+(?:[^\n]*[|;&({][ \t]*+)?curl[ \t]", "curl"),
    (
        r"\A(?:---[^\n]*\n|#[^\n]*\n|%YAML[^\n]*\n|[ \t\r]*+\n)*+"
        r"(?:(?!(?:http_)?interactions:)[\w-]++:[^\n]*\n)*+(?:http_)?interactions:",
        "vcr",
    ),
)
_SCRIPTS = r"\A\s*(?:await )?fetch\(|\A\s*(?:\$session\b|Invoke-(?:WebRequest|RestMethod)\b)"


def is_enough(head: bytes) -> bool:
    """Tell whether these first bytes are enough to know a format by: with more of them `sniff` would say the same."""
    begun = head.removeprefix(BOM).lstrip()
    if len(head) >= HEAD:
        return True
    if begun.startswith(b"{"):
        return b"\n" in begun and _first_object(begun)[1]
    if begun.startswith(b"["):
        return _first_object(begun)[1] and _sniff_json(begun, streams=False) != "bodies"
    return len(begun) > 16 and _is_told(begun)


def _is_told(begun: bytes) -> bool:
    """Tell whether a text shows its format yet: comments and other keys may stand before what tells."""
    try:
        return sniff(begun) != "bodies"
    except InvalidInput:
        return True


def sniff(head: bytes, *, streams: bool = True) -> str:
    """Return the name of the format. Raises InvalidInput for what is recognized and cannot be read. Unless `streams`,
    what is JSON is none."""
    begun = head.removeprefix(BOM).lstrip()
    if begun.startswith((b"{", b"[")):
        return _sniff_json(begun, streams=streams)
    if begun.startswith(EVENT_FIELDS):
        return "events"
    for pattern, name in _TEXTS:
        if re.match(pattern.encode(), begun):
            return name
    _refuse(begun)
    return "bodies"


def _sniff_json(begun: bytes, *, streams: bool) -> str:
    fields, _ = _first_object(begun)
    for name, wanted in _BY_FIELDS:
        if wanted <= fields:
            return name
    if not streams:
        return "bodies"
    from dragoman.schemas.detection import detect  # what is told need not be detected

    end = begun.find(b"\n")
    try:
        found = detect(begun[:end] if begun.startswith(b"{") and end > 0 else begun)
    except (MalformedJSON, UndetectedDialect):
        return "bodies"
    return "events" if found.kind == "stream" else "bodies"


def _first_object(begun: bytes) -> tuple[frozenset[str], bool]:
    """Return the names at the top of the first object, and name=value of short texts, as far as they can be seen; and
    whether its end can be seen."""
    depth, fields, name = 0, set[str](), ""
    top = 3 if _PAGE.match(begun) else 2 if begun.startswith(b"[") else 1
    for token in _TOKEN.finditer(begun, 0, HEAD):
        said = token[0][:1]
        if token[0] == b'"':
            break
        if said in b"{[":
            depth, name = depth + 1, ""
        elif said in b"}]":
            depth, name = depth - 1, ""
            if depth < top:
                return frozenset(fields), True
        elif depth == top:
            text = token[1].decode("utf-8", "replace")
            fields.add(text if token[2] else f"{name}={text}")
            name = text if token[2] else ""
    return frozenset(fields), False


def _refuse(begun: bytes) -> None:
    """Refuse what is known, and has to be made into something else first."""
    if begun.startswith((b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"BZh")):
        raise InvalidInput("$", "compressed: unpack it first (gunzip -c FILE | dragoman …)")
    if re.match(_SCRIPTS.encode(), begun):
        raise InvalidInput("$", "a script, which nobody here will run: copy it as a curl line (bash), or save a HAR")
