"""A whole answer → the JSON object of `complete --json`. Its fields are only ever added to."""

from __future__ import annotations

from dragoman.cli.answer.fields import (
    attempts_fields,
    call_fields,
    finish_fields,
    kept_fields,
    loss_fields,
    reasoning_of,
    refusal_of,
    timing_fields,
    usage_fields,
)
from dragoman.providers.account import cost_fields
from dragoman.providers.answers import Completion
from dragoman.schemas.ir import Wire

__all__ = ["SCHEMA_VERSION", "answer_document"]

SCHEMA_VERSION = 1


def answer_document(completion: Completion) -> Wire:
    """Return what there is to know of an answer. Thoughts and refusals are there only if there are any."""
    response = completion.response
    first = response.candidates[0] if response.candidates else None
    rare = {"reasoning": reasoning_of(response), "refusal": refusal_of(response)}
    return {
        "schema_version": SCHEMA_VERSION,
        "text": completion.text,
        **{name: text for name, text in rare.items() if text},
        "tool_calls": [call_fields(call) for call in completion.tool_calls],
        "finish": finish_fields(first),
        "usage": usage_fields(completion.usage),
        **cost_fields(completion.cost),
        "timing": timing_fields(completion.timing),
        "attempts": attempts_fields(completion.attempts),
        "id": response.id,
        **kept_fields(completion.kept),
        "request_id": completion.request_id,
        "model": response.model or (completion.attempts[-1].model if completion.attempts else None),
        "profile": completion.profile,
        "dialect": completion.dialect,
        "losses": list(loss_fields(completion.losses)),
    }
