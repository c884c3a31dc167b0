"""The golden files: one conversion each, with what must come out of it and what must be reported lost.

    {"why", "kind", "source", "target", "status"?, "request"?, "input", "body", "losses"}

`body` and `losses` are written by `python -m tests.golden`, and reviewed as a diff; the rest is written by hand.
`request` is the request, in the target dialect, that a response answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import cast

from dragoman.schemas import Converted, Loss, convert_error, convert_request, convert_response
from dragoman.schemas.ir import JSON, Wire

__all__ = ["FOLDER", "converted", "files", "outcome", "read", "write"]

FOLDER = Path(__file__).parent


def files() -> list[Path]:
    return sorted(FOLDER.glob("*.json"))


def read(path: Path) -> Wire:
    return cast(Wire, json.loads(path.read_text("utf-8")))


def write(path: Path, case: Wire) -> None:
    path.write_text(json.dumps(case, indent=2, ensure_ascii=False) + "\n", "utf-8")


def converted(case: Wire) -> Converted[Wire]:
    source, target = str(case["source"]), str(case["target"])
    match case["kind"]:
        case "request":
            return convert_request(case["input"], source=source, target=target)
        case "response":
            return convert_response(case["input"], source=source, target=target, request=case.get("request"))
        case _:
            status = cast("int | None", case.get("status"))
            return convert_error(case["input"], source=source, target=target, status=status)


def outcome(case: Wire) -> Wire:
    """Return the case with what comes out today."""
    found = converted(case)
    return {**case, "body": found.body, "losses": _told(found.losses)}


def _told(losses: Iterable[Loss]) -> list[JSON]:
    return [f"{loss.path}: {loss.feature} {loss.action} ({loss.severity}): {loss.reason}" for loss in losses]
