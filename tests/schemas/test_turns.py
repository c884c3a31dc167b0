"""Turns: neighbours of one role joined, and the plainest turn of all."""

from __future__ import annotations

import pytest

from dragoman.schemas.ir import Cache, Citation, Media, Message, Opaque, Part, Role, Text
from dragoman.schemas.turns import answers_joined, plain_text, turns


def said(role: Role, words: str, **fields: object) -> Message:
    return Message(role=role, parts=(Text(text=words),), **fields)  # type: ignore[arg-type]


def words_of(message: Message) -> str:
    return "".join(part.text for part in message.parts if isinstance(part, Text))


def test_neighbours_of_one_role_are_joined_at_the_first_ones_place() -> None:
    joined = turns(
        [said("user", "a", at=("messages", 0)), said("user", "b"), said("assistant", "c"), said("user", "d")]
    )
    assert [(message.role, words_of(message)) for message in joined] == [
        ("user", "ab"),
        ("assistant", "c"),
        ("user", "d"),
    ]
    assert joined[0].at == ("messages", 0)


def test_turns_that_alternate_are_the_messages_themselves() -> None:
    messages = [said("user", "a"), said("assistant", "b")]
    assert [one is other for one, other in zip(turns(messages), messages, strict=True)] == [True, True]


def test_nothing_is_no_turn() -> None:
    assert turns([]) == []


def test_fields_of_joined_messages_are_joined_and_the_first_wins() -> None:
    first = said("user", "a", extra={"d": {"x": 1}})
    second = said("user", "b", extra={"d": {"x": 2, "y": 3}, "e": {"z": 4}})
    (joined,) = turns([first, said("user", "-"), second])
    assert joined.extra == {"d": {"x": 1, "y": 3}, "e": {"z": 4}}
    assert words_of(joined) == "a-b"
    assert turns([said("user", "-"), second])[0].extra == second.extra


def test_only_answers_are_joined_where_users_may_speak_twice() -> None:
    messages = [said("user", "a"), said("user", "b"), said("assistant", "c"), said("assistant", "d")]
    assert [words_of(message) for message in answers_joined(messages)] == ["a", "b", "cd"]


def test_many_neighbours_are_not_quadratic() -> None:
    (joined,) = turns(said("user", "a") for _ in range(50_000))
    assert len(joined.parts) == 50_000


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ((Text(text="a"),), "a"),
        ((Text(text=""),), ""),
        ((), None),
        ((Text(text="a"), Text(text="b")), None),
        ((Media(kind="image", url="https://a.example"),), None),
        ((Text(text="a", cache=Cache()),), None),
        ((Text(text="a", citations=(Citation(),)),), None),
        ((Text(text="a", signature=Opaque("gemini", "c2ln")),), None),
        ((Text(text="a", extra={"d": {}}),), None),
    ],
)
def test_plain_text_is_one_text_without_a_mark(parts: tuple[Part, ...], text: str | None) -> None:
    assert plain_text(parts) == text
