"""What was typed after `replay`, as what is to be done."""

from __future__ import annotations

import pytest

from dragoman.cli.options import Values
from dragoman.cli.replay import COMMAND
from dragoman.cli.replaying.plan import Plan, read_plan
from dragoman.cli.status import Usage


def typed(**said: object) -> Values:
    values: dict[str, object] = {
        option.name: list(option.default) if isinstance(option.default, tuple) else option.default
        for option in COMMAND.options
    }
    return {**values, **said}  # type: ignore[dict-item]  # what a test says is what the table allows


def plan(**said: object) -> Plan:
    return read_plan(typed(**said))[1]


def test_nothing_typed_is_one_after_the_other_as_recorded() -> None:
    found = plan()
    assert (found.concurrency, found.repeat, found.rate, found.speed, found.expectation) == (1, 1, None, 1.0, None)


@pytest.mark.parametrize(
    ("said", "rate"), [("5", 5.0), ("0.5", 0.5), ("300/m", 5.0), ("3600/h", 1.0), ("2/s", 2.0), ("1.5/s", 1.5)]
)
def test_rates(said: str, rate: float) -> None:
    assert plan(rate=said).rate == pytest.approx(rate)


@pytest.mark.parametrize("said", ["", "0", "0.0", "-1", "5/d", "1e9", "nan", "inf", "٣", "5 ", "1/", "9" * 40])
def test_what_is_no_rate(said: str) -> None:
    with pytest.raises(Usage, match="--rate: expected requests a second"):
        plan(rate=said)


@pytest.mark.parametrize(("said", "speed"), [("1", 1.0), ("0.25", 0.25), ("10", 10.0), ("max", None)])
def test_speeds(said: str, speed: float | None) -> None:
    assert plan(speed=said, offline=True).speed == speed


@pytest.mark.parametrize("said", ["", "0", "-1", "fast", "nan", "1e3"])
def test_what_is_no_speed(said: str) -> None:
    with pytest.raises(Usage, match="--speed: expected how many times as fast"):
        plan(speed=said, offline=True)


@pytest.mark.parametrize(
    ("name", "number"), [("concurrency", 0), ("concurrency", 5000), ("repeat", 0), ("repeat", 10**8)]
)
def test_counts_have_limits(name: str, number: int) -> None:
    with pytest.raises(Usage, match=f"--{name}: expected 1 to"):
        plan(**{name: number})


@pytest.mark.parametrize(("said", "streams"), [({}, None), ({"streams": True}, True), ({"no_streams": True}, False)])
def test_whether_to_stream(said: dict[str, bool], streams: bool | None) -> None:
    assert plan(**said).changes.streams is streams


def test_how_to_compare() -> None:
    for strict in (False, True):
        found = plan(expect="recorded", strict_text=strict).expectation
        assert found is not None
        assert found.is_strict is strict


@pytest.mark.parametrize(("said", "factor"), [(None, None), ("1", 1.0), ("2.5", 2.5)])
def test_by_how_much_lengths_may_differ(said: str | None, factor: float | None) -> None:
    found = plan(expect="recorded", factor=said).expectation
    assert found is not None
    assert found.factor == factor


@pytest.mark.parametrize("said", ["", "0", "0.9", "-2", "nan", "inf", "x", "٣"])
def test_what_is_no_factor(said: str) -> None:
    with pytest.raises(Usage, match="--factor: expected a number from 1"):
        plan(expect="recorded", factor=said)


@pytest.mark.parametrize("said", ["run.png", "run.SVG", "-"])
def test_where_to_draw(said: str) -> None:
    assert plan(plot=said).forms.plot == said


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"offline": True, "profile": "x"}, "--offline and -p do not go together"),
        ({"offline": True, "dry_run": True}, "--offline and --dry-run do not go together"),
        ({"offline": True, "dialect": "gemini"}, "--offline and --dialect do not go together"),
        ({"original": True, "dialect": "gemini"}, "--original and --dialect do not go together"),
        ({"offline": True, "record_missing": True}, "--offline and --record-missing do not go together"),
        ({"dry_run": True, "resume": "x"}, "--dry-run and --resume do not go together"),
        ({"offline": True, "rate": "1"}, "--rate does not go with --offline"),
        ({"offline": True, "original": True}, "--original does not go with --offline"),
        ({"serve": "1", "dry_run": True}, "--dry-run does not go with --serve"),
        ({"serve": "1", "resume": "x"}, "--resume does not go with --serve"),
        ({"serve": "1", "record_missing": True}, "--record-missing asks a provider"),
        ({"serve": "1", "profile": "x"}, "--serve asks nobody"),
        ({"factor": "2"}, "--factor is for --expect recorded"),
        ({"factor": "2", "expect": "recorded", "strict_text": True}, "--factor is for --expect recorded"),
        ({"serve": "1", "factor": "2", "expect": "recorded"}, "--expect does not go with --serve"),
        ({"source": "klingon"}, "--from: unknown dialect"),
        ({"filters": ["nothing=1"]}, "--filter: expected one of"),
        ({"sets": ["a"]}, "--set: expected PATH=VALUE"),
    ],
)
def test_what_contradicts_itself_is_refused(said: dict[str, object], problem: str) -> None:
    with pytest.raises(Usage, match=problem):
        plan(**said)
