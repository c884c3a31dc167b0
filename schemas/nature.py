"""What each pair of dialects loses by nature, found out by asking the codecs.

A probe says one thing. A dialect can say it when its own encoder reports no loss for it; a pair loses what its source
can say and its target cannot. The table in the README and `dragoman convert --list` come from here.
"""

from __future__ import annotations

from functools import cache

import msgspec

from dragoman.schemas.dialect import Dialect, known
from dragoman.schemas.ir import (
    Cache,
    Candidate,
    Citation,
    CustomTool,
    Media,
    Message,
    OutputFormat,
    Parameters,
    Part,
    Reasoning,
    ReasoningPolicy,
    Refusal,
    Request,
    Response,
    Role,
    Text,
    TokenLogprob,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Usage,
)
from dragoman.schemas.losses import Losses

__all__ = ["NaturalLoss", "natural_losses"]


class NaturalLoss(msgspec.Struct, frozen=True):
    source: str
    target: str
    dropped: tuple[str, ...]
    approximated: tuple[str, ...]


_USER = Message(role="user", parts=(Text(text="Answer in JSON, please."),))
_TOOL = Tool(name="look", schema={"type": "object", "properties": {}, "required": [], "additionalProperties": False})
_CALL = ToolCall(id="call_1", name="look", arguments={})
_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
_SCHEMA = _TOOL.schema


def _setting(said: Parameters) -> Request:
    return Request(model="m", messages=(_USER,), parameters=said)


def _talk(role: Role, *parts: Part) -> Request:
    """Return a conversation in which these parts stand, between a question and another one."""
    spoken = Message(role=role, parts=parts)
    return Request(model="m", messages=(_USER, Message(role="assistant", parts=(Text(text="Yes?"),)), spoken))


def _shown(media: Media) -> Request:
    return _talk("user", media)


def _tools(tool: Tool | CustomTool = _TOOL, choice: ToolChoice | None = None) -> Request:
    return Request(model="m", messages=(_USER,), tools=(tool,), tool_choice=choice)


def _result(*content: Part, is_error: bool | None = None) -> Request:
    call = Message(role="assistant", parts=(_CALL,))
    result = Message(
        role="user", parts=(ToolResult(call_id="call_1", name="look", content=content, is_error=is_error),)
    )
    return Request(model="m", messages=(_USER, call, result), tools=(_TOOL,))


def _policy(policy: ReasoningPolicy) -> Request:
    return Request(model="m", messages=(_USER,), parameters=Parameters(max_tokens=32000), reasoning=policy)


def _answer(*parts: Part, usage: Usage | None = None, stop_sequence: str | None = None) -> Response:
    candidate = Candidate(parts=parts or (Text(text="Hi."),), stop="stop", stop_sequence=stop_sequence)
    return Response(id="r", model="m", created=1, candidates=(candidate,), usage=usage or Usage(input_tokens=9))


def _counted(**counts: int) -> Response:
    return _answer(usage=msgspec.structs.replace(Usage(input_tokens=9, output_tokens=9), **counts))


def _requests() -> dict[str, Request]:
    text = Text(text="A word more.")
    return {
        "temperature over 1": _setting(Parameters(temperature=1.5)),
        "top_k": _setting(Parameters(top_k=40)),
        "min_p": _setting(Parameters(min_p=0.1)),
        "seed": _setting(Parameters(seed=7)),
        "frequency and presence penalty": _setting(Parameters(frequency_penalty=0.5, presence_penalty=0.5)),
        "repetition penalty": _setting(Parameters(repetition_penalty=1.1)),
        "several answers": _setting(Parameters(n=2)),
        "logprobs asked for": _setting(Parameters(logprobs=True, top_logprobs=3)),
        "verbosity": _setting(Parameters(verbosity="low")),
        "service tier": _setting(Parameters(service_tier="flex")),
        "store": _setting(Parameters(store=True)),
        "user id": _setting(Parameters(user_id="u-1")),
        "metadata": Request(model="m", messages=(_USER,), metadata={"job": "nightly"}),
        "stop sequences": Request(model="m", messages=(_USER,), stop=("END",)),
        "instructions amid the talk": _talk("system", text),
        "image": _shown(Media(kind="image", mime="image/png", data=_PNG)),
        "image by URL": _shown(Media(kind="image", url="https://example.com/a.png")),
        "PDF": _shown(Media(kind="document", mime="application/pdf", data="JVBERi0xLjQK")),
        "PDF by URL": _shown(Media(kind="document", url="https://example.com/a.pdf")),
        "text document": _shown(Media(kind="document", mime="text/plain", text="Words.")),
        "audio": _shown(Media(kind="audio", mime="audio/wav", data="UklGRg==")),
        "video": _shown(Media(kind="video", mime="video/mp4", data="AAAA")),
        "image in a tool result": _result(Media(kind="image", mime="image/png", data=_PNG)),
        "failed tool result": _result(Text(text="no such city"), is_error=True),
        "strict tools": _tools(msgspec.structs.replace(_TOOL, strict=True)),
        "free-form tools": _tools(CustomTool(name="run", syntax="regex", grammar="a+")),
        "forced tool use": _tools(choice=ToolChoice(mode="required")),
        "no tool use": _tools(choice=ToolChoice(mode="none")),
        "one tool forced": _tools(choice=ToolChoice(mode="required", names=("look",))),
        "no parallel calls": msgspec.structs.replace(_tools(), parameters=Parameters(parallel_tools=False)),
        "text after a call": Request(
            model="m", messages=(_USER, Message(role="assistant", parts=(_CALL, text)), *_result(text).messages[2:])
        ),
        "reasoning effort": _policy(ReasoningPolicy(effort="high")),
        "reasoning budget": _policy(ReasoningPolicy(budget=2048)),
        "JSON mode": Request(model="m", messages=(_USER,), output=OutputFormat()),
        "JSON schema": Request(model="m", messages=(_USER,), output=OutputFormat(schema=_SCHEMA)),
        "cache marks": _talk("user", Text(text="Long.", cache=Cache())),
    }


