"""Markdown → what a terminal shows of it, by rich, which is slow to import and is imported here alone.

Nothing that the text holds reaches the terminal as a command: what acts is made visible first, and links show where
they lead.
"""

from __future__ import annotations

from io import StringIO

from dragoman.cli.render import printable_text

__all__ = ["rendered"]


def rendered(text: str, *, width: int, colour: bool) -> str:
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console(
        file=StringIO(),
        force_terminal=True,
        color_system="standard" if colour else None,
        no_color=not colour,
        width=width,
        legacy_windows=False,
    )
    with console.capture() as captured:
        console.print(Markdown(printable_text(text), code_theme="ansi_dark", hyperlinks=False))
    # Lines are filled up to the width, which would wrap in a terminal that becomes narrower, and be copied along.
    return "".join(f"{line.rstrip(' ')}\n" for line in captured.get().removesuffix("\n").split("\n"))
