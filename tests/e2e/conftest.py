"""These tests need the servers that `make e2e` starts: nobody else collects them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.harness import Place

collect_ignore_glob = [] if "E2E_AIMOCK" in os.environ else ["test_*.py"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have measured, under `figures`; in whichever process they were run."""
    for report in terminalreporter.getreports("passed"):
        for name, value in getattr(report, "user_properties", ()):
            if name == "figures" and report.when == "call":
                terminalreporter.write_line(f"{report.nodeid.rpartition('::')[2]}: {value}")


@pytest.fixture
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    from tests.e2e.harness import Place

    name = re.sub("[^a-z0-9]+", "-", request.node.nodeid.rpartition("/")[2].lower())
    return Place(tmp_path, f"{name}-{os.getpid()}")
