"""How many examples the laws see: "dev" on every run, the same ones each time; "thorough" for minutes, other ones."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_CHECKS = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)

settings.register_profile(
    "dev", max_examples=50, derandomize=True, database=None, deadline=None, suppress_health_check=_CHECKS
)
settings.register_profile(
    "thorough", max_examples=1000, derandomize=False, database=None, deadline=None, suppress_health_check=_CHECKS
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))
collect_ignore = [] if os.environ.get("DRAGOMAN_CORPUS") else ["test_recordings.py", "test_recorded_streams.py"]
