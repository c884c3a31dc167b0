"""What another provider of the same dialect is told: part by part, with what it loses."""

from __future__ import annotations

import pytest

from dragoman.providers.abroad import shown_by_user, told_abroad, told_anew
from dragoman.schemas.ir import (
    BuiltinCall,
    BuiltinResult,
    Citation,
    Extra,
    Media,
    Message,
    Native,
    Opaque,
    Part,
    Reasoning,
    Role,
    Text,
    ToolCall,
    ToolResult,
)
from dragoman.schemas.losses import Losses

GPT = "openai-responses"
SIGN = Opaque(GPT, "sealed")
FILE = Media(kind="image", file_id="file_1", dialect=GPT)
CITED = Citation(url="https://a.b", native={"encrypted_index": "x"}, dialect=GPT)
Found = list[tuple[str, str]]


def abroad(part: Part, role: str = "assistant") -> tuple[tuple[Part, ...], Found]:
    losses = Losses()
    said = Message(role="user" if role == "user" else "assistant", parts=(part,))
    told = told_abroad(said, GPT, "openai@host", losses)
    return told.parts, [(loss.feature, loss.severity) for loss in losses.found]


@pytest.mark.parametrize(
    ("part", "told", "loss"),
    [
        (Text(text="a", signature=SIGN), Text(text="a"), "reasoning_signature"),
        (Text(text="a", citations=(CITED,)), Text(text="a", citations=(Citation(url="https://a.b"),)), "citation"),
        (ToolCall(id="c", name="f", arguments="{}", signature=SIGN), ToolCall(id="c", name="f", arguments="{}"),
         "reasoning_signature"),
        (Reasoning(text="a", dialect=GPT), None, "reasoning"),
        (Reasoning(signature=SIGN, redacted=True, dialect=GPT), None, "reasoning_signature"),
        (BuiltinResult(kind="mcp", dialect=GPT, wire={}), None, "builtin_call"),
        (Native(dialect=GPT, wire={}, feature="continuation"), None, "continuation"),
        (FILE, None, "image"),
        (Media(kind="audio", file_id="a", dialect=GPT, transcript="hi"), Text(text="hi"), "audio"),
    ],
)  # fmt: skip
def test_part_of_an_answer_is_told_without_what_is_sealed(part: Part, told: Part | None, loss: str) -> None:
    assert abroad(part) == ((() if told is None else (told,)), [(loss, "advisory")])


@pytest.mark.parametrize("part", [Text(text="a"), Media(kind="image", url="https://a.b"), Reasoning(dialect="gemini")])
def test_what_everybody_can_read_is_left_alone(part: Part) -> None:
    assert abroad(part) == ((part,), [])


def test_file_that_the_user_gave_to_another_is_missed() -> None:
    assert abroad(FILE, "user") == ((), [("image", "meaning")])


def test_fields_of_an_answer_stay_with_who_gave_it() -> None:
    own: Extra = {GPT: {"id": "msg_1"}}
    assert abroad(Text(text="a", extra={**own, "gemini": {"x": 1}}))[0] == (Text(text="a", extra={"gemini": {"x": 1}}),)
    assert abroad(Text(text="a", extra=own), "user")[0] == (Text(text="a", extra=own),)


@pytest.mark.parametrize(
    ("part", "stays"),
    [
        (Reasoning(summary=("s",), dialect=GPT), False),
        (Reasoning(summary=("s",), dialect=GPT, signature=SIGN), True),
        (Reasoning(text="said in full", dialect=GPT), True),
        (Reasoning(summary=("s",), dialect="anthropic"), True),
    ],
)
def test_reasoning_that_stands_for_what_is_kept_is_not_told_anew(part: Reasoning, stays: bool) -> None:
    losses = Losses()
    told = told_anew(Message(role="assistant", parts=(part, Text(text="a"))), losses)
    assert (part in told.parts) is stays
    assert bool(losses.found) is not stays


PICTURE = Media(kind="image", data="aGk=", mime="image/png")
MADE = BuiltinCall(kind="image_generation", dialect=GPT, wire={"type": "image_generation_call", "id": "ig_1"})


def spoken(role: Role, *parts: Part) -> Message:
    return Message(role=role, parts=parts)


@pytest.mark.parametrize("family", ["anthropic", "openai-chat", GPT])
def test_picture_of_an_answer_is_shown_by_the_user_after_results(family: str) -> None:
    losses, result = Losses(), ToolResult(call_id="c")
    before = [spoken("assistant", Text(text="a"), PICTURE), spoken("user", Text(text="b"), result)]
    after = shown_by_user(before, family, losses)
    assert after == [spoken("assistant", Text(text="a")), spoken("user", result, PICTURE, Text(text="b"))]
    assert [(loss.feature, loss.action, loss.severity) for loss in losses.found] == [
        ("image", "approximated", "advisory")
    ]


@pytest.mark.parametrize(
    ("family", "messages"),
    [
        ("gemini", [spoken("assistant", PICTURE), spoken("user", Text(text="b"))]),
        (GPT, [spoken("assistant", MADE, PICTURE), spoken("user", Text(text="b"))]),
        ("anthropic", [spoken("user", PICTURE), spoken("assistant", PICTURE)]),
        ("anthropic", [spoken("assistant", Media(kind="audio", data="aGk=")), spoken("user", Text(text="b"))]),
    ],
)
def test_picture_stays_where_it_can_be_said_or_nobody_goes_on_from_it(family: str, messages: list[Message]) -> None:
    losses = Losses()
    assert shown_by_user(messages, family, losses) == messages
    assert not losses.found
