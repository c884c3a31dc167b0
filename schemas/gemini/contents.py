"""Turns → contents, in the order that Gemini wants them.

Neighbours of one speaker are one content. A turn of calls follows a turn of the user's and is followed by as many
results, all in one content: an answer that is missing, and a call that nobody made, are made up and reported.
https://ai.google.dev/gemini-api/docs/function-calling
"""

from __future__ import annotations

from collections.abc import Sequence

from dragoman.schemas.fields import overlay
from dragoman.schemas.gemini.camel import NAME, fitted_name
from dragoman.schemas.gemini.parts import encode_call, encode_part, encode_text
from dragoman.schemas.gemini.results import encode_result
from dragoman.schemas.ir import JSON, Media, Message, Part, Text, ToolCall, ToolResult, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_object
from dragoman.schemas.turns import plain_text

__all__ = ["add_part", "encode_contents"]

# What Gemini 3 takes in place of a thought's signature, for calls that it has not made itself.
_UNSIGNED = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
_NO_RESULT = "No result."


def encode_contents(messages: Sequence[Message], losses: Losses, *, signed: bool) -> list[JSON]:
    """Return the contents; `signed`: the model refuses calls of its current turn without the signature of a thought."""
    contents = _Contents(losses, signed=signed)
    current = _current_turn(messages) if signed else len(messages)
    for index, message in enumerate(messages):
        if message.role == "user":
            contents.add_user(message)
        elif message.role == "assistant":
            contents.add_model(message, signed=index > current)
    return contents.close()


def _current_turn(messages: Sequence[Message]) -> int:
    """Return where the model's current turn begins: after the last words of the user's."""
    for index in range(len(messages) - 1, -1, -1):
        message = messages[index]
        if message.role == "user" and any(type(part) is not ToolResult for part in message.parts):
            return index
    return -1


