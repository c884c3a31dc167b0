"""What is told of usage in JSON: the counts that were told, and the finer ones that say something."""

from __future__ import annotations

import pytest

from dragoman.cli.answer.fields import usage_fields
from dragoman.schemas.ir import Usage, Wire


@pytest.mark.parametrize(
    ("usage", "fields"),
    [
        (Usage(), {}),
        (Usage(input_tokens=0, cache_read=0, cost=1), {"input_tokens": 0, "cache_read": 0}),
        (Usage(input_audio=0, output_image=0, tool_uses={}), {}),
        (
            Usage(cache_write=4, cache_write_1h=3, output_audio=2),
            {"cache_write": 4, "cache_write_1h": 3, "output_audio": 2},
        ),
        (Usage(tool_uses={"web_search": 2}), {"tool_uses": {"web_search": 2}}),
    ],
)
def test_usage_tells_what_was_told(usage: Usage, fields: Wire) -> None:
    assert usage_fields(usage) == fields


def test_usage_that_nobody_told_is_none() -> None:
    assert usage_fields(None) is None
