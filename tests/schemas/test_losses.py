"""Losses: where, what, how serious; and the policies over them."""

from __future__ import annotations

import pytest

from dragoman.schemas.errors import CallerError, RefusedLoss
from dragoman.schemas.ir import At
from dragoman.schemas.losses import FEATURES, Losses, path_of
from dragoman.schemas.policy import POLICIES, judged


@pytest.mark.parametrize(
    ("at", "path"),
    [
        ((), "$"),
        (("messages", 3, "content", 1), "$.messages[3].content[1]"),
        (("metadata", "a b"), "$.metadata['a b']"),
        (("a", "it's"), '$.a["it\'s"]'),
        (("",), "$['']"),
        (("größe",), "$.größe"),
    ],
)
def test_place_is_a_json_path(at: At, path: str) -> None:
    assert path_of(at) == path


def test_loss_has_the_severity_of_its_feature_unless_the_encoder_knows_better() -> None:
    losses = Losses()
    losses.dropped(("a",), "text", "r")
    losses.approximated(("b",), "text", "r", severity="advisory")
    losses.synthesized((), "id", "r")
    assert [(loss.action, loss.severity) for loss in losses.found] == [
        ("dropped", "meaning"),
        ("approximated", "advisory"),
        ("synthesized", "advisory"),
    ]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"max_tokens": 5}, "$.max_tokens"),
        ({"options": {"limit": 5}}, "$.options.limit"),
        ({"options": {"limit": None}, "max_tokens": 5}, "$.max_tokens"),
        ({"options": 7}, "$.options.limit"),
        (None, "$.options.limit"),
        ([], "$.options.limit"),
    ],
)
def test_place_of_a_parameter_is_where_the_document_says_it(body: object, path: str) -> None:
    losses = Losses({"max_tokens": (("options", "limit"), ("max_tokens",))}, body)  # type: ignore[arg-type]
    assert path_of(losses.place("max_tokens")) == path


def test_place_of_an_unknown_parameter_is_its_name() -> None:
    assert Losses().place("top_k") == ("top_k",)


def test_every_severity_is_one_of_two() -> None:
    assert set(FEATURES.values()) == {"meaning", "advisory"}


def some() -> Losses:
    losses = Losses()
    losses.dropped((), "id", "r")
    losses.dropped(("n",), "n", "s")
    return losses


def test_reporting_gives_the_losses() -> None:
    assert len(judged(some(), "report")) == 2


@pytest.mark.parametrize(("policy", "refused"), [("refuse-meaning", 1), ("refuse-any", 2)])
def test_refusing_names_the_first_and_holds_all(policy: str, refused: int) -> None:
    with pytest.raises(RefusedLoss, match=r"\$") as caught:
        judged(some(), policy)
    assert len(caught.value.losses) == refused
    assert ("and 1 more" in str(caught.value)) == (refused > 1)


@pytest.mark.parametrize("policy", POLICIES)
def test_nothing_lost_is_never_refused(policy: str) -> None:
    assert judged(Losses(), policy) == ()


def test_unknown_policy_is_the_callers_fault() -> None:
    with pytest.raises(CallerError, match="got 'ignore'"):
        judged(Losses(), "ignore")
