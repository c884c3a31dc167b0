"""What a run amounts to, added up from results."""

from __future__ import annotations

import json
import tracemalloc
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from dragoman.cli.replaying.measures import (
    MAX_CLASSES,
    PERCENTILES,
    Distribution,
    ErrorCount,
    Figures,
    Measures,
    speed_of,
)
from dragoman.cli.replaying.results import Fault, Result, from_line, to_line
from dragoman.schemas.comparison import DIFFERENCES, Difference
from dragoman.schemas.ir import JSON, Wire
from tests.cli.harness import ROOT
from tests.cli.replaying.samples import FINISH, failed, measured, result, run


def figures(*results: Result) -> Figures:
    return measured(*results).figures()


def checker() -> Draft202012Validator:
    return Draft202012Validator(json.loads((ROOT / "schemas" / "replay.schema.json").read_text()))


def test_outcomes_are_counted() -> None:
    found = figures(result(), result(outcome="different", differences=(FINISH,)), failed(), failed())
    assert (found.count, found.ok, found.different, found.failed) == (4, 1, 1, 2)
    assert len(measured(result(), failed())) == 2


def test_unknown_outcome_is_none_that_went_well() -> None:
    assert figures(result(outcome="odd")).failed == 1


def test_errors_are_counted_by_kind_and_status_the_most_frequent_first() -> None:
    found = figures(failed(fault=Fault(kind="timeout", message="x")), failed(), failed())
    assert found.errors == (
        ErrorCount(kind="rate-limit", status=429, count=2),
        ErrorCount(kind="timeout", status=None, count=1),
    )


def test_differences_are_counted_once_a_result() -> None:
    text = Difference(what="text", path="$")
    found = figures(result(differences=(FINISH, FINISH, text)), result(differences=(FINISH,)))
    assert found.differences == {"finish": 2, "text": 1}


def test_classes_are_bounded() -> None:
    number = MAX_CLASSES + 50
    found = figures(*[failed(fault=Fault(kind=f"k{i}", message="")) for i in range(number)])
    assert len(found.errors) == MAX_CLASSES + 1
    assert found.errors[0] == ErrorCount(kind="other", status=None, count=50)


def test_retries_and_losses_are_added_up() -> None:
    found = figures(result(attempts=3, losses=2), result(attempts=1, losses=1), result(attempts=0))
    assert (found.retries, found.losses) == (2, 3)


def test_percentiles_are_values_that_were_measured() -> None:
    found = figures(*[result(total=float(value)) for value in range(100, 0, -1)]).total
    assert found == Distribution(n=100, min=1, mean=50.5, p50=50, p90=90, p99=99, max=100)


def test_p99_of_a_few_is_the_slowest_and_says_of_how_many() -> None:
    found = figures(result(total=1.0), result(total=2.0), result(total=9.0)).total
    assert (found.n, found.p50, found.p90, found.p99) == (3, 2.0, 9.0, 9.0)


