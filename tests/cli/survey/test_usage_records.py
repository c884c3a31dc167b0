"""Recordings → what was spent: from the wire where it is there, else from what the line says; hostile lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.cli.status import IOFailure
from dragoman.cli.survey.usage_records import Recorded
from dragoman.providers.settings import Prices
from dragoman.providers.states import Counts, Spent
from dragoman.schemas.ir import JSON, Wire
from tests.cli.survey.spending import NOON, answered, line, recording

USAGE: Wire = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
COUNTED = Counts(input_tokens=100, output_tokens=10)


def nothing(profile: str, model: str) -> None:
    return None


def cheap(profile: str, model: str) -> tuple[Prices, str] | None:
    return (Prices(input=1, output=10), "here") if (profile, model) == ("p", "m") else None


def one(folder: Path, said: JSON | bytes) -> Spent:
    (found,) = Recorded(recording(folder / "rec.jsonl", said), cheap).read()
    return found


def told(folder: Path, said: JSON | bytes) -> Recorded:
    """Return what was read of a file with one line."""
    recorded = Recorded(recording(folder / "rec.jsonl", said), cheap)
    assert not list(recorded.read())
    return recorded


def test_line_tells_whom_when_and_how_long(tmp_path: Path) -> None:
    found = one(tmp_path, line(operation="stream", timing={"total": 1500}, attempts=[{}, {}], error={"kind": "server"}))
    assert (found.at, found.profile, found.model, found.vendor) == (NOON, "p", "m", "v")
    assert (found.operation, found.seconds, found.attempts, found.is_failed) == ("stream", 1.5, 2, True)


def test_answer_that_was_cut_has_failed(tmp_path: Path) -> None:
    assert one(tmp_path, line(complete=False)).is_failed


def test_usage_is_decoded_anew(tmp_path: Path) -> None:
    details: Wire = {"prompt_tokens_details": {"cached_tokens": 40}}
    found = one(tmp_path, line(response=answered({**USAGE, **details}), usage={"input_tokens": 1}))
    assert found.usage == Counts(input_tokens=100, output_tokens=10, cache_read=40)


def test_usage_of_a_stream_is_that_of_its_end(tmp_path: Path) -> None:
    pieces: list[Wire] = [{"choices": [{"index": 0, "delta": {"content": "a"}}]}, {"choices": [], "usage": USAGE}]
    chunks: list[JSON] = [{"ms": 1, "text": f"data: {json.dumps(piece)}\n\n"} for piece in pieces]
    response: Wire = {"status": 200, "headers": {}, "ms": 1, "chunks": [*chunks, {"ms": 2, "text": "data: [DONE]\n\n"}]}
    assert one(tmp_path, line(operation="stream", response=response)).usage == COUNTED


@pytest.mark.parametrize(
    "response", [None, answered(USAGE, status=500), {"status": 200, "headers": {}, "text": "<html>"}, {"status": 204}]
)
def test_where_the_wire_tells_none_the_line_does(tmp_path: Path, response: JSON) -> None:
    found = one(tmp_path, line(response=response, usage={"input_tokens": 7, "reasoning": "x", "at": 3, "odd": 1}))
    assert found.usage == Counts(input_tokens=7)


def test_dialect_that_nobody_knows_is_no_reason_to_fail(tmp_path: Path) -> None:
    assert one(tmp_path, line(dialect="klingon", response=answered(USAGE))).usage is None


def test_cost_that_was_recorded_goes_before_all(tmp_path: Path) -> None:
    cost: Wire = {"amount": 0.5, "source": "estimated"}
    found = one(tmp_path, line(cost=cost, response=answered({**USAGE, "cost": 9})))
    assert (found.cost, found.cost_source) == (0.5, "estimated")


def test_cost_that_is_reported_goes_before_prices(tmp_path: Path) -> None:
    found = one(tmp_path, line(response=answered({**USAGE, "cost": 0.25})))
    assert (found.cost, found.cost_source) == (0.25, "reported")
    found = one(tmp_path, line(response=answered(USAGE, X_LiteLLM_Response_Cost="0.125")))
    assert (found.cost, found.cost_source) == (0.125, "reported")


def test_cost_is_estimated_where_the_profile_has_prices(tmp_path: Path) -> None:
    found = one(tmp_path, line(response=answered(USAGE)))
    assert found.cost == pytest.approx(0.0002)
    assert found.cost_source == "estimated"
    assert one(tmp_path, line(response=answered(USAGE), profile="q")).cost is None


def test_line_without_a_response_may_tell_the_cost_that_was_reported(tmp_path: Path) -> None:
    found = one(tmp_path, line(usage={"input_tokens": 1, "cost": 0.5}))
    assert (found.cost, found.cost_source) == (0.5, "reported")


def test_line_without_a_response_tells_tools_and_parts(tmp_path: Path) -> None:
    usage: Wire = {"input_tokens": 1, "tool_uses": {"web_search": 2, "odd": "x"}, "cost_parts": {"input": 1, "odd": []}}
    found = one(tmp_path, line(usage=usage))
    assert found.usage == Counts(input_tokens=1, tool_uses={"web_search": 2})


@pytest.mark.parametrize("odd", [{"tool_uses": 3}, {"tool_uses": {}}, {"cost_parts": [1]}, {"tool_uses": {"a": -1}}])
def test_tools_that_are_none_are_left_out(tmp_path: Path, odd: Wire) -> None:
    assert one(tmp_path, line(usage={"input_tokens": 1, **odd})).usage == Counts(input_tokens=1)


def test_tools_of_a_line_are_priced(tmp_path: Path) -> None:
    def dear(profile: str, model: str) -> tuple[Prices, str]:
        return Prices(input=0, output=0, tools={"web_search": 0.01}), "here"

    usage: Wire = {"input_tokens": 1, "output_tokens": 1, "tool_uses": {"web_search": 2}}
    (found,) = Recorded(recording(tmp_path / "rec.jsonl", line(usage=usage)), dear).read()
    assert found.cost == 0.02


def test_adviser_is_priced_as_his_model_is(tmp_path: Path) -> None:
    def of_model(profile: str, model: str) -> tuple[Prices, str] | None:
        return {"m": (Prices(input=1, output=1), ""), "big": (Prices(input=5e5, output=0), "")}.get(model)

    turns: list[JSON] = [{"type": "advisor_message", "model": "big", "input_tokens": 4, "output_tokens": 1}]
    body: Wire = {"type": "message", "role": "assistant", "content": [], "model": "m", "id": "msg_1"}
    usage: Wire = {"input_tokens": 0, "output_tokens": 0, "iterations": turns}
    response: Wire = {"status": 200, "headers": {}, "ms": 1.0, "body": {**body, "usage": usage}}
    recorded = Recorded(recording(tmp_path / "rec.jsonl", line(dialect="anthropic", response=response)), of_model)
    assert [spent.cost for spent in recorded.read()] == [2.0]


def test_who_was_passed_over_made_no_attempt(tmp_path: Path) -> None:
    skipped: Wire = {"number": 0, "profile": "a", "decision": "skipped"}
    made: list[Wire] = [{"number": 1, "decision": "next"}, {"number": 2, "decision": "answered", "credential": "KEY_2"}]
    found = one(tmp_path, line(attempts=[skipped, *made]))
    assert (found.attempts, found.credential) == (2, "KEY_2")


def test_cost_that_was_recorded_may_be_unknown(tmp_path: Path) -> None:
    found = one(tmp_path, line(cost={"amount": None}, response=answered({**USAGE, "cost": 0.25})))
    assert found.cost == 0.25


def test_listing_of_models_took_nothing(tmp_path: Path) -> None:
    assert told(tmp_path, line(operation="models")).found == 1


@pytest.mark.parametrize("time", [None, "", "noon"])
def test_time_may_be_missing(tmp_path: Path, time: JSON) -> None:
    assert one(tmp_path, line(started=time)).at == 0.0


@pytest.mark.parametrize(
    "said",
    [
        b"{",
        b"\xff",
        b"[]",
        b"null",
        b"{}",
        b'{"type":"message"}',
        b"x" * 5000,
        b"[" * 5000,
        b'{"type":"exchange","usage":3}',
    ],
)
def test_line_that_is_none_is_counted_and_told(tmp_path: Path, said: bytes) -> None:
    recorded = told(tmp_path, said)
    assert (recorded.unread, recorded.found) == (1, 0)
    assert recorded.problem.startswith(f"{recorded.file}:1: ")


def test_line_that_is_none_hides_no_other(tmp_path: Path) -> None:
    recorded = Recorded(recording(tmp_path / "rec.jsonl", b"{", line(), b"", b"\x00", line()), nothing)
    assert len(list(recorded.read())) == 2
    assert recorded.unread == 2


def test_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(IOFailure, match="Is a directory"):
        list(Recorded(str(tmp_path), nothing).read())


fuzz = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*USAGE, "body", "chunks"]), inner),
    max_leaves=6,
)


@given(st.sampled_from([*line(), "response", "attempts", "cost", "timing", "error", "request"]), fuzz)
def test_whatever_a_line_says_it_is_read_or_counted(
    tmp_path_factory: pytest.TempPathFactory, name: str, value: JSON
) -> None:
    said = {**line(response=answered(USAGE)), name: value}
    recorded = Recorded(recording(tmp_path_factory.getbasetemp() / "fuzz.jsonl", said), cheap)
    assert len(list(recorded.read())) + recorded.unread <= 1


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_counted(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    assert not list(Recorded(recording(tmp_path_factory.getbasetemp() / "raw.jsonl", raw), nothing).read())
