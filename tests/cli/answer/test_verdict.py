"""Verdicts: which answers are what was asked for, and what is told of the others."""

from __future__ import annotations

import pytest

from dragoman.cli.answer.verdict import call_line, verdict_on
from dragoman.cli.status import status_of
from dragoman.schemas.ir import Candidate, Part, Refusal, Response, Stop, Text, ToolCall, Wire

NUMBER: Wire = {"type": "number"}
CALL = ToolCall(id="c1", name="look", arguments='{"at": "sky"}')


def response(*parts: Part, stop: Stop | None = "stop", native: str | None = None) -> Response:
    return Response(candidates=(Candidate(parts=parts, stop=stop, native_stop=native),))


@pytest.mark.parametrize(
    ("answer", "kind", "status", "problem"),
    [
        (response(Refusal(text="No.")), "refusal", 1, "the model refused: No."),
        (response(Text(text="x"), stop="refusal"), "refusal", 1, "the model refused to answer"),
        (response(stop="content_filter", native="SAFETY"), "content-filter", 1, "content filter (SAFETY)"),
        (response(stop="error"), "failed-answer", 69, "the answer failed"),
        (Response(candidates=()), "no-answer", 1, "no answer"),
        (None, "no-answer", 1, "no answer"),
    ],
)
def test_what_is_no_answer_has_a_kind_and_a_status(
    answer: Response | None, kind: str, status: int, problem: str
) -> None:
    failure = verdict_on(answer).failure("local", is_told=False)
    assert failure is not None
    assert (failure.kind, status_of(failure)) == (kind, status)
    assert str(failure).startswith("local: ")
    assert problem in str(failure)


def test_answer_that_was_cut_is_one_with_a_note() -> None:
    verdict = verdict_on(response(Text(text="The"), stop="length"))
    assert verdict.failure("local", is_told=False) is None
    assert "--max-tokens" in verdict.note


def test_answer_is_no_news() -> None:
    assert verdict_on(response(Text(text="The"))) == verdict_on(response(Text(text="4")), NUMBER)


def test_text_that_does_not_fit_is_told_with_its_place() -> None:
    verdict = verdict_on(response(Text(text='"four"')), NUMBER)
    assert verdict.kind == "schema-mismatch"
    assert verdict.problem == "the answer does not fit the schema: $: 'four' is not of type 'number'"


def test_call_of_a_tool_is_not_judged_by_the_schema() -> None:
    assert verdict_on(response(CALL, stop="tool_use"), NUMBER).problem == ""
    assert verdict_on(response(Text(text=""), stop="stop"), NUMBER).problem


def test_call_is_one_line() -> None:
    assert call_line(CALL) == 'dragoman: tool call: look({"at": "sky"})'
    broken = ToolCall(id="c1", name="look", arguments='{"at')
    assert call_line(broken) == 'dragoman: tool call: look({"at) (the arguments are no JSON object)'
    free = ToolCall(id="c1", name="run", arguments="ls", custom=True)
    assert call_line(free) == "dragoman: tool call: run(ls)"
    assert len(call_line(ToolCall(id="c1", name="look", arguments={"at": "x" * 9000}))) < 2100
