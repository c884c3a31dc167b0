"""The tests over recorded traffic are left out where DRAGOMAN_CORPUS names none, as in tests/laws."""

from __future__ import annotations

import os

collect_ignore = [] if os.environ.get("DRAGOMAN_CORPUS") else ["test_corpus.py"]
