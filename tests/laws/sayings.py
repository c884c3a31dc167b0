"""What a value of the IR says, one saying for each thing: the yardstick of law one.

Two values that mean the same have the same sayings: texts count by speaker, calls by their ordinal, arguments and JSON
results by value; neighbours of one role are one turn, results stand first in it; `at`, ids of calls and defaults that
change nothing are not said. A saying whose `host` is lost goes with it: a cache mark with its text.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, TypeAlias

import msgspec

from dragoman.schemas.arguments import arguments_text
from dragoman.schemas.ir import (
    JSON,
    At,
    BuiltinCall,
    BuiltinResult,
    BuiltinTool,
    Citation,
    Continuation,
    CustomTool,
    Error,
    Media,
    Message,
    Native,
    Node,
    Opaque,
    OutputFormat,
    Parameters,
    Part,
    Reasoning,
    ReasoningPolicy,
    Refusal,
    Request,
    Response,
    Text,
    TokenLogprob,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Usage,
    Value,
)
from dragoman.schemas.media import sniffed
from dragoman.schemas.spelling import fit_name
from dragoman.schemas.stops import settled

__all__ = ["COUNTS", "Saying", "canonical", "of_error", "of_request", "of_response"]

Key: TypeAlias = "tuple[object, ...]"
# What a parameter means when it is not said.
_DEFAULTS: dict[str, object] = {
    "n": 1,
    "logprobs": False,
    "top_logprobs": 0,
    "parallel_tools": True,
    "service_tier": "auto",
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "stream": False,
    "stream_usage": False,
}
_TIERS = {"standard": "default", "standard_only": "default"}
_WRAPPINGS = ({"result"}, {"output"}, {"content"}, {"error"})


class Saying(NamedTuple):
    """`kind` is what the table of excuses knows it by, `key` what is compared, `at` where the source says it."""

    kind: str
    key: Key
    at: At = ()
    host: tuple[str, Key] | None = None

    def shown(self) -> str:
        return f"{self.kind}: {', '.join(_cut(item) for item in self.key)}"


def _cut(item: object) -> str:
    said = repr(item)
    return said if len(said) <= 160 else said[:160] + "…"


def canonical(value: object) -> str:
    """Return JSON by value: the order of keys does not count, 1 is not 1.0."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


# ----------------------------------------------------------------------------------------------------------- request
def of_request(request: Request) -> list[Saying]:
    said = [*_plain("model", request.model, ("model",)), *_parameters(request.parameters)]
    said += [Saying("stop", (stop,), ("stop",)) for stop in request.stop if stop]
    said += [saying for message in request.instructions for saying in _Talk("instruction").message(message)]
    said += _Talk("").messages(request.messages)
    said += [saying for tool in request.tools for saying in _tool(tool)]
    said += [*_choice(request.tool_choice), *_format(request.output), *_policy(request.reasoning)]
    if set(request.modalities) - {"text"}:
        said += [Saying("modality", (name,), ("modalities",)) for name in request.modalities]
    said += [
        Saying("metadata", (key, canonical(value)), ("metadata",)) for key, value in (request.metadata or {}).items()
    ]
    said += [_continuation(item) for item in request.continuations]
    return [*said, *_mark(request, "request", ()), *_extra(request, None)]


def _plain(kind: str, value: object, at: At, host: tuple[str, Key] | None = None) -> Iterator[Saying]:
    """Say a value, unless it is none."""
    if value is not None:
        yield Saying(kind, (value,), at, host)


def _parameters(said: Parameters) -> Iterator[Saying]:
    for name in said.__struct_fields__:
        value = getattr(said, name)
        value = _TIERS.get(value, value) if name == "service_tier" else value
        if name == "logprobs" and said.top_logprobs:
            continue  # to ask for the best ones is to ask
        if value is not None and not (name in _DEFAULTS and value == _DEFAULTS[name]):
            yield Saying(f"parameter.{name}", (value,), (name,))


