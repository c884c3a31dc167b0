"""One question, made into a call for each who may be asked it: late, and once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from dragoman.providers import question as module
from dragoman.providers.exchange import Call
from dragoman.providers.prepare import Prepared, prepare_wanted
from dragoman.providers.question import Page, Question
from dragoman.providers.quota import Wants
from dragoman.providers.route import Target
from dragoman.providers.routing import Candidate, Turn
from dragoman.providers.settings import Prices
from dragoman.schemas.errors import DragomanError, InvalidInput, ProfileFault, RefusedLoss
from dragoman.schemas.ir import Message, Parameters, Request, Text
from dragoman.schemas.losses import Loss
from tests.providers.doubles import FakeTransport
from tests.providers.routes import Member, Script, World, answer, seat

TWICE = Request(messages=(Message(role="user", parts=(Text(text="hi"),)),), parameters=Parameters(n=2, max_tokens=50))
PRICES = {"*": Prices(input=1.0, output=10.0)}


def members(**settings: Any) -> list[Member]:
    dialects = {"one": "openai-chat", "two": "anthropic", "three": "gemini"}
    return [
        Member(name=name, script=Script(answer()), dialect=dialect, settings=settings, seats=(seat("a"), seat("b")))
        for name, dialect in dialects.items()
    ]


def question(
    request: Request | str = "hi", *, allows_loss: bool = False, prices: Mapping[str, Prices] | None = None
) -> Question:
    world = World(*members(prices=prices or {}))
    world.loop.close()
    return Question(world.router.candidates, world.provider.prepare(request, allows_loss=allows_loss))


def turn(question: Question, number: int, seat: int) -> Turn:
    candidate = question.candidates[number]
    target = Target(candidate=number, seat=seat, provider="p", model="m", credential="c")
    return Turn(candidate=candidate, seat=candidate.seats[seat], target=target)


def test_the_first_call_is_what_was_prepared() -> None:
    asked = question()
    assert asked.call(turn(asked, 0, 0)) is asked.prepared(0).call


@pytest.mark.parametrize(("number", "header"), [(0, "Authorization"), (1, "x-api-key"), (2, "x-goog-api-key")])
def test_another_key_takes_the_place_of_the_first(number: int, header: str) -> None:
    asked = question()
    first, second = (asked.call(turn(asked, number, seat)) for seat in range(2))
    assert ("sk-of-a" in first.headers[header], "sk-of-b" in second.headers[header]) == (True, True)
    assert "sk-of-a" not in repr(second)


def test_each_is_asked_for_his_own_model() -> None:
    asked = question()
    before = [asked.model(number) for number in range(3)]
    prepared = [asked.prepared(number).model for number in range(3)]
    assert before == prepared == ["model-of-one", "model-of-two", "model-of-three"]


def test_nothing_is_prepared_before_it_is_wanted_and_then_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = list[str]()

    def watched(profile: Any, key: Any, wanted: Any) -> Prepared:
        made.append(profile.name)
        return prepare_wanted(profile, key, wanted)

    monkeypatch.setattr(module, "prepare_wanted", watched)
    asked = question()
    assert made == []
    for _ in range(2):
        asked.call(turn(asked, 1, 1))
        asked.wants(1)
        asked.cost(1)
    assert made == ["two"]


def test_what_would_change_the_meaning_is_refused_each_time() -> None:
    asked = question(TWICE)
    for _ in range(2):
        with pytest.raises(RefusedLoss) as caught:
            asked.prepared(1)
    assert [loss.feature for loss in caught.value.losses] == ["n"]


def test_what_would_change_the_meaning_may_be_allowed() -> None:
    assert question(TWICE, allows_loss=True).prepared(1).losses


def test_what_is_lost_for_the_first_just_as_well_is_no_reason() -> None:
    candidates = [member.candidate() for member in members()]
    swapped = [candidates[1], candidates[1]]
    world = World(members()[1], members()[1])
    world.loop.close()
    asked = Question(swapped, world.provider.prepare(TWICE))
    assert asked.prepared(1).losses


@pytest.mark.parametrize("fault", [InvalidInput("$.tools", "too deep"), ProfileFault("two: there is no base_url")])
def test_who_cannot_be_asked_at_all_is_tried_once(monkeypatch: pytest.MonkeyPatch, fault: DragomanError) -> None:
    tried = list[str]()

    def refusing(profile: Any, key: Any, wanted: Any) -> Prepared:
        tried.append(profile.name)
        raise fault

    monkeypatch.setattr(module, "prepare_wanted", refusing)
    asked = question(prices=PRICES)
    assert (asked.wants(1).tokens, asked.cost(1)) == (asked.wants(0).tokens, None)
    with pytest.raises(type(fault)):
        asked.call(turn(asked, 1, 0))
    assert tried == ["two"]


def _with_losses(asked: Question, losses: tuple[Loss, ...]) -> Question:
    return Question(asked.candidates, msgspec.structs.replace(asked.prepared(0), losses=losses))


def test_what_is_said_otherwise_to_the_first_may_not_be_left_out_for_another() -> None:
    """Anthropic has no `n`: that is dropped. Only one who drops it, too, is no worse."""
    place = next(loss.path for loss in question(TWICE, allows_loss=True).prepared(1).losses if loss.feature == "n")
    known = {
        "dropped": Loss(path=place, feature="n", severity="meaning", action="dropped", reason=""),
        "advisory": Loss(path=place, feature="n", severity="advisory", action="dropped", reason=""),
        "approximated": Loss(path=place, feature="n", severity="meaning", action="approximated", reason=""),
    }
    assert _with_losses(question(TWICE), (known["dropped"],)).prepared(1)
    for name in ("advisory", "approximated"):
        with pytest.raises(RefusedLoss):
            _with_losses(question(TWICE), (known[name],)).prepared(1)


def test_who_cannot_be_asked_wants_what_the_first_does() -> None:
    asked = question(TWICE)
    assert (asked.wants(1), asked.cost(1)) == (asked.wants(0), None)


def test_what_is_foreseen_covers_each_of_the_answers() -> None:
    asked = question(TWICE, prices=PRICES)
    foreseen = asked.cost(0)
    assert foreseen is not None
    assert foreseen >= 100 * 10.0 / 1e6
    assert asked.wants(0).cost == foreseen


def test_without_prices_nothing_is_foreseen_of_the_cost() -> None:
    asked = question()
    assert (asked.cost(0), asked.prices(0), asked.wants(0).cost) == (None, None, 0.0)


def test_a_page_is_what_it_is() -> None:
    page = Page(call := Call(url="https://here/v1/models", method="GET"))
    candidate = Candidate(profile=members()[0].candidate().profile, transport=FakeTransport())
    one = Turn(
        candidate=candidate, seat=seat("a"), target=Target(candidate=0, seat=0, provider="", model="", credential="")
    )
    assert page.call(one) is call
    assert (page.model(0), page.wants(0), page.cost(0), page.prices(0)) == (None, Wants(), None, None)
