"""Both ways through the rooms of one dialect, for any kind of document: what the laws are tried on."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dragoman.schemas import find, foreign
from dragoman.schemas.fields import shared
from dragoman.schemas.ir import JSON, Error, Request, Response, Wire
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_object
from tests.laws import sayings
from tests.laws.sayings import Saying

__all__ = ["STATUS", "Said", "decoded", "encoded", "losses_of", "placed", "said_by", "spelling", "through_json"]

Said = Request | Response | Error
STATUS = 400


def decoded(name: str, kind: str, wire: JSON, status: int | None = STATUS) -> Said:
    dialect = find(name)
    match kind:
        case "request":
            return dialect.requests.decode_request(as_object(wire, ()))
        case "response":
            return dialect.responses.decode_response(as_object(wire, ()))
        case _:  # the status is HTTP's: some bodies repeat it
            return msgspec.structs.replace(dialect.errors.decode_error(wire, status), status=status)


def encoded(name: str, said: Said, losses: Losses) -> Wire:
    """Return the document, through JSON text, and report the foreign fields, too."""
    dialect = find(name)
    match said:
        case Request():
            wire = dialect.requests.encode_request(said, losses) | shared(said.extra, dialect.shares)[0]
            foreign.report_request(said, dialect, losses)
        case Response():
            wire = dialect.responses.encode_response(said, losses)
            foreign.report_response(said, dialect, losses)
        case Error():
            wire = dialect.errors.encode_error(said, losses)
            foreign.report_error(said, dialect, losses)
    return through_json(wire)


def through_json(wire: Wire) -> Wire:
    """Return what a program at the other end reads: what is written must be JSON, and be read as the same."""
    read = as_object(read_json(write_json(wire)), ())
    assert read == wire, "writing and reading the document changes it"
    return read


def said_by(said: Said) -> list[Saying]:
    match said:
        case Request():
            return sayings.of_request(said)
        case Response():
            return sayings.of_response(said)
        case Error():
            return sayings.of_error(said)


def losses_of(name: str, kind: str, document: JSON) -> Losses:
    """Return where losses are collected that happen to a document of this dialect."""
    dialect = find(name)
    places = {"request": dialect.requests.PLACES, "response": dialect.responses.PLACES}.get(kind)
    return Losses(places, document, name)


def spelling(path: str) -> str:
    """Return a path in one spelling: Gemini takes inline_data and inlineData."""
    return path.replace("_", "").lower()


def placed(said: Iterable[Saying], losses: Losses) -> list[Saying]:
    """Return sayings of a document, with settings where the document has them."""
    return [saying._replace(at=losses.place(str(saying.at[0]))) if _is_setting(saying) else saying for saying in said]


_SETTINGS = ("stop", "modality", "metadata", "id", "created", "service_tier")


def _is_setting(saying: Saying) -> bool:
    return saying.kind.startswith("parameter.") or saying.kind in _SETTINGS
