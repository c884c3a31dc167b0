"""The laws over recorded traffic need a file of it."""

from __future__ import annotations

import os

collect_ignore = (
    []
    if os.environ.get("DRAGOMAN_CORPUS")
    else ["test_recordings.py", "test_recorded_streams.py", "test_recorded_usage.py"]
)
