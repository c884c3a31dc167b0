"""For all tests: none of them talks to a machine but this one; and how many examples the laws see.

"dev" are the same ones each time, "quick" the first of them; "thorough" takes minutes, with other ones.
"""

from __future__ import annotations

import os
import sys
from typing import cast

from hypothesis import HealthCheck, settings

LOOPBACK = ("127.", "::1", "localhost")
_CHECKS = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)

for name, examples in (("quick", 15), ("dev", 50), ("thorough", 1000)):
    settings.register_profile(
        name,
        max_examples=examples,
        derandomize=name != "thorough",
        database=None,
        deadline=None,
        suppress_health_check=_CHECKS,
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


def pytest_configure() -> None:
    sys.addaudithook(_refuse_the_world)


def _refuse_the_world(event: str, arguments: tuple[object, ...]) -> None:
    if event != "socket.connect":
        return
    address = arguments[1]
    if isinstance(address, tuple):
        host = str(cast("tuple[object, ...]", address)[0])
        if not host.startswith(LOOPBACK):
            raise RuntimeError(f"a test wants to talk to {host}")
