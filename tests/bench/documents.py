"""Documents to measure with: one conversation, said as a chat request, an Anthropic request and a response of either.

Everything is made by rule, so two runs measure the same bytes. A document of a size has the same content in both
dialects; only then are chat → anthropic and anthropic → chat comparable.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator
from typing import Final, NamedTuple

from dragoman.schemas.ir import JSON, Wire

__all__ = ["SIZES", "anthropic_request", "anthropic_response", "chat_line", "chat_request", "chat_response", "dump"]

SIZES: Final = {"1k": (1_000, 1_250), "26k": (25_500, 27_500), "1m": (1_000_000, 1_100_000)}  # least and most bytes

_IMAGE_BYTES: Final = 765_000
_TURNS: Final = 20
_SYSTEM: Final = (
    "You are the assistant of a regional railway. Answer in the traveller's language, naming platform and time."
)
_SENTENCES: Final = (
    "The 07:42 to Göteborg runs about twelve minutes late because of a signal fault south of Alingsås.",
    "You can change at Herrljunga, where the regional train waits for up to five minutes.",
    "Your ticket is valid on the next departure, too; a seat reservation is not carried over.",
    "Platform 3 is closed until noon, so boarding moves to platform 5 across the footbridge.",
    "The bistro car serves breakfast until 09:30 and takes cards only.",
    "Two bicycles are booked in coach 4; the ramp is ordered for the wheelchair user from Skövde.",
    "If the delay grows beyond twenty minutes, compensation is paid without a claim.",
    "A replacement bus leaves from the north side of the station every 15 minutes.",
)
_QUESTIONS: Final = (
    "Does the morning train to Göteborg still reach the 09:10 ferry?",
    "My connection in Herrljunga is tight. What happens if we arrive eight minutes late?",
    "Could you look up whether there is space for two bicycles and a pram on Friday?",
    "Which platform does it leave from today, and is the lift working?",
)


class _Turn(NamedTuple):
    question: str
    calls: tuple[tuple[str, str, Wire, str], ...]  # id, name, arguments, result
    answer: str


class _Story(NamedTuple):
    turns: tuple[_Turn, ...]
    tools: tuple[tuple[str, str, Wire], ...]  # name, description, schema
    image: str | None = None  # base64


def chat_request(size: str) -> Wire:
    """Return an openai-chat request of about this size: "1k", "26k" or "1m"."""
    story = _story(size)
    messages: list[JSON] = [{"role": "system", "content": _SYSTEM}]
    for turn in story.turns:
        messages += _chat_turn(turn)
    messages.append({"role": "user", "content": _chat_question(story.image)})
    return {
        "model": "gpt-5.2",
        "messages": messages,
        "temperature": 0.3,
        "max_tokens": 1024,
        "tools": [_chat_tool(*tool) for tool in story.tools],
        "tool_choice": "auto",
    }


def anthropic_request(size: str) -> Wire:
    """Return the same conversation as `chat_request`, as an Anthropic request."""
    story = _story(size)
    messages: list[JSON] = []
    for turn in story.turns:
        messages += _anthropic_turn(turn)
    messages.append({"role": "user", "content": _anthropic_question(story.image)})
    return {
        "model": "claude-sonnet-4-5",
        "system": _SYSTEM,
        "messages": messages,
        "temperature": 0.3,
        "max_tokens": 1024,
        "tools": [{"name": name, "description": about, "input_schema": schema} for name, about, schema in story.tools],
        "tool_choice": {"type": "auto"},
    }


def chat_response() -> Wire:
    """Return an openai-chat response of about 2 KB: a text and two calls."""
    message: Wire = {"role": "assistant", "content": _words(3, 14), "refusal": None, "annotations": []}
    message["tool_calls"] = [_chat_call(*call) for call in _turn(3).calls]
    choice: Wire = {"index": 0, "message": message, "logprobs": None, "finish_reason": "tool_calls"}
    usage: Wire = {
        "prompt_tokens": 1846,
        "completion_tokens": 402,
        "total_tokens": 2248,
        "prompt_tokens_details": {"cached_tokens": 1536, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 128, "audio_tokens": 0},
    }
    return {
        "id": "chatcmpl-CVn4kfjKBzLhGGeExbhd9pGTQWxKB",
        "object": "chat.completion",
        "created": 1761902140,
        "model": "gpt-5.2-2026-01-12",
        "choices": [choice],
        "usage": usage,
        "service_tier": "default",
        "system_fingerprint": "fp_cbf1785567",
    }


def anthropic_response() -> Wire:
    """Return the same answer as `chat_response`, as an Anthropic response."""
    content: list[JSON] = [{"type": "text", "text": _words(3, 14)}]
    return {
        "id": "msg_01WpeYwkXdTf5SLeWKT6oF2R",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": content + [_anthropic_call(*call) for call in _turn(3).calls],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 310,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 1536,
            "output_tokens": 402,
            "service_tier": "standard",
        },
    }


def chat_line(number: int) -> bytes:
    """Return one line of a JSONL file of openai-chat requests: about 500 bytes, no two alike."""
    messages: list[JSON] = [{"role": "system", "content": _SYSTEM}]
    messages.append({"role": "user", "content": f"Case {number}: {_QUESTIONS[number % len(_QUESTIONS)]}"})
    return dump({"model": "gpt-5.2", "messages": messages, "temperature": 0.3, "max_tokens": 512}) + b"\n"


def dump(document: Wire) -> bytes:
    """Return the document as it goes over the wire."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


