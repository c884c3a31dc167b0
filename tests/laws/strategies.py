"""Hypothesis strategies over the IR: whole requests, responses and errors, every field of every node among them."""

from __future__ import annotations

from functools import cache

import msgspec
from hypothesis import strategies as st

from dragoman.schemas.failures import status_of
from dragoman.schemas.ir import (
    JSON,
    AnyTool,
    BuiltinTool,
    Candidate,
    Continuation,
    CustomTool,
    Error,
    ErrorKind,
    Extra,
    OutputFormat,
    Parameters,
    Part,
    ReasoningPolicy,
    Request,
    Response,
    TokenLogprob,
    Tool,
    ToolCall,
    ToolChoice,
    Usage,
    Wire,
)
from dragoman.schemas.stops import settled
from tests.laws.leaves import DIALECTS, SCHEMAS, either, finished, maybe, pick, some
from tests.laws.talk import Talk, answers, caches, extras, instructions, talks, tool_names
from tests.laws.vendors import BUILTIN_TOOLS, CONTINUATIONS, STOPS

__all__ = ["errors", "requests", "responses"]


# ----------------------------------------------------------------------------------------------------------- request
@st.composite
def requests(draw: st.DrawFn) -> Request:
    talk = draw(talks())
    tools = draw(_tools(talk))
    reasoning = draw(maybe(_policies()))
    return finished(
        Request(
            model=draw(pick("some-model", None)),
            messages=talk.messages,
            instructions=draw(instructions()),
            parameters=draw(_parameters()),
            stop=draw(some(pick("END", "\n\nHuman:"), 0, 2).map(_unlike) | st.just(("1", "2", "3", "4", "5"))),
            tools=tools,
            tool_choice=draw(_choices(tools)),
            output=draw(maybe(_formats())),
            reasoning=reasoning,
            modalities=draw(pick((), ("text",), ("text", "audio"), ("text", "image"))),
            metadata=draw(pick(*_METADATA)),
            continuations=draw(some(_continuations(), 0, 1)),
            cache=draw(caches()),
            extra=draw(extras()),
        )
    )


_METADATA: tuple[Wire | None, ...] = (None, {"user_id": "u-<>"}, {"purpose": "test <>", "run": "<>"})


def _unlike(said: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(said))


@st.composite
def _parameters(draw: st.DrawFn) -> Parameters:
    """Return few settings at a time, so that a failure names the one at fault."""
    names = draw(st.lists(st.sampled_from(sorted(_SETTINGS)), max_size=4, unique=True))
    said = {name: draw(_SETTINGS[name]) for name in names}
    if "top_logprobs" in said:
        said["logprobs"] = True
    if "stream_usage" in said:
        said["stream"] = True
    return msgspec.convert(said, Parameters)


_SETTINGS: dict[str, st.SearchStrategy[object]] = {
    "temperature": pick(0.7, 0, 1.0, 1.5, 2),
    "top_p": pick(0.9, 1),
    "top_k": pick(1, 40),
    "min_p": pick(0.05),
    "seed": pick(0, 42, 2**40),
    "frequency_penalty": pick(0, 0.5, -2.0),
    "presence_penalty": pick(0, 0.5),
    "repetition_penalty": pick(1.1),
    "max_tokens": pick(1, 16, 4096),
    "n": pick(1, 2),
    "logprobs": st.booleans(),
    "top_logprobs": pick(0, 5),
    "parallel_tools": st.booleans(),
    "verbosity": pick("low", "high"),
    "service_tier": pick("auto", "default", "flex", "priority", "standard_only"),
    "store": st.booleans(),
    "user_id": pick("user-<>"),
    "stream": st.booleans(),
    "stream_usage": st.booleans(),
}