def _tool(tool: Tool | CustomTool | BuiltinTool) -> Iterator[Saying]:
    if isinstance(tool, BuiltinTool):
        yield Saying("builtin_tool", (tool.dialect, tool.kind, canonical(tool.wire)), tool.at)
        return
    name, kind = fit_name(tool.name), "tool" if isinstance(tool, Tool) else "custom_tool"
    host = (kind, (name,))
    yield Saying(kind, (name,), tool.at)
    yield Saying(f"{kind}.name", (name, tool.name), tool.at, host)
    if tool.description:
        yield Saying(f"{kind}.description", (name, tool.description), tool.at, host)
    if isinstance(tool, CustomTool) and tool.grammar is not None:
        yield Saying("custom_tool.grammar", (name, tool.syntax, tool.grammar), tool.at, host)
    if isinstance(tool, Tool):
        yield from _function(tool, name, host)
    yield from _mark(tool, name, tool.at, host)
    yield from _extra(tool, host)


def _function(tool: Tool, name: str, host: tuple[str, Key]) -> Iterator[Saying]:
    if tool.schema and tool.schema != {"type": "object", "properties": {}}:
        yield Saying("tool.schema", (name, canonical(tool.schema)), tool.at, host)
    if tool.strict:  # False is what every API does unless it is told otherwise, or has to be said for that
        yield Saying("tool.strict", (name, tool.strict), tool.at, host)
    if tool.namespace is not None:
        yield Saying("tool.namespace", (name, tool.namespace), tool.at, host)


def _choice(choice: ToolChoice | None) -> Iterator[Saying]:
    if choice is None:
        return
    host = ("tool_choice", (choice.mode, tuple(sorted(fit_name(name) for name in choice.names)), choice.builtin))
    if choice.mode != "auto" or choice.names:
        yield Saying("tool_choice", host[1], choice.at)
    yield from _extra(choice, host)


def _format(output: OutputFormat | None) -> Iterator[Saying]:
    if output is None:
        return
    host = ("output", ("json",))
    yield Saying("output", ("json",), output.at)
    if output.schema is not None:
        yield Saying("output.schema", (canonical(output.schema),), output.at, host)
        yield from _plain("output.name", output.name, output.at, host)
        yield from _plain("output.description", output.description, output.at, host)
        yield from _plain("output.strict", output.strict or None, output.at, host)
    yield from _extra(output, host)


def _policy(policy: ReasoningPolicy | None) -> Iterator[Saying]:
    if policy is None:
        return
    off = policy.enabled is False or policy.budget == 0 or policy.effort == "none"
    if off or policy.enabled or policy.effort or policy.budget:
        yield Saying("reasoning", ("off" if off else "on",), policy.at)
    if not off:
        yield from _plain("reasoning.effort", policy.effort, policy.at)
        yield from _plain("reasoning.budget", None if policy.budget == -1 else policy.budget, policy.at)
    yield from _plain("reasoning.summary", policy.summary, policy.at)
    yield from _extra(policy, None)


def _continuation(item: Continuation) -> Saying:
    return Saying("continuation", (item.dialect, item.name, canonical(item.value)), item.at)


# -------------------------------------------------------------------------------------------------- what nodes share
def _mark(node: Node, named: str, at: At, host: tuple[str, Key] | None = None) -> Iterator[Saying]:
    cache = getattr(node, "cache", None)
    if cache is not None:
        yield Saying("cache", (named, cache.ttl), at, host)


def _opaque(signature: Opaque | None, at: At, host: tuple[str, Key] | None) -> Iterator[Saying]:
    if signature is not None:
        yield Saying("opaque", (signature.dialect, signature.value), at, host)