# ---- the conversation ------------------------------------------------------------------------------------------------


def _story(size: str) -> _Story:
    if size == "26k":
        return _Story(tuple(map(_turn, range(_TURNS))), tuple(_tools()))
    few = (_Turn(_QUESTIONS[0], (), _SENTENCES[0]),)
    return _Story(few, tuple(_tools())[:1], _image() if size == "1m" else None)


def _turn(number: int) -> _Turn:
    """Return one exchange. Every second one calls a tool, and every fourth two at once."""
    how_many = (0, 1, 0, 2)[number % 4]
    calls = tuple(_call(number, index) for index in range(how_many))
    return _Turn(_QUESTIONS[number % len(_QUESTIONS)], calls, _words(number, 4))


def _call(number: int, index: int) -> tuple[str, str, Wire, str]:
    names = [name for name, _, _ in _tools()]
    arguments: Wire = {
        "station": "Herrljunga",
        "at": f"2026-03-{number + 1:02d}T07:42:00",
        "limit": 3 + index,
        "filters": {"accessible": True, "classes": ["second", "quiet"]},
    }
    rows = [{"train": 100 + number, "track": str(track), "delay_minutes": 1.5 * track} for track in range(1, 6)]
    result = json.dumps({"station": "Herrljunga", "departures": rows, "note": _words(number + index, 1)})
    return f"call_{number:04d}{index:04d}vQ3x7ZkP", names[(number + index) % len(names)], arguments, result


def _words(start: int, count: int) -> str:
    return " ".join(_SENTENCES[(start + step) % len(_SENTENCES)] for step in range(count))


def _tools() -> Iterator[tuple[str, str, Wire]]:
    subjects = ("departures", "arrivals", "connections", "seats", "delays", "fares", "bicycles", "assistance")
    for subject in subjects:
        about = f"Look up {subject} at a station, ordered by local time."
        yield f"find_{subject}", about, _schema(subject)


def _schema(subject: str) -> Wire:
    classes: Wire = {"type": "array", "items": {"type": "string", "enum": ["second", "quiet"]}}
    properties: Wire = {
        "station": {"type": "string", "description": "As printed in the timetable"},
        "at": {"type": "string", "format": "date-time", "description": "Not before"},
        "limit": {"type": "integer", "minimum": 1, "maximum": 20},
        "filters": {
            "type": "object",
            "properties": {"accessible": {"type": "boolean"}, "classes": classes},
            "additionalProperties": False,
        },
    }
    return {"type": "object", "properties": properties, "required": ["station", "at"], "additionalProperties": False}


def _image() -> str:
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + random.Random(7).randbytes(_IMAGE_BYTES)).decode()


# ---- the same, as each dialect says it -------------------------------------------------------------------------------


def _chat_turn(turn: _Turn) -> Iterator[JSON]:
    yield {"role": "user", "content": turn.question}
    if turn.calls:
        yield {"role": "assistant", "content": None, "tool_calls": [_chat_call(*call) for call in turn.calls]}
    for call_id, _, _, result in turn.calls:
        yield {"role": "tool", "tool_call_id": call_id, "content": result}
    yield {"role": "assistant", "content": turn.answer}


def _chat_tool(name: str, about: str, schema: Wire) -> JSON:
    return {"type": "function", "function": {"name": name, "description": about, "parameters": schema}}


def _chat_call(call_id: str, name: str, arguments: Wire, _result: str) -> JSON:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}


def _chat_question(image: str | None) -> JSON:
    if image is None:
        return _QUESTIONS[1]
    picture: Wire = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image}"}}
    return [{"type": "text", "text": "What does the departure board in this picture say?"}, picture]


def _anthropic_turn(turn: _Turn) -> Iterator[JSON]:
    yield {"role": "user", "content": turn.question}
    if turn.calls:
        yield {"role": "assistant", "content": [_anthropic_call(*call) for call in turn.calls]}
        yield {"role": "user", "content": [_anthropic_result(call_id, result) for call_id, _, _, result in turn.calls]}
    yield {"role": "assistant", "content": [{"type": "text", "text": turn.answer}]}


def _anthropic_call(call_id: str, name: str, arguments: Wire, _result: str) -> JSON:
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def _anthropic_result(call_id: str, result: str) -> JSON:
    return {"type": "tool_result", "tool_use_id": call_id, "content": result}


def _anthropic_question(image: str | None) -> JSON:
    if image is None:
        return _QUESTIONS[1]
    source: Wire = {"type": "base64", "media_type": "image/png", "data": image}
    words: Wire = {"type": "text", "text": "What does the departure board in this picture say?"}
    return [words, {"type": "image", "source": source}]
