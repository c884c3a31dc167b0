"""The bytes of a whole answer → a document → the response that it says."""

from __future__ import annotations

from collections.abc import Mapping

from dragoman.schemas.convert import guarded, refuse_error
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import InvalidInput, ProtocolFault, Rejected
from dragoman.schemas.ir import Response, Wire
from dragoman.schemas.jsontext import read_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_object

__all__ = ["beginning", "encoded_response", "read_answer", "read_document", "read_response"]


def read_document(raw: bytes, headers: Mapping[str, str], status: int) -> Wire:
    """Return the object that was answered. Raises ProtocolFault for pages, archives and all else that is none."""
    try:
        return as_object(read_json(raw), ())
    except InvalidInput as error:
        told = headers.get("content-type", "no content type")
        raise ProtocolFault(f"status {status}, {told}, and no JSON object: {beginning(raw)}") from error


def read_answer(dialect: str, raw: bytes, headers: Mapping[str, str], status: int) -> Wire:
    """Return the object that was answered; of a server that answers with a stream to whoever asks, what it adds up
    to. A stream that is cut off, or tells an error, is raised as that."""
    if not headers.get("content-type", "").startswith("text/event-stream"):
        return read_document(raw, headers, status)
    from dragoman.schemas.streams import assemble_stream

    try:
        return assemble_stream([raw], source=dialect, target=dialect).body
    except InvalidInput as error:
        raise ProtocolFault(f"no {dialect} stream: {error}") from error


def encoded_response(dialect: str, response: Response) -> Wire:
    """Return the document that says a response: one that adapters have changed since it was read."""
    return guarded(find(dialect).responses.encode_response, response, Losses())


def beginning(raw: bytes) -> str:
    """Return how bytes begin, as a person can read it."""
    if not raw:
        return "nothing at all"
    if raw.startswith(b"\x1f\x8b"):
        return "gzip, of which no header tells"
    start = raw[:80].decode("utf-8", "replace").rstrip("\ufffd")
    is_text = all(character.isprintable() or character.isspace() for character in start)
    return repr(start) if is_text else f"bytes {raw[:16].hex(' ')}"


def read_response(dialect_name: str, wire: Wire, request_id: str | None = None) -> Response:
    """Return the response. Raises Rejected for an error that came with the status of a success, or ProtocolFault."""
    dialect = find(dialect_name)
    try:
        response = guarded(dialect.responses.decode_response, wire)
    except InvalidInput as error:
        _refuse(dialect_name, wire, Response(candidates=()), request_id)
        raise ProtocolFault(f"no {dialect.name} response: {error}") from error
    _refuse(dialect_name, wire, response, request_id)
    return response


def _refuse(dialect: str, wire: Wire, response: Response, request_id: str | None) -> None:
    try:
        refuse_error(wire, response)
    except InvalidInput as problem:
        error = find(dialect).errors.decode_error(wire, None)
        raise Rejected(error, request_id=request_id) from problem
