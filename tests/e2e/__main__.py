"""`make e2e`: install two servers that nobody here wrote, start them, run the tests of this folder, stop them.

python -m tests.e2e [arguments of pytest]
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import FrameType
from typing import NoReturn

from tests.e2e.install import HERE, install, node_problem
from tests.e2e.servers import ServerFailed, running

LOGS = HERE.parents[1] / "build" / "e2e" / "logs"


def main() -> int:
    if problem := node_problem():
        sys.stderr.write(f"make e2e: {problem}\n")
        return 1
    signal.signal(signal.SIGTERM, _terminate)
    try:
        install()
        with running(LOGS) as variables:
            return _pytest(variables)
    except (ServerFailed, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"make e2e: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def _pytest(variables: dict[str, str]) -> int:
    command = [sys.executable, "-m", "pytest", *sys.argv[1:], str(HERE)]
    with subprocess.Popen(command, env={**os.environ, **variables}) as tests:
        try:
            return tests.wait()
        finally:
            if tests.poll() is None:
                tests.terminate()


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    """Leave by the way that stops the servers."""
    raise SystemExit(143)


if __name__ == "__main__":
    sys.exit(main())
