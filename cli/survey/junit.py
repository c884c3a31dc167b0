"""Reports of a check → JUnit's XML: a test case for each level of each profile.

What needs a person (a bad key) is a failure; what may be well another time (a network fault) is an error.
"""

from __future__ import annotations

from collections.abc import Sequence

from dragoman.cli.junit import Case, Suite
from dragoman.providers.check import Report, Step
from dragoman.providers.checks.verdicts import standing_of

__all__ = ["SUITE", "junit_document"]

SUITE = "dragoman models --check"
_ELEMENTS = {"failed": "failure", "error": "error", "skipped": "skipped"}


def junit_document(reports: Sequence[Report], problem: str = "") -> bytes:
    """Return the XML document. `problem` is what is wrong with the check as a whole."""
    suite = Suite(SUITE)
    for report in reports:
        for step in report.steps:
            suite.add(_case(report, step))
    if problem:
        suite.add(_broken(problem))
    return suite.document()


def _case(report: Report, step: Step) -> Case:
    said = f"{step.verdict}: {step.detail}"
    element = _ELEMENTS.get(standing_of(step.verdict), "system-out")
    has_hint = bool(step.hint) and element != "system-out"
    return Case(
        group=report.profile,
        name=step.level,
        seconds=step.seconds,
        element=element,
        kind="" if element == "skipped" else step.verdict,
        message=said,
        text=f"{said}\nhint: {step.hint}" if has_hint else said,
    )


def _broken(problem: str) -> Case:
    return Case(
        group="dragoman",
        name="profiles",
        seconds=0.0,
        element="failure",
        kind="no-profile",
        message=problem,
        text=problem,
    )
