"""Where two requests differ, told shortly."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dragoman.providers.playback.book import Missing, Near
from dragoman.providers.playback.canonical import Call, Content, Turn
from dragoman.providers.playback.differences import MAX_DIFFERENCES, differences
from dragoman.providers.playback.telling import tell_missing
from dragoman.schemas.captures import Captured

USER = Turn(role="user", text="Hello there")
CALLING = Turn(role="assistant", calls=(Call(1, "roll", '{"sides":6}'),))
TOLD = Turn(role="user", results=(Call(1, "", "4"),))
CONTENT = Content(turns=(USER, CALLING, TOLD), tools=("draw", "roll"))


def with_turn(number: int, turn: Turn) -> Content:
    turns = list(CONTENT.turns)
    turns[number] = turn
    return replace(CONTENT, turns=tuple(turns))


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (replace(CONTENT, instructions="Be brief"), 'instructions: asked "Be brief", recorded nothing'),
        (
            with_turn(0, replace(USER, text="Hello here")),
            'messages[0].text: asked "Hello here", recorded "Hello there"',
        ),
        (with_turn(0, replace(USER, role="assistant")), "messages[0].role: asked assistant, recorded user"),
        (with_turn(0, replace(USER, media=("aa",))), 'messages[0].media: asked "aa", recorded nothing'),
        (
            with_turn(1, replace(CALLING, calls=(Call(1, "draw", '{"sides":6}'),))),
            'messages[1].calls[0].name: asked "draw", recorded "roll"',
        ),
        (
            with_turn(1, replace(CALLING, calls=())),
            'messages[1].calls[0]: asked nothing, recorded roll "{"sides":6}"',
        ),
        (
            with_turn(2, replace(TOLD, results=())),
            'messages[2].results[0]: asked nothing, recorded the result of call 1 "4"',
        ),
        (with_turn(2, replace(TOLD, results=(Call(1, "", "5"),))), 'messages[2].results[0]: asked "5", recorded "4"'),
        (replace(CONTENT, turns=CONTENT.turns[:2]), "messages[2]: asked nothing, recorded user: 1 results"),
        (replace(CONTENT, tools=("roll", "sing")), 'tools: asked "sing", recorded "draw"'),
        (replace(CONTENT, tools=("roll",)), 'tools: asked 1 of them, recorded "draw"'),
        (replace(CONTENT, tools=tuple("abcde")), 'tools: asked "a", "b", "c" and 2 more, recorded "draw", "roll"'),
        (replace(CONTENT, output=("a",)), 'output: asked "JSON", "a", recorded nothing'),
        (replace(CONTENT, output=()), 'output: asked "JSON", recorded nothing'),
        (with_turn(0, replace(USER, media=("b", "a"))), 'messages[0].media: asked "a", "b", recorded nothing'),
    ],
)
def test_difference_names_place_and_values(asked: Content, told: str) -> None:
    assert [str(difference) for difference in differences(asked, CONTENT)] == [told]


def test_equal_contents_differ_nowhere() -> None:
    assert differences(CONTENT, with_turn(0, replace(USER, text=" Hello  there\n"))) == ()


def test_order_of_media_is_no_difference() -> None:
    one, other = (with_turn(0, replace(USER, media=media)) for media in (("a", "b"), ("b", "a")))
    assert differences(one, other) == ()


def test_long_texts_are_shown_where_they_part() -> None:
    one, other = with_turn(0, replace(USER, text="x" * 90_000 + "a")), with_turn(0, replace(USER, text="x" * 90_000))
    assert str(differences(one, other)[0]) == ('messages[0].text: asked "…xxxxxxxxxxxxa", recorded "…xxxxxxxxxxxx"')


def test_only_the_first_differences_are_told() -> None:
    assert len(differences(Content(), Content(turns=(USER,) * 50))) == MAX_DIFFERENCES


def test_message_says_what_was_asked_and_what_is_near() -> None:
    near = Near(
        captured=Captured(id="ex_1", dialect="gemini", line=7), model="g", differences=differences(Content(), CONTENT)
    )
    told = tell_missing(CONTENT, "m", Missing((near, near))).splitlines()
    assert told[0] == ('no recording of this request: model "m", 3 turns, tools draw, roll, ending in "Hello there"')
    assert told[1].startswith(
        'nearest recorded request: "ex_1" (line 7, gemini, model "g"): messages[0]: asked nothing'
    )
    assert told[2].startswith("then: ")


def test_message_says_that_nothing_is_recorded() -> None:
    assert tell_missing(Content(turns=(USER,)), None, Missing(())).endswith("holds no request at all")
