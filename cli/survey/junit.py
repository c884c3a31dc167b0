"""Reports of a check → JUnit's XML, which every CI reads: a test case for each level of each profile.

What needs a person (a bad key) is a failure; what may be well another time (a network fault) is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dragoman.providers.check import Report, Step
from dragoman.providers.checks.verdicts import standing_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["SUITE", "junit_document"]

SUITE = "dragoman models --check"
# What XML 1.0 cannot say, escaped or not.
_UNSPEAKABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ELEMENTS = {"failed": "failure", "error": "error", "skipped": "skipped"}


def junit_document(reports: Sequence[Report], problem: str = "") -> bytes:
    """Return the XML document. `problem` is what is wrong with the check as a whole."""
    from xml.etree.ElementTree import Element, indent, tostring

    cases = [_case(report, step) for report in reports for step in report.steps]
    if problem:
        cases.append(_broken(problem))
    counts = {
        "tests": str(len(cases)),
        "failures": _count(cases, "failure"),
        "errors": _count(cases, "error"),
        "skipped": _count(cases, "skipped"),
        "time": f"{sum(report.seconds for report in reports):.3f}",
    }
    suites = Element("testsuites", {"name": SUITE, **counts})
    suite = Element("testsuite", {"name": SUITE, **counts})
    suite.extend(cases)
    suites.append(suite)
    indent(suites)
    body: bytes = tostring(suites, encoding="utf-8", xml_declaration=True)
    return body + b"\n"


def _case(report: Report, step: Step) -> Element:
    from xml.etree.ElementTree import Element

    case = Element(
        "testcase", {"classname": _speakable(report.profile), "name": step.level, "time": f"{step.seconds:.3f}"}
    )
    case.extend(_told(step))
    return case


def _told(step: Step) -> Iterator[Element]:
    """Yield what a test case says of how it went."""
    from xml.etree.ElementTree import Element

    standing, said = standing_of(step.verdict), _speakable(f"{step.verdict}: {step.detail}")
    hint = _speakable(step.hint)
    if standing in _ELEMENTS:
        kind = {} if standing == "skipped" else {"type": step.verdict}
        element = Element(_ELEMENTS[standing], {"message": said, **kind})
        element.text = f"{said}\nhint: {hint}" if hint else said
    else:
        element = Element("system-out")
        element.text = said
    yield element


def _broken(problem: str) -> Element:
    from xml.etree.ElementTree import Element, SubElement

    case = Element("testcase", {"classname": "dragoman", "name": "profiles", "time": "0.000"})
    SubElement(case, "failure", {"message": _speakable(problem), "type": "no-profile"}).text = _speakable(problem)
    return case


def _count(cases: Sequence[Element], name: str) -> str:
    return str(sum(case.find(name) is not None for case in cases))


def _speakable(text: str) -> str:
    return _UNSPEAKABLE.sub("\N{REPLACEMENT CHARACTER}", text)
