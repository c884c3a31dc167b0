"""`dragoman replay --trace-view FILE [--html PAGE]`: what was typed → the trace that is shown.

Nothing is asked of anybody, so that options about whom and how to ask make no sense beside it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import cast

from dragoman.cli.environment import Environment
from dragoman.cli.options import Values
from dragoman.cli.replaying.selection import read_selection
from dragoman.cli.status import Usage
from dragoman.cli.tracing.reading import STDIN, Selection
from dragoman.cli.tracing.show import show_trace

__all__ = ["view_trace"]

# What can be said beside it.
TAKEN = frozenset({"trace_view", "html", "indexes", "ids", "verbose", "quiet"})


def view_trace(values: Values, environment: Environment) -> int:
    """Show what was typed. Raises Usage."""
    _refuse(values)
    meant = read_selection((), _texts(values, "indexes"), _texts(values, "ids"), None)
    wanted = Selection(ids=tuple(sorted(meant.ids)), spans=meant.spans)
    html, path = values.get("html"), str(values["trace_view"])
    if html and html != STDIN and os.path.exists(path) and os.path.realpath(str(html)) == os.path.realpath(path):
        raise Usage("--html and --trace-view cannot be the same file", "give the page a name of its own")
    return show_trace(
        path,
        environment,
        html=html if isinstance(html, str) else "",
        wanted=wanted,
        whole=bool(values.get("verbose")),
    )


def _refuse(values: Values) -> None:
    """Raise Usage for what is about asking somebody."""
    from dragoman.cli.replay import OPTIONS

    for option in OPTIONS:
        said = values.get(option.name)
        if option.name not in TAKEN and said and said != option.default:
            raise Usage(
                f"--trace-view shows a trace, and asks nobody: it takes no {(option.flags or ('other FILE',))[-1]}",
                "--html, --index, --id and -v go with it",
            )


def _texts(values: Values, name: str) -> Sequence[str]:
    return cast("Sequence[str]", values.get(name) or ())
