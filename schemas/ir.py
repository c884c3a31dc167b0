"""The intermediate representation: what LLM requests and responses mean, in no vendor's shape.

Frozen values; a tree, never a graph. Two fields are on every node. `at` is the place in the document that the node was
read from (empty for a node that was made by hand): losses are reported there. `extra` holds the fields that only one
dialect knows, by dialect: {"openai-chat": {"logit_bias": {…}}}; they return to that dialect only.

Rules that every dialect keeps:
- Tool results are parts of "user" messages; a tool result names its call by `call_id`, and every call has an id.
- `instructions` holds what stands before the conversation; a system or developer message amid it stays in `messages`.
- Opaque vendor state is an `Opaque` that says whose it is. It is never shown to another vendor.
- `Usage.input_tokens` includes what was read from and written to the cache, `output_tokens` includes the reasoning.
- Values of JSON type (schemas, arguments, wire fragments) are shared with the source document and are never changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

if TYPE_CHECKING:
    JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"
else:
    JSON = Any  # a type that names itself is none that values can be converted to (schemas.unified)
Wire: TypeAlias = dict[str, JSON]
At: TypeAlias = tuple[str | int, ...]
Extra: TypeAlias = dict[str, Wire]

Role = Literal["system", "developer", "user", "assistant"]
MediaKind = Literal["image", "audio", "video", "document"]
# What a tool of a vendor is for, whatever the vendor calls it; an unknown one goes by its own name.
BuiltinKind: TypeAlias = str
Stop = Literal["stop", "length", "tool_use", "content_filter", "refusal", "pause", "error", "other"]
Effort: TypeAlias = str


def type_name(name: str) -> str:
    """Return what the JSON of the IR calls a class: ToolCall is tool_call."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).removeprefix("_")


class Node(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag_field="type", tag=type_name):
    at: At = ()
    extra: Extra | None = None


# ------------------------------------------------------------------------------------------------------------- parts
class Opaque(msgspec.Struct, frozen=True, gc=False):
    """A signature, or encrypted or redacted reasoning: bytes that only `dialect` can read."""

    dialect: str
    value: str


