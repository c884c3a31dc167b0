"""What is wrong with a stream that cannot be read, or not all of it."""

from __future__ import annotations

from collections.abc import Sequence

from dragoman.providers.secrets import Secrets
from dragoman.schemas.errors import BrokenStream, DragomanError, NetworkFault, ProtocolFault
from dragoman.schemas.events import Event, StreamComplete, StreamFailed
from dragoman.schemas.ir import Error, Response

__all__ = ["complaint", "cut_short", "tell_malformed", "unreadable"]


def complaint(malformed: int) -> DragomanError | None:
    """Return what is to be raised of a stream with so many malformed events."""
    if not malformed:
        return None
    events = "events" if malformed > 1 else "event"
    return ProtocolFault(f"{malformed} malformed {events} in the stream: something is missing")


def tell_malformed(raw: bytes, secrets: Secrets) -> None:
    """Tell of an event that could not be read, at DEBUG."""
    import logging

    text = secrets.redact(raw.decode("utf-8", "backslashreplace"))
    logging.getLogger("dragoman.providers").debug("malformed event in the stream: %s", text)


def unreadable(error: DragomanError, dialect: str, content_type: str | None) -> DragomanError:
    """Return what is to be raised of a stream that was none from its beginning; any other error as it is."""
    if not isinstance(error, BrokenStream):
        return error
    return ProtocolFault(f"no {dialect} stream: {error}{f' (content type {content_type})' if content_type else ''}")


def cut_short(told: Sequence[Event], error: NetworkFault | ProtocolFault) -> list[Event]:
    """Return the events of a stream that came no further than these, with the end that it has for that."""
    last = told[-1] if told else None
    response = last.response if isinstance(last, (StreamComplete, StreamFailed)) else Response(candidates=())
    kept = [event for event in told if not isinstance(event, (StreamComplete, StreamFailed))]
    told_error = Error(kind="timeout" if error.kind == "timeout" else "server", message=str(error))
    return [*kept, StreamFailed(told_error, response, cut=True)]