@st.composite
def _tools(draw: st.DrawFn, talk: Talk) -> tuple[AnyTool, ...]:
    """Return the tools that the conversation calls, and others; no two of one name."""
    names = sorted(talk.functions | draw(st.frozensets(tool_names(), max_size=2)))
    tools: list[AnyTool] = [draw(_function(name)) for name in names]
    free = sorted(talk.custom | {"raw_sql"}) if draw(st.booleans()) else sorted(talk.custom)
    tools += [draw(_custom(name)) for name in free]
    ran = draw(st.lists(pick(*BUILTIN_TOOLS), max_size=1))
    return (*tools, *(BuiltinTool(kind=kind, dialect=dialect, wire=wire) for dialect, kind, wire in ran))


@cache
def _function(name: str) -> st.SearchStrategy[Tool]:
    return st.builds(
        Tool,
        name=st.just(name),
        description=maybe(st.just("Look it up. <>")),
        schema=pick(*SCHEMAS, None),
        strict=pick(None, None, True, False),
        cache=caches(),
        namespace=pick(None, None, None, "crm"),
        extra=extras(),
    )


@cache
def _custom(name: str) -> st.SearchStrategy[CustomTool]:
    grammar = pick((None, None), ("lark", "start: WORD <>"), ("regex", "[a-z]+"))
    return st.builds(_with_grammar, st.just(name), grammar, maybe(st.just("Run it. <>")), caches(), extras())


def _with_grammar(name: str, grammar: tuple[str | None, str | None], *fields: object) -> CustomTool:
    description, cache, extra = fields
    return CustomTool(
        name=name,
        syntax=grammar[0],
        grammar=grammar[1],
        description=description,  # type: ignore[arg-type]
        cache=cache,  # type: ignore[arg-type]
        extra=extra,  # type: ignore[arg-type]
    )


@st.composite
def _choices(draw: st.DrawFn, tools: tuple[AnyTool, ...]) -> ToolChoice | None:
    """Return a choice among the tools that there are."""
    if not tools or draw(pick(True, False)):
        return None
    names = [tool.name for tool in tools if isinstance(tool, (Tool, CustomTool))]
    builtin = [tool.kind for tool in tools if isinstance(tool, BuiltinTool)]
    if draw(pick(True, False)) and names:
        chosen = draw(st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True))
        return ToolChoice(mode=draw(pick("required", "auto", "validated")), names=tuple(chosen), extra=draw(extras()))
    if draw(pick(True, False)) and builtin:
        return ToolChoice(mode="required", builtin=builtin[0])
    return ToolChoice(mode=draw(pick("auto", "none", "required", "validated")))


@cache
def _formats() -> st.SearchStrategy[OutputFormat]:
    schema = st.builds(
        OutputFormat,
        schema=pick(*SCHEMAS),
        name=maybe(st.just("answer")),
        description=maybe(st.just("the answer <>")),
        strict=pick(None, True, False),
        extra=extras(),
    )
    return either(st.just(OutputFormat()), schema)


@cache
def _policies() -> st.SearchStrategy[ReasoningPolicy]:
    summary = pick(None, None, "auto", "detailed")
    efforts = pick("none", "minimal", "low", "medium", "high", "xhigh")
    return either(
        st.builds(ReasoningPolicy, effort=efforts, summary=summary, extra=extras()),
        st.builds(
            ReasoningPolicy, enabled=st.just(True), budget=pick(1024, 5000, 50000), summary=summary, extra=extras()
        ),
        st.builds(ReasoningPolicy, budget=pick(0, -1, 2048), extra=extras()),
        st.builds(ReasoningPolicy, enabled=st.booleans(), summary=summary, extra=extras()),
    )


@cache
def _continuations() -> st.SearchStrategy[Continuation]:
    return pick(*CONTINUATIONS).map(lambda said: Continuation(dialect=said[0], name=said[1], value=said[2]))


# ---------------------------------------------------------------------------------------------------------- response
@st.composite
def responses(draw: st.DrawFn) -> Response:
    found = [draw(_candidates(0))]
    if draw(pick(False, False, False, True)):
        found.append(draw(_candidates(10)))
    return finished(
        Response(
            candidates=tuple(found),
            id=draw(pick("resp_<>", None)),
            model=draw(pick("some-model", None)),
            created=draw(pick(1700000000, None, 1700000000.25)),
            usage=draw(maybe(_usages())),
            service_tier=draw(pick(None, None, "default", "priority", "standard")),
            echo=draw(_echoes()),
            extra=draw(extras()),
        )
    )


