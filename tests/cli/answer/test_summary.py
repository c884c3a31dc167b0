"""The line of --usage: what is known, and nothing that is not."""

from __future__ import annotations

import pytest

from dragoman.cli.answer.summary import usage_line
from dragoman.providers.exchange import Timing
from dragoman.schemas.ir import Usage


@pytest.mark.parametrize(
    ("usage", "timing", "line"),
    [
        (
            Usage(input_tokens=1200, output_tokens=30),
            Timing(total=2.0, first_output=0.5),
            "1,200 in, 30 out, 2.00 s, 20",
        ),
        (Usage(input_tokens=9, cache_read=8), Timing(total=1.0), "9 in (8 cached), 1.00 s"),
        (Usage(output_tokens=9, reasoning=5, cost=0.00123), Timing(), "9 out (5 reasoning), $0.00123"),
        (Usage(input_tokens=1, output_tokens=2, cost=2), Timing(), "1 in, 2 out, $2"),
        (None, Timing(total=1.0, attempts=3), "tokens not told, 1.00 s, 3 attempts"),
        (Usage(), Timing(), "tokens not told"),
        (Usage(output_tokens=4), Timing(total=2.0, first_output=2.0), "4 out, 2.00 s, 2 tokens/s"),
        (Usage(output_tokens=4), Timing(total=0.0, first_output=0.0), "4 out, 0.00 s"),
    ],
)
def test_line_says_what_is_known(usage: Usage | None, timing: Timing, line: str) -> None:
    tokens_a_second = " tokens/s" if line.endswith(", 20") else ""
    assert usage_line(usage, timing) == f"dragoman: usage: {line}{tokens_a_second}"
