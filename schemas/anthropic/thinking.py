"""Thinking and effort ↔ the reasoning policy.

Claude takes a budget (`enabled`), or decides itself under an effort (`adaptive`); which of them depends on the model.
A budget is at least 1024 and below max_tokens, and is not taken with a forced tool, nor amid a turn that began without
thinking. https://platform.claude.com/docs/en/build-with-claude/extended-thinking
"""

from __future__ import annotations

from dragoman.schemas.anthropic.marks import NAME
from dragoman.schemas.anthropic.models import Model
from dragoman.schemas.fields import leftovers, overlay
from dragoman.schemas.ir import JSON, ReasoningPolicy, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import count, objects, show, text
from dragoman.schemas.reasoning import budget_of, effort_of, is_off, is_on

__all__ = ["decode_thinking", "encode_thinking", "knows_thinking", "refused_beside_thinking"]

_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_LEAST = 1024
_THOUGHTS = ("thinking", "redacted_thinking")


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_thinking(wire: Wire) -> ReasoningPolicy | None:
    """Read thinking and effort. A kind of thinking that is not known is left to the request's own fields."""
    held, config = wire.get("thinking"), wire.get("output_config")
    thinking: Wire = held if isinstance(held, dict) else {}
    effort = text(config.get("effort")) if isinstance(config, dict) else None
    kind = thinking.get("type")
    if effort is None and kind not in ("enabled", "adaptive", "disabled"):
        return None
    budget = count(thinking.get("budget_tokens")) if kind == "enabled" else None
    on = effort is None and budget is None
    display = thinking.get("display")
    known = ("type", "budget_tokens", "display") if display == "summarized" else ("type", "budget_tokens")
    return ReasoningPolicy(
        enabled=False if kind == "disabled" else True if on else None,
        effort=effort,
        budget=budget,
        summary="auto" if display == "summarized" else None,
        at=("thinking",) if thinking else ("output_config", "effort"),
        extra=leftovers(thinking, known, NAME) if knows_thinking(held) else None,
    )


def knows_thinking(held: JSON) -> bool:
    """Return whether this is a kind of thinking that the policy can hold."""
    return isinstance(held, dict) and held.get("type") in ("enabled", "adaptive", "disabled")


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_thinking(policy: ReasoningPolicy, wire: Wire, model: Model, losses: Losses) -> None:
    """Add thinking and effort to a request, a new object that has its messages, its tools and its max_tokens."""
    effort = _effort(policy, losses)
    thinking: Wire | None = None
    if is_off(policy):
        thinking = {"type": "disabled"}
    elif is_on(policy) or policy.budget is not None:
        thinking, effort = _switched_on(policy, effort, wire, model, losses)
    if policy.summary is not None:
        _show(policy, thinking, losses)
    if thinking is not None:
        wire["thinking"] = overlay(thinking, policy, NAME)
    if effort is not None:
        config = wire.get("output_config")
        wire["output_config"] = {"effort": effort, **(config if isinstance(config, dict) else {})}


def _effort(policy: ReasoningPolicy, losses: Losses) -> str | None:
    said = policy.effort
    if said is None or said == "none" or said in _EFFORTS:
        return None if said == "none" else said
    if said == "minimal":
        losses.approximated(policy.at, "reasoning_config", "Claude's least effort is low")
        return "low"
    losses.dropped(policy.at, "reasoning_config", f"Claude knows no effort of this name: {show(said)}")
    return None


def _switched_on(
    policy: ReasoningPolicy, effort: str | None, wire: Wire, model: Model, losses: Losses
) -> tuple[Wire | None, str | None]:
    """Return thinking and effort in the way that the model takes."""
    budget = policy.budget if policy.budget is not None and policy.budget > 0 else None
    if model.adaptive and (budget is None or not model.budget):
        if policy.enabled is None and policy.budget is None and model.sampling and refused_beside_thinking(wire):
            return None, effort  # an effort is taken without thinking, too, and leaves room for the sampling
        if policy.budget is not None:
            losses.approximated(policy.at, "reasoning_config", "this Claude takes no budget; it decides itself")
            effort = effort or _known(effort_of(policy))
        return {"type": "adaptive"}, effort
    if budget is None:
        budget = budget_of(policy) if policy.effort is not None else None
        budget = budget or _room(wire, model)
        losses.approximated(policy.at, "reasoning_config", f"this Claude takes a budget: {max(budget, _LEAST)} tokens")
        effort = None
    reason = _hindrance(wire)
    if reason is not None:
        losses.dropped(policy.at, "reasoning_config", f"Claude takes no budget for thinking {reason}")
        return None, effort
    return {"type": "enabled", "budget_tokens": _fitted(budget, policy, wire, losses)}, effort


def _known(effort: str | None) -> str | None:
    return "low" if effort == "minimal" else effort


def _room(wire: Wire, model: Model) -> int:
    """Return a budget where nothing says how much: half of what may be said in all."""
    return (count(wire.get("max_tokens")) or model.max_tokens) // 2


def _fitted(budget: int, policy: ReasoningPolicy, wire: Wire, losses: Losses) -> int:
    """Return the budget within its bounds. Where max_tokens leaves no room for the least budget, it is raised."""
    most = count(wire.get("max_tokens")) or 0
    fitted = max(budget, _LEAST)
    if fitted >= most:
        fitted = max(most * 3 // 4, _LEAST)
    if fitted >= most:
        wire["max_tokens"] = _LEAST * 2
        losses.approximated(losses.place("max_tokens"), "max_tokens", "raised above the least budget for thinking")
    if fitted != budget:
        losses.approximated(policy.at, "reasoning_config", f"{fitted} tokens in place of {budget}, to fit")
    return fitted


def _hindrance(wire: Wire) -> str | None:
    """Return why a budget for thinking would be refused."""
    choice = wire.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") in ("any", "tool"):
        return "while a tool is forced"
    messages = [message for message in objects(wire.get("messages")) if message.get("role") != "system"]
    if len(messages) < 2 or not any(block.get("type") == "tool_result" for block in objects(messages[-1]["content"])):
        return None
    first = next(iter(objects(messages[-2]["content"])), None)
    began = first is not None and first.get("type") in _THOUGHTS
    return None if began else "amid a turn that began without it"


def refused_beside_thinking(wire: Wire) -> list[str]:
    """Return the sampling parameters of a request that Claude refuses while it thinks."""
    names = ["temperature"] if wire.get("temperature") not in (None, 1) else []
    top_p = wire.get("top_p")
    if isinstance(top_p, (int, float)) and top_p < 0.95:
        names.append("top_p")
    return [*names, "top_k"] if "top_k" in wire else names


def _show(policy: ReasoningPolicy, thinking: Wire | None, losses: Losses) -> None:
    """Ask for the thinking to be shown, as Claude does it: summarized."""
    if thinking is None or thinking["type"] == "disabled":
        losses.dropped(policy.at, "reasoning_config", "there is no thinking to tell of")
        return
    thinking["display"] = "summarized"
    if policy.summary != "auto":
        losses.approximated(policy.at, "reasoning_config", "Claude tells of its thinking in one way only")