def _extra(node: Node | None, host: tuple[str, Key] | None) -> Iterator[Saying]:
    """Say each field that one dialect knows, with the place that its loss must name."""
    for dialect, fields in ((node and node.extra) or {}).items():
        for key, value in fields.items():
            if node is not None and value is not None:
                yield Saying("extra", (dialect, key, canonical(value)), (*node.at, key), host)


# ------------------------------------------------------------------------------------------------------ conversation
class _Talk:
    """Says a conversation, and counts its calls. `prefix` keeps the answers of several candidates apart."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._ordinals: dict[str, int] = {}
        self._calls = 0

    def messages(self, messages: Iterable[Message]) -> list[Saying]:
        """Say whole turns: neighbours of one role together, results before everything else, in the order of calls."""
        said: list[Saying] = []
        run: list[Message] = []
        for message in messages:
            if run and message.role != run[0].role:
                said += self._turn(run)
                run = []
            run.append(message)
        return said + (self._turn(run) if run else [])

    def _turn(self, run: list[Message]) -> list[Saying]:
        parts = [part for message in run for part in message.parts]
        results = [part for part in parts if isinstance(part, ToolResult)]
        others = [part for part in parts if not isinstance(part, ToolResult)]
        results.sort(key=self._ordinal_of_result)
        said = [saying for part in (*results, *others) for saying in self.part(part, self._speaker(run[0]))]
        if run[0].role in ("system", "developer"):
            said = [saying for message in run for saying in self.message(message)]
        return said + [saying for message in run for saying in _extra(message, None)]

    def _ordinal_of_result(self, result: ToolResult) -> int:
        return self._ordinals.get(result.call_id, -1)

    def _speaker(self, message: Message) -> str:
        return self._prefix + ("instruction" if message.role in ("system", "developer") else message.role)

    def message(self, message: Message) -> list[Saying]:
        """Say one message of instructions."""
        said = [saying for part in message.parts for saying in self.part(part, "instruction")]
        roles = [
            Saying("instruction.role", (message.role, saying.key[1]), saying.at, (saying.kind, saying.key))
            for saying in said
            if saying.kind == "text"
        ]
        return [*said, *roles, *_extra(message, None)]

    def parts(self, parts: Iterable[Part], speaker: str) -> list[Saying]:
        return [saying for part in parts for saying in self.part(part, speaker)]

    def part(self, part: Part, speaker: str) -> Iterator[Saying]:
        match part:
            case Text():
                yield from _text(part, speaker)
            case Media():
                yield from _media(part, speaker)
            case ToolCall():
                yield from self._call(part)
            case ToolResult():
                yield from self._result(part)
            case Reasoning():
                yield from _thought(part, speaker)
            case Refusal():
                yield from _words("refusal", speaker, part.text, part.at)
            case Value():
                yield Saying("text", (speaker, canonical(part.value)), part.at)
            case BuiltinCall() | BuiltinResult():
                yield Saying("builtin_call", (speaker, part.dialect, canonical(part.wire)), part.at)
            case Native():
                yield Saying("native", (part.feature, part.dialect, canonical(part.wire)), part.at)
        if not isinstance(part, (Text, Media, ToolCall, ToolResult)):
            yield from _extra(part, None)

    def _call(self, call: ToolCall) -> Iterator[Saying]:
        ordinal = f"{self._prefix}{self._calls}"
        self._ordinals[call.id] = self._calls
        self._calls += 1
        name = fit_name(call.name)
        host = ("call", (ordinal, name))
        yield Saying("call", host[1], call.at)
        yield Saying("call.name", (ordinal, call.name), call.at, host)
        yield Saying("call.arguments", (ordinal, _arguments(call)), call.at, host)
        if call.custom:
            yield Saying("call.custom", (ordinal,), call.at, host)
        if call.namespace is not None:
            yield Saying("call.namespace", (ordinal, call.namespace), call.at, host)
        yield from _mark(call, f"call {ordinal}", call.at, host)
        yield from _opaque(call.signature, call.at, host)
        yield from _extra(call, host)

    def _result(self, result: ToolResult) -> Iterator[Saying]:
        ordinal = self._ordinals.get(result.call_id, -1)
        host = ("result", (ordinal,))
        yield Saying("result", host[1], result.at)
        if result.is_error:
            yield Saying("result.error", (ordinal,), result.at, host)
        yield from _mark(result, f"result {ordinal}", result.at, host)
        yield from _extra(result, host)
        speaker = f"result {ordinal}"
        only = result.content[0] if len(result.content) == 1 else None
        if isinstance(only, (Text, Value)):
            yield from _only(only, speaker)
        else:
            yield from self.parts(result.content, speaker)


def _arguments(call: ToolCall) -> str:
    """Return arguments by value. An empty text, a null and {} are the same: no arguments."""
    said = arguments_text(call)
    if call.custom:
        return said
    try:
        value: JSON = json.loads(said or "{}")
    except ValueError:
        return f"not JSON: {said}"
    return canonical(value or {}) if isinstance(value, dict) or value is None else f"no object: {said}"


def _only(part: Text | Value, speaker: str) -> Iterator[Saying]:
    """Say what a result is when it is one thing: text that is JSON counts as its value, out of a wrapping object."""
    value = _unwrapped(part.value if isinstance(part, Value) else part.text)
    said = value if isinstance(value, str) else canonical(value)
    if isinstance(part, Text):
        yield from _text(msgspec.structs.replace(part, text=said), speaker)
    else:
        yield from _text(Text(text=said, at=part.at, extra=part.extra), speaker)


def _unwrapped(value: JSON) -> JSON:
    for _ in range(4):
        if isinstance(value, str):
            parsed = _container(value)
            if parsed is None:
                return value
            value = parsed
        elif isinstance(value, dict) and set(value) in _WRAPPINGS:
            value = next(iter(value.values()))
        else:
            return value
    return value


def _container(said: str) -> dict[str, JSON] | list[JSON] | None:
    try:
        value: JSON = json.loads(said)
    except ValueError:
        return None
    return value if isinstance(value, (dict, list)) else None


def _words(kind: str, speaker: str, said: str, at: At) -> Iterator[Saying]:
    if said.strip():
        yield Saying(kind, (speaker, said), at)


def _text(part: Text, speaker: str) -> Iterator[Saying]:
    host = ("text", (speaker, part.text)) if part.text.strip() else None
    yield from _words("text", speaker, part.text, part.at)
    for citation in part.citations:
        yield from _citation(citation, part)
    if host is not None or part.signature is not None:
        yield from _opaque(part.signature, part.at, None)
    if host is not None:
        yield from _mark(part, f"text that ends {part.text.rstrip()[-8:]}", part.at, host)
    yield from _extra(part, host)


def _citation(citation: Citation, text: Text) -> Iterator[Saying]:
    source = citation.url or citation.file_id or canonical(citation.native)
    host = ("citation", (source,))
    at = citation.at or text.at
    yield Saying("citation", (source,), at)
    yield from _plain("citation.title", citation.title or None, at, host)
    yield from _plain("citation.cited_text", citation.cited_text, at, host)
    end = len(text.text) if citation.end is None else citation.end
    yield Saying("citation.span", (source, text.text[citation.start or 0 : end]), at, host)
    yield from _extra(citation, host)


def _media(part: Media, speaker: str) -> Iterator[Saying]:
    shown, mime = _shown(part)
    host = ("media", (speaker, part.kind, shown))
    yield Saying("media", host[1], part.at)
    if mime is not None:
        yield Saying("media.mime", (shown[-16:], mime), part.at, host)
    for name in ("name", "detail", "context", "cite", "transcript"):
        value = getattr(part, name)
        if value not in (None, False, "auto", ""):
            yield Saying(f"media.{name}", (shown[-16:], value), part.at, host)
    yield from _mark(part, f"media {shown[-16:]}", part.at, host)
    yield from _opaque(part.signature, part.at, host)
    yield from _extra(part, host)


def _shown(part: Media) -> tuple[str, str | None]:
    """Return what stands for a medium, and its type where it matters. A text is a text in base64, too."""
    if part.content is not None:
        return "\n".join(item.text for item in part.content if isinstance(item, Text)), "text/plain"
    if part.data is None:
        return part.url or part.file_id or part.text or "", None if part.text is None else part.mime or "text/plain"
    if part.mime is not None and part.mime.startswith("text/"):
        return _words_in(part.data), part.mime
    return part.data, part.mime or sniffed(part.data)


def _words_in(data: str) -> str:
    """Return the text that base64 holds, or what there is instead."""
    try:
        return base64.b64decode(data).decode()
    except ValueError:
        return data


def _thought(part: Reasoning, speaker: str) -> Iterator[Saying]:
    for said in (part.text, *part.summary):
        yield from _words("thought", speaker, said, part.at)
    yield from _opaque(part.signature, part.at, None)


# ---------------------------------------------------------------------------------------------------------- response
def of_response(response: Response) -> list[Saying]:
    said = [*_plain("id", response.id, ("id",)), *_plain("model", response.model or None, ("model",))]
    if response.created is not None:
        said.append(Saying("created", (int(response.created),), ("created",)))
    for index, candidate in enumerate(response.candidates):
        talk = _Talk(f"{index}:")
        said += talk.parts(candidate.parts, f"{index}:assistant")
        stop = settled(candidate.stop, candidate.parts)
        said.append(Saying("finish", (index, "content_filter" if stop == "refusal" else stop), candidate.at))
        if candidate.stop_sequence is not None:
            said.append(Saying("stop_sequence", (index, candidate.stop_sequence), candidate.at))
        if candidate.logprobs:
            said.append(Saying("logprobs", (index, tuple(_token(token) for token in candidate.logprobs)), candidate.at))
        said += _extra(candidate, None)
    said += [*_usage(response.usage)]
    said += _plain("service_tier", _TIERS.get(response.service_tier or "", response.service_tier), ("service_tier",))
    return [*said, *_echo(response), *_extra(response, None)]


def _token(token: TokenLogprob) -> Key:
    return (token.token, token.logprob, token.bytes, tuple(_token(other) for other in token.top))


COUNTS: Final = (
    *("input_tokens", "output_tokens", "cache_read", "cache_write", "cache_write_1h", "reasoning"),
    *("input_audio", "input_image", "output_audio", "output_image"),
)


def _usage(usage: Usage | None) -> Iterator[Saying]:
    if usage is None:
        return
    for name in COUNTS:
        yield from _plain(f"usage.{name}", getattr(usage, name) or None, usage.at)
    for kind, times in (usage.tool_uses or {}).items():
        yield Saying("usage.tool_uses", (kind, times), usage.at)
    yield from _plain("usage.cost", usage.cost, usage.at)
    for part, amount in (usage.cost_parts or {}).items():
        yield Saying("usage.cost", (part, amount), usage.at)
    yield from _extra(usage, None)


def _echo(response: Response) -> Iterator[Saying]:
    for dialect, fields in (response.echo or {}).items():
        yield Saying("echo", (dialect, canonical(fields)), response.at)


# ------------------------------------------------------------------------------------------------------------- error
def of_error(error: Error) -> list[Saying]:
    said = [Saying("error.message", (error.message,), error.at)]
    if error.status is not None:  # else the bodies of some vendors have no word for the kind
        said.append(Saying("error.kind", (error.kind,), error.at))
    said += _plain("error.code", error.code, (*error.at, "code"))
    said += _plain("error.param", error.param, (*error.at, "param"))
    if error.details is not None:
        said.append(Saying("error.details", (canonical(error.details),), (*error.at, "details")))
    return [*said, *_extra(error, None)]