def _responses() -> dict[str, Response]:
    cited = Citation(url="https://example.com", title="Example", start=0, end=3)
    tokens = (TokenLogprob(token="Hi.", logprob=-0.1),)
    said = _answer()
    two = (*said.candidates, *said.candidates)
    return {
        "further answers": msgspec.structs.replace(said, candidates=two),
        "logprobs": msgspec.structs.replace(
            said, candidates=(msgspec.structs.replace(said.candidates[0], logprobs=tokens),)
        ),
        "citations": _answer(Text(text="Hi.", citations=(cited,))),
        "reasoning in an answer": _answer(Reasoning(text="Hm."), Text(text="Hi.")),
        "refusal": _answer(Refusal(text="No.")),
        "which stop sequence": _answer(stop_sequence="END"),
        "cache reads": _counted(cache_read=4),
        "cache writes": _counted(cache_write=4),
        "cache writes for an hour": _counted(cache_write=4, cache_write_1h=4),
        "reasoning tokens": _counted(reasoning=4),
        "audio tokens": _counted(input_audio=4, output_audio=4),
        "image tokens": _counted(input_image=4, output_image=4),
        "uses of built-in tools": _answer(usage=Usage(input_tokens=9, output_tokens=9, tool_uses={"web_search": 2})),
        "cost": _answer(usage=Usage(input_tokens=9, output_tokens=1, cost=0.01)),
    }


def _asked(dialect: Dialect, said: Request) -> set[tuple[str, str]]:
    losses = Losses()
    dialect.requests.encode_request(said, losses)
    return _said_of(losses)


def _answered(dialect: Dialect, said: Response) -> set[tuple[str, str]]:
    losses = Losses()
    dialect.responses.encode_response(said, losses)
    return _said_of(losses)


def _said_of(losses: Losses) -> set[tuple[str, str]]:
    """Return what was done to a probe; what a dialect has to make up (an id, a limit) is no loss of it."""
    return {(loss.action, loss.reason) for loss in losses.found if loss.action != "synthesized"}


@cache
def natural_losses() -> tuple[NaturalLoss, ...]:
    """Return what each pair of dialects loses that are here, in the order of their names."""
    found = {dialect.name: _outcomes(dialect) for dialect in known()}
    return tuple(_pair(source, target, found) for source in found for target in found if source != target)


def _outcomes(dialect: Dialect) -> dict[str, set[str]]:
    """Return what the dialect does to each probe beyond what it does to a plain request and a plain answer."""
    plain = _asked(dialect, _setting(Parameters())) | _answered(dialect, _answer())
    done = {name: _asked(dialect, said) for name, said in _requests().items()}
    done |= {name: _answered(dialect, said) for name, said in _responses().items()}
    return {name: {action for action, _ in actions - plain} for name, actions in done.items()}


def _pair(source: str, target: str, found: dict[str, dict[str, set[str]]]) -> NaturalLoss:
    said = [name for name, actions in found[source].items() if not actions]
    dropped = tuple(name for name in said if "dropped" in found[target][name])
    near = tuple(name for name in said if found[target][name] and name not in dropped)
    return NaturalLoss(source, target, dropped, near)
