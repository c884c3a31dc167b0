"""What was typed → what is asked of whom: the options that `complete` and `stream` share, read into an `Asking`.

Nothing is sent here. What can be wrong about a command line, a file or a profile is found before a socket is opened.
What only some command lines need (attachments, tools, schemas, whole requests) is imported where it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from dragoman.cli.ask.following import OPTIONS as FOLLOWING
from dragoman.cli.ask.following import Following, read_following, refuse_stateless
from dragoman.cli.ask.inputs import Inputs, unicode_argument
from dragoman.cli.ask.prompt import ORDERS, PromptWords, read_prompt
from dragoman.cli.ask.settings import (
    EFFORTS,
    PHASES,
    many,
    optional,
    read_fallback,
    read_parameters,
    read_reasoning,
    read_settings,
)
from dragoman.cli.choices import dialect_choices, profile_choices
from dragoman.cli.environment import Environment
from dragoman.cli.options import Option, Values, check_choice
from dragoman.cli.status import Usage
from dragoman.providers.groups import load_group
from dragoman.providers.settings import Group, Profile
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import ProfileFault, RefusedLoss
from dragoman.schemas.ir import JSON, AnyTool, Media, Message, OutputFormat, Part, Request, Text, ToolChoice, Wire

if TYPE_CHECKING:
    from dragoman.providers.prepare import Prepared
    from dragoman.providers.recalled import Recalled
    from dragoman.schemas.losses import Loss

__all__ = [
    "OPTIONS",
    "REFUSE_MEANING",
    "REPORT",
    "Asking",
    "Preparer",
    "read_asking",
    "refuse_no_model_after",
    "rehearsed",
]

REPORT, REFUSE_DROPPED, REFUSE_MEANING = "report", "refuse-dropped", "refuse-meaning"
# Options that a provider may do without, though not unnoticed.
SAMPLING = ("temperature", "top_p", "max_tokens", "seed", "stop", "reasoning")
# What a whole request says itself: flag → the name of its option.
ITS_OWN = {
    "-s": "system",
    "-f": "file",
    "--attach": "attach",
    "--tools": "tools",
}


class Preparer(Protocol):
    """Who makes calls of requests: a provider does."""

    def prepare(
        self, request: Request, *, streams: bool = ..., allows_loss: bool = ..., recalled: Recalled | None = ...
    ) -> Prepared: ...
    def prepare_document(
        self,
        document: JSON,
        *,
        source: str,
        streams: bool = ...,
        allows_loss: bool = ...,
        recalled: Recalled | None = ...,
    ) -> Prepared: ...


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """`group` are those who may be asked, the first of them first, and the others where it cannot answer.

    `request` is what is asked, or `document`, a whole request of the dialect `source`. `schema` is what the answer
    has to fit, `typed` the options of `SAMPLING` that were there. `policy` says what may be lost: everything is but
    reported, or "refuse-dropped" refuses what would be left out and changes the meaning, "refuse-meaning" also what
    would be said otherwise. `following` is what it goes on from."""

    group: Group
    request: Request | None = None
    document: JSON = None
    source: str = ""
    policy: str = REPORT
    schema: Wire | None = None
    typed: frozenset[str] = frozenset()
    following: Following | None = None

    @property
    def profile(self) -> Profile:
        return self.group.targets[0]

    def prepared(self, provider: Preparer, *, streams: bool, recalled: Recalled | None = None) -> Prepared:
        """Return the call that asks the first of them. Raises RefusedLoss where the policy forbids one, of the vendor's
        quirks too."""
        allows = self.policy == REPORT
        if self.request is not None:
            prepared = provider.prepare(self.request, streams=streams, allows_loss=allows, recalled=recalled)
        else:
            prepared = provider.prepare_document(
                self.document, source=self.source, streams=streams, allows_loss=allows, recalled=recalled
            )
        refused = tuple(loss for loss in prepared.losses if self._forbids(loss))
        if refused:
            error = RefusedLoss(refused)
            error.hint = "--allow-loss sends it all the same"
            raise error
        return prepared

    def _forbids(self, loss: Loss) -> bool:
        """Tell whether the policy does. What was answered before is nothing that anybody asks for now."""
        from dragoman.providers.placed import is_of_answer

        if loss.severity != "meaning" or is_of_answer(loss):
            return False
        return self.policy == REFUSE_MEANING or (self.policy == REFUSE_DROPPED and loss.action == "dropped")


def read_asking(values: Values, environment: Environment) -> Asking:
    """Return what is asked. Raises Usage, NoInput, InvalidInput, ProfileFault, …"""
    for option in OPTIONS:
        _check(option, values)
    following = read_following(values)
    group = read_group(values, environment)
    refuse_stateless(following, group.targets)
    asking = _read_whole if optional(values, "request") is not None else _read_pieces
    asked = asking(values, group, environment)
    _refuse_no_model(asked)
    return msgspec.structs.replace(asked, following=following) if following is not None else asked


def _check(option: Option, values: Values) -> None:
    """Refuse what is none of an option's choices, and what is no Unicode, unless it is the name of a file."""
    given = optional(values, option.name)
    for said in many(values, option.name) if given is None else [given]:
        if option.flags and not option.metavar.startswith("FILE"):
            unicode_argument(option.flags[-1], said)
        if option.is_closed:
            check_choice(option, said)


