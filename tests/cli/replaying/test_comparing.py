"""Differences and texts, as a person sees them."""

from __future__ import annotations

import re
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.cli.replaying.comparing import difference_note, differences_text, text_diff
from dragoman.schemas.comparison import Difference, Shown
from tests.cli.replaying.samples import FINISH

RED, GREEN = "\x1b[1;7;31m", "\x1b[1;7;32m"
_ANY_TEXT = st.text(st.characters(exclude_categories=()))
_LINES = st.lists(st.sampled_from(["a", "b", "", "c d e", "c f e"]), max_size=12).map("\n".join)


def plain(before: str, after: str) -> list[str]:
    return text_diff(before, after, colour=False).splitlines()


def difference(recorded: Shown, replayed: Shown) -> Difference:
    return Difference(what="text", path="$.x", recorded=recorded, replayed=replayed)


def test_equal_texts_have_no_lines() -> None:
    assert plain("a\nb", "a\nb") == []


def test_lines_that_went_come_before_those_that_came() -> None:
    assert plain("one\ntwo\nthree", "one\n2\nthree") == ["    one", "  - two", "  + 2", "    three"]


def test_line_may_only_go_or_only_come() -> None:
    assert plain("a\nb", "a") == ["    a", "  - b"]
    assert plain("a", "a\nb") == ["    a", "  + b"]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("same", "same ", "the end → U+0020"),
        ("a b", "a\u00a0b", "U+0020 → U+00A0"),
        ("café", "cafe\u0301", "U+00E9 → U+0065"),
        ("a\r\nb", "a\nb", "U+000D → U+000A"),
    ],
)
def test_texts_that_look_alike_are_told_apart(before: str, after: str, said: str) -> None:
    found = differences_text([difference(before, after)], colour=False)
    assert found.splitlines()[-1] == f"  … they look alike: the first difference is {said}"


def test_texts_that_look_different_speak_for_themselves() -> None:
    assert "alike" not in differences_text([difference("a b", "a c")], colour=False)


@pytest.mark.parametrize(
    ("before", "after", "marked"),
    [
        ("今天去北京", "今天去上海", ["北京", "上海"]),
        ("so \U0001f44d\U0001f3fd it", "so \U0001f44d it", ["\U0001f44d\U0001f3fd", "\U0001f44d"]),
        ("e\u0301a e\u0300", "e\u0301a e\u0301", ["e\u0300", "e\u0301"]),
        ("\U0001f468\u200d\U0001f469", "\U0001f468", ["\U0001f468\u200d\U0001f469", "\U0001f468"]),
    ],
)
def test_what_is_marked_are_whole_letters_and_pictures(before: str, after: str, marked: list[str]) -> None:
    found = text_diff(before, after, colour=True)
    assert re.findall(r"\x1b\[1;7;3[12]m(.*?)\x1b", found) == marked


def test_a_few_lines_around_are_shown() -> None:
    lines = [str(number) for number in range(100)]
    assert plain("\n".join(lines), "\n".join([*lines[:50], "x", *lines[51:]])) == [
        "    48",
        "    49",
        "  - 50",
        "  + x",
        "    51",
        "    52",
    ]


def test_much_that_is_equal_between_is_left_out() -> None:
    same = "\n".join("abcdefghij")
    found = plain(f"1\n{same}\n2", f"3\n{same}\n4")
    assert found == ["  - 1", "  + 3", "    a", "    b", "  … 6 lines", "    i", "    j", "  - 2", "  + 4"]


def test_too_many_changes_are_counted() -> None:
    found = plain("\n".join(f"a{n}" for n in range(1000)), "\n".join(f"b{n}" for n in range(900)))
    assert found[-1] == "  … 900 more lines"
    assert len(found) == 201


def test_long_line_is_cut_around_the_change() -> None:
    found = plain("x" * 5000 + "b" + "y" * 5000, "x" * 5000 + "d" + "y" * 5000)
    assert found == ["  - …" + "x" * 100 + "b" + "y" * 299 + "…", "  + …" + "x" * 100 + "d" + "y" * 299 + "…"]


def test_long_lines_that_only_stand_around_are_cut() -> None:
    assert plain("x" * 500 + "\na", "x" * 500 + "\nb")[0] == "    " + "x" * 400 + "…"


def test_changed_words_stand_out_in_colour() -> None:
    found = text_diff("The quick brown fox", "The quick red fox", colour=True)
    assert f"{RED}brown" in found
    assert f"{GREEN}red" in found
    assert f"{RED}The" not in found


@pytest.mark.parametrize("colour", [True, False])
def test_texts_do_nothing_to_a_terminal(colour: bool) -> None:
    found = text_diff("\x1b[2Jx\x00", "\x9b31my\r\u202e", colour=colour)
    assert not re.search("\x1b\\[2J|\x9b|\x00|\r|\u202e", found)
    assert "\\u001b[2J" in found


def test_markup_is_text() -> None:
    assert "[bold]a[/bold]" in text_diff("[bold]a[/bold]", "", colour=True)


def test_blanks_at_an_end_are_kept() -> None:
    assert plain("a ", "a") == ["  - a ", "  + a"]


@pytest.mark.parametrize("colour", [True, False])
def test_work_is_bounded(colour: bool) -> None:
    before = "\n".join("a. b " * 200 + str(number) for number in range(400))
    after = "\n".join("b. a " * 200 + str(number) for number in range(400))
    started = perf_counter()
    text_diff(before, after, colour=colour)
    assert perf_counter() - started < 10


def test_difference_says_what_and_where() -> None:
    assert differences_text([FINISH], colour=False) == "finish  $.candidates[0].stop\n  - stop\n  + length\n"
    assert differences_text([FINISH], colour=True).startswith("\x1b[1mfinish  $.candidates[0].stop\x1b[0m\n")


@pytest.mark.parametrize(
    ("value", "shown"),
    [([], "(none)"), (["a", "b"], "a, b"), (5, "5"), (None, "null"), ("\ud83d", "\\ud83d")],
)
def test_values_are_written_as_a_person_would(value: Shown, shown: str) -> None:
    assert differences_text([difference(value, "other")], colour=False).splitlines()[1] == f"  - {shown}"


def test_values_that_look_alike_are_said_to() -> None:
    assert differences_text([difference(True, "true")], colour=False).endswith("  both are written true\n")


def test_note_is_one_short_line() -> None:
    assert difference_note(FINISH) == "finish: stop → length"
    assert difference_note(difference("a\n b\x1b", "x" * 99)) == "text: a b\\u001b → " + "x" * 40 + "…"


@given(_LINES, _LINES)
def test_every_change_is_shown(before: str, after: str) -> None:
    lines = text_diff(before, after, colour=False).splitlines()
    assert bool(lines) == (before != after)
    gone = [line[4:] for line in lines if line.startswith("  -")]
    assert all(line in before.split("\n") for line in gone)


@given(_ANY_TEXT, _ANY_TEXT, st.booleans())
@settings(deadline=None)
def test_any_text_can_be_shown(before: str, after: str, colour: bool) -> None:
    text_diff(before, after, colour=colour).encode()