class Cache(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A mark: cache the prompt up to and including this node."""

    ttl: str | None = None


class Citation(Node, frozen=True, kw_only=True, gc=False):
    """Where a text got it from. `start` and `end` are offsets into the text, in characters."""

    url: str | None = None
    title: str | None = None
    cited_text: str | None = None
    file_id: str | None = None
    start: int | None = None
    end: int | None = None
    native: Wire | None = None
    dialect: str | None = None


class Text(Node, frozen=True, kw_only=True, gc=False):
    text: str
    citations: tuple[Citation, ...] = ()
    cache: Cache | None = None
    signature: Opaque | None = None


class Media(Node, frozen=True, kw_only=True, gc=False):
    """An image, sound, film or document. Exactly one of `data` (plain base64), `url`, `file_id`, `text`, `content` is
    set. `dialect` says whose file id it is."""

    kind: MediaKind
    mime: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None
    text: str | None = None
    content: tuple[Part, ...] | None = None
    name: str | None = None
    detail: str | None = None
    context: str | None = None
    cite: bool | None = None
    transcript: str | None = None
    dialect: str | None = None
    cache: Cache | None = None
    signature: Opaque | None = None


class ToolCall(Node, frozen=True, kw_only=True, gc=False):
    """A call of a function, or (`custom`) of a free-form tool whose input is text. Arguments are as the source has
    them, text or an object: `schemas.arguments` turns one into the other, digit for digit."""

    id: str
    name: str
    arguments: str | Wire
    custom: bool = False
    namespace: str | None = None
    cache: Cache | None = None
    signature: Opaque | None = None


class Value(Node, frozen=True, kw_only=True, gc=False):
    """A JSON value inside a tool result, for dialects whose results are objects."""

    value: JSON


class ToolResult(Node, frozen=True, kw_only=True, gc=False):
    call_id: str
    content: tuple[Part, ...] = ()
    name: str | None = None
    is_error: bool | None = None
    custom: bool = False
    cache: Cache | None = None


class Reasoning(Node, frozen=True, kw_only=True, gc=False):
    """Thoughts. `text` is the reasoning itself, `summary` what a vendor tells of it, `signature` proves or holds it;
    `redacted` says that there is nothing but the opaque value. `dialect` is where it comes from."""

    text: str = ""
    summary: tuple[str, ...] = ()
    signature: Opaque | None = None
    redacted: bool = False
    dialect: str | None = None


class Refusal(Node, frozen=True, kw_only=True, gc=False):
    text: str


class BuiltinCall(Node, frozen=True, kw_only=True, gc=False):
    """A call, or a call and its result in one, of a tool that the vendor runs. `wire` is the vendor's own item."""

    kind: BuiltinKind
    dialect: str
    wire: Wire


class BuiltinResult(Node, frozen=True, kw_only=True, gc=False):
    """The result of a built-in call, where a vendor says it apart from the call."""

    kind: BuiltinKind
    dialect: str
    wire: Wire


class Native(Node, frozen=True, kw_only=True, gc=False):
    """A part, item or block that only its own dialect knows. `feature` is what its loss is called elsewhere."""

    dialect: str
    wire: Wire
    feature: str = "extension"


Part: TypeAlias = (
    "Text | Media | ToolCall | ToolResult | Reasoning | Refusal | Value | BuiltinCall | BuiltinResult | Native"
)


class Message(Node, frozen=True, kw_only=True, gc=False):
    role: Role
    parts: tuple[Part, ...]


# ------------------------------------------------------------------------------------------------------------- tools
class Tool(Node, frozen=True, kw_only=True, gc=False):
    """A function. `schema` is full JSON Schema (None: none was given); `namespace` groups tools where a vendor does."""

    name: str
    description: str | None = None
    schema: Wire | None = None
    strict: bool | None = None
    cache: Cache | None = None
    namespace: str | None = None


class CustomTool(Node, frozen=True, kw_only=True, gc=False):
    """A tool whose input is free text, perhaps under a grammar (`syntax` is "lark" or "regex")."""

    name: str
    description: str | None = None
    syntax: str | None = None
    grammar: str | None = None
    cache: Cache | None = None


class BuiltinTool(Node, frozen=True, kw_only=True, gc=False):
    """A tool that the vendor runs: `wire` is its definition in the vendor's words."""

    kind: BuiltinKind
    dialect: str
    wire: Wire


AnyTool: TypeAlias = "Tool | CustomTool | BuiltinTool"


class ToolChoice(Node, frozen=True, kw_only=True, gc=False):
    """`names` narrows the choice to these tools; `builtin` is a vendor's tool that was chosen, by kind."""

    mode: Literal["auto", "none", "required", "validated"]
    names: tuple[str, ...] = ()
    builtin: BuiltinKind | None = None


# ----------------------------------------------------------------------------------------------------------- request
class Parameters(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """The plain settings of a request: one value each, the same meaning everywhere. Dialects map them by table."""

    temperature: int | float | None = None
    top_p: int | float | None = None
    top_k: int | float | None = None
    min_p: int | float | None = None
    seed: int | None = None
    frequency_penalty: int | float | None = None
    presence_penalty: int | float | None = None
    repetition_penalty: int | float | None = None
    max_tokens: int | None = None
    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    parallel_tools: bool | None = None
    verbosity: str | None = None
    service_tier: str | None = None
    store: bool | None = None
    user_id: str | None = None
    stream: bool | None = None
    stream_usage: bool | None = None


class OutputFormat(Node, frozen=True, kw_only=True, gc=False):
    """`schema` None means any JSON object."""

    schema: Wire | None = None
    name: str | None = None
    description: str | None = None
    strict: bool | None = None


class ReasoningPolicy(Node, frozen=True, kw_only=True, gc=False):
    """How much to think. Exactly what was said is set: `effort`, `budget` or only `enabled`; what was not said is None,
    and an encoder that needs the other one computes it (`schemas.reasoning`)."""

    enabled: bool | None = None
    effort: Effort | None = None
    budget: int | None = None
    summary: str | None = None


class Continuation(Node, frozen=True, kw_only=True, gc=False):
    """State that the vendor keeps (a previous response, a conversation, cached content): `name` is its field."""

    dialect: str
    name: str
    value: JSON


class Request(Node, frozen=True, kw_only=True, gc=False):
    messages: tuple[Message, ...]
    instructions: tuple[Message, ...] = ()
    model: str | None = None
    parameters: Parameters = Parameters()
    stop: tuple[str, ...] = ()
    tools: tuple[AnyTool, ...] = ()
    tool_choice: ToolChoice | None = None
    output: OutputFormat | None = None
    reasoning: ReasoningPolicy | None = None
    modalities: tuple[str, ...] = ()
    metadata: Wire | None = None
    continuations: tuple[Continuation, ...] = ()
    cache: Cache | None = None


# ---------------------------------------------------------------------------------------------------------- response
class Usage(Node, frozen=True, kw_only=True, gc=False):
    """Token counts; None is "not said". Each is said once, and some are parts of others.

    `input_tokens` are all that was read: from the cache (`cache_read`), into it (`cache_write`, of which
    `cache_write_1h` is kept for an hour), and neither; `input_audio` and `input_image` are among them. `output_tokens`
    are all that was made, `reasoning`, `output_audio` and `output_image` among them. `tool_uses` counts how often tools
    that the vendor runs were used, by kind ("web_search", …). `cost` is in US dollars, as the provider bills it, and
    `cost_parts` are what it says that is made of: "input", "output", "cache_read", "request", "search", …
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None
    reasoning: int | None = None
    input_audio: int | None = None
    input_image: int | None = None
    output_audio: int | None = None
    output_image: int | None = None
    tool_uses: Mapping[str, int] | None = None
    cost: int | float | None = None
    cost_parts: Mapping[str, float] | None = None


class TokenLogprob(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    token: str
    logprob: int | float | None = None
    bytes: tuple[int, ...] | None = None
    top: tuple[TokenLogprob, ...] = ()


class Candidate(Node, frozen=True, kw_only=True, gc=False):
    """One answer. `stop` None: it has not ended. `native_stop` is the word of the dialect that `stop_dialect` names."""

    parts: tuple[Part, ...]
    stop: Stop | None = None
    stop_sequence: str | None = None
    native_stop: str | None = None
    stop_dialect: str | None = None
    logprobs: tuple[TokenLogprob, ...] = ()


class Response(Node, frozen=True, kw_only=True, gc=False):
    """`echo` holds what a dialect repeats of the request, by dialect; it is no news to anyone."""

    candidates: tuple[Candidate, ...]
    id: str | None = None
    model: str | None = None
    created: int | float | None = None
    usage: Usage | None = None
    service_tier: str | None = None
    echo: Extra | None = None


# ------------------------------------------------------------------------------------------------------------- error
ErrorKind = Literal[
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
    "unknown",
]


class Error(Node, frozen=True, kw_only=True, gc=False):
    """What a provider answers in place of a response. `native` is its own word for `kind`."""

    message: str
    kind: ErrorKind
    status: int | None = None
    native: str | None = None
    code: JSON = None
    param: str | None = None
    details: JSON = None
    dialect: str | None = None
