"""A process that keeps answers until it is killed, and says of each when it is kept:

python -m tests.providers.conversations.writer FILE NAME
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing

from dragoman.providers.clock import SystemClock
from dragoman.providers.conversations.opening import open_archive
from dragoman.providers.settings import Keep
from tests.providers.conversations.making import answer, ask

__all__ = ["main"]


async def _write(where: str, name: str) -> None:
    """Go on from whatever the session stands for, again and again."""
    clock = SystemClock()
    async with aclosing(open_archive(where, {}, clock, Keep())) as archive:
        for number in range(100_000):
            head = await archive.head("shared")
            before = None if head is None else await archive.get(head)
            request = ask(f"{name} {number} " + "x" * (number * 997 % 20_000))
            kept = answer(f"{name}-{number}", before, created=clock.today(), request=request)
            await archive.put(kept, session="shared")
            sys.stdout.write(f"{kept.id}\n")
            sys.stdout.flush()


def main() -> None:
    asyncio.run(_write(*sys.argv[1:3]))


if __name__ == "__main__":
    main()
