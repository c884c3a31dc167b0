"""Run a command and print its wall seconds, peak memory in bytes and exit status as JSON: `child.py COMMAND [ARG…]`.

A process of its own, with few imports, because a child's peak memory counts from what its parent held when it was made.
"""

from __future__ import annotations

import os
import sys
import time


def main() -> None:
    start = time.perf_counter()
    child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - start
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    # stderr: stdout is the command's
    print(f'{{"seconds": {seconds}, "peak": {peak}, "status": {os.waitstatus_to_exitcode(status)}}}', file=sys.stderr)


if __name__ == "__main__":
    main()
