"""For tests of commands that ask: a provider on loopback, and profiles that lead there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.server import Server, profiles, serving


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def variables(tmp_path: Path, server: Server) -> dict[str, str]:
    """Return the variables with which a profile named like a behaviour of the server leads to it."""
    return profiles(tmp_path, server)
