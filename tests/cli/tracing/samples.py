"""Traces for tests of what shows them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dragoman.providers.exchange import Exchange
from dragoman.providers.tracing import Tracer
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.events import ContentDelta
from dragoman.schemas.ir import Message, Request, Text
from dragoman.schemas.losses import Loss
from tests.providers.wires import Clock

EXCHANGE = Exchange(operation="stream", profile="mine", vendor="openai", dialect="openai-chat", model="m")
ASKED: Any = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "n": 2}
HOSTILE = (
    "</pre></script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">\x1b[31m\u202e"
)
LOSS = Loss("$.n", "n", "meaning", "dropped", "there is one answer only")


def write_trace(file: Path, said: str = "hi", *, fails: bool = False) -> str:
    """Append an exchange to a file, and return its id."""
    parsed = Request(messages=(Message(role="user", parts=(Text(text=said),)),), model="m")
    with Tracer(file, clock=Clock(0.001)) as tracer:
        trace = tracer.begin(EXCHANGE)
        trace.on_pass("request", "client_request", json.dumps({**ASKED, said: said}).encode())
        trace.on_pass("request", "parsed", parsed)
        trace.on_pass("request", "defaults", parsed)
        trace.on_pass("request", "encoded", {"model": "m", "text": said}, [LOSS])
        trace.on_pass("request", "quirks", {"model": "m2", "x": 1})
        if fails:
            trace.on_failure("request", InvalidInput("$.x", f"no: {said}"))
        else:
            trace.on_pass("response", "provider_response", {"status": 200})
            for number in (1, 2):
                trace.on_event(number, "provider_event", {"delta": said})
                trace.on_event(number, "parsed", [ContentDelta(said)])
            trace.on_pass("response", "final", {"text": said})
        trace.close()
    return str(json.loads(file.read_text().splitlines()[-1])["exchange"])
