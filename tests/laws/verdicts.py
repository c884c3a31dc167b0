"""A failed law, told so that a developer sees at once what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import pytest

from dragoman.schemas.ir import JSON
from dragoman.schemas.losses import Loss

__all__ = ["judge"]


def judge(title: str, complaints: Sequence[str], losses: Iterable[Loss], **documents: JSON) -> None:
    """Fail, unless there is no complaint, with the losses that were reported and the documents at issue."""
    if not complaints:
        return
    reported = "\n".join(f"  {loss.path} {loss.feature} {loss.action}: {loss.reason}" for loss in losses) or "  none"
    shown = "\n".join(f"{name}: {json.dumps(document, indent=1)}" for name, document in documents.items())
    pytest.fail("\n".join([f"{title}:", *complaints, "losses:", reported, shown]), pytrace=False)
