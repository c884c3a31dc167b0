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
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.fields import shared
from dragoman.schemas.ir import JSON, Candidate, CustomTool, Part, Request, Response, Tool, ToolCall, Wire
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.losses import Loss, Losses
from dragoman.schemas.narrow import as_object
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
) -> Converted[Wire]:
    """Say a request of one dialect in another. `model` replaces the model's name, `stream` whether it asks for one:
    they are what some dialects say in the URL.

    `on_loss` is "report", "refuse-meaning" or "refuse-any"; a refusal raises RefusedLoss.
    """
    speaker, listener = find(source), find(target)
    wire = as_object(body, ())
    room = speaker.requests
    request = guarded(room.decode_request, wire)
    if model is not None:
        request = msgspec.structs.replace(request, model=model)
    if stream is not None and stream != request.parameters.stream:
        parameters = msgspec.structs.replace(request.parameters, stream=stream)
        request = msgspec.structs.replace(request, parameters=parameters)
    stream = request.parameters.stream
    if speaker is listener:
        return Converted(_renamed(wire, model if speaker.model_in_body else None, "model"), (), request.model, stream)
    refuse_unseen_calls(request)
    losses = Losses(room.PLACES, wire, speaker.name)
    said = guarded(listener.requests.encode_request, request, losses)
    said.update(shared(request.extra, listener.shares)[0])
    foreign.report_request(request, listener, losses)
    return Converted(said, judged(losses, on_loss), request.model, stream)


def convert_response(
    body: JSON, *, source: str, target: str, request: JSON = None, model: str | None = None, on_loss: str = "report"
) -> Converted[Wire]:
    """Say a response of one dialect in another.

    `request` is the request, in the *target* dialect, that this answers: what the target repeats of it comes from
    there, and tool names that were rewritten to fit the source get their own back.
    """
    speaker, listener = find(source), find(target)
    wire = as_object(body, ())
    room = speaker.responses
    response = guarded(room.decode_response, wire)
    refuse_error(wire, response)
    if model is not None:
        response = msgspec.structs.replace(response, model=model)
    if speaker is listener:
        return Converted(_renamed(wire, model, listener.response_model), (), response.model)
    asked = None if request is None else guarded(listener.requests.decode_request, as_object(request, ()))
    losses = Losses(room.PLACES, wire, speaker.name)
    said = guarded(listener.responses.encode_response, with_names(response, names_for(asked)), losses, asked)
    foreign.report_response(response, listener, losses)
    return Converted(said, judged(losses, on_loss), response.model)


def convert_error(
    body: JSON, *, source: str, target: str, status: int | None = None, on_loss: str = "report"
) -> Converted[Wire]:
    """Say the body of an error of one dialect in another. A body that is plain text (a proxy's page) converts, too."""
    speaker, listener = find(source), find(target)
    if speaker is listener:
        return Converted(as_object(body, ()))
    error = guarded(speaker.errors.decode_error, body, status)
    losses = Losses(None, body, speaker.name)
    said = guarded(listener.errors.encode_error, error, losses)
    foreign.report_error(error, listener, losses)
    return Converted(said, judged(losses, on_loss))


def convert_request_bytes(
    raw: bytes, *, source: str, target: str, model: str | None = None, on_loss: str = "report"
) -> Converted[bytes]:
    """Like `convert_request`, from JSON bytes to JSON bytes."""
    wire = read_json(raw)
    return _written(convert_request(wire, source=source, target=target, model=model, on_loss=on_loss), wire, raw)


def convert_response_bytes(
    raw: bytes, *, source: str, target: str, request: bytes | None = None, on_loss: str = "report"
) -> Converted[bytes]:
    """Like `convert_response`, from JSON bytes to JSON bytes."""
    wire, asked = read_json(raw), None if request is None else read_json(request)
    return _written(convert_response(wire, source=source, target=target, request=asked, on_loss=on_loss), wire, raw)


def convert_error_bytes(
    raw: bytes, *, source: str, target: str, status: int | None = None, on_loss: str = "report"
) -> Converted[bytes]:
    """Like `convert_error`, from JSON bytes to JSON bytes."""
    wire = read_json(raw)
    return _written(convert_error(wire, source=source, target=target, status=status, on_loss=on_loss), wire, raw)


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
