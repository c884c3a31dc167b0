"""A reply that is no success → the error that it stands for: status, headers and a body of any form."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from dragoman.schemas.dialect import find
from dragoman.schemas.errors import MalformedJSON, Rejected
from dragoman.schemas.ir import JSON
from dragoman.schemas.jsontext import read_json

__all__ = ["rejection", "request_id_of"]


def rejection(dialect: str, status: int, headers: Mapping[str, str], body: bytes, today: float) -> Rejected:
    """Return the error of a reply. `today` is the time of day, against which `Retry-After` may be a date."""
    try:
        wire: JSON = read_json(body)
    except MalformedJSON:
        wire = body.decode("utf-8", "replace")
    error = find(dialect).errors.decode_error(wire, status)
    return Rejected(msgspec.structs.replace(error, status=status), request_id=request_id_of(headers))


def request_id_of(headers: Mapping[str, str]) -> str | None:
    """Return the id by which the provider's people find this request."""
    return headers.get("x-request-id") or headers.get("request-id")
