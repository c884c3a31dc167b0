"""The line of --usage: what is known, and nothing that is not."""

from __future__ import annotations

import pytest

from dragoman.cli.answer.summary import usage_line
from dragoman.providers.exchange import Cost, Timing
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
        (Usage(output_tokens=9, reasoning=5), Timing(), "9 out (5 reasoning)"),
        (
            Usage(input_tokens=9, cache_read=4, cache_write=2, input_audio=1, output_tokens=9, output_image=7),
            Timing(),
            "9 in (4 cached, 2 written to the cache, 1 audio), 9 out (7 image)",
        ),
        (
            Usage(output_tokens=9, tool_uses={"web_search": 1, "x_search": 3}),
            Timing(),
            "9 out, web_search once, x_search 3 times",
        ),
        (None, Timing(total=1.0, attempts=3), "tokens not told, 1.00 s, 3 attempts"),
        (Usage(), Timing(), "tokens not told"),
        (Usage(output_tokens=4), Timing(total=2.0, first_output=2.0), "4 out, 2.00 s, 2 tokens/s"),
        (Usage(output_tokens=4), Timing(total=0.0, first_output=0.0), "4 out, 0.00 s"),
    ],
)
def test_line_says_what_is_known(usage: Usage | None, timing: Timing, line: str) -> None:
    tokens_a_second = " tokens/s" if line.endswith(", 20") else ""
    assert usage_line(usage, timing) == f"dragoman: usage: {line}{tokens_a_second}"


@pytest.mark.parametrize(
    ("amount", "source", "said"),
    [(0.00123, "reported", "$0.00123"), (2.0, "reported", "$2"), (0.5, "estimated", "~$0.5 (estimated)")],
)
def test_line_says_whether_the_cost_is_a_guess(amount: float, source: str, said: str) -> None:
    line = usage_line(Usage(output_tokens=9, cost=7.0), Timing(), Cost(amount=amount, source=source))
    assert line == f"dragoman: usage: 9 out, {said}"
