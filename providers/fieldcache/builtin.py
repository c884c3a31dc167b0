"""The rules that come with a provider: what vendors are known to want back, and the scope in which they take it.

- Gemini signs calls, and refuses those of the current turn that come back without it; another model cannot read it.
  https://ai.google.dev/gemini-api/docs/thought-signatures
- Claude wants the thinking before a call back as it was; a signature is of one model.
  https://platform.claude.com/docs/en/build-with-claude/extended-thinking
- DeepSeek refuses calls without the thoughts before them; thoughts without calls are better not said again.
  https://api-docs.deepseek.com/guides/thinking_mode
- Responses takes sealed reasoning back from whom it was given to: the model, and the organization of the key. Where the
  vendor keeps answers, a request goes on from the last one; if it says the turns before it, too, it is not told so.
  https://platform.openai.com/docs/guides/reasoning

All belong to a conversation, and nothing is put beside a call that the client has not said again as it was.
"""

from __future__ import annotations

from dragoman.providers.settings import Inject, Rule

__all__ = ["RULES", "builtin_rules"]

_BEFORE_CALLS = Inject(target="unified_request", path="parts", how="prepend")
_THOUGHTS = "reasoning-content"
_RESPONSE_IDS = "response-ids"

RULES = (
    Rule(
        name="gemini-signatures",
        source="unified_response",
        path="candidates[*].parts[type=tool_call].signature",
        mode="per_tool_call",
        scope=("provider", "model", "conversation"),
        inject=Inject(target="unified_request", path="parts[call].signature"),
        dialects=("gemini",),
    ),
    Rule(
        name="anthropic-thinking",
        source="unified_response",
        path="candidates[*].parts[signature.dialect=anthropic]",
        mode="per_tool_call",
        scope=("provider", "model", "conversation"),
        inject=_BEFORE_CALLS,
        dialects=("anthropic",),
    ),
    Rule(
        name=_THOUGHTS,
        source="unified_response",
        path="candidates[*].parts[type=reasoning]",
        mode="per_tool_call",
        scope=("provider", "conversation"),
        inject=_BEFORE_CALLS,
        dialects=("openai-chat",),
    ),
    Rule(
        name="responses-reasoning",
        source="unified_response",
        path="candidates[*].parts[signature.dialect=openai-responses]",
        mode="per_tool_call",
        scope=("provider", "model", "credential", "conversation"),
        inject=_BEFORE_CALLS,
        dialects=("openai-responses",),
    ),
    Rule(
        name=_RESPONSE_IDS,
        source="unified_response",
        path="id",
        scope=("provider", "credential", "conversation"),
        inject=Inject(target="request", path="previous_response_id"),
        dialects=("openai-responses",),
        alone=True,
    ),
    Rule(
        name="prompt-cache-key",
        source="request",
        path="prompt_cache_key",
        scope=("provider", "conversation"),
        inject=Inject(target="request", path="prompt_cache_key"),
        dialects=("openai-chat", "openai-responses"),
    ),
)
# Who takes thoughts back under the name of DeepSeek's: the vendor, and servers of one's own. Others refuse the field.
_TAKE_THOUGHTS = frozenset({"deepseek", "openai-compatible", "vllm", "llamacpp", "lmstudio", "litellm", "fireworks"})


def builtin_rules(vendor: str, dialect: str, *, keeps_responses: bool) -> tuple[Rule, ...]:
    """Return the rules for a vendor, and the dialect (or the one that it is derived from) that it is spoken to in.
    `keeps_responses`: one can go on from an answer by its id."""
    without = set[str]() if keeps_responses else {_RESPONSE_IDS}
    if vendor not in _TAKE_THOUGHTS:
        without.add(_THOUGHTS)
    return tuple(rule for rule in RULES if dialect in rule.dialects and rule.name not in without)
