"""Test cases as JUnit's XML, read back by a parser."""

from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.cli.junit import Case, Suite

_ANY_TEXT = st.text(st.characters(exclude_categories=()))


def parsed(*cases: Case, name: str = "s") -> Element:
    suite = Suite(name)
    for case in cases:
        suite.add(case)
    return fromstring(suite.document())


def test_good_case_has_nothing_in_it() -> None:
    (case,) = parsed(Case(group="g", name="n", seconds=1.5)).iter("testcase")
    assert case.attrib == {"classname": "g", "name": "n", "time": "1.500"}
    assert len(case) == 0


@pytest.mark.parametrize("element", ["failure", "error"])
def test_case_tells_how_it_went(element: str) -> None:
    told = Case(group="g", name="n", seconds=0.0, element=element, kind="k", message="m", text="t\n")
    found = parsed(told).find(f"./testsuite/testcase/{element}")
    assert found is not None
    assert (found.attrib, found.text) == ({"message": "m", "type": "k"}, "t\n")


def test_output_has_neither_kind_nor_message() -> None:
    told = Case(group="g", name="n", seconds=0.0, element="system-out", kind="k", message="m", text="t")
    found = parsed(told).find("./testsuite/testcase/system-out")
    assert found is not None
    assert (found.attrib, found.text) == ({}, "t")


def test_counts_stand_at_both_heads_and_skipped_ones_where_jenkins_allows_them() -> None:
    elements = ("", "failure", "error", "error", "skipped", "system-out")
    found = parsed(*[Case(group="g", name="n", seconds=0.25, element=element) for element in elements])
    counts = {"name": "s", "tests": "6", "failures": "1", "errors": "2", "time": "1.500"}
    assert [found.attrib, found[0].attrib] == [counts, {**counts, "skipped": "1"}]


def test_suite_of_nothing_is_a_document() -> None:
    assert parsed().get("tests") == "0"


@given(_ANY_TEXT, _ANY_TEXT)
def test_any_text_makes_xml(said: str, name: str) -> None:
    told = Case(group=said, name=name, seconds=0.0, element="failure", kind=said, message=name, text=said)
    assert parsed(told, name=name).find("./testsuite/testcase/failure") is not None
