"""What an answer took → the one line of `--usage`."""

from __future__ import annotations

from collections.abc import Iterator

from dragoman.providers.exchange import Timing
from dragoman.schemas.ir import Usage

__all__ = ["usage_line"]


def usage_line(usage: Usage | None, timing: Timing) -> str:
    """Return tokens, cost, seconds and speed, as far as they are known."""
    return "dragoman: usage: " + ", ".join([*_tokens(usage), *_time(usage, timing)])


def _tokens(usage: Usage | None) -> Iterator[str]:
    if usage is None or (usage.input_tokens is None and usage.output_tokens is None):
        yield "tokens not told"
        return
    if usage.input_tokens is not None:
        yield f"{usage.input_tokens:,} in{_part(usage.cache_read, 'cached')}"
    if usage.output_tokens is not None:
        yield f"{usage.output_tokens:,} out{_part(usage.reasoning, 'reasoning')}"
    if usage.cost is not None:
        yield f"${usage.cost:.6f}".rstrip("0").rstrip(".")


def _part(count: int | None, name: str) -> str:
    return f" ({count:,} {name})" if count else ""


def _time(usage: Usage | None, timing: Timing) -> Iterator[str]:
    """Speed is that of the time in which tokens came: from the first output on, where that is not the last, too."""
    if timing.total is None:
        return
    yield f"{timing.total:.2f} s"
    begun = timing.first_output or 0.0
    lasted = timing.total - begun if begun < timing.total else timing.total
    if usage is not None and usage.output_tokens and lasted > 0:
        yield f"{usage.output_tokens / lasted:,.0f} tokens/s"
    if timing.attempts > 1:
        yield f"{timing.attempts} attempts"
