"""Calls and results that do not meet in the source meet in what is said to those who refuse one without the other."""

from __future__ import annotations

import pytest

from dragoman.schemas.ir import Message, Part, Role, Text, ToolCall, ToolResult
from dragoman.schemas.losses import Losses
from dragoman.schemas.pairs import all_answered, with_pairs

CALL = ToolCall(id="1", name="look", arguments={})
RESULT = ToolResult(call_id="1", content=(Text(text="Sunny."),))
WAIT = Text(text="Wait.")


def talk(*turns: tuple[Role, Part]) -> tuple[Message, ...]:
    return tuple(Message(role=role, parts=(part,)) for role, part in turns)


def paired(messages: tuple[Message, ...]) -> tuple[list[tuple[Role, list[str]]], list[str]]:
    losses = Losses()
    said = [(m.role, [type(part).__name__ for part in m.parts]) for m in with_pairs(messages, losses, "chat")]
    return said, [loss.feature for loss in losses.found]


def test_messages_that_meet_stay_as_they_are() -> None:
    messages = talk(("user", WAIT), ("assistant", CALL), ("user", RESULT), ("user", WAIT))
    assert with_pairs(messages, Losses(), "chat") is messages


def test_late_result_comes_first_and_the_move_is_reported() -> None:
    said, features = paired(talk(("assistant", CALL), ("user", WAIT), ("user", RESULT)))
    assert said == [("assistant", ["ToolCall"]), ("user", ["ToolResult", "Text"])]
    assert features == ["text"]


@pytest.mark.parametrize("after", [(), (("user", WAIT),), (("assistant", WAIT),)])
def test_call_without_a_result_gets_one(after: tuple[tuple[Role, Part], ...]) -> None:
    said, features = paired(talk(("assistant", CALL), *after))
    assert "ToolResult" in said[1][1]
    assert features == ["tool_result"]


def test_made_up_result_of_a_free_form_call_is_free_form() -> None:
    call = ToolCall(id="1", name="run", arguments="ls", custom=True)
    made = with_pairs(talk(("assistant", call)), Losses(), "chat")[1].parts[0]
    assert isinstance(made, ToolResult)
    assert made.custom


@pytest.mark.parametrize(("parts", "answered"), [((CALL,), False), ((CALL, WAIT, RESULT), True), ((RESULT,), True)])
def test_answered_is_a_call_with_a_result_anywhere(parts: tuple[Part, ...], answered: bool) -> None:
    assert all_answered(talk(*(("user", part) for part in parts))) is answered
