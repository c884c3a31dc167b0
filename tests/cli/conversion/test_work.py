"""One document's work: what it is taken for, what it becomes, and why it fails."""

from __future__ import annotations

import json
import pickle

import msgspec
import pytest

from dragoman.cli.conversion.sources import AUTO
from dragoman.cli.conversion.work import Identity, Outcome, Plan, convert_document
from dragoman.schemas.errors import RefusedLoss
from dragoman.schemas.ir import JSON
from tests.cli.harness import LOSSY, REQUEST

TO_ANTHROPIC = Plan("anthropic")
ANSWER: JSON = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi"}}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
}
ERROR: JSON = {"error": {"message": "slow down", "type": "rate_limit_error", "param": None, "code": None}}


def work(body: JSON, plan: Plan = TO_ANTHROPIC) -> Outcome:
    return convert_document(json.dumps(body).encode(), plan)


def but(plan: Plan = TO_ANTHROPIC, **changes: str | bool | None) -> Plan:
    return msgspec.structs.replace(plan, **changes)


@pytest.mark.parametrize(("body", "kind"), [(LOSSY, "request"), (ANSWER, "response"), (ERROR, "error")])
def test_kind_is_detected(body: JSON, kind: str) -> None:
    outcome = work(body)
    assert outcome.identity is not None
    assert (outcome.identity.dialect, outcome.identity.kind) == ("openai-chat", kind)
    assert outcome.body is not None


def test_what_was_told_is_not_guessed() -> None:
    outcome = work(REQUEST, but(source="openai-chat", kind="request"))
    assert outcome.identity == Identity("openai-chat", "request", "told")


def test_dialect_that_was_told_stands_against_what_it_looks_like() -> None:
    outcome = work(ANSWER, but(source="ollama", kind=AUTO))
    assert outcome.identity is not None
    assert (outcome.identity.dialect, outcome.identity.kind) == ("ollama", "response")


def test_model_is_named_anew() -> None:
    assert json.loads(work(REQUEST, but(model="claude")).body or b"")["model"] == "claude"


def test_model_that_the_target_names_elsewhere_is_told() -> None:
    assert work(REQUEST, Plan("gemini", "openai-chat", "request")).model == "m"
    assert work(REQUEST, but(source="openai-chat", kind="request")).model is None


def test_refused_loss_is_a_failure_that_tells_the_losses() -> None:
    outcome = work(LOSSY, but(on_loss="refuse-meaning"))
    assert outcome.body is None
    assert outcome.failure is not None
    assert (outcome.failure.kind, outcome.failure.status) == (RefusedLoss.kind, 65)
    assert [loss.feature for loss in outcome.losses] == ["n"]


@pytest.mark.parametrize(
    ("raw", "line", "column"),
    [(b'{"a": ?}', 1, 7), (b'{\n "a": ?\n}', 2, 7), ('{"ä": ?}'.encode(), 1, 7), (b'{"a": 1', 1, 8)],
)
def test_place_where_json_breaks_off_is_told(raw: bytes, line: int, column: int) -> None:
    failure = convert_document(raw, TO_ANTHROPIC).failure
    assert failure is not None
    assert (failure.kind, failure.line, failure.column) == ("malformed-json", line, column)


@pytest.mark.parametrize("raw", [b'{"a": "\xff"}', b'\xef\xbb\xbf{"\xff', '{"a": 1}'.encode("utf-16")])
def test_bytes_that_are_not_utf8_are_told_with_their_offset(raw: bytes) -> None:
    failure = convert_document(raw, TO_ANTHROPIC).failure
    assert failure is not None
    assert failure.message == f"not UTF-8 (byte {raw.index(bytes([0xFF]))})"


@pytest.mark.parametrize(("plan", "hint"), [(TO_ANTHROPIC, "--from NAME"), (but(source="ollama"), "--kind KIND")])
def test_failed_detection_names_the_flag_that_helps(plan: Plan, hint: str) -> None:
    failure = work({"a": 1}, plan).failure
    assert failure is not None
    assert hint in failure.hint


@pytest.mark.parametrize(
    "raw",
    [
        b'event: message_start\ndata: {"type":"message_start"}\n\n',
        b'{"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"a"}}]}',
    ],
)
def test_stream_is_said_to_be_one(raw: bytes) -> None:
    failure = convert_document(raw, TO_ANTHROPIC).failure
    assert failure is not None
    assert "a stream of events" in failure.message


def test_page_of_a_proxy_is_an_error_if_it_is_called_one() -> None:
    outcome = convert_document(b"<h1>502 Bad Gateway</h1>", Plan("anthropic", "openai-chat", "error"))
    assert "502 Bad Gateway" in (outcome.body or b"").decode()


def test_violations_of_input_and_output_are_listed() -> None:
    outcome = work({**REQUEST, "temperature": "hot"}, Plan("openai-chat", "openai-chat", "request", validates=True))
    assert {violation.side for violation in outcome.violations} == {"input", "output"}
    assert all(violation.path == "$.temperature" for violation in outcome.violations)
    assert outcome.failure is not None
    assert outcome.failure.message == "2 violations of the JSON Schema in the input and the output"
    assert outcome.body is None


def test_document_that_obeys_its_schema_is_converted() -> None:
    outcome = work(REQUEST, but(source="openai-chat", kind="request", validates=True))
    assert (outcome.failure, outcome.violations) == (None, ())


@pytest.mark.parametrize("body", [LOSSY, {"a": 1}])
def test_outcome_can_travel_between_processes(body: JSON) -> None:
    outcome = work(body)
    assert pickle.loads(pickle.dumps(outcome)) == outcome
