"""Thinking and effort ↔ the reasoning policy.

Claude takes a budget (`enabled`), or decides itself under an effort (`adaptive`); which of them depends on the model.
Neither is taken with a forced tool. A budget is at least 1024 and below max_tokens, and is not taken amid a turn that
began without thinking. https://platform.claude.com/docs/en/build-with-claude/extended-thinking
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
    effort = _known(policy.effort)
    thinking: Wire | None = None
    if is_off(policy):
        thinking = {"type": "disabled"}
        _report_effort(policy, losses)
    elif is_on(policy) or policy.budget is not None:
        thinking, effort = _switched_on(policy, effort, wire, model, losses)
    if policy.summary is not None:
        _show(policy, thinking, losses)
    if thinking is not None:
        wire["thinking"] = overlay(thinking, policy, NAME)
    if effort is not None:
        config = wire.get("output_config")
        wire["output_config"] = {"effort": effort, **(config if isinstance(config, dict) else {})}


def _known(effort: str | None) -> str | None:
    """Return the effort as Claude calls it, None where it has none of this name."""
    return "low" if effort == "minimal" else effort if effort in _EFFORTS else None


def _report_effort(policy: ReasoningPolicy, losses: Losses) -> None:
    """Report an effort that is said otherwise, or not at all."""
    said = policy.effort
    if said == "minimal":
        losses.approximated(policy.at, "reasoning_config", "Claude's least effort is low")
    elif said not in (None, "none", *_EFFORTS):
        losses.dropped(policy.at, "reasoning_config", f"Claude knows no effort of this name: {show(said)}")


def _switched_on(
    policy: ReasoningPolicy, effort: str | None, wire: Wire, model: Model, losses: Losses
) -> tuple[Wire | None, str | None]:
    """Return thinking and effort in the way that the model takes."""
    if not (model.budget or model.adaptive):
        losses.dropped(policy.at, "reasoning_config", "this Claude does not think")
        return None, None
    budget = policy.budget if policy.budget is not None and policy.budget > 0 else None
    adaptive = model.adaptive and (budget is None or not model.budget)
    if adaptive or budget is not None:
        _report_effort(policy, losses)
    if adaptive:
        return _adaptive(policy, effort, wire, model, losses)
    reason = _forced(wire) or _amid(wire)
    if reason is not None:
        losses.dropped(policy.at, "reasoning_config", f"Claude takes no budget for thinking {reason}")
        return None, None if budget is None else effort
    fitted = _fitted(budget or _room(policy, wire, model), wire, losses)
    if budget is None:
        losses.approximated(policy.at, "reasoning_config", f"this Claude takes a budget: {fitted} tokens")
        effort = None
    elif fitted != budget:
        losses.approximated(policy.at, "reasoning_config", f"{fitted} tokens in place of {budget}, to fit")
    return {"type": "enabled", "budget_tokens": fitted}, effort


def _adaptive(
    policy: ReasoningPolicy, effort: str | None, wire: Wire, model: Model, losses: Losses
) -> tuple[Wire | None, str | None]:
    """Return thinking that Claude measures out itself. An effort is taken without thinking, too."""
    if policy.enabled is None and policy.budget is None and model.sampling and refused_beside_thinking(wire):
        return None, effort  # it leaves room for the sampling
    if policy.budget is not None:
        effort = effort or _known(effort_of(policy))
    reason = _forced(wire)
    if reason is not None:
        losses.dropped(policy.at, "reasoning_config", f"Claude does not think {reason}")
        return None, effort
    if policy.budget is not None:
        losses.approximated(policy.at, "reasoning_config", "this Claude takes no budget; it decides itself")
    return {"type": "adaptive"}, effort


def _room(policy: ReasoningPolicy, wire: Wire, model: Model) -> int:
    """Return the budget that the effort stands for. Where nothing says how much: half of what may be said in all."""
    budget = budget_of(policy) or 0
    return budget if budget > 0 else (count(wire.get("max_tokens")) or model.max_tokens) // 2


def _fitted(budget: int, wire: Wire, losses: Losses) -> int:
    """Return the budget within its bounds. Where max_tokens leaves no room for the least budget, it is raised."""
    most = count(wire.get("max_tokens")) or 0
    fitted = max(budget, _LEAST)
    if fitted >= most:
        fitted = max(most * 3 // 4, _LEAST)
    if fitted >= most:
        wire["max_tokens"] = _LEAST * 2
        losses.approximated(losses.place("max_tokens"), "max_tokens", "raised above the least budget for thinking")
    return fitted


def _forced(wire: Wire) -> str | None:
    """Return why no thinking at all would be taken."""
    choice = wire.get("tool_choice")
    forced = isinstance(choice, dict) and choice.get("type") in ("any", "tool")
    return "while a tool is forced" if forced else None


def _amid(wire: Wire) -> str | None:
    """Return why a budget for thinking would be refused."""
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
