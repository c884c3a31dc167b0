"""decode → encode: the way of every conversion. No vendor's name stands here.

A conversion into the dialect that the document came from gives the document itself: reading it proves that it is one.
Values that need no change are shared between the document and the result; nothing is changed in place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, ParamSpec, TypeVar

import msgspec

from dragoman.schemas import foreign
from dragoman.schemas.continuity import refuse_unseen_calls
from dragoman.schemas.dialect import Dialect, find
from dragoman.schemas.errors import DragomanError, InvalidInput, MalformedJSON
from dragoman.schemas.fields import shared
from dragoman.schemas.ir import JSON, Candidate, CustomTool, Error, Part, Request, Response, Tool, ToolCall, Wire
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.losses import Loss, Losses
from dragoman.schemas.narrow import as_object
from dragoman.schemas.passes import UNSEEN, Passes
from dragoman.schemas.policy import judged
from dragoman.schemas.spelling import fit_name, names_back

__all__ = [
    "Converted",
    "convert_error",
    "convert_error_bytes",
    "convert_request",
    "convert_request_bytes",
    "convert_response",
    "convert_response_bytes",
    "guarded",
    "names_for",
    "note_unread",
    "refuse_error",
    "with_name",
    "with_names",
]

Body = TypeVar("Body")
P = ParamSpec("P")
Result = TypeVar("Result")


class Converted(msgspec.Struct, Generic[Body], frozen=True):
    """A converted document and what it lost. `model` and `stream` are what a request says beside its body, for
    dialects that put them into the URL."""

    body: Body
    losses: tuple[Loss, ...] = ()
    model: str | None = None
    stream: bool | None = None


def convert_request(
    body: JSON,
    *,
    source: str,
    target: str,
    model: str | None = None,
    stream: bool | None = None,
    on_loss: str = "report",
    passes: Passes = UNSEEN,
) -> Converted[Wire]:
    """Say a request of one dialect in another. `model` replaces the model's name, `stream` whether it asks for one:
    they are what some dialects say in the URL.

    `on_loss` is "report", "refuse-meaning" or "refuse-any"; a refusal raises RefusedLoss. `passes` watches.
    """
    passes.on_pass("request", "client_request", body)
    try:
        speaker, listener = find(source), find(target)
        wire = as_object(body, ())
        request = _with_address(guarded(speaker.requests.decode_request, wire), model, stream)
        passes.on_pass("request", "parsed", request)
        losses: tuple[Loss, ...] = ()
        if speaker is listener:
            said = _renamed(wire, model if speaker.model_in_body else None, "model")
        else:
            noted = Losses(speaker.requests.PLACES, wire, speaker.family)
            said = _encoded_request(request, listener, noted)
            losses = judged(noted, on_loss)
    except DragomanError as error:
        passes.on_failure("request", error)
        raise
    passes.on_pass("request", "encoded", said, losses)
    return Converted(said, losses, request.model, request.parameters.stream)


def convert_response(
    body: JSON,
    *,
    source: str,
    target: str,
    request: JSON = None,
    model: str | None = None,
    on_loss: str = "report",
    passes: Passes = UNSEEN,
) -> Converted[Wire]:
    """Say a response of one dialect in another.

    `request` is the request, in the *target* dialect, that this answers: what the target repeats of it comes from
    there, and tool names that were rewritten to fit the source get their own back.
    """
    passes.on_pass("response", "provider_response", body)
    try:
        speaker, listener = find(source), find(target)
        wire = as_object(body, ())
        response = guarded(speaker.responses.decode_response, wire)
        refuse_error(wire, response)
        if model is not None:
            response = msgspec.structs.replace(response, model=model)
        passes.on_pass("response", "parsed", response)
        losses: tuple[Loss, ...] = ()
        if speaker is listener:
            said = _renamed(wire, model, listener.response_model)
        else:
            noted = Losses(speaker.responses.PLACES, wire, speaker.family)
            said = _encoded_response(response, request, listener, noted)
            losses = judged(noted, on_loss)
    except DragomanError as error:
        passes.on_failure("response", error)
        raise
    _note_end(passes, said, losses)
    return Converted(said, losses, response.model)


def convert_error(
    body: JSON,
    *,
    source: str,
    target: str,
    status: int | None = None,
    on_loss: str = "report",
    passes: Passes = UNSEEN,
) -> Converted[Wire]:
    """Say the body of an error of one dialect in another. A body that is plain text (a proxy's page) converts, too."""
    passes.on_pass("response", "provider_response", body)
    try:
        speaker, listener = find(source), find(target)
        is_same = speaker is listener
        said: Wire = as_object(body, ()) if is_same else {}
        losses: tuple[Loss, ...] = ()
        if passes or not is_same:
            told = guarded(speaker.errors.decode_error, body, status)
            passes.on_pass("response", "parsed", told)
            if not is_same:
                noted = Losses(None, body, speaker.family)
                said, losses = _encoded_error(told, listener, noted), judged(noted, on_loss)
    except DragomanError as error:
        passes.on_failure("response", error)
        raise
    _note_end(passes, said, losses)
    return Converted(said, losses)


def convert_request_bytes(
    raw: bytes,
    *,
    source: str,
    target: str,
    model: str | None = None,
    on_loss: str = "report",
    passes: Passes = UNSEEN,
) -> Converted[bytes]:
    """Like `convert_request`, from JSON bytes to JSON bytes."""
    wire = _read(raw, "request", passes)
    said = convert_request(wire, source=source, target=target, model=model, on_loss=on_loss, passes=passes)
    return _written(said, wire, raw)


def convert_response_bytes(
    raw: bytes,
    *,
    source: str,
    target: str,
    request: bytes | None = None,
    on_loss: str = "report",
    passes: Passes = UNSEEN,
) -> Converted[bytes]:
    """Like `convert_response`, from JSON bytes to JSON bytes."""
    wire, asked = _read(raw, "response", passes), None if request is None else read_json(request)
    said = convert_response(wire, source=source, target=target, request=asked, on_loss=on_loss, passes=passes)
    return _written(said, wire, raw)


def convert_error_bytes(
    raw: bytes,
    *,
    source: str,
    target: str,
    status: int | None = None,
    on_loss: str = "report",
    passes: Passes = UNSEEN,
) -> Converted[bytes]:
    """Like `convert_error`, from JSON bytes to JSON bytes."""
    wire = _read(raw, "response", passes)
    said = convert_error(wire, source=source, target=target, status=status, on_loss=on_loss, passes=passes)
    return _written(said, wire, raw)


def note_unread(raw: bytes, side: str, error: DragomanError, passes: Passes) -> None:
    """Tell those who watch of a document that cannot be read: what it was, and why."""
    passes.on_pass(side, "client_request" if side == "request" else "provider_response", raw)
    passes.on_failure(side, error)


def _read(raw: bytes, side: str, passes: Passes) -> JSON:
    try:
        return read_json(raw)
    except MalformedJSON as error:
        note_unread(raw, side, error, passes)
        raise


def _with_address(request: Request, model: str | None, stream: bool | None) -> Request:
    """Return a request with what is said beside its body."""
    if model is not None:
        request = msgspec.structs.replace(request, model=model)
    if stream is None or stream == request.parameters.stream:
        return request
    return msgspec.structs.replace(request, parameters=msgspec.structs.replace(request.parameters, stream=stream))


def _encoded_request(request: Request, listener: Dialect, losses: Losses) -> Wire:
    refuse_unseen_calls(request)
    said = guarded(listener.requests.encode_request, request, losses)
    said.update(shared(request.extra, listener.shares)[0])
    foreign.report_request(request, listener, losses)
    return said


def _encoded_response(response: Response, request: JSON, listener: Dialect, losses: Losses) -> Wire:
    asked = None if request is None else guarded(listener.requests.decode_request, as_object(request, ()))
    said = guarded(listener.responses.encode_response, with_names(response, names_for(asked)), losses, asked)
    foreign.report_response(response, listener, losses)
    return said


def _encoded_error(error: Error, listener: Dialect, losses: Losses) -> Wire:
    said = guarded(listener.errors.encode_error, error, losses)
    foreign.report_error(error, listener, losses)
    return said


def _note_end(passes: Passes, said: Wire, losses: tuple[Loss, ...]) -> None:
    passes.on_pass("response", "encoded", said, losses)
    passes.on_pass("response", "final", said)


def _written(converted: Converted[Wire], wire: JSON, raw: bytes) -> Converted[bytes]:
    body = raw if converted.body is wire else write_json(converted.body)
    return Converted(body, converted.losses, converted.model, converted.stream)


def guarded(function: Callable[P, Result], /, *args: P.args, **kwargs: P.kwargs) -> Result:
    """Call a codec. What is nested deeper than Python's stack is the document's fault, not ours."""
    try:
        return function(*args, **kwargs)
    except RecursionError as error:
        raise InvalidInput("$", "nested too deeply") from error


def refuse_error(wire: Wire, response: Response) -> None:
    """Refuse an error that came with the status of a success: as an answer it would say that all went well."""
    silent = not any(candidate.parts for candidate in response.candidates)
    if silent and isinstance(wire.get("error"), (dict, str)) and wire["error"]:
        raise InvalidInput("$.error", "this is an error and no response; convert it as an error (--kind error)")


def _renamed(wire: Wire, model: str | None, field: str) -> Wire:
    return wire if model is None else {**wire, field: model}


def names_for(asked: Request | None) -> dict[str, str]:
    """Return what the tool names stand for that were rewritten to fit the one who answers."""
    if asked is None or not asked.tools:
        return {}
    names = {tool.name for tool in asked.tools if isinstance(tool, (Tool, CustomTool))}
    back = names_back(names, _begun) | names_back(names, fit_name)
    return {fitted: name for fitted, name in back.items() if fitted not in names}


def _begun(name: str) -> str:
    """Return a name as Gemini takes it, which wants none to begin with a digit."""
    fitted = fit_name(name)
    return fitted if fitted[0].isalpha() or fitted[0] == "_" else f"_{fitted}"


def with_names(response: Response, names: dict[str, str]) -> Response:
    """Return a response whose calls have the names back that the program knows."""
    if not names:
        return response
    candidates = tuple(_candidate_with_names(candidate, names) for candidate in response.candidates)
    return msgspec.structs.replace(response, candidates=candidates)


def _candidate_with_names(candidate: Candidate, names: dict[str, str]) -> Candidate:
    return msgspec.structs.replace(candidate, parts=tuple(with_name(part, names) for part in candidate.parts))


def with_name(part: Part, names: dict[str, str]) -> Part:
    if isinstance(part, ToolCall) and part.name in names:
        return msgspec.structs.replace(part, name=names[part.name])
    return part
