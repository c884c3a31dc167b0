"""A reply that is no success → the error that it stands for: status, headers and a body of any form.

The provider's own words are kept, whichever dialect, charset or proxy's page they are in. An account that is spent is
"billing" even where the status says "too many requests": waiting does not help. A redirect is not followed.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import urlsplit

import msgspec

from dragoman.providers.replies.limits import limits_of, request_id_of, seconds_of, wait_of
from dragoman.schemas.convert import guarded
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import InvalidInput, MalformedJSON, ProtocolFault, Rejected
from dragoman.schemas.failures import kind_of_failure
from dragoman.schemas.framing import Deframer
from dragoman.schemas.ir import JSON, Error, Wire
from dragoman.schemas.jsontext import read_json
from dragoman.schemas.narrow import objects, text

__all__ = ["rejection", "request_id_of"]

MAX_TEXT = 300  # characters of a body that is no JSON
_PAGE = 8192  # characters of a page that are looked at
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE | re.ASCII)
_TEXTUAL = re.compile(r"(?:utf|us-ascii|ascii|iso-?8859|latin|windows|cp\d|gb|big5|shift|euc|koi8)", re.IGNORECASE)
_EVENTS = re.compile(rb"\s*(?:data|event|id|retry)?:", re.ASCII)
_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{1,500})", re.IGNORECASE)
_UNSEEN = re.compile(r"<(script|style)\b.*?(?:</\1[^>]{0,100}>|\Z)", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]{0,1000}>")
_BASE_URL = "base_url in the profile says where the API is"

# Words of a provider for an account that is spent: as its code or type, and in its message.
_SPENT = frozenset(
    {
        "insufficient_quota",
        "billing_error",
        "billing_hard_limit_reached",
        "billing_not_active",
        "credit_balance_too_low",
        "exceeded_current_quota_error",
        "insufficient_balance",
        "insufficient_credits",
    }
)
_SPENT_SAID = re.compile(
    r"credit balance is too low"
    r"|insufficient (?:account )?(?:balance|credit|fund)"
    r"|used all available credits or reached"
    r"|reached your specified (?:API|workspace API) usage limits"
    r"|key limit exceeded"
    r"|free-models-per-day",
    re.IGNORECASE,
)
_MAY_BE_SPENT = frozenset({400, 403, 412, 429})


def rejection(
    dialect: str, status: int, headers: Mapping[str, str], body: bytes, today: float
) -> Rejected | ProtocolFault:
    """Return the error of a reply. `today` is the time of day, against which `Retry-After` may be a date."""
    if 300 <= status < 400:
        return _redirect(status, headers.get("location", ""))
    wire = _read(body, headers.get("content-type", ""))
    inner = _inner(wire)
    headers = {**_headers_in(inner), **headers}
    limits = limits_of(headers, today)
    error = _error(dialect, status, wire)
    if status in _MAY_BE_SPENT and _is_spent(error, inner, limits):
        error = msgspec.structs.replace(error, kind="billing")
    rejected = Rejected(
        msgspec.structs.replace(error, status=status, message=_message(error.message, status, inner)),
        request_id=request_id_of(headers) or _id_in(wire),
        retry_after=_wait(headers, inner, today),
        limits=limits,
    )
    if status in (404, 405) and not isinstance(wire, (dict, list)):
        rejected.hint = _BASE_URL
    return rejected


def _redirect(status: int, location: str) -> ProtocolFault:
    """Name where it points to, but neither its path nor its query: they may hold anything."""
    try:
        place = urlsplit(location)
        host, scheme = place.hostname or "", place.scheme
    except ValueError:
        host = scheme = ""
    where = f" to {scheme}://{host}" if host and scheme else f" to {host}" if host else ""
    fault = ProtocolFault(f"{status}: the provider redirects{where}, and no redirect is followed")
    fault.hint = _BASE_URL
    return fault


def _read(body: bytes, content_type: str) -> JSON:
    """Return a body as JSON if it is, or holds it as an event; else its text: of a page what it is called."""
    try:
        return read_json(body)
    except MalformedJSON:
        said = _decoded(body, content_type)
    if said.lstrip()[:1] in ("{", "["):
        try:
            return read_json(said)
        except MalformedJSON:
            return _plain(said)
    told = _event(body) if _EVENTS.match(body) else None
    return _plain(said) if told is None else told


def _event(body: bytes) -> Wire | None:
    """Return the first object that a stream in the place of an error tells: LiteLLM answers 500 with one."""
    deframer = Deframer()
    try:
        frames = [*deframer.feed(body), *deframer.close()]
    except InvalidInput:
        return None  # a line without end
    for frame in frames:
        with suppress(MalformedJSON):
            told = read_json(frame.data)
            if isinstance(told, dict):
                return told
    return None


def _decoded(body: bytes, content_type: str) -> str:
    """Return bytes as text. Only names of charsets are believed: Python knows codecs that are none."""
    named = _CHARSET.search(content_type)
    if named and _TEXTUAL.match(named[1]):
        try:
            return body.decode(named[1], "replace")
        except (LookupError, UnicodeError):
            pass  # a charset that there is not: most often it is UTF-8 after all
    return body.decode("utf-8", "replace")


def _plain(said: str) -> str:
    page = said[:_PAGE]
    if re.match(r"\s*<(?:!doctype|html|head|body|\?xml)", page, re.IGNORECASE):
        title = _TITLE.search(page)
        page = title[1] if title else _TAG.sub(" ", _UNSEEN.sub(" ", page))
        page = html.unescape(page)
    short = " ".join("".join(letter if letter.isprintable() else " " for letter in page).split())
    return short if len(short) <= MAX_TEXT else short[: MAX_TEXT - 1] + "…"


def _error(dialect: str, status: int, wire: JSON) -> Error:
    try:
        return guarded(find(dialect).errors.decode_error, wire, status)
    except InvalidInput:
        return Error(message="", kind=kind_of_failure(status), status=status)


def _inner(wire: JSON) -> Wire:
    """Return the object that says it, whatever it is wrapped in."""
    if isinstance(wire, list):
        wire = wire[0] if wire else None
    if not isinstance(wire, dict):
        return {}
    held = wire.get("error")
    return held if isinstance(held, dict) else wire


def _metadata(inner: Wire) -> Wire:
    """Return what OpenRouter adds to an error of those behind it."""
    metadata = inner.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _headers_in(inner: Wire) -> dict[str, str]:
    held = _metadata(inner).get("headers")
    if not isinstance(held, dict):
        return {}
    return {name.lower(): str(value) for name, value in held.items() if isinstance(value, (str, int, float))}


def _id_in(wire: JSON) -> str | None:
    said = text(wire.get("request_id")) if isinstance(wire, dict) else None
    return said[:200] if said else None


def _message(said: str, status: int, inner: Wire) -> str:
    if not said.strip() or said in ("{}", "[]"):
        return _phrase(status)
    behind = _metadata(inner).get("raw")
    if isinstance(behind, str) and behind.strip() and behind not in said:
        name = text(_metadata(inner).get("provider_name"))
        return f"{said}: {f'{name}: ' if name else ''}{_plain(behind)}"
    return said


def _phrase(status: int) -> str:
    from http import HTTPStatus

    if status == 529:
        return "Overloaded"
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "no reason given"


def _wait(headers: Mapping[str, str], inner: Wire, today: float) -> float | None:
    """Return what the headers say, else Google's RetryInfo in the body."""
    waits = [seconds_of(text(item.get("retryDelay")) or "", today) for item in objects(inner.get("details"))]
    said = wait_of(headers, today)
    return said if said is not None else max((wait for wait in waits if wait is not None), default=None)


def _is_spent(error: Error, inner: Wire, limits: Mapping[str, str]) -> bool:
    """Tell whether it is the account or the day that is used up, so that waiting a minute does not help."""
    words = {word.lower() for word in (inner.get("type"), inner.get("code")) if isinstance(word, str)}
    if words & _SPENT or _SPENT_SAID.search(error.message):
        return True
    if error.status != 429:
        return False
    violations = [fault for item in objects(inner.get("details")) for fault in objects(item.get("violations"))]
    is_daily = any("PerDay" in (text(fault.get("quotaId")) or "") for fault in violations)
    # A limit of nothing is a plan that does not include this model.
    return is_daily or any(value == "0" for name, value in limits.items() if name.startswith("limit_"))