@given(st.lists(st.floats(min_value=0, max_value=1e9), min_size=1, max_size=300))
def test_percentiles_are_by_nearest_rank(values: list[float]) -> None:
    found = figures(*[result(total=value) for value in values]).total
    ordered = sorted(values)
    assert [found.p50, found.p90, found.p99] == [
        ordered[-(-len(values) * share // 100) - 1] for share in PERCENTILES.values()
    ]
    assert (found.n, found.min, found.max) == (len(values), ordered[0], ordered[-1])
    assert found.mean == pytest.approx(sum(values) / len(values))


@given(st.integers(min_value=1, max_value=300))
def test_percentile_is_supported_where_something_is_slower(number: int) -> None:
    found = figures(*[result(total=float(n)) for n in range(number)]).total
    slowest = {name for name in ("p90", "p99") if getattr(found, name) == found.max}
    assert set(found.percentiles()) == set(PERCENTILES) - slowest


def test_many_values_are_merged_in_order() -> None:
    found = figures(*[result(total=float((index * 7919) % 40_000)) for index in range(40_000)]).total
    assert (found.min, found.p50, found.p90, found.p99, found.max) == (0, 19_999, 35_999, 39_599, 39_999)


def test_failures_have_no_times() -> None:
    found = figures(failed(total=5.0, first=1.0, usage={"output_tokens": 5}), result(total=7.0))
    assert (found.total.n, found.first_output.n, found.tokens_per_second.n) == (1, 0, 0)


def test_failures_that_were_recorded_are_ok_and_have_no_times_either() -> None:
    found = figures(failed(outcome="ok", usage={"output_tokens": 9}), result(total=2.0))
    assert (found.ok, found.failed) == (2, 0)
    assert (found.total.n, found.tokens_per_second.n) == (1, 0)


def test_only_streams_have_a_first_output() -> None:
    whole = result(first=9.0, streams=False)
    assert figures(whole, result(first=3.0)).first_output == figures(result(first=3.0)).first_output


@pytest.mark.parametrize(
    ("told", "speed"),
    [
        (result(total=3000.0, first=1000.0, usage={"output_tokens": 100}), (50.0, True)),
        (result(total=2000.0, usage={"output_tokens": 100}), (50.0, False)),
        (result(total=2000.0, first=1999.9, usage={"output_tokens": 100}), (50.0, False)),
        (result(total=2000.0, usage={"output_tokens": 0}), (None, False)),
        (result(total=0.0, usage={"output_tokens": 5}), (None, False)),
        (result(), (None, False)),
        (failed(usage={"output_tokens": 5}), (None, False)),
    ],
)
def test_tokens_a_second(told: Result, speed: tuple[float | None, bool]) -> None:
    assert speed_of(told) == speed
    assert figures(told).streamed == speed[1]
    assert figures(told).tokens_per_second.p50 == speed[0]


def test_tokens_are_added_up_and_what_nobody_says_is_not_zero() -> None:
    found = figures(
        result(usage={"input_tokens": 5, "output_tokens": 1, "cache_read": 0}),
        failed(usage={"input_tokens": 3, "output_tokens": None}),
    )
    assert found.tokens == {
        "input_tokens": 8,
        "output_tokens": 1,
        "cache_read": 0,
        "cache_write": None,
        "reasoning": None,
    }


def test_cost_is_that_of_those_who_tell() -> None:
    found = figures(result(usage={"cost": 0.25}), result(usage={"cost": 1}), result(usage={}))
    assert (found.cost, found.costed) == (1.25, 2)
    assert figures(result()).cost is None


@pytest.mark.parametrize("value", ["5", True, None, -1, 10**400, 1e300, inf, nan, [5], {}])
def test_nonsense_counts_for_nothing(value: JSON) -> None:
    found = figures(result(usage={"output_tokens": value, "cost": value}))
    assert (found.tokens["output_tokens"], found.cost, found.tokens_per_second.n) == (None, None, 0)


@pytest.mark.parametrize("value", [-1.0, 1e300, inf, nan])
def test_nonsense_times_are_not_known(value: float) -> None:
    found = figures(result(total=value, started=value))
    assert (found.total.n, found.wall) == (0, 0.0)


def test_throughput_is_over_the_whole_run() -> None:
    usage: Wire = {"output_tokens": 100}
    found = figures(
        result(started=1000.0, total=1000.0, usage=usage),
        result(started=1500.0, total=1500.0, usage=usage),
        failed(started=2000.0, total=3000.0),
    )
    assert (found.wall, found.requests_per_second, found.output_tokens_per_second) == (4000.0, 0.5, 50.0)


def test_earlier_run_has_no_part_in_the_throughput() -> None:
    measures = measured(result(total=1000.0, usage={"output_tokens": 8}))
    measures.add_earlier(result(started=5000.0, total=9000.0, usage={"output_tokens": 100}))
    found = measures.figures()
    assert (found.count, found.total.max, found.tokens["output_tokens"]) == (2, 9000.0, 108)
    assert (found.wall, found.requests_per_second, found.output_tokens_per_second) == (1000.0, 1.0, 8.0)


def test_figures_are_those_of_all_results_that_were_added() -> None:
    measures = measured(result())
    assert measures.figures().count == 1
    measures.add(result())
    assert measures.figures().count == 2


def test_run_of_no_time_has_no_throughput() -> None:
    found = figures(result(total=0.0))
    assert (found.requests_per_second, found.output_tokens_per_second) == (None, None)


def test_nothing_has_figures_too() -> None:
    assert Measures().figures().total == Distribution()
    checker().validate(Measures().summary())


def test_summary_is_rounded() -> None:
    summary = measured(result(total=1 / 3)).summary()
    assert isinstance(summary["total"], dict)
    assert summary["total"]["p50"] == 0.333333


def test_lines_and_summary_keep_to_the_schema() -> None:
    results = [*run(20), result(differences=(FINISH,), outcome="different", first=5.0)]
    summary = measured(*results).summary()
    lines = [json.loads(to_line(one)) for one in results]
    for document in (*lines, summary, {"schema_version": 1, "type": "replay", "results": lines, "summary": summary}):
        checker().validate(document)


def test_schema_refuses_what_is_none_of_these() -> None:
    line = json.loads(to_line(result()))
    for document in ({**line, "outcome": "odd"}, {**line, "type": "summary"}, {"schema_version": 1, "type": "replay"}):
        assert not checker().is_valid(document)


def test_schema_knows_every_difference() -> None:
    schema = json.loads((ROOT / "schemas" / "replay.schema.json").read_text())
    assert set(schema["$defs"]["what"]["enum"]) == {*DIFFERENCES, "outcome", "recording"}


def test_line_read_back_measures_the_same() -> None:
    results = run(30)
    assert measured(*[from_line(to_line(one)) for one in results]).summary() == measured(*results).summary()


def test_memory_is_a_few_numbers_a_result() -> None:
    results = run(100)
    tracemalloc.start()
    try:
        measures = measured(*(one for _ in range(300) for one in results))
        measures.figures()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(measures) == 30_000
    assert peak < 2_000_000  # the rate of a million in 50 MB, and what there is always
