"""Which result answers which call, where ids are missing."""

from __future__ import annotations

from dragoman.schemas.pairing import Pairing


def test_ids_that_are_said_are_kept() -> None:
    pairing = Pairing()
    assert pairing.call("look", "a") == "a"
    assert pairing.result("look", "a") == "a"


def test_calls_without_an_id_get_different_ones() -> None:
    pairing = Pairing()
    assert pairing.call("look", None) != pairing.call("look", "")


def test_results_without_an_id_answer_in_order() -> None:
    pairing = Pairing()
    calls = [pairing.call("look", None) for _ in range(3)]
    assert [pairing.result("look", None) for _ in range(3)] == calls


def test_results_answer_the_first_open_call_of_their_name() -> None:
    pairing = Pairing()
    look, find = pairing.call("look", None), pairing.call("find", None)
    assert pairing.result("find", None) == find
    assert pairing.result("look", None) == look


def test_result_without_a_name_answers_the_first_open_call() -> None:
    pairing = Pairing()
    first, second = pairing.call("look", None), pairing.call("find", None)
    assert [pairing.result(None, None), pairing.result("", None)] == [first, second]


def test_result_of_another_name_answers_the_first_open_call() -> None:
    pairing = Pairing()
    call = pairing.call("look", None)
    assert pairing.result("renamed", None) == call


def test_call_that_was_answered_by_id_is_not_open() -> None:
    pairing = Pairing()
    pairing.call("look", "a")
    second = pairing.call("look", None)
    pairing.result("look", "a")
    assert pairing.result("look", None) == second


def test_result_of_nothing_gets_an_id_of_its_own() -> None:
    pairing = Pairing()
    assert pairing.result("look", None) != pairing.result("look", None)


def test_id_that_is_made_up_is_no_one_elses() -> None:
    pairing = Pairing()
    assert pairing.call("look", "call_1") == "call_1"
    assert pairing.call("look", None) != "call_1"


def test_many_calls_are_not_quadratic() -> None:
    pairing = Pairing()
    calls = [pairing.call("look", None) for _ in range(50_000)]
    assert [pairing.result("look", None) for _ in range(50_000)] == calls