def read_group(values: Values, environment: Environment) -> Group:
    """Return whom to ask, with the options laid over what the profiles say."""
    settings, fallback = read_settings(values), read_fallback(values)
    return load_group(
        optional(values, "profile"), variables=environment.variables, settings=settings, fallback=fallback
    )


def rehearsed(values: Values, environment: Environment, *, streams: bool) -> int | None:
    """Do what --explain, --dry-run and --curl ask for, and return the exit status; None where none of them is there."""
    if not any(values.get(name) for name in ("explain", "dry_run", "curl")):
        return None
    from dragoman.cli.ask.dry import rehearse

    return rehearse(values, environment, streams=streams)


# ---- a prompt, and what goes with it ---------------------------------------------------------------------------------


def _read_pieces(values: Values, group: Group, environment: Environment) -> Asking:
    if optional(values, "source") is not None:
        raise Usage("--from is the dialect of a whole request", "--request FILE names one")
    inputs = Inputs(environment, may_read_stdin=not values.get("no_stdin"))
    media, tools = _attachments(values, inputs), _tools(values, inputs)
    said = _said(values, tools, inputs)
    prompt = read_prompt(_words(values, needs_words=not media), inputs)
    parts: tuple[Part, ...] = (*media, Text(text=prompt)) if prompt else media
    request = msgspec.structs.replace(
        said,
        messages=(Message(role="user", parts=parts),),
        instructions=_instructions(values),
        tools=tools,
    )
    return _asking(values, group, request=request, policy=REFUSE_DROPPED)


def _said(values: Values, tools: Sequence[AnyTool], inputs: Inputs) -> Request:
    """Return what is typed beside the conversation and the tools. The profile has the model of it already."""
    return Request(
        messages=(),
        parameters=read_parameters(values),
        stop=tuple(many(values, "stop")),
        tool_choice=_choice(values, tools),
        output=_output(values, inputs),
        reasoning=read_reasoning(optional(values, "reasoning")),
    )


def _asking(values: Values, group: Group, *, request: Request, policy: str) -> Asking:
    schema = request.output.schema if request.output and values.get("schema") else None
    return Asking(
        group=group,
        request=request,
        policy=REPORT if values.get("allow_loss") else policy,
        schema=schema,
        typed=frozenset(name for name in SAMPLING if values.get(name)),
    )


def _words(values: Values, *, needs_words: bool) -> PromptWords:
    return PromptWords(
        words=many(values, "words"),
        files=many(values, "file"),
        order=optional(values, "stdin") or ORDERS[0],
        needs_words=needs_words,
    )


def _instructions(values: Values) -> tuple[Message, ...]:
    system = optional(values, "system")
    if not system:
        return ()
    return (Message(role="system", parts=(Text(text=system),)),)


def _attachments(values: Values, inputs: Inputs) -> tuple[Media, ...]:
    names = many(values, "attach")
    if not names:
        return ()
    from dragoman.cli.ask.attachments import read_attachments

    return read_attachments(names, inputs)


def _tools(values: Values, inputs: Inputs) -> tuple[AnyTool, ...]:
    name = optional(values, "tools")
    if name is None:
        return ()
    from dragoman.cli.ask.toolfile import read_tools

    return read_tools(name, inputs)


def _choice(values: Values, tools: Sequence[AnyTool]) -> ToolChoice | None:
    said = optional(values, "tool_choice")
    if said is None:
        return None
    from dragoman.cli.ask.toolfile import read_tool_choice

    return read_tool_choice(said, tools)


def _output(values: Values, inputs: Inputs) -> OutputFormat | None:
    said = optional(values, "schema")
    if said is None:
        return None
    from dragoman.cli.ask.schemafile import read_schema

    return read_schema(said, inputs)


# ---- a whole request -------------------------------------------------------------------------------------------------


def _read_whole(values: Values, group: Group, environment: Environment) -> Asking:
    _refuse_beside(values)
    from dragoman.cli.ask.requestfile import laid_over, read_request

    inputs = Inputs(environment, may_read_stdin=not values.get("no_stdin"))
    whole = read_request(str(values["request"]), optional(values, "source"), inputs, environment)
    typed = _said(values, whole.request.tools, inputs)
    typed = msgspec.structs.replace(typed, model=optional(values, "model"))
    request = laid_over(whole.request, typed)
    asking = _asking(values, group, request=request, policy=REFUSE_MEANING)
    if request != whole.request:
        return asking
    return msgspec.structs.replace(asking, request=None, document=whole.document, source=whole.source)


