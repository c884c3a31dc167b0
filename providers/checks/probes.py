"""Is this key good, is the model there, does it answer, stream, call tools? One probe each, the cheapest first.

A probe returns a `Finding` or raises what went wrong. An answer counts only if a word comes back that nobody can guess:
proxies answer 200 for everything. The first probes cost no tokens, and the others as few as the dialect allows.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

import msgspec

from dragoman.providers.answers import text_of, tool_calls_of
from dragoman.providers.checks.verdicts import verdict_of
from dragoman.providers.client import WireProvider
from dragoman.providers.listing import PUBLIC, Model
from dragoman.providers.settings import Profile
from dragoman.schemas.arguments import parsed_arguments
from dragoman.schemas.errors import NoListing, ProtocolFault, Rejected
from dragoman.schemas.events import ContentDelta
from dragoman.schemas.ir import JSON, Message, Parameters, Request, Response, Text, Tool, ToolCall, ToolChoice, Wire
from dragoman.schemas.narrow import as_object, number, show
from dragoman.schemas.reasoning import budget_of, is_off

__all__ = ["LEVELS", "PROBES", "Finding", "Subject"]

LEVELS = ("config", "auth", "model", "complete", "stream", "tools")
# Enough for a word by a model that does not think (OpenAI's Responses refuse fewer than 16), and for one that does.
_BUDGETS = (64, 2048)
_BUDGETS_OF_CALLS = (256, 2048)
_AFTER_THINKING = 1024  # tokens on top of a budget that the profile gives the thinking
_TOOL = "report_word"
# Where a vendor lists its models to everybody, the listing proves no key. A profile may have a path that tells of the
# key itself; and these look at the key before they look at a request: one that says nothing costs nothing.
_WANTS_MORE = re.compile(r"max_(?:completion_|output_)?tokens|output limit", re.IGNORECASE)


class Finding(msgspec.Struct, frozen=True):
    """A class of `verdicts`, and what there is to say."""

    verdict: str
    detail: str = ""
    hint: str = ""


class Subject:
    """A provider under test, and what the probes have learnt. `fetch` asks for JSON that a path leads to. `models` is
    None before it was asked for, and where there is no listing."""

    def __init__(self, provider: WireProvider, word: str, *, has_key: bool, fetch: Callable[[str], Awaitable[JSON]]):
        self.provider, self.word, self.has_key, self.fetch = provider, word, has_key, fetch
        self.models: tuple[Model, ...] | None = None

    @property
    def profile(self) -> Profile:
        return self.provider.profile

    @property
    def model(self) -> str | None:
        """The model as the provider is told it."""
        return self.profile.models.get(self.profile.model or "", self.profile.model)

    @property
    def lists_model(self) -> bool | None:
        """Whether the model is in the listing; None where that says nothing: a deployment has a name of its own."""
        if self.models is None or self.model is None or self.profile.deployment:
            return None
        return any(model.id in (self.model, f"{self.model}:latest") for model in self.models)


# ── no tokens ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _config(subject: Subject) -> Finding:
    """Find nothing: that there is a subject says that profile and key could be read."""
    place = urlsplit(subject.profile.base_url).netloc.rpartition("@")[2]
    return Finding("ok", f"{subject.profile.dialect} at {place}")


async def _auth(subject: Subject) -> Finding:
    path = subject.profile.paths.get("key")
    if subject.has_key and path is not None:
        return _key_as_told(await subject.fetch(path))
    if subject.has_key and subject.profile.vendor in PUBLIC:
        return await _knock(subject)
    if not await _list(subject):
        return await _knock(subject)
    return Finding("ok", _counted(len(subject.models or ())) + ("" if subject.has_key else ", without a key"))


def _key_as_told(wire: JSON) -> Finding:
    """Return what OpenRouter tells of a key; not its label, which is the key with stars."""
    told = as_object(wire, ()).get("data")
    if not isinstance(told, dict):
        raise ProtocolFault(f"no word about the key: {show(wire)}")
    left = number(told.get("limit_remaining"))
    if left is not None and left <= 0:
        return Finding("no-quota", f"{left:g} US dollars of the key's limit are left")
    return Finding("ok", "the key is known" if left is None else f"the key is known, {left:g} US dollars are left")


async def _list(subject: Subject) -> bool:
    """Ask for the models, once; False where the provider has no listing."""
    if subject.models is None:
        try:
            subject.models = await subject.provider.models()
        except NoListing:
            return False
    return True


async def _knock(subject: Subject) -> Finding:
    """Send a request that says nothing: that it is refused for this, and not for its key, is what is wanted."""
    nothing: Wire = {"model": subject.model or "none", "messages": [], "max_tokens": _BUDGETS[0]}
    try:
        await subject.provider.send(subject.provider.prepare_document(nothing, source="openai-chat"))
    except Rejected as error:
        if error.kind not in ("invalid_request", "too_large") and not _is_of_model(error):
            raise
        if verdict_of(error) == "bad-key":
            raise
    return Finding("ok", "the key was accepted")


def _is_of_model(error: Rejected) -> bool:
    return error.kind == "not_found" and re.search("model", error.error.message, re.IGNORECASE) is not None


def _counted(number_of: int) -> str:
    return f"{number_of:,} model{'' if number_of == 1 else 's'} listed"


# ── the model ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _model(subject: Subject) -> Finding:
    if subject.model is None:
        return Finding("no-model", "the profile names no model", "model: NAME in the profile, or -m NAME")
    await _list(subject)
    if subject.lists_model:
        return Finding("ok", f"{subject.model} is listed")
    # Aliases, deployments and what a proxy makes up are in no listing, and answer.
    try:
        await subject.provider.complete(_request("Say yes.", _budgets(subject, _BUDGETS)[0]))
    except Rejected as error:
        if not _wants_more(error):
            raise
    return Finding("ok", f"{subject.model} is not listed, but it answers")


# ── tokens ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _complete(subject: Subject) -> Finding:
    return await _with_enough(subject, _BUDGETS, _complete_with)


async def _complete_with(subject: Subject, budget: int) -> Finding:
    completion = await subject.provider.complete(_request(_prompt(subject), budget))
    model = completion.response.model
    told = f"answered by {model}" if model else "answered, by a model that is not named"
    return _judged(subject, completion.response) or Finding("ok", told)


async def _stream(subject: Subject) -> Finding:
    return await _with_enough(subject, _BUDGETS, _stream_with)


async def _stream_with(subject: Subject, budget: int) -> Finding:
    pieces = 0
    async with subject.provider.stream(_request(_prompt(subject), budget)) as stream:
        async for event in stream:
            pieces += isinstance(event, ContentDelta)
        first = stream.timing.first_output or 0.0
    return _judged(subject, stream.response) or Finding("ok", f"{pieces} pieces of text, the first after {first:.2f} s")


async def _tools(subject: Subject) -> Finding:
    return await _with_enough(subject, _BUDGETS_OF_CALLS, _tools_with)


async def _tools_with(subject: Subject, budget: int) -> Finding:
    schema: Wire = {
        "type": "object",
        "properties": {"word": {"type": "string", "enum": [subject.word]}},
        "required": ["word"],
    }
    tool = Tool(name=_TOOL, description="Report the word that the user gives.", schema=schema)
    # A model that thinks cannot be forced, says Anthropic: there it is only asked.
    is_forced = subject.profile.reasoning is None or is_off(subject.profile.reasoning)
    choice = ToolChoice(mode="required", names=(_TOOL,)) if is_forced else ToolChoice(mode="auto")
    asked = _request(f"Call the tool {_TOOL} with the word {subject.word}.", budget)
    completion = await subject.provider.complete(msgspec.structs.replace(asked, tools=(tool,), tool_choice=choice))
    calls = tool_calls_of(completion.response)
    if not calls:
        return _lack(completion.response) or Finding("protocol-mismatch", "no tool call came back")
    return _judged_call(subject, calls[0])


def _judged_call(subject: Subject, call: ToolCall) -> Finding:
    arguments = call.arguments if isinstance(call.arguments, dict) else parsed_arguments(call.arguments)
    if call.name != _TOOL:
        return Finding("protocol-mismatch", f"a call of {show(call.name)} came back, which nobody offered")
    if arguments is None or subject.word not in str(arguments.get("word")):
        return Finding(
            "protocol-mismatch", f"the word is not in the arguments of the call: {show(str(call.arguments))}"
        )
    return Finding("ok", "the tool was called with the word")


async def _with_enough(
    subject: Subject, budgets: tuple[int, ...], probe: Callable[[Subject, int], Awaitable[Finding]]
) -> Finding:
    """Probe with few tokens, and again with more if they went into thinking."""
    *few, many = _budgets(subject, budgets)
    for budget in few:
        try:
            finding = await probe(subject, budget)
        except Rejected as error:
            if not _wants_more(error):
                raise
        else:
            if finding.verdict != "truncated":
                return finding
    return await probe(subject, many)


def _budgets(subject: Subject, budgets: tuple[int, ...]) -> tuple[int, ...]:
    reasoning = subject.profile.reasoning
    if reasoning is None or is_off(reasoning):
        return budgets
    return ((budget_of(reasoning) or budgets[-1]) + _AFTER_THINKING,)


def _wants_more(error: Rejected) -> bool:
    """Say whether the request was refused for the few tokens that it allows, as some vendors do."""
    return error.kind == "invalid_request" and _WANTS_MORE.search(error.error.message) is not None


def _judged(subject: Subject, response: Response | None) -> Finding | None:
    """Return what is wrong with an answer that should hold the word."""
    said = text_of(response)
    if subject.word.casefold() in said.casefold():
        return None
    return _lack(response) or Finding(
        "protocol-mismatch", f"the answer is not the word that was asked for: {show(said)}"
    )


def _lack(response: Response | None) -> Finding | None:
    is_cut = response is not None and any(candidate.stop == "length" for candidate in response.candidates)
    return Finding("truncated", "max_tokens were used up before the answer") if is_cut else None


def _prompt(subject: Subject) -> str:
    return f"Reply with this word, and nothing else: {subject.word}"


def _request(prompt: str, budget: int) -> Request:
    said = Message(role="user", parts=(Text(text=prompt),))
    return Request(messages=(said,), parameters=Parameters(max_tokens=budget))


PROBES: Mapping[str, Callable[[Subject], Awaitable[Finding]]] = {
    "config": _config,
    "auth": _auth,
    "model": _model,
    "complete": _complete,
    "stream": _stream,
    "tools": _tools,
}
