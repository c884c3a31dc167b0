"""Thinking: budgets, efforts, what each generation of Claude takes, and what does not go with it."""

from __future__ import annotations

import pytest

from dragoman.schemas.anthropic.models import model_of
from dragoman.schemas.anthropic.request import decode_request, encode_request
from dragoman.schemas.ir import (
    JSON,
    Message,
    Opaque,
    Parameters,
    Reasoning,
    ReasoningPolicy,
    Request,
    Tool,
    ToolChoice,
    Wire,
)
from dragoman.schemas.losses import Losses
from tests.schemas.anthropic.speaking import asked, asking, called, result_of, say, user

SIGNED = Reasoning(text="hm", signature=Opaque("anthropic", "c2ln"), dialect="anthropic")


def thinking(
    policy: ReasoningPolicy, *messages: Message, model: str = "m", choice: ToolChoice | None = None, **settings: float
) -> tuple[Wire, list[tuple[str, str]]]:
    """Return what is said about thinking, and the losses; a limit of 8000 tokens unless another one is said."""
    limits = {"max_tokens": 8000, **settings}
    tools = () if choice is None else (Tool(name="look", schema={"type": "object"}),)
    request = Request(
        model=model,
        messages=messages or (user("Hello"),),
        tools=tools,
        tool_choice=choice,
        parameters=Parameters(**limits),  # type: ignore[arg-type]
        reasoning=policy,
    )
    wire, losses = say(request)
    said: Wire = {key: wire[key] for key in ("thinking", "output_config", "temperature") if key in wire}
    if wire["max_tokens"] != limits["max_tokens"]:
        said["max_tokens"] = wire["max_tokens"]
    return said, [(feature, action) for _, feature, action in losses]


# ------------------------------------------------------------------------------------------------------------- decoding
READ: dict[str, tuple[Wire, ReasoningPolicy]] = {
    "budget": ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, ReasoningPolicy(budget=2048)),
    "no budget": ({"thinking": {"type": "enabled"}}, ReasoningPolicy(enabled=True)),
    "adaptive": ({"thinking": {"type": "adaptive"}}, ReasoningPolicy(enabled=True)),
    "off": ({"thinking": {"type": "disabled"}}, ReasoningPolicy(enabled=False)),
    "shown": (
        {"thinking": {"type": "adaptive", "display": "summarized"}},
        ReasoningPolicy(enabled=True, summary="auto"),
    ),
    "effort": ({"output_config": {"effort": "max"}}, ReasoningPolicy(effort="max")),
    "effort of adaptive": (
        {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
        ReasoningPolicy(effort="low"),
    ),
    "effort without thinking": (
        {"thinking": {"type": "disabled"}, "output_config": {"effort": "low"}},
        ReasoningPolicy(enabled=False, effort="low"),
    ),
    "effort and budget": (
        {"thinking": {"type": "enabled", "budget_tokens": 2048}, "output_config": {"effort": "low"}},
        ReasoningPolicy(effort="low", budget=2048),
    ),
}


@pytest.mark.parametrize(("fields", "policy"), READ.values(), ids=READ.keys())
def test_exactly_what_is_said_is_read(fields: Wire, policy: ReasoningPolicy) -> None:
    found = decode_request(asking(**fields)).reasoning
    assert found is not None
    names = ("enabled", "effort", "budget", "summary")
    assert [getattr(found, name) for name in names] == [getattr(policy, name) for name in names]


@pytest.mark.parametrize("odd", ["adaptive", {"type": "between_tools"}, {}])
def test_thinking_that_is_not_known_is_kept_as_it_is(odd: JSON) -> None:
    request = decode_request(asking(thinking=odd))
    assert request.reasoning is None
    assert request.extra == {"anthropic": {"thinking": odd}}


# ------------------------------------------------------------------------------------------------------------- encoding
ADAPTIVE: Wire = {"type": "adaptive"}


def budget(tokens: int) -> Wire:
    return {"type": "enabled", "budget_tokens": tokens}


