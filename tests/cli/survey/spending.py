"""What was spent, for tests: exchanges, a state that keeps them, and recordings."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path

from dragoman.providers.clock import SystemClock
from dragoman.providers.states import Counts, Spent
from dragoman.providers.states.opening import open_state
from dragoman.schemas.ir import JSON, Wire

DAY = 86_400.0
NOON = 1_790_000_000.0  # 2026-09-21, 14:13:20 UTC
TOKENS = Counts(input_tokens=100, output_tokens=10, cache_read=40, reasoning=4)


def spent(
    profile: str = "p",
    model: str = "m",
    *,
    at: float = NOON,
    cost: float | None = None,
    source: str = "reported",
    failed: bool = False,
    usage: Counts | None = TOKENS,
) -> Spent:
    told = "" if cost is None else source
    return Spent(at=at, profile=profile, model=model, usage=usage, cost=cost, cost_source=told, is_failed=failed)


def keep(place: Path, spents: Iterable[Spent]) -> None:
    """Write to a state, as whoever asks does."""

    async def kept() -> None:
        state = open_state(str(place), {}, SystemClock())
        for each in spents:
            await state.note(each)
        await state.aclose()

    asyncio.run(kept())


def line(**more: JSON) -> Wire:
    """Return a line of a recording, of which no more is there than is told."""
    known: Wire = {
        "schema_version": 1,
        "type": "exchange",
        "started": "2026-09-21T14:13:20.000Z",
        "operation": "complete",
    }
    return {**known, "profile": "p", "vendor": "v", "dialect": "openai-chat", "model": "m", "usage": None, **more}


def answered(usage: Wire, *, status: int = 200, **headers: str) -> Wire:
    """Return the response of a line, which tells this usage."""
    message: Wire = {"role": "assistant", "content": "Yes."}
    body: Wire = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}
    names: Wire = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"status": status, "headers": names, "ms": 1.0, "body": body}


def recording(file: Path, *lines: JSON | bytes) -> str:
    file.write_bytes(
        b"".join((each if isinstance(each, bytes) else json.dumps(each).encode()) + b"\n" for each in lines)
    )
    return str(file)
