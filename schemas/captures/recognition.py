"""An exchange over HTTP → the same with its dialect, model and kinds; or why it is no exchange with a model.

The URL says it first: its path names the operation, and in Gemini's and Azure's the model. Where the URL says nothing
the body does. What the recording itself says of the dialect is believed.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from msgspec.structs import replace

from dragoman.schemas.captures.exchange import Bare, Captured, Received, Sent, Skipped, Unreadable, header
from dragoman.schemas.captures.marks import EVENT_FIELDS, STREAM_TYPES
from dragoman.schemas.detection import Detection, detect
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import InvalidInput, MalformedJSON, UndetectedDialect, UnknownDialect
from dragoman.schemas.ir import JSON
from dragoman.schemas.jsontext import read_json

__all__ = ["recognized", "settled"]

# The end of a URL's path → the dialect that is spoken there. `model` and `streams` are named groups.
_PLACES = (
    (re.compile(r"(?:/deployments/(?P<model>[^/]+))?/chat/completions$"), "openai-chat"),
    (re.compile(r"(?:/deployments/(?P<model>[^/]+))?/responses$"), "openai-responses"),
    (re.compile(r"/v1/messages$|^/?messages$|/anthropic/messages$"), "anthropic"),
    (re.compile(r"/models/(?P<model>[^/:]*claude[^/:]*):(?P<streams>streamR|r)awPredict$"), "anthropic"),
    (re.compile(r"/model/(?P<model>[^/]*anthropic[^/]*)/invoke(?P<streams>-with-response-stream)?$"), "anthropic"),
    (
        re.compile(r"(?:/(?:models|endpoints|tunedModels)/(?P<model>[^/:]+)):(?P<streams>streamG|g)enerateContent$"),
        "gemini",
    ),
    (re.compile(r"/api/(?:chat|generate)$"), "ollama"),
)
# The end of a path → what is asked there that is no conversation.
_OTHERS = (
    (re.compile(r"/embeddings$|:(?:batchE|e)mbedContents?$|/api/embed(?:dings)?$|/embed$"), "embeddings"),
    (re.compile(r"/responses/compact$"), "compaction"),
    (re.compile(r"/messages/count_tokens$|:countTokens$|/input_tokens$|/tokenize$"), "a count of tokens"),
    (re.compile(r"/models(?:/[^/:]+)?/?$|/api/(?:tags|show|ps|version)$"), "a list of models"),
    (re.compile(r"/files(?:/.*)?$|/batches(?:/.*)?$|/uploads(?:/.*)?$|/cachedContents(?:/.*)?$"), "files and batches"),
    (re.compile(r"/audio/\w+$|/images/\w+$|/videos(?:/.*)?$|:predict$|/moderations$|/rerank$"), "media and moderation"),
    (re.compile(r"/completions$"), "completions without a conversation"),
    (re.compile(r"/converse(?:-stream)?$|/v2/chat$"), "a protocol that we do not speak"),
)
_HEAD = 1 << 18
_INK = re.compile(rb"\S")  # what is not blank


def recognized(captured: Captured) -> Captured | Skipped | Unreadable:
    """Return the exchange with what is known of it, or what it is instead."""
    sent = captured.request
    reason = None if sent is None else _foreign(sent)
    if sent is not None and reason:
        return Skipped(reason, f"{sent.method} {sent.url}".strip(), captured.line)
    try:
        known = _with_dialect(captured)
    except UnknownDialect as error:
        return Unreadable(str(error), "$.dialect", captured.line)
    except MalformedJSON as error:
        return Unreadable(f"the body of the request: {error.problem}", line=captured.line)
    except UndetectedDialect as error:
        return Skipped("no request to a model", error.problem, captured.line)
    if known.response is None:
        return known
    kind = known.response.kind or _kind(known.response, known.dialect)
    streams = True if kind == "stream" else known.streams
    return replace(known, response=replace(known.response, kind=kind), streams=streams)


def settled(bare: Bare, dialect: str = "", kind: str = "") -> Captured:
    """Return a body as one side of an exchange. What is not told is detected. Raises InvalidInput."""
    found = None if dialect and kind else detect(bare.body)
    if found is not None:
        dialect, kind = dialect or found.dialect, kind or found.kind
    captured = Captured(dialect=dialect, certainty=found.certainty if found else "told", line=bare.line)
    if kind == "request":
        return replace(captured, request=Sent(body=bare.body))
    status = 500 if kind == "error" else 200
    return replace(captured, response=Received(body=bare.body, status=status, kind=kind))


def _foreign(sent: Sent) -> str:
    """Return what a request is, if it is none to a model."""
    path = _path(sent.url)
    if any(place.search(path) for place, _ in _PLACES):
        if sent.method != "POST":
            return f"{sent.method[:10]} where a model is asked by POST"
        return "" if sent.body else "a request that was saved without its body"
    other = next((what for place, what in _OTHERS if place.search(path)), "")
    if other:
        return other
    return "" if sent.body else "no request to a model"


def _with_dialect(captured: Captured) -> Captured:
    sent = captured.request
    if captured.dialect:
        captured = replace(captured, dialect=find(captured.dialect).name)
    found = None if sent is None else next(filter(None, (_found(sent.url, *place) for place in _PLACES)), None)
    if found is None:
        return captured if captured.dialect else _detected(captured)
    dialect, model, streams = found
    return replace(
        captured,
        dialect=captured.dialect or dialect,
        model=captured.model or model,
        streams=streams if captured.streams is None else captured.streams,
    )


def _found(url: str, place: re.Pattern[str], dialect: str) -> tuple[str, str | None, bool | None] | None:
    match = place.search(_path(url))
    if match is None:
        return None
    groups = match.groupdict()
    model = groups.get("model")
    streams = (groups.get("streams") or "").startswith(("stream", "-with")) if "streams" in groups else None
    return dialect, unquote(model) if model else None, streams


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def _detected(captured: Captured) -> Captured:
    """Return an exchange with the dialect that its bodies are in. Raises UndetectedDialect, MalformedJSON."""
    found = _guess(captured)
    return replace(captured, dialect=found.dialect, certainty=found.certainty)


def _guess(captured: Captured) -> Detection:
    if captured.request is not None and captured.request.body:
        found = detect(_object(captured.request.body))
        if found.kind != "request":
            raise UndetectedDialect("$", f"a {found.kind} where a request is sent")
        return found
    if captured.response is not None and captured.response.body:
        body = captured.response.body
        return detect(body[:_HEAD] if _is_events(body) else body)
    raise UndetectedDialect("$", "there is no body")


def _object(body: bytes) -> JSON:
    try:
        return read_json(body)
    except MalformedJSON as error:
        raise UndetectedDialect("$", f"the body is no JSON: {error.problem}") from error


def _kind(received: Received, dialect: str) -> str:
    if not received.body or received.body.isspace():
        return ""
    if received.status >= 400:
        return "error"
    if header(received.headers, "content-type").startswith(STREAM_TYPES) or _is_events(received.body):
        return "stream"
    return "stream" if _is_stream(received.body, dialect) else "response"


def _is_events(body: bytes) -> bool:
    return body[:64].lstrip().startswith(EVENT_FIELDS)


def _is_stream(body: bytes, dialect: str) -> bool:
    """Tell a stream without its content type: Gemini's array, or chunks a line."""
    begun = body[:64].lstrip()
    if dialect == "gemini":
        return begun.startswith(b"[")
    end = body.find(b"\n")
    if dialect != "ollama" or end < 0 or _INK.search(body, end) is None:
        return False
    try:
        return isinstance(read_json(body[:end]), dict)
    except InvalidInput:
        return False
