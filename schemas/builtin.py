"""Tools that a vendor runs: one kind for each thing they do, whatever each vendor calls it."""

from __future__ import annotations

import re

__all__ = ["builtin_kind"]

# In this order: "web_search_preview" is a search before it is anything else.
_KINDS = (
    ("web_search", r"web_?search|google_?search|x_search|openrouter:web|browser_search"),
    ("web_fetch", r"web_?fetch|url_?context"),
    ("code_execution", r"code_?execution|code_?interpreter|executable_?code"),
    ("file_search", r"file_?search"),
    ("computer", r"computer"),
    ("image_generation", r"image_?generation"),
    ("mcp", r"mcp"),
    ("tool_search", r"tool_?search"),
    ("shell", r"shell|bash"),
    ("text_editor", r"text_?editor|apply_?patch"),
    ("maps", r"google_?maps"),
    ("memory", r"memory"),
)
_PATTERNS = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _KINDS)


def builtin_kind(name: str) -> str:
    """Return the kind that a vendor's tool or item type belongs to, or its own name."""
    return next((kind for kind, pattern in _PATTERNS if pattern.search(name)), name)
