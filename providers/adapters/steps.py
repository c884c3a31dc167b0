"""The use of an adapter → the step that does it, on JSON or on values of the IR.

On the unified sides, a change is one of the JSON of the IR (`schemas.unified`), and what comes of it has to be a value
of the IR again.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from dragoman.providers.adapters.edits import Drop, Headers, Models, Put, Rename
from dragoman.providers.adapters.operations import OPERATIONS, place_in, read_edit
from dragoman.providers.settings import AdapterUse, Side
from dragoman.schemas.errors import InvalidInput, ProfileFault
from dragoman.schemas.events import Event
from dragoman.schemas.ir import Request, Response, Wire
from dragoman.schemas.unified import as_wire, event_from, node_from

if TYPE_CHECKING:
    from dragoman.providers.adapters.context import Context, Step

__all__ = ["step_of"]


def step_of(use: AdapterUse) -> Headers | Models | Step:
    """Return what does it. Raises ProfileFault for what cannot be had, or makes no sense."""
    if use.name not in OPERATIONS:
        from dragoman.providers.adapters.functions import function_of

        return function_of(use)
    place = f"{use.place}.{use.name}" if use.place else use.name
    edit = read_edit(use, partial(place_in, place))
    if isinstance(edit, (Rename, Put, Drop)) and use.side.startswith("unified"):
        return _OnUnified(edit, use.side, place)
    return edit


class _OnUnified(msgspec.Struct, frozen=True):
    """A change of JSON, for values of the IR."""

    edit: Rename | Put | Drop
    side: Side
    place: str

    def __call__(self, value: Request | Response | Event, context: Context) -> Request | Response | Event:
        try:
            wire = as_wire(value)
            edited = self.edit(wire, context)
            return value if edited is wire else self._value(edited)
        except InvalidInput as error:
            raise ProfileFault(f"what it makes is no {_NAMES[self.side]}: {error}", place=self.place) from error

    def _value(self, wire: Wire) -> Request | Response | Event:
        match self.side:
            case "unified_request":
                return node_from(wire, Request)
            case "unified_response":
                return node_from(wire, Response)
            case _:
                return event_from(wire)


_NAMES = {"unified_request": "request", "unified_response": "response", "unified_stream_event": "event of a stream"}
