"""A call → what the sandbox is asked: which operation, by the URL, and the request, by the dialect's own decoder.

What cannot be asked is answered with an error, as a server does it: an unknown path 404, a wrong method 405, a body
that cannot be read 400.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote

import msgspec

from dragoman.providers.endpoints import url_of
from dragoman.providers.exchange import Call
from dragoman.providers.settings import Profile
from dragoman.schemas.convert import guarded
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import InvalidInput, ProfileFault
from dragoman.schemas.ir import Error, Message, Part, Request, Text, ToolResult, Value
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.narrow import as_object

__all__ = ["MODEL", "Question", "question_of", "text_of_parts", "words_of"]

MODEL = "sandbox"
_METHODS = {"complete": "POST", "stream": "POST", "models": "GET"}
_WORDS = re.compile(r"\s*\S{1,16}|\s+")
_BLANK = Request(messages=())


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """`text` is what the user said last, `results` what the tools say whose turn was the last one, if it was theirs.
    `identity` is a digest of the call: the same question has the same answer, with the same ids."""

    operation: str
    dialect: str
    model: str
    identity: str
    request: Request = _BLANK
    streams: bool = False
    text: str = ""
    results: tuple[str, ...] = ()


def question_of(profile: Profile, call: Call) -> Question | Error:
    url = call.url.partition("?")[0]
    path = "/" + url.partition("://")[2].partition("/")[2]
    operation, named = _route(profile, url)
    if not operation:
        return Error(kind="not_found", status=404, message=f"there is no {path} here")
    if call.method.upper() != _METHODS[operation]:
        told = f"{call.method} is not allowed for {path}, {_METHODS[operation]} is"
        return Error(kind="invalid_request", status=405, message=told)
    question = Question(
        operation=operation, dialect=find(profile.dialect).name, model=named or MODEL, identity=_digest(call)
    )
    if operation == "models":
        return question
    try:
        request = guarded(find(profile.dialect).requests.decode_request, as_object(read_json(call.body), ()))
    except InvalidInput as error:
        return Error(kind="invalid_request", status=400, message=str(error))
    return _asked(question, request)


def _asked(question: Question, request: Request) -> Question:
    streams = question.operation == "stream" or request.parameters.stream is True
    last = request.messages[-1].parts if request.messages else ()
    return msgspec.structs.replace(
        question,
        operation="stream" if streams else "complete",
        model=request.model or question.model,
        request=request,
        streams=streams,
        text=_last_text(request.messages),
        results=tuple(text_of_parts(part.content) for part in last if isinstance(part, ToolResult)),
    )


def _last_text(messages: Iterable[Message]) -> str:
    """Return what the user said last: the newest turn with words in it, or with anything to look at."""
    for message in reversed([*messages]):
        said = [part for part in message.parts if not isinstance(part, ToolResult)]
        if message.role == "user" and said:
            return text_of_parts(said)
    return ""


def text_of_parts(parts: Iterable[Part]) -> str:
    """Return the words of parts; what has none is named."""
    return "".join(map(_told, parts))


def _told(part: Part) -> str:
    match part:
        case Text():
            return part.text
        case Value():
            return part.value if isinstance(part.value, str) else write_json(part.value).decode()
        case _:
            return f"({getattr(part, 'kind', type(part).__name__.lower())})"


def words_of(text: str) -> list[str]:
    """Return a text in the pieces that count as tokens here: words with the space before them, long ones in several."""
    return _WORDS.findall(text)


def _digest(call: Call) -> str:
    from hashlib import sha256

    place = call.url.partition("?")[0]  # the rest may hold a key
    return sha256(f"{call.method} {place} ".encode() + call.body).hexdigest()[:24]


# ------------------------------------------------------------------------------------------------------------- routes
_ANY = "any-{}-x8f31c-name"  # stands in a URL for a name that is looked for


def _route(profile: Profile, url: str) -> tuple[str, str | None]:
    """Return the operation that a URL stands for, and the model that it names; no operation for an unknown one."""
    unnamed = msgspec.structs.replace(profile, deployment=_ANY.format("deployment"))
    for operation in _METHODS:
        found = re.fullmatch(_pattern(unnamed, operation), url)
        if found is not None:
            names = found.groupdict()
            return operation, next((unquote(name) for name in names.values() if name), None)
    return "", None


def _pattern(profile: Profile, operation: str) -> str:
    """Return what matches the URLs that an operation has; nothing does where there is none of this name."""
    try:
        pattern = re.escape(url_of(profile, operation, _ANY.format("model")).partition("?")[0])
    except ProfileFault:
        return r"(?!)"
    for name in ("model", "deployment"):
        pattern = pattern.replace(re.escape(_ANY.format(name)), f"(?P<{name}>[^/]+?)", 1)
    return pattern
