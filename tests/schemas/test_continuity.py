"""Requests that lean on what the vendor remembers."""

from __future__ import annotations

import pytest

from dragoman.schemas import convert_request
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import Wire

ANSWER: Wire = {"type": "function_call_output", "call_id": "call_1", "output": "Sunny."}
CALL: Wire = {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"}


@pytest.mark.parametrize("target", ["openai-chat", "anthropic", "gemini", "ollama"])
def test_result_of_a_call_that_only_the_vendor_remembers_is_refused(target: str) -> None:
    body: Wire = {"model": "m", "previous_response_id": "resp_1", "input": [ANSWER]}
    with pytest.raises(InvalidInput, match=r"previous_response_id") as caught:
        convert_request(body, source="openai-responses", target=target)
    assert caught.value.path == "$.input[0]"


def test_request_that_makes_sense_alone_converts_and_reports_the_state() -> None:
    body: Wire = {"model": "m", "previous_response_id": "resp_1", "input": [CALL, ANSWER]}
    losses = convert_request(body, source="openai-responses", target="openai-chat").losses
    assert "continuation" in {loss.feature for loss in losses}


def test_same_dialect_keeps_the_state() -> None:
    body: Wire = {"model": "m", "previous_response_id": "resp_1", "input": [ANSWER]}
    assert convert_request(body, source="responses", target="openai-responses").body == body