@st.composite
def _candidates(draw: st.DrawFn, first: int) -> Candidate:
    parts = draw(answers(first, 2))
    dialect = draw(st.sampled_from(sorted(STOPS)))
    native = draw(st.sampled_from([word for word, stop in STOPS[dialect].items() if _fits(word, dialect, parts)]))
    stop = settled(STOPS[dialect][native], parts)
    return Candidate(
        parts=parts,
        stop=stop,
        stop_sequence="END" if native == "stop_sequence" else None,
        native_stop=native,
        stop_dialect=dialect,
        logprobs=draw(some(_logprobs(), 1, 2)) if draw(pick(False, False, True)) else (),
        extra=draw(extras()),
    )


def _fits(native: str, dialect: str, parts: tuple[Part, ...]) -> bool:
    """Tell whether an answer that holds these parts may end by this word."""
    calls = any(isinstance(part, ToolCall) for part in parts)
    return not (calls and native in ("stop_sequence", "end_turn")) and (calls or STOPS[dialect][native] != "tool_use")


@cache
def _logprobs() -> st.SearchStrategy[TokenLogprob]:
    top = st.builds(TokenLogprob, token=pick("No", "é"), logprob=pick(-0.5, -2), bytes=pick(None, (78, 111)))
    return st.builds(
        TokenLogprob,
        token=pick("Yes", " "),
        logprob=pick(-0.25, 0),
        bytes=pick(None, (89, 101, 115)),
        top=some(top, 0, 2),
    )


@st.composite
def _usages(draw: st.DrawFn) -> Usage:
    read, written, thought = draw(pick(None, 0, 30)), draw(pick(None, 0, 20)), draw(pick(None, 0, 7))
    cost = draw(pick(None, None, 0.00125))
    return Usage(
        input_tokens=draw(pick(100, 60, None)) if not read and not written else draw(pick(100, 50)),
        output_tokens=draw(pick(10, 9)),
        cache_read=read,
        cache_write=written,
        cache_write_1h=draw(pick(None, 0, 15)) if written else None,
        reasoning=thought,
        input_audio=draw(pick(None, 3)),
        input_image=draw(pick(None, 4)),
        output_audio=draw(pick(None, 1)),
        output_image=draw(pick(None, 1)),
        tool_uses=draw(pick(None, {"web_search": 2}, {"code_execution": 1, "x_search": 3})),
        cost=cost,
        cost_parts=draw(pick(None, {"input": 0.001}, {"input": 0.001, "output": 0.0002})) if cost else None,
        extra=draw(extras()),
    )


@cache
def _echoes() -> st.SearchStrategy[Extra | None]:
    return maybe(pick(_ECHO))


_ECHO: Extra = {"openai-responses": {"temperature": 1.0, "instructions": "echoed <>"}}


# ------------------------------------------------------------------------------------------------------------- error
_KINDS: tuple[ErrorKind, ...] = (
    "invalid_request",
    "authentication",
    "billing",
    "permission",
    "not_found",
    "conflict",
    "too_large",
    "rate_limit",
    "server",
    "overloaded",
    "timeout",
)


_DETAILS: JSON = [{"@type": "type.example/Info", "reason": "<>"}]


@st.composite
def errors(draw: st.DrawFn) -> Error:
    kind, dialect = draw(st.sampled_from(_KINDS)), draw(pick(*DIALECTS))
    return finished(
        Error(
            message=draw(pick("No such model <>", "große Störung <>", '{"json": "in text <>"}')),
            kind=kind,
            status=draw(pick(status_of(kind), status_of(kind), None)),
            code=draw(pick(None, "E_1042", 1042)) if dialect.startswith("openai") else None,
            param=draw(pick(None, "messages[0].content")),
            details=draw(pick(None, _DETAILS)),
            native=draw(pick(None, "x_error")),
            dialect=dialect,
            extra=draw(extras()),
        )
    )
