"""The items that a stream is saying: what has to be known of each until it is done."""

from __future__ import annotations

import io

from dragoman.schemas.ir import TokenLogprob, Wire

__all__ = ["Call", "Item", "MessageItem", "Piece", "Thought"]


class Item:
    """An item that is being said."""

    def __init__(self) -> None:
        self.index, self.id = 0, ""
        self.wire: Wire = {}


class MessageItem(Item):
    """A message, and how many of its parts are open. `wire` holds the fields that it has of its own."""

    def __init__(self, fields: Wire) -> None:
        super().__init__()
        self.wire = fields
        self.content: list[Wire] = []
        self.open, self.is_closed = 0, False


class Piece:
    """A part of a message."""

    def __init__(self, message: MessageItem, is_refusal: bool) -> None:
        self.message, self.is_refusal = message, is_refusal
        self.number = len(message.content)
        message.content.append({})
        message.open += 1
        self.length = self.notes = 0
        self.logprobs: list[TokenLogprob] = []

    def place(self) -> Wire:
        return {"item_id": self.message.id, "output_index": self.message.index, "content_index": self.number}


class Thought(Item):
    """Reasoning, and the piece of it that is being said: of the summary, or the reasoning itself."""

    def __init__(self) -> None:
        super().__init__()
        self.summary: int | None = None
        self.is_open = False
        self.words = io.StringIO()
        self._counts = {True: 0, False: 0}
        self._number = 0

    def begin(self, summary: int | None) -> None:
        self.summary, self.is_open, self.words = summary, True, io.StringIO()
        self._number = self._counts[summary is None]
        self._counts[summary is None] += 1

    def place(self) -> Wire:
        field = "content_index" if self.summary is None else "summary_index"
        return {"item_id": self.id, "output_index": self.index, field: self._number}


class Call(Item):
    """A call and its arguments, as they were said."""

    def __init__(self, call_id: str, is_custom: bool) -> None:
        super().__init__()
        self.call_id, self.is_custom = call_id, is_custom
        self.kind, self.field = ("custom_tool_call", "input") if is_custom else ("function_call", "arguments")
        self.stem = f"{self.kind}_{self.field}"
        self.words = io.StringIO()