class _Contents:
    """Contents as they grow: who speaks, in which parts, and which calls wait for their result."""

    __slots__ = ("_contents", "_losses", "_names", "_open", "_parts", "_signed", "_speaker")

    def __init__(self, losses: Losses, *, signed: bool) -> None:
        self._losses = losses
        self._signed = signed
        self._contents: list[JSON] = []
        self._speaker = ""
        self._parts: list[JSON] = []
        self._names: dict[str, str] = {}
        self._open: dict[str, list[ToolCall]] = {}

    def add_user(self, message: Message) -> None:
        said = plain_text(message.parts)
        if said is not None:
            self._add("user", [{"text": said}], message)
            return
        parts: list[JSON] = []
        alone = len(message.parts) == 1
        for part in message.parts:
            if isinstance(part, ToolResult):
                self._meet(part)
                parts.append(encode_result(part, self._names, self._losses))
            else:
                add_part(part, parts, self._losses, replayed=True, alone=alone)
        self._add("user", parts, message)

    def add_model(self, message: Message, *, signed: bool) -> None:
        said = plain_text(message.parts)
        if said is not None:
            if said and self._open:
                self._open_for_model()
            self._add("model", [{"text": said}] if said else [], message)
            return
        parts: list[JSON] = []
        calls: list[ToolCall] = []
        for part in message.parts:
            if isinstance(part, ToolCall):
                calls.append(part)
                parts.append(encode_call(part, self._losses))
            else:
                add_part(part, parts, self._losses, replayed=True)
        if not parts:
            self._add("model", parts, message)
            return
        if self._open:
            self._open_for_model()
        if calls:
            self._note(calls, message)
        if signed:
            self._sign_first(parts, message)
        self._add("model", parts, message)

    def close(self) -> list[JSON]:
        """Return the contents, with every call answered."""
        if self._open and self._speaker == "model":
            self._say("user", [])
        self._answer_all()
        return self._contents

    def _add(self, speaker: str, parts: list[JSON], message: Message) -> None:
        if not parts:
            self._report(message)
            return
        if speaker == self._speaker:
            self._parts.extend(parts)
        else:
            self._say(speaker, parts)
        if message.extra is not None:
            self._contents[-1] = overlay(as_object(self._contents[-1], ()), message, NAME)

    def _report(self, message: Message) -> None:
        """Report the fields of a message of Gemini's that says nothing, since it leaves no content."""
        for key in (message.extra or {}).get(NAME, {}):
            self._losses.dropped((*message.at, key), "extension", "stands beside a turn in which nothing is said")

    def _say(self, speaker: str, parts: list[JSON]) -> None:
        self._contents.append({"role": speaker, "parts": parts})
        self._speaker, self._parts = speaker, parts

    def _open_for_model(self) -> None:
        """Answer what is open before the model speaks again."""
        if self._speaker == "user":
            self._answer_all()

    def _note(self, calls: list[ToolCall], message: Message) -> None:
        """Note the calls of a turn, which takes words of the user's before it."""
        if not self._speaker:
            self._say("user", [{"text": " "}])
            self._losses.synthesized(message.at, "text", "Gemini takes calls after a user's turn", severity="advisory")
        for call in calls:
            self._names[call.id] = fitted_name(call.name)
            self._open.setdefault(call.id, []).append(call)

    def _meet(self, result: ToolResult) -> None:
        """Note the result of a call; where there is none, let the model make it."""
        waiting = self._open.get(result.call_id)
        if waiting is None:
            self._call_for(result)
            return
        waiting.pop()
        if not waiting:
            del self._open[result.call_id]

    def _call_for(self, result: ToolResult) -> None:
        self._losses.synthesized(result.at, "tool_call", "Gemini refuses a result without its call; one is made up")
        self._losses.approximated(result.at, "tool_result", "it answers a call that is made up", severity="advisory")
        name = self._names.setdefault(result.call_id, fitted_name(result.name or "unknown"))
        call: Wire = {"functionCall": {"id": result.call_id, "name": name, "args": {}}}
        if self._signed:
            call["thoughtSignature"] = _UNSIGNED
        if self._speaker == "model":
            self._parts.append(call)
        elif len(self._contents) > 1:
            parts = as_object(self._contents[-2], ())["parts"]
            if isinstance(parts, list):
                parts.append(call)
        else:
            if not self._speaker:
                self._say("user", [{"text": " "}])
            self._say("model", [call])

    def _answer_all(self) -> None:
        """Add a result for every call that nobody answers, after the other results of the user's turn."""
        if not self._open:
            return
        made: list[JSON] = []
        for call in (call for waiting in self._open.values() for call in waiting):
            self._losses.synthesized(call.at, "tool_result", "Gemini refuses a call without its result")
            held: Wire = {"id": call.id, "name": fitted_name(call.name), "response": {"error": _NO_RESULT}}
            made.append({"functionResponse": held})
        self._open = {}
        place = max((place + 1 for place, part in enumerate(self._parts) if _is_result(part)), default=0)
        self._parts[place:place] = made

    def _sign_first(self, parts: list[JSON], message: Message) -> None:
        """Sign the first call of a step with the word that Google gives out for calls of other models."""
        call = next((part for part in parts if isinstance(part, dict) and "functionCall" in part), None)
        if call is not None and "thoughtSignature" not in call:
            call["thoughtSignature"] = _UNSIGNED
            self._losses.synthesized(
                message.at, "reasoning_signature", "Gemini 3 wants a call signed; it need not check"
            )


def _is_result(part: JSON) -> bool:
    return isinstance(part, dict) and "functionResponse" in part


def add_part(part: Part, parts: list[JSON], losses: Losses, *, replayed: bool, alone: bool = False) -> None:
    """Add a part, where it says anything: an empty text does not, unless it carries a field of Gemini's own."""
    if isinstance(part, Text) and not part.text and not alone:
        bare = encode_text(part, losses, replayed=replayed)
        if len(bare) > 1:
            parts.append(bare)
        return
    if isinstance(part, Media) and part.transcript:
        losses.approximated(part.at, "audio", "Gemini has no transcript beside a sound; said as text")
        parts.append({"text": part.transcript})
    wire = encode_part(part, losses, replayed=replayed)
    if wire is not None:
        parts.append(wire)
