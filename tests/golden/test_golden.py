"""Every golden conversion comes out as its file says; `make golden` rewrites them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.cases import files, outcome, read


@pytest.mark.parametrize("path", files(), ids=lambda path: path.stem)
def test_conversion_comes_out_as_it_was_reviewed(path: Path) -> None:
    case = read(path)
    found = outcome(case)
    assert found["body"] == case["body"]
    assert found["losses"] == case["losses"]


def test_there_are_a_few_dozen_of_all_kinds() -> None:
    kinds = [read(path)["kind"] for path in files()]
    assert len(kinds) >= 36
    assert {"request", "response", "error"} == set(kinds)
