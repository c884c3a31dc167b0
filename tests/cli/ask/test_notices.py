"""Notices: what is lost in meaning is told unless it is quiet, the rest for those who ask."""

from __future__ import annotations

import pytest

from dragoman.cli.ask.notices import MAX_LINES, loss_lines, tell_losses, tell_warnings, weighed
from dragoman.schemas.losses import FEATURES, Action, Loss
from tests.cli.harness import Text
from tests.cli.typed import environment

AUDIO = Loss("$.attach[0]", "audio", "meaning", "dropped", "Claude takes no audio")
SEED = Loss("$.seed", "sampling", "advisory", "dropped", "Claude has no seed")


def told(verbosity: int, *losses: Loss) -> list[str]:
    here = environment()
    tell_losses(losses, "anthropic", here, verbosity=verbosity)
    assert isinstance(here.stderr, Text)
    return here.stderr.getvalue().splitlines()


def test_loss_in_meaning_is_told_and_an_advisory_one_is_not() -> None:
    assert told(0, SEED, AUDIO) == [
        "dragoman: warning: anthropic: $.attach[0]: audio is left out: Claude takes no audio"
    ]


def test_all_are_told_to_those_who_ask_and_none_to_those_who_do_not() -> None:
    assert len(told(1, SEED, AUDIO)) == 2
    assert "note: anthropic: $.seed: sampling is left out" in told(1, SEED)[0]
    assert told(-1, AUDIO) == []


def test_many_losses_are_counted() -> None:
    lines = told(0, *[AUDIO] * (MAX_LINES + 5))
    assert (len(lines), lines[-1]) == (MAX_LINES + 1, "dragoman: and 5 more: -v lists them")
    assert len(told(1, *[AUDIO] * (MAX_LINES + 5))) == MAX_LINES + 5


def test_losses_do_nothing_to_a_terminal() -> None:
    nasty = Loss("$['\x1b[2J']", "text", "meaning", "dropped", "\x1b]0;x\x07")
    assert all(line.isprintable() for line in loss_lines([nasty], "a", whole=False))


def test_warnings_are_told_unless_it_is_quiet() -> None:
    here = environment()
    tell_warnings(["profiles.yaml: others can read it\x1b"], here, quiet=True)
    tell_warnings(["profiles.yaml: others can read it\x1b"], here)
    assert isinstance(here.stderr, Text)
    assert here.stderr.getvalue() == "dragoman: warning: profiles.yaml: others can read it\\u001b\n"


@pytest.mark.parametrize(
    ("path", "feature", "action", "option"),
    [
        ("$.seed", "sampling", "dropped", "seed"),
        ("$.temperature", "sampling", "approximated", "temperature"),
        ("$.generationConfig.topP", "sampling", "dropped", "top_p"),
        ("$.max_completion_tokens", "max_tokens", "dropped", "max_tokens"),
        ("$.stop[4]", "stop", "dropped", "stop"),
        ("$.reasoning", "reasoning_config", "dropped", "reasoning"),
    ],
)
def test_option_that_was_typed_is_missed(path: str, feature: str, action: Action, option: str) -> None:
    loss = Loss(path, feature, FEATURES[feature], action, "not here")
    assert [found.severity for found in weighed([loss], {option})] == ["meaning"]
    assert weighed([loss], {"other"}) == [loss]


@pytest.mark.parametrize(
    "loss",
    [
        Loss("$.max_tokens", "max_tokens", "advisory", "synthesized", "wants a limit"),
        Loss("$.reasoning", "reasoning_config", "advisory", "approximated", "says it as a budget"),
        Loss("$.messages[0].cache_control", "cache_control", "advisory", "dropped", "knows none"),
    ],
)
def test_what_is_added_or_only_said_otherwise_is_not_missed(loss: Loss) -> None:
    assert weighed([loss], {"max_tokens", "reasoning"}) == [loss]
