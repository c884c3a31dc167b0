"""The marks by which bytes show what they are: those at their beginning, and the content types of streams."""

from __future__ import annotations

import re

__all__ = ["BOM", "EVENT_FIELDS", "EVENT_STREAM", "STREAM_TYPES", "is_list"]

BOM = b"\xef\xbb\xbf"
EVENT_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")  # what server-sent events begin with
EVENT_STREAM = "text/event-stream"
STREAM_TYPES = (EVENT_STREAM, "application/x-ndjson", "application/jsonl")
_LIST = re.compile(rb"(?:\xef\xbb\xbf)?\s*\[")


def is_list(raw: bytes) -> bool:
    """Tell whether a document of JSON is a list."""
    return _LIST.match(raw) is not None
