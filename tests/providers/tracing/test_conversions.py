"""Every golden conversion, traced: its result is the same, each pass is there, and the diffs lead to what came out."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from dragoman.providers.exchange import Exchange
from dragoman.providers.secrets import Secrets
from dragoman.providers.tracing import Trace, Tracer, replayed
from dragoman.providers.tracing.payloads import Payloads
from dragoman.schemas import Converted, convert_error, convert_request, convert_response
from dragoman.schemas.ir import Wire
from tests.golden.cases import converted, files, read
from tests.providers.tracing.test_tracer import lines_of

PASSES = {
    "request": ["client_request", "parsed", "encoded"],
    "response": ["provider_response", "parsed", "encoded", "final"],
}


def watched(case: Any, trace: Trace) -> Converted[Wire]:
    """Return what the conversion of a case gives while it is traced."""
    source, target = case["source"], case["target"]
    match case["kind"]:
        case "request":
            return convert_request(case["input"], source=source, target=target, passes=trace)
        case "response":
            asked = case.get("request")
            return convert_response(case["input"], source=source, target=target, request=asked, passes=trace)
        case _:
            status = case.get("status")
            return convert_error(case["input"], source=source, target=target, status=status, passes=trace)


@pytest.mark.parametrize("file", files(), ids=lambda file: file.stem)
def test_conversion_is_traced_from_end_to_end(file: Path) -> None:
    case, out = read(file), io.BytesIO()
    trace = Tracer(out).begin(Exchange(operation="convert", profile="", vendor="", dialect=str(case["target"])))
    found = watched(case, trace)
    trace.close()
    lines = lines_of(out.getvalue())
    side = "request" if case["kind"] == "request" else "response"
    assert [line["pass"] for line in lines[1:-1]] == PASSES[side]
    assert replayed(lines)[0] == Payloads(Secrets()).of(case["input"])
    assert replayed(lines)[-1] == Payloads(Secrets()).of(json.loads(json.dumps(found.body)))
    assert (found.body, found.losses) == (converted(case).body, converted(case).losses)
