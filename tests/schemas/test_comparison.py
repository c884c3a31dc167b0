"""Two responses compared: what counts as a difference, and what does not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from dragoman.schemas.comparison import DIFFERENCES, Difference, Shown, compare, compare_texts
from dragoman.schemas.ir import (
    JSON,
    Candidate,
    CustomTool,
    Media,
    OutputFormat,
    Part,
    Reasoning,
    Refusal,
    Request,
    Response,
    Stop,
    Text,
    Tool,
    ToolCall,
    Usage,
    Wire,
)
from tests.laws.strategies import responses

SCHEMA: Wire = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
REQUEST = Request(messages=(), tools=(Tool(name="weather", schema=SCHEMA), CustomTool(name="run")))
JSON_REQUEST = Request(messages=(), output=OutputFormat(schema=SCHEMA))
# What differs one way if and only if it differs the other way.
BOTH_WAYS = {"candidates", "refusal", "tool-names", "media", "text", "length"}


def answer(*parts: Part | str, stop: Stop | None = "stop") -> Response:
    said = tuple(Text(text=part) if isinstance(part, str) else part for part in parts)
    return Response(candidates=(Candidate(parts=said, stop=stop),))


def call(name: str = "weather", arguments: str | Wire = '{"city": "Bern"}', *, custom: bool = False) -> ToolCall:
    return ToolCall(id="c", name=name, arguments=arguments, custom=custom)


def calls(*made: ToolCall) -> Response:
    return answer(*made, stop="tool_use")


def told(differences: tuple[Difference, ...]) -> list[tuple[str, Shown, Shown]]:
    return [(one.what, one.recorded, one.replayed) for one in differences]


# ── structure ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_other_words_are_no_difference() -> None:
    assert compare(answer("Blue, mostly."), answer("It is blue.")) == ()


def test_ids_thoughts_and_usage_are_no_difference() -> None:
    after = replace(answer(Reasoning(text="hm"), "b"), id="r", model="other", usage=Usage(input_tokens=1))
    assert compare(answer("a"), after) == ()
    assert compare_texts(answer("b"), after) == ()


def test_finish() -> None:
    (found,) = compare(answer("a"), answer("b", stop="length"))
    assert found == Difference(what="finish", path="$.candidates[0].stop", recorded="stop", replayed="length")


def test_finish_that_was_not_recorded_does_not_differ() -> None:
    assert compare(answer("a", stop=None), answer("b")) == ()


def test_answer_that_has_not_ended_differs() -> None:
    assert told(compare(answer("a"), answer("b", stop=None))) == [("finish", "stop", None)]


def test_candidates_are_counted() -> None:
    two = Response(candidates=answer("a").candidates * 2)
    assert told(compare(answer("b"), two)) == [("candidates", 1, 2)]
    assert told(compare_texts(answer("a"), Response(candidates=()))) == [("candidates", 1, 0)]


def test_each_candidate_is_compared() -> None:
    before = Response(candidates=(*answer("a").candidates, *answer("b").candidates))
    after = Response(candidates=(*answer("a").candidates, *answer("b", stop="length").candidates))
    assert [found.path for found in compare(before, after)] == ["$.candidates[1].stop"]


def test_refusal() -> None:
    found = told(compare(answer(Refusal(text="no"), stop="refusal"), answer(Refusal(text="never"), stop="refusal")))
    assert found == []
    found = told(compare(answer("Of course."), answer(Refusal(text="no"), stop="refusal")))
    assert found == [("finish", "stop", "refusal"), ("refusal", False, True), ("text", "Of course.", "")]


def test_tools_are_called_in_any_order() -> None:
    assert compare(calls(call("a"), call("b")), calls(call("b"), call("a"))) == ()


def test_what_is_said_beside_calls_is_small_talk() -> None:
    talking = answer("I shall look that up for you." * 9, call(), stop="tool_use")
    assert compare(talking, calls(call())) == compare(calls(call()), talking) == ()
    assert [one.what for one in compare_texts(talking, calls(call()))] == ["text"]


def test_words_after_calls_that_are_done_count() -> None:
    done = answer(call(), "It rains.")
    assert [one.what for one in compare(done, answer(call()))] == ["text"]


def test_arguments_that_are_no_object_any_more_differ_also_where_none_fitted() -> None:
    found = compare(calls(call(arguments={"town": "Bern"})), calls(call(arguments='{"town": ')), REQUEST)
    assert told(found) == [("arguments-schema", "fits", "the arguments are no JSON object")]


def test_tools_are_counted() -> None:
    found = compare(calls(call("a"), call("a")), calls(call("a"), call("b")))
    assert told(found) == [("tool-names", ["a", "a"], ["a", "b"])]


def test_many_names_are_cut() -> None:
    (found,) = compare(calls(), calls(*[call("n" * 100)] * 25))
    assert isinstance(found.replayed, list)
    assert found.replayed[-1] == "… 5 more"
    assert found.replayed[0] == "n" * 60 + "…"


def test_values_of_arguments_are_no_difference() -> None:
    assert compare(calls(call()), calls(call(arguments={"city": "Rom"})), REQUEST) == ()


def test_keys_of_arguments_are() -> None:
    found = compare(calls(call()), calls(call(arguments={"city": "Rom", "unit": "C"})))
    assert told(found) == [("argument-keys", ["city"], ["city", "unit"])]
    assert found[0].path == "$.candidates[0].tool_calls['weather'].arguments"


def test_calls_of_one_tool_are_paired_by_their_keys() -> None:
    before = calls(call(arguments={"a": 1}), call(arguments={"b": 1}))
    assert compare(before, calls(call(arguments={"b": 2}), call(arguments={"a": 2}))) == ()
    found = compare(before, calls(call(arguments={"c": 2}), call(arguments={"a": 2})))
    assert told(found) == [("argument-keys", ["b"], ["c"])]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"city": 5}, "$.city: 5 is not of type 'string'"),
        ("{", "the arguments are no JSON object"),
        ("[]", "the arguments are no JSON object"),
    ],
)
def test_arguments_that_no_longer_fit(arguments: str | Wire, problem: str) -> None:
    found = compare(calls(call()), calls(call(arguments=arguments)), REQUEST)
    assert told(found) == [("arguments-schema", "fits", problem)]


def test_arguments_that_never_fitted_do_not_differ() -> None:
    assert compare(calls(call(arguments={"city": 1})), calls(call(arguments={"city": 2})), REQUEST) == ()
    assert compare(calls(call(arguments={"city": 1})), calls(call()), REQUEST) == ()


def test_tool_without_a_schema_takes_any_object() -> None:
    request = Request(messages=(), tools=(Tool(name="weather"),))
    assert compare(calls(call()), calls(call(arguments={"city": 2})), request) == ()


def test_free_text_has_no_keys_and_no_schema() -> None:
    before, after = calls(call("run", "ls", custom=True)), calls(call("run", "{", custom=True))
    assert compare(before, after, REQUEST) == ()


def test_text_that_no_longer_fits() -> None:
    found = compare(answer('{"city": "Bern"}'), answer('{"town": "Bern"}'), JSON_REQUEST)
    assert told(found) == [("schema", "fits", "$: 'city' is a required property")]


def test_text_that_is_no_longer_json() -> None:
    (found,) = compare(answer('{"city": "Bern"}'), answer("Bern"), JSON_REQUEST)
    assert (found.what, found.path) == ("schema", "$.candidates[0].text")
    assert str(found.replayed).startswith("$: not JSON")


def test_text_that_never_fitted_does_not_differ() -> None:
    assert compare(answer("Bern"), answer("Rom"), JSON_REQUEST) == ()


def test_any_object_is_wanted_where_no_schema_is() -> None:
    request = Request(messages=(), output=OutputFormat())
    assert compare(answer('{"a": 1}'), answer("{}"), request) == ()
    assert told(compare(answer("{}"), answer("[]"), request)) == [("schema", "fits", "$: [] is not of type 'object'")]


def test_text_or_none() -> None:
    assert told(compare(answer("a" * 99), answer(" \n"))) == [("text", "a" * 60 + "…", " \n")]


@pytest.mark.parametrize(("before", "after"), [(1000, 4000), (1, 320), (500, 125)])
def test_length_within_the_factor_is_no_difference(before: int, after: int) -> None:
    assert compare(answer("x" * before), answer("x" * after)) == ()


@pytest.mark.parametrize(("before", "after"), [(1000, 4001), (321, 1), (500, 124)])
def test_length_beyond_the_factor_is(before: int, after: int) -> None:
    assert told(compare(answer("x" * before), answer("x" * after))) == [("length", before, after)]


def test_factor_is_the_caller_s() -> None:
    assert [found.what for found in compare(answer("x" * 100), answer("x" * 111), factor=1.1)] == ["length"]


def test_media_are_compared_by_kind() -> None:
    image, sound = Media(kind="image", data="AA=="), Media(kind="audio", data="AA==")
    assert compare(answer("a", image), answer("a", image, image)) == ()
    assert told(compare(answer("a", image), answer("a", sound))) == [("media", ["image"], ["audio"])]


# ── word for word ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_strictly_one_letter_is_a_difference() -> None:
    (found,) = compare_texts(answer("It is blue."), answer("It is Blue."))
    expected = Difference(what="text", path="$.candidates[0].text", recorded="It is blue.", replayed="It is Blue.")
    assert found == expected


def test_text_in_pieces_is_the_same_text() -> None:
    assert compare_texts(answer("It is", " blue."), answer("It is blue.")) == ()


def test_long_texts_are_cut_around_the_change() -> None:
    (found,) = compare_texts(answer("a" * 5000 + "b" + "c" * 5000), answer("a" * 5000 + "d" + "c" * 5000))
    assert found.recorded == "…" + "a" * 60 + "b" + "c" * 60 + "…"
    assert found.replayed == "…" + "a" * 60 + "d" + "c" * 60 + "…"


def test_excerpt_is_bounded() -> None:
    (found,) = compare_texts(answer("a" * 9000), answer("b" * 9000))
    assert found.recorded == "a" * 1000 + "…"


@pytest.mark.parametrize("arguments", ['{"b":1,"a":"ä"}', '{"a": "\\u00e4", "b": 1}', {"b": 1, "a": "ä"}])
def test_arguments_written_otherwise_are_the_same(arguments: str | Wire) -> None:
    assert compare_texts(calls(call(arguments={"a": "ä", "b": 1})), calls(call(arguments=arguments))) == ()


@pytest.mark.parametrize("value", [True, 1.0, "1", None])
def test_arguments_of_another_type_differ(value: JSON) -> None:
    (found,) = compare_texts(calls(call(arguments={"a": 1})), calls(call(arguments={"a": value})))
    assert (found.what, found.path) == ("arguments", "$.candidates[0].tool_calls[0].arguments")


@pytest.mark.parametrize(("one", "other"), [("{", "["), ("{", "{}")])
def test_arguments_that_are_no_object_are_compared_as_text(one: str, other: str) -> None:
    assert [found.what for found in compare_texts(calls(call(arguments=one)), calls(call(arguments=other)))] == [
        "arguments"
    ]


def test_free_text_is_compared_however_its_dialect_says_it() -> None:
    before = calls(call("run", "ls -l", custom=True))
    assert compare_texts(before, calls(call("run", {"input": "ls -l"}))) == ()
    assert [found.what for found in compare_texts(before, calls(call("run", "ls", custom=True)))] == ["arguments"]


def test_deep_arguments_are_compared_as_text() -> None:
    deep = '{"a":' * 500 + "1" + "}" * 500
    assert compare_texts(calls(call(arguments=deep)), calls(call(arguments=deep))) == ()
    assert compare_texts(calls(call(arguments=deep)), calls(call(arguments=deep.replace("1", "2")))) != ()


def test_strictly_the_order_of_calls_counts() -> None:
    found = compare_texts(calls(call("a"), call("b")), calls(call("b"), call("a")))
    assert told(found) == [("tool-names", ["a", "b"], ["b", "a"])]


# ── laws ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(responses())
@settings(deadline=None)
def test_response_does_not_differ_from_itself(response: Response) -> None:
    assert compare(response, response, REQUEST) == ()
    assert compare(response, response, JSON_REQUEST, factor=1.0) == ()
    assert compare_texts(response, response) == ()


@given(responses(), responses())
@settings(deadline=None, max_examples=50)
def test_some_differences_hold_both_ways(one: Response, other: Response) -> None:
    there = {(found.what, found.path) for found in compare(one, other)}
    back = {(found.what, found.path) for found in compare(other, one)}
    assert {found for found in there if found[0] in BOTH_WAYS} == {found for found in back if found[0] in BOTH_WAYS}


@given(responses(), responses())
@settings(deadline=None, max_examples=50)
def test_being_exactly_equal_holds_both_ways(one: Response, other: Response) -> None:
    assert bool(compare_texts(one, other)) == bool(compare_texts(other, one))


@given(responses(), responses(), st.sampled_from([None, REQUEST, JSON_REQUEST]))
@settings(deadline=None, max_examples=50)
def test_words_for_differences_are_few_and_values_short(
    one: Response, other: Response, request: Request | None
) -> None:
    found = (*compare(one, other, request), *compare_texts(one, other))
    assert {difference.what for difference in found} <= set(DIFFERENCES)
    assert all(len(repr(difference)) < 6000 for difference in found)
