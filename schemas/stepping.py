"""A stream, one wire event at a time: changed by adapters, and seen by those who watch, before anybody reads it.

Only streams that somebody wants to change or to watch go through here. Where nobody changes them, the bytes stay as
they are. Else they are framed anew: what is no JSON object keeps its data, half an event at the end stays half an
event, and an array of events comes out as server-sent events.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import msgspec

from dragoman.schemas.errors import BrokenStream, InvalidInput, MalformedJSON
from dragoman.schemas.events import Event
from dragoman.schemas.framing import MAX_LINE, Deframer, Frame, Framing, comment_frame, line_frame, sse_frame
from dragoman.schemas.ir import Wire
from dragoman.schemas.jsontext import read_json, write_json
from dragoman.schemas.passes import Passes

__all__ = ["Step", "Steps"]

# Where an event may end: in each such piece no more than one does.
_LINE = re.compile(rb"[^\r\n]*+(?:\r\n|[\r\n]|\Z)")
_OBJECT = re.compile(rb"[^}]*+(?:}|\Z)")


class Step(msgspec.Struct, frozen=True):
    """Bytes as they came, and the events that are whole with them: one, or none."""

    raw: bytes
    frames: Sequence[Frame] = ()


class Steps:
    """`edit` changes an event, `look` sees what it has become. `feed` and `close` tell what is whole; `step` takes one
    of these after the other. `number` is that of the last event which was taken, from 1."""

    def __init__(
        self, edit: Callable[[Wire], Wire] | None, look: Callable[[Wire], None] | None, passes: Passes
    ) -> None:
        self.number = 0
        self._edit, self._look, self._passes = edit, look, passes
        self._deframer = Deframer(MAX_LINE)
        self._is_lost = False  # there are no more events that could be told apart
        self._is_half = False  # the last event has no end of its own
        self._told: set[str] = set()  # passes of the last event

    def feed(self, raw: bytes) -> list[Step]:
        """Return the bytes in pieces. Raises BrokenStream where they cannot be read, and are to be changed."""
        steps: list[Step] = []
        begin = end = 0
        for begun, end in self._pieces(raw):
            frames = self._frames(raw[begun:end])
            if frames:
                steps.append(Step(raw[begin:end], frames))
                begin = end
        return [*steps, Step(raw[begin:])] if begin < len(raw) else steps

    def close(self) -> list[Step]:
        """Return what stands at the end without an end of its own. The first time counts."""
        frames = [] if self._is_lost else self._deframer.close()
        self._is_lost = True
        return [Step(b"", frames)] if frames else []

    def step(self, step: Step) -> bytes:
        """Return the bytes as they are now."""
        said = [self._taken(frame) for frame in step.frames]
        return step.raw if self._edit is None else b"".join(said)

    def parsed(self, name: str, said: Sequence[Event] | bytes) -> None:
        """Tell those who watch what the last event says. What stands between two events is none."""
        if said or not self._is_half:
            self._tell(name, said)

    def _pieces(self, raw: bytes) -> Iterator[tuple[int, int]]:
        """Yield where each piece begins and ends: how it goes on shows when a piece has been read."""
        begin = 0
        while begin < len(raw) and not self._is_lost:
            is_array = self._deframer.framing in (None, Framing.ARRAY)
            found = (_OBJECT if is_array else _LINE).match(raw, begin)
            end = len(raw) if found is None else found.end()
            yield begin, end
            begin = end

    def _frames(self, piece: bytes) -> list[Frame]:
        try:
            return self._deframer.feed(piece)
        except InvalidInput as error:
            self._is_lost = True
            if self._edit is not None:
                raise BrokenStream(self.number + 1, error.path, error.problem) from error
            return []  # whoever reads the bytes will say so

    def _taken(self, frame: Frame) -> bytes:
        """Return an event as it is now; a comment stays what it says."""
        comment = b"" if frame.comment is None else comment_frame(frame.comment)
        if not frame.data:
            return comment
        self.number += 1
        self._is_half = not frame.whole
        self._told.clear()
        self._tell("provider_event", frame.data)
        data = self._edited(frame.data)
        self._tell("wire_adapters", data)
        return comment + self._framed(frame, data)

    def _tell(self, name: str, value: object) -> None:
        """Tell a pass of the last event, once."""
        if not self.number or name in self._told:
            return
        self._told.add(name)
        if self._passes.wants_event(self.number):
            self._passes.on_event(self.number, name, value)

    def _edited(self, data: bytes) -> bytes:
        if self._edit is None and self._look is None:
            return data
        try:
            wire = read_json(data)
        except MalformedJSON:
            return data
        if not isinstance(wire, dict):
            return data
        changed = wire if self._edit is None else self._edit(wire)
        if self._look is not None:
            self._look(changed)
        return data if changed is wire else write_json(changed)

    def _framed(self, frame: Frame, data: bytes) -> bytes:
        if self._deframer.framing is Framing.LINES:
            return line_frame(data) if frame.whole else data
        # An event may have been written over several lines.
        said = sse_frame(b"\ndata: ".join(data.splitlines()), (frame.event or "").encode())
        return said if frame.whole else said.rstrip(b"\n")