def _refuse_beside(values: Values) -> None:
    """Refuse what a whole request says itself."""
    if values["words"]:
        raise Usage("--request is the whole request: it takes no PROMPT", "put the words into the request")
    for flag, name in ITS_OWN.items():
        if values.get(name):
            raise Usage(f"--request is the whole request: it does not go with {flag}", "put it into the request")
    if optional(values, "stdin") is not None:
        raise Usage("--stdin is for a PROMPT, and --request takes none", "--request - reads standard input")


def _refuse_no_model(asking: Asking) -> None:
    """Refuse to ask nobody in particular. A deployment stands for a model; and a server of one's own that speaks chat
    may have just one, and takes a request without its name."""
    document = asking.document if isinstance(asking.document, dict) else {}
    asked = asking.request.model if asking.request is not None else document.get("model")
    profile = asking.profile
    if not (asked or _has_model(profile)):
        hint = f"-m MODEL, or model: in the profile; dragoman models -p {profile.name} lists them"
        raise ProfileFault("no model to ask", place=profile.name, hint=hint)
    refuse_no_model_after(asking.group)


def refuse_no_model_after(group: Group) -> None:
    """Refuse to ask nobody in particular in place of the first: each of the others is asked for a model of its own."""
    for other in group.targets[1:]:
        if not _has_model(other):
            hint = f"name it as {other.name}/MODEL; dragoman models -p {other.name} lists them"
            raise ProfileFault("no model to ask in place of another", place=other.name, hint=hint)


def _has_model(profile: Profile) -> bool:
    knows = find(profile.dialect).family == "openai-chat" and profile.key_need != "required"
    return bool(profile.model or profile.deployment or knows)


# ---- the table -------------------------------------------------------------------------------------------------------


def _orders() -> Sequence[str]:
    return ORDERS


def _efforts() -> Sequence[str]:
    return ("off", "on", *EFFORTS)


def _choices() -> Sequence[str]:
    return ("auto", "none", "required")


def _phases() -> Sequence[str]:
    return [f"{phase}=" for phase in PHASES]


FALLBACK = Option(
    "fallback",
    ("--fallback",),
    "Whom to ask if that fails: A,B/MODEL,C.",
    "NAMES",
    (),
    profile_choices,
    is_listed=True,
)
OPTIONS = (
    Option("words", (), "What to ask; - is standard input.", "PROMPT", ()),
    Option("profile", ("-p", "--profile"), "Whom to ask: a profile, vendor or group.", "NAME", None, profile_choices),
    FALLBACK,
    Option("model", ("-m", "--model"), "The model, or an alias of the profile's.", "MODEL"),
    Option("system", ("-s", "--system"), "Instructions.", "TEXT"),
    Option("file", ("-f", "--file"), "Text that goes before the prompt.", "FILE", ()),
    Option("attach", ("--attach",), "A picture, sound, film, PDF or text.", "FILE|URL", ()),
    Option("stdin", ("--stdin",), "Put standard input before or after it.", "PLACE", None, _orders, is_closed=True),
    Option("no_stdin", ("--no-stdin",), "Do not read standard input.", "", False),
    Option("tools", ("--tools",), "Tools, as JSON in any vendor's form.", "FILE"),
    Option("tool_choice", ("--tool-choice",), "auto, none, required or a tool's name.", "NAME", None, _choices),
    Option("schema", ("--schema",), "JSON Schema that the answer has to fit.", "FILE|JSON"),
    Option("reasoning", ("--reasoning",), "off, on, an effort or a budget.", "HOW", None, _efforts),
    Option("max_tokens", ("--max-tokens",), "The most tokens to answer.", "N"),
    Option("temperature", ("--temperature",), "How free to choose.", "T"),
    Option("top_p", ("--top-p",), "Choose among the likeliest.", "P"),
    Option("stop", ("--stop",), "Words to stop before.", "TEXT", ()),
    Option("seed", ("--seed",), "Choose the same again.", "N"),
    Option("option", ("--option",), "A field of the body; KEY may be a.b.c.", "KEY=VALUE", ()),
    Option("request", ("--request",), "A whole request of any dialect.", "FILE"),
    Option("source", ("--from",), "The dialect of that request.", "DIALECT", None, dialect_choices),
    Option("allow_loss", ("--allow-loss",), "Send what changes its meaning, too.", "", False),
    *FOLLOWING,
    Option("dialect", ("--dialect",), "Speak this one, if it has several.", "DIALECT", None, dialect_choices),
    Option("timeout", ("--timeout",), "Seconds for all, or PHASE=SECONDS.", "SECONDS", (), _phases),
    Option("retries", ("--retries",), "How often to try again.", "N"),
    Option("max_cost", ("--max-cost",), "Send nothing that may cost more.", "USD"),
    Option("prices", ("--prices",), "What tokens cost, to estimate it.", "FILE"),
    Option("no_state", ("--no-state",), "Keep nothing for other commands.", "", False),
    Option("dry_run", ("-n", "--dry-run"), "Show what would be sent.", "", False),
    Option("curl", ("--curl",), "Show it as a line for curl.", "", False),
    Option("explain", ("--explain",), "Show the profile, and where it is from.", "", False),
)
