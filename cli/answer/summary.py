"""What an answer took → the one line of `--usage`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dragoman.providers.exchange import Cost, Timing
from dragoman.schemas.ir import Usage

__all__ = ["usage_line"]


def usage_line(usage: Usage | None, timing: Timing, cost: Cost | None = None) -> str:
    """Return tokens, cost, seconds and speed, as far as they are known."""
    return "dragoman: usage: " + ", ".join([*_tokens(usage), *_cost(cost), *_time(usage, timing)])


def _tokens(usage: Usage | None) -> Iterator[str]:
    if usage is None or (usage.input_tokens is None and usage.output_tokens is None):
        yield "tokens not told"
        return
    if usage.input_tokens is not None:
        heard = {"cached": usage.cache_read, "written to the cache": usage.cache_write}
        heard |= {"audio": usage.input_audio, "image": usage.input_image}
        yield f"{usage.input_tokens:,} in{_parts(heard)}"
    if usage.output_tokens is not None:
        made = {"reasoning": usage.reasoning, "audio": usage.output_audio, "image": usage.output_image}
        yield f"{usage.output_tokens:,} out{_parts(made)}"
    for kind, times in (usage.tool_uses or {}).items():
        yield f"{kind} {times:,} times" if times > 1 else f"{kind} once"


def _cost(cost: Cost | None) -> Iterator[str]:
    if cost is not None:
        amount = f"${cost.amount:.6f}".rstrip("0").rstrip(".")
        yield f"~{amount} (estimated)" if cost.source == "estimated" else amount


def _parts(counts: Mapping[str, int | None]) -> str:
    told = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    return f" ({told})" if told else ""


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