SAID: dict[str, tuple[ReasoningPolicy, Wire, list[str]]] = {
    "budget": (ReasoningPolicy(budget=4096), {"thinking": budget(4096)}, []),
    "small budget": (ReasoningPolicy(budget=100), {"thinking": budget(1024)}, ["reasoning_config"]),
    "budget over the limit": (ReasoningPolicy(budget=9000), {"thinking": budget(6000)}, ["reasoning_config"]),
    "on": (ReasoningPolicy(enabled=True), {"thinking": ADAPTIVE}, []),
    "as much as it likes": (ReasoningPolicy(budget=-1), {"thinking": ADAPTIVE}, ["reasoning_config"]),
    "effort": (
        ReasoningPolicy(effort="high"),
        {"thinking": ADAPTIVE, "output_config": {"effort": "high"}},
        [],
    ),
    "least effort": (
        ReasoningPolicy(effort="minimal"),
        {"thinking": ADAPTIVE, "output_config": {"effort": "low"}},
        ["reasoning_config"],
    ),
    "unknown effort": (ReasoningPolicy(effort="heroic"), {"thinking": ADAPTIVE}, ["reasoning_config"]),
    "effort and budget": (
        ReasoningPolicy(effort="low", budget=2048),
        {"thinking": budget(2048), "output_config": {"effort": "low"}},
        [],
    ),
    "no effort": (ReasoningPolicy(effort="none"), {"thinking": {"type": "disabled"}}, []),
    "no budget": (ReasoningPolicy(budget=0), {"thinking": {"type": "disabled"}}, []),
    "off": (ReasoningPolicy(enabled=False), {"thinking": {"type": "disabled"}}, []),
    "shown": (
        ReasoningPolicy(enabled=True, summary="auto"),
        {"thinking": {**ADAPTIVE, "display": "summarized"}},
        [],
    ),
    "shown in detail": (
        ReasoningPolicy(enabled=True, summary="detailed"),
        {"thinking": {**ADAPTIVE, "display": "summarized"}},
        ["reasoning_config"],
    ),
    "nothing to show": (
        ReasoningPolicy(enabled=False, summary="auto"),
        {"thinking": {"type": "disabled"}},
        ["reasoning_config"],
    ),
    "only shown": (ReasoningPolicy(summary="auto"), {}, ["reasoning_config"]),
}


@pytest.mark.parametrize(("policy", "said", "lost"), SAID.values(), ids=SAID.keys())
def test_policy_is_said_in_claudes_way(policy: ReasoningPolicy, said: Wire, lost: list[str]) -> None:
    wire, losses = thinking(policy)
    assert wire == said
    assert [feature for feature, _ in losses] == lost


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("claude-sonnet-4-5", {"thinking": budget(6000)}),
        ("claude-opus-4-6", {"thinking": ADAPTIVE, "output_config": {"effort": "high"}}),
        ("claude-opus-5", {"thinking": ADAPTIVE, "output_config": {"effort": "high"}}),
    ],
)
def test_effort_is_said_as_the_model_takes_it(model: str, said: Wire) -> None:
    assert thinking(ReasoningPolicy(effort="high"), model=model)[0] == said


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("claude-sonnet-4-5", {"thinking": budget(4096)}),
        ("claude-opus-4-6", {"thinking": budget(4096)}),
        ("claude-opus-4-7", {"thinking": ADAPTIVE, "output_config": {"effort": "medium"}}),
    ],
)
def test_budget_is_said_as_the_model_takes_it(model: str, said: Wire) -> None:
    assert thinking(ReasoningPolicy(budget=4096), model=model)[0] == said


def test_thinking_that_is_only_on_gets_half_of_the_limit_on_older_models() -> None:
    wire, losses = thinking(ReasoningPolicy(enabled=True), model="claude-3-7-sonnet-latest")
    assert wire == {"thinking": budget(4000)}
    assert losses == [("reasoning_config", "approximated")]


def test_limit_is_raised_above_the_least_budget() -> None:
    wire, losses = thinking(ReasoningPolicy(budget=4096), max_tokens=500)
    assert wire == {"thinking": budget(1024), "max_tokens": 2048}
    assert {feature for feature, _ in losses} == {"max_tokens", "reasoning_config"}


@pytest.mark.parametrize("policy", [ReasoningPolicy(effort="minimal"), ReasoningPolicy(budget=4096)])
@pytest.mark.parametrize("model", ["claude-3-5-haiku-latest", "claude-3-opus-latest", "claude-2.1"])
def test_models_before_thinking_get_none(model: str, policy: ReasoningPolicy) -> None:
    assert thinking(policy, model=model) == ({}, [("reasoning_config", "dropped")])


def reasons(policy: ReasoningPolicy, model: str, *messages: Message) -> list[str]:
    losses = Losses()
    settings = Parameters(max_tokens=8000)
    request = Request(model=model, messages=messages or (user("a"),), parameters=settings, reasoning=policy)
    encode_request(request, losses)
    return [loss.reason for loss in losses.found if loss.feature == "reasoning_config"]


@pytest.mark.parametrize(
    ("effort", "tokens"), [("minimal", 1024), ("low", 1024), ("high", 6000), ("heroic", 4000), (None, 4000)]
)
def test_budget_in_place_of_an_effort_is_reported_once_as_it_is_said(effort: str | None, tokens: int) -> None:
    policy = ReasoningPolicy(enabled=True, effort=effort)
    assert reasons(policy, "claude-sonnet-4-5") == [f"this Claude takes a budget: {tokens} tokens"]


