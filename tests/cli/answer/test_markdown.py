"""Markdown on a terminal: laid out, coloured where that is wanted, and never obeyed."""

from __future__ import annotations

from dragoman.cli.answer.markdown import rendered

TEXT = "# Sky\n\nIt is **blue**: [why](https://example.org/a).\n\n```python\nprint(1)\n```\n"


def test_markdown_is_laid_out() -> None:
    shown = rendered(TEXT, width=40, colour=True)
    assert "\x1b[1mblue\x1b[0m" in shown
    assert "**" not in shown
    assert all(len(line) < 200 for line in shown.split("\n"))


def test_no_colour_is_no_escape_for_one() -> None:
    assert "\x1b[3" not in rendered(TEXT, width=40, colour=False).replace("\x1b[3m", "")


def test_link_shows_where_it_leads() -> None:
    shown = rendered(TEXT, width=80, colour=True)
    assert "https://example.org/a" in shown
    assert "\x1b]8" not in shown


def test_text_cannot_command_the_terminal() -> None:
    shown = rendered("a\x1b]0;title\x07b\x9b2J `\x1b[2J`\n\n```\n\x1b[5m\n```\n", width=80, colour=False)
    assert "\x1b]0" not in shown
    assert "\x07" not in shown
    assert "\x9b" not in shown
    assert "\x1b[2J" not in shown
    assert "\x1b[5m" not in shown


def test_width_is_kept() -> None:
    assert max(map(len, rendered("word " * 50, width=30, colour=False).split("\n"))) <= 30


def test_lines_end_where_their_words_end() -> None:
    assert rendered("It is *blue*.\n\nOh.", width=40, colour=False) == "It is blue.\n\nOh.\n"
