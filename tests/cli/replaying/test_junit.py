"""Results as JUnit's XML."""

from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

from hypothesis import given
from hypothesis import strategies as st

from dragoman.cli.replaying.junit import ReplaySuite, junit_document
from dragoman.cli.replaying.results import Fault, Result, Source
from dragoman.schemas.comparison import Difference
from tests.cli.replaying.samples import FINISH, failed, result

_ANY_TEXT = st.text(st.characters(exclude_categories=()))


def case(told: Result) -> Element:
    (found,) = fromstring(junit_document([told])).iter("testcase")
    return found


def test_exchange_is_a_test_case() -> None:
    found = case(result(3, total=1234.0, source=Source(file="a.har", entry=3, id="x y", repeat=2)))
    assert found.attrib == {"classname": "a.har", "name": "3 x y (repeat 2)", "time": "1.234"}
    assert len(found) == 0


def test_exchange_without_an_id_has_its_number() -> None:
    assert case(result(3)).get("name") == "3"


def test_difference_is_a_failure() -> None:
    other = Difference(what="length", path="$.candidates[0].text", recorded=5, replayed=5000)
    failure = case(result(outcome="different", differences=(FINISH, other))).find("failure")
    assert failure is not None
    assert failure.attrib == {"message": "finish: stop → length; length: 5 → 5000", "type": "finish"}
    assert failure.text == (
        "finish  $.candidates[0].stop\n  - stop\n  + length\nlength  $.candidates[0].text\n  - 5\n  + 5000\n"
    )


def test_fault_is_an_error() -> None:
    error = case(failed()).find("error")
    assert error is not None
    assert error.attrib == {"message": "rate-limit 429: slow down", "type": "rate-limit"}


def test_fault_may_have_no_status() -> None:
    error = case(failed(fault=Fault(kind="timeout", message="10 s"))).find("error")
    assert error is not None
    assert error.get("message") == "timeout: 10 s"


def test_fault_that_was_recorded_is_good() -> None:
    assert len(case(failed(outcome="ok"))) == 0


def test_fault_that_is_another_than_recorded_is_a_failure() -> None:
    outcome = Difference(what="outcome", path="$.response", recorded="status 500", replayed="status 429")
    failure = case(failed(outcome="different", differences=(outcome,))).find("failure")
    assert failure is not None
    assert failure.get("message") == "outcome: status 500 → status 429"


def test_failure_that_says_nothing_is_an_error() -> None:
    error = case(result(outcome="failed")).find("error")
    assert error is not None
    assert error.get("type") == "failed"


def test_suite_takes_results_as_they_come() -> None:
    suite = ReplaySuite()
    for told in (result(1), failed(2), result(3, differences=(FINISH,), outcome="different")):
        suite.add(told)
    found = fromstring(suite.document())
    assert [found.get(name) for name in ("name", "tests", "failures", "errors")] == ["dragoman replay", "3", "1", "1"]


@given(_ANY_TEXT, _ANY_TEXT)
def test_any_text_makes_xml(one: str, other: str) -> None:
    source = Source(file=one, entry=1, id=other)
    different = Difference(what=one, path=other, recorded=one, replayed=other)
    assert case(result(source=source, outcome="different", differences=(different,))).find("failure") is not None
    assert case(failed(fault=Fault(kind=one, message=other), source=source)).find("error") is not None
