"""Test cases → JUnit's XML, which every CI reads.

Whatever a text holds, the XML is valid. A case is written when it is added: many of them do not fill the memory with
trees.
"""

from __future__ import annotations

import re

import msgspec

__all__ = ["Case", "Suite"]

# What XML 1.0 cannot say, escaped or not.
_UNSPEAKABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_COUNTED = {"failure": "failures", "error": "errors", "skipped": "skipped"}


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """`element` is "failure", "error", "skipped" or "system-out", and holds `text`; without one the case is good. Only
    the first three have a `message`, and the first two a `kind`."""

    group: str
    name: str
    seconds: float
    element: str = ""
    kind: str = ""
    message: str = ""
    text: str = ""


class Suite:
    def __init__(self, name: str) -> None:
        self._name = name
        self._cases = bytearray()
        self._tests, self._seconds = 0, 0.0
        self._counts = dict.fromkeys(_COUNTED.values(), 0)

    def add(self, case: Case) -> None:
        self._tests, self._seconds = self._tests + 1, self._seconds + case.seconds
        if case.element in _COUNTED:
            self._counts[_COUNTED[case.element]] += 1
        self._cases += _written(case)

    def document(self) -> bytes:
        """Return the XML document with all cases that were added."""
        from xml.sax.saxutils import quoteattr

        counts = {"tests": self._tests, **self._counts}
        *told, skipped = [f' {name}="{number}"' for name, number in counts.items()]
        named = f'name={quoteattr(_speakable(self._name))}{"".join(told)} time="{self._seconds:.3f}"'
        # Jenkins validates: a suite may count what was skipped, all suites together may not.
        head = f"<?xml version='1.0' encoding='utf-8'?>\n<testsuites {named}>\n  <testsuite {named}{skipped}>\n"
        return head.encode() + self._cases + b"  </testsuite>\n</testsuites>\n"


def _written(case: Case) -> bytes:
    from xml.etree.ElementTree import Element, SubElement, indent, tostring

    place = {"classname": _speakable(case.group), "name": _speakable(case.name), "time": f"{case.seconds:.3f}"}
    element = Element("testcase", place)
    if case.element:
        told = {"message": case.message, "type": case.kind} if case.element in _COUNTED else {}
        said = {name: _speakable(value) for name, value in told.items() if value}
        SubElement(element, case.element, said).text = _speakable(case.text) or None
    indent(element, level=2)
    body: bytes = tostring(element, encoding="utf-8")
    return b"    " + body.rstrip() + b"\n"


def _speakable(text: str) -> str:
    return _UNSPEAKABLE.sub("\N{REPLACEMENT CHARACTER}", text)
