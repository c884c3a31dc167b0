"""Reports of a check → what GitHub Actions shows: annotations, which are lines of the log, and a summary in Markdown.

A line of the log is a command if it begins with `::`. What could end it, or begin another one, is escaped by the rules
of the runner: https://github.com/actions/toolkit, command.ts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from dragoman.cli.environment import Environment
from dragoman.cli.render import printable
from dragoman.cli.status import IOFailure
from dragoman.providers.check import Report

__all__ = ["annotation_lines", "append_summary", "summary_text"]

_COMMANDS = {"failed": "error", "error": "error", "warning": "warning"}
_SIGNS = {"passed": "✅", "warning": "⚠️", "failed": "❌", "error": "❌", "skipped": "⏭️"}
# What Markdown, or the HTML in it, would act upon.
_ACTS = str.maketrans({sign: f"&#{ord(sign)};" for sign in "&<>|`*_[]()#~!@\\\"'$:"} | {"\n": " ", "\r": " "})


def annotation_lines(reports: Sequence[Report], problem: str = "") -> Iterator[str]:
    """Yield a line for each profile that is not well."""
    for report in reports:
        command = _COMMANDS.get(report.standing)
        if command is not None:
            last = report.last
            said = f"{last.level}: {last.detail}" + (f"\nhint: {last.hint}" if last.hint else "")
            yield f"::{command} title={_property(f'{report.profile}: {last.verdict}')}::{_data(said)}"
    if problem:
        yield f"::error title={_property('dragoman models --check')}::{_data(problem)}"


def summary_text(reports: Sequence[Report], problem: str = "") -> str:
    """Return a table in Markdown."""
    lines = ["### dragoman models --check", ""]
    if reports:
        lines += ["| | profile | class | level | seconds | |", "|---|---|---|---|---:|---|"]
    for report in reports:
        last = report.last
        cells = (report.profile, last.verdict, last.level, f"{report.seconds:.2f}", last.detail)
        lines.append(f"| {_SIGNS[report.standing]} | " + " | ".join(map(_cell, cells)) + " |")
    return "\n".join([*lines, *([_cell(problem)] if problem else [])]) + "\n\n"


def append_summary(text: str, environment: Environment) -> None:
    """Append to the file that the runner shows. Raises IOFailure."""
    name = environment.variables.get("GITHUB_STEP_SUMMARY", "")
    if not name:
        return
    try:
        descriptor = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "ab") as stream:
            stream.write(text.encode("utf-8", "replace"))
    except OSError as error:
        raise IOFailure(f"cannot write $GITHUB_STEP_SUMMARY, {name}: {error.strerror}") from error


def _data(said: str) -> str:
    return printable(said.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(said: str) -> str:
    return _data(said).replace(":", "%3A").replace(",", "%2C")


def _cell(said: str) -> str:
    return printable(said.translate(_ACTS))