def test_effort_that_comes_to_nothing_is_reported_once() -> None:
    amid = (user("a"), asked(called()), user(result_of("c1", "x")))
    lost = ["Claude takes no budget for thinking amid a turn that began without it"]
    assert reasons(ReasoningPolicy(effort="minimal"), "claude-sonnet-4-5", *amid) == lost


def test_budget_that_gives_way_to_a_forced_tool_as_an_effort_is_reported_once() -> None:
    wire, losses = thinking(ReasoningPolicy(budget=4096), model="claude-opus-4-7", choice=FORCED)
    assert wire == {"output_config": {"effort": "medium"}}
    assert losses == [("reasoning_config", "dropped")]


# -------------------------------------------------------------------------------------------- what does not go together
FORCED = ToolChoice(mode="required", names=("look",))


def test_budget_gives_way_to_a_forced_tool() -> None:
    wire, losses = thinking(ReasoningPolicy(budget=4096), choice=FORCED)
    assert wire == {}
    assert losses == [("reasoning_config", "dropped")]


@pytest.mark.parametrize("model", ["claude-opus-4-6", "claude-opus-4-7", "gpt-5"])
def test_adaptive_thinking_gives_way_to_a_forced_tool_and_the_effort_stays(model: str) -> None:
    for choice in (FORCED, ToolChoice(mode="required")):
        wire, losses = thinking(ReasoningPolicy(effort="high"), model=model, choice=choice)
        assert wire == {"output_config": {"effort": "high"}}
        assert losses == [("reasoning_config", "dropped")]
    assert thinking(ReasoningPolicy(effort="high"), model=model, choice=ToolChoice(mode="auto"))[1] == []


def test_budget_is_not_said_amid_a_turn_that_began_without_thinking() -> None:
    history = (user("a"), asked(called()), user(result_of("c1", "x")))
    wire, losses = thinking(ReasoningPolicy(budget=4096), *history)
    assert wire == {}
    assert losses == [("reasoning_config", "dropped")]
    assert thinking(ReasoningPolicy(effort="low"), *history)[1] == []


def test_budget_is_said_amid_a_turn_that_began_with_thinking() -> None:
    history = (user("a"), asked(SIGNED, called()), user(result_of("c1", "x")))
    assert thinking(ReasoningPolicy(budget=4096), *history) == ({"thinking": budget(4096)}, [])


def test_budget_is_said_after_an_answer_in_words() -> None:
    history = (user("a"), asked("b"), user("c"))
    assert thinking(ReasoningPolicy(budget=4096), *history)[1] == []


def test_temperature_gives_way_to_thinking() -> None:
    wire, losses = thinking(ReasoningPolicy(enabled=True), temperature=0.2)
    assert wire == {"thinking": ADAPTIVE}
    assert losses == [("sampling", "dropped")]
    assert thinking(ReasoningPolicy(enabled=True), temperature=1)[1] == []


def test_effort_alone_leaves_room_for_the_temperature() -> None:
    wire, losses = thinking(ReasoningPolicy(effort="low"), temperature=0.2)
    assert wire == {"output_config": {"effort": "low"}, "temperature": 0.2}
    assert losses == []


# --------------------------------------------------------------------------------------------------------------- models
NAMES = {
    "claude-2.1": (True, True, False, False, False),
    "claude-instant-1.2": (True, True, False, False, False),
    "claude-3-haiku-20240307": (True, True, False, False, False),
    "claude-3-5-haiku-latest": (True, True, False, False, False),
    "claude-3-7-sonnet-latest": (True, True, True, False, False),
    "claude-sonnet-4-20250514": (True, True, True, False, False),
    "us.anthropic.claude-opus-4-1-20250805-v1:0": (False, True, True, False, False),
    "claude-sonnet-4-5@20250929": (False, True, True, False, False),
    "anthropic/claude-sonnet-4.6": (False, True, True, True, False),
    "claude-4.7-opus": (False, False, False, True, False),
    "claude-opus-4-8": (False, False, False, True, True),
    "claude-sonnet-5": (False, False, False, True, False),
    "claude-haiku-5-5": (False, False, False, True, True),
    "gpt-5": (False, True, True, True, True),
    "claude-mythos-preview": (False, True, True, True, True),
}


@pytest.mark.parametrize(("name", "known"), NAMES.items())
def test_generation_is_told_by_the_name(name: str, known: tuple[bool, ...]) -> None:
    model = model_of(name)
    assert known == (
        model.temperature_and_top_p,
        model.sampling,
        model.budget,
        model.adaptive,
        model.instructions_amid,
    )
