"""Reports as JUnit's XML, read back by a parser."""

from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.cli.survey.junit import junit_document
from dragoman.providers.check import Report, Step


def report(verdict: str, detail: str = "d", *, hint: str = "", name: str = "p") -> Report:
    good = Step(level="config", verdict="ok", seconds=0.5)
    return Report(
        profile=name, steps=(good, Step(level="auth", verdict=verdict, seconds=1.0, detail=detail, hint=hint))
    )


def parsed(*reports: Report, problem: str = "") -> Element:
    return fromstring(junit_document(reports, problem))


def case(found: Element) -> Element:
    """Return the test case of the last level."""
    return found.findall("./testsuite/testcase")[-1]


def test_level_is_a_test_case() -> None:
    found = parsed(report("ok"))
    told = [(one.get("classname"), one.get("name"), one.get("time")) for one in found.iter("testcase")]
    assert told == [("p", "config", "0.500"), ("p", "auth", "1.000")]


@pytest.mark.parametrize("verdict", ["bad-key", "missing-key", "forbidden", "no-model", "no-quota", "truncated"])
def test_what_needs_a_person_is_a_failure(verdict: str) -> None:
    failure = case(parsed(report(verdict, "why", hint="how"))).find("failure")
    assert failure is not None
    assert (failure.get("type"), failure.get("message")) == (verdict, f"{verdict}: why")
    assert failure.text == f"{verdict}: why\nhint: how"


@pytest.mark.parametrize("verdict", ["network", "timeout", "overloaded"])
def test_what_may_be_well_another_time_is_an_error(verdict: str) -> None:
    assert case(parsed(report(verdict))).find("error") is not None


def test_rate_limit_passes_and_is_told() -> None:
    found = case(parsed(report("rate-limited", "slow down")))
    assert [child.tag for child in found] == ["system-out"]
    assert found.findtext("system-out") == "rate-limited: slow down"


def test_skipped_is_skipped() -> None:
    assert case(parsed(report("skipped"))).find("skipped") is not None


def test_counts_add_up() -> None:
    found = parsed(report("ok"), report("bad-key"), report("network"), report("skipped"))
    for element in (found, found[0]):
        assert {name: element.get(name) for name in ("tests", "failures", "errors", "time")} == {
            "tests": "8",
            "failures": "1",
            "errors": "1",
            "time": "6.000",
        }
    assert found[0].get("skipped") == "1"


def test_check_of_nothing_is_a_failure() -> None:
    found = parsed(problem="no profile was checked")
    assert (found.get("tests"), found.get("failures")) == ("1", "1")


def test_markup_is_escaped() -> None:
    said = """</failure>&amp;<![CDATA["']]>"""
    failure = case(parsed(report("bad-key", said))).find("failure")
    assert failure is not None
    assert failure.get("message") == f"bad-key: {said}"


def test_it_is_utf_8_and_says_so() -> None:
    body = junit_document([report("bad-key", "ключ")])
    assert body.startswith(b"<?xml version='1.0' encoding='utf-8'?>")
    assert "ключ" in body.decode()


@given(st.text(st.characters(exclude_categories=())), st.text(st.characters(exclude_categories=()), min_size=1))
def test_any_text_makes_xml(said: str, name: str) -> None:
    assert case(parsed(report("bad-key", said, hint=said, name=name))).find("failure") is not None
