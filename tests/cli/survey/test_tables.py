"""Tables for eyes."""

from __future__ import annotations

from dragoman.cli.survey.tables import Cell, Column, table

COLUMNS = [Column("name"), Column("number", is_number=True)]


def lines(*rows: list[Cell], width: int = 40, colour: bool = False) -> list[str]:
    return table(COLUMNS, rows, width=width, colour=colour).decode().splitlines()


def test_numbers_are_right_and_texts_left() -> None:
    assert lines(["a", "1"], ["bbb", "1000"]) == ["name  number", "a          1", "bbb     1000"]


def test_colour_is_used_where_it_is_wanted() -> None:
    assert "\x1b[32ma" in lines([("a", "green"), "1"], colour=True)[1]
    assert "\x1b" not in "".join(lines([("a", "green"), "1"]))


def test_markup_is_text() -> None:
    assert lines(["[bold]x[/bold]", "1"])[1].startswith("[bold]x[/bold]")


def test_control_characters_do_nothing() -> None:
    assert "\x1b[2J" not in "".join(lines(["\x1b[2Jx", "1"], colour=True))


def test_cell_may_have_lines() -> None:
    assert [line.split()[0] for line in lines(["a\nb", "1"])] == ["name", "a", "b"]


def test_nothing_is_cut_off_where_it_is_narrow() -> None:
    told = "".join("".join(lines(["x" * 60, "1"], width=20)[1:]).split())
    assert told.count("x") == 60


def test_half_a_character_does_not_make_it_fall() -> None:
    assert lines(["\ud83d", "1"])[1].startswith("\\ud83d")
