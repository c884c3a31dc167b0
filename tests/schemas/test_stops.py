"""Why an answer ended, settled by what it holds."""

from __future__ import annotations

import pytest

from dragoman.schemas.ir import BuiltinCall, Part, Refusal, Stop, Text, ToolCall
from dragoman.schemas.stops import settled

TEXT = Text(text="a")
CALL = ToolCall(id="c", name="n", arguments={})
NO = Refusal(text="No.")


@pytest.mark.parametrize(
    ("stop", "parts", "expected"),
    [
        ("stop", (TEXT,), "stop"),
        ("stop", (TEXT, CALL), "tool_use"),
        ("tool_use", (CALL,), "tool_use"),
        ("tool_use", (TEXT,), "stop"),
        ("stop", (BuiltinCall(kind="web_search", dialect="anthropic", wire={}),), "stop"),
        ("stop", (NO,), "refusal"),
        ("stop", (NO, CALL), "tool_use"),
        ("stop", (), "stop"),
    ],
)
def test_plain_stop_is_settled(stop: Stop, parts: tuple[Part, ...], expected: Stop) -> None:
    assert settled(stop, parts) == expected


@pytest.mark.parametrize("stop", ["length", "content_filter", "refusal", "pause", "error", "other", None])
def test_any_other_end_stays(stop: Stop | None) -> None:
    assert settled(stop, (CALL, NO)) == stop
