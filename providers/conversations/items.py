"""Turns that are kept → the items of the Responses API: each whole, each with an id of its own.

An item has the id that its source gave it; one that has none, or one that another item has already, has an id that is
made of the answer's and its number, and so the same one whenever it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from dragoman.providers.conversations import Kept
from dragoman.schemas.convert import guarded
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import CallerError
from dragoman.schemas.ir import JSON, Continuation, Request, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import objects
from dragoman.schemas.openai_responses.response import finished_item
from dragoman.schemas.paths import Path, found, put, read_path, taken_away
from dragoman.schemas.spelling import digest

__all__ = ["items_of", "shown"]

# name of what may be included → items of which type have it, and where
_INCLUDABLE = {
    "code_interpreter_call.outputs": ("code_interpreter_call", "outputs"),
    "computer_call_output.output.image_url": ("computer_call_output", "output.image_url"),
    "file_search_call.results": ("file_search_call", "results"),
    "message.input_image.image_url": ("message", "content[type=input_image].image_url"),
    "message.output_text.logprobs": ("message", "content[*].logprobs"),
    "reasoning.encrypted_content": ("reasoning", "encrypted_content"),
    "web_search_call.action.sources": ("web_search_call", "action.sources"),
    "web_search_call.results": ("web_search_call", "results"),
}
_NULLED = frozenset({"image_url", "outputs", "results", "encrypted_content"})  # say null where they are not shown


def items_of(lineage: Sequence[Kept], outputs: Sequence[Sequence[JSON]]) -> list[Wire]:
    """Return the items of all turns, the first one first. `outputs` are the items of all answers but the last."""
    taken: set[str] = set()
    items: list[Wire] = []
    for number, kept in enumerate(lineage):
        key = digest(kept.id)
        items += _named(_asked(kept.request), f"{key}i", taken)
        if number < len(outputs):
            items += _named(objects(list(outputs[number])), f"{key}o", taken)
    return items


def shown(item: Wire, include: Sequence[str]) -> Wire:
    """Return an item without what has to be asked for, and was not."""
    _check(include)
    for name, (kind, path) in _INCLUDABLE.items():
        if item.get("type") == kind and name not in include:
            item = _hidden(item, _path(path))
    return item


def _check(include: Sequence[str]) -> None:
    for name in include:
        if name not in _INCLUDABLE:
            raise CallerError(f"include: expected some of {', '.join(_INCLUDABLE)}, got {name[:80]!r}")


def _hidden(item: Wire, path: Path) -> Wire:
    after: JSON = item
    for at, _ in found(item, path):
        after = put(after, at, None) if at[-1] in _NULLED else taken_away(after, at)
    return after if isinstance(after, dict) else item


_path = cache(read_path)


def _asked(request: Request) -> Iterator[Wire]:
    """Yield what a turn asked. Its results answer calls of the turn before: that goes on from elsewhere, it says."""
    goes_on = Continuation(dialect="openai-responses", name="previous_response_id", value="elsewhere")
    said = Request(messages=request.messages, instructions=request.instructions, continuations=(goes_on,))
    wire = guarded(find("openai-responses").requests.encode_request, said, Losses())
    for item in objects(wire.get("input")):
        yield _whole(item) if "role" in item else item


def _whole(item: Wire) -> Wire:
    """Return a message as the API shows it: with its type, and its content in parts."""
    content, is_answer = item.get("content"), item.get("role") == "assistant"
    if isinstance(content, str):
        content = list[JSON]([_output_text(content) if is_answer else _input_text(content)])
    parts = [_with_detail(part) for part in objects(content)]
    return {**item, "type": "message", "content": list[JSON](parts)}


def _output_text(text: str) -> Wire:
    return {"type": "output_text", "text": text, "annotations": []}


def _input_text(text: str) -> Wire:
    return {"type": "input_text", "text": text}


def _with_detail(part: Wire) -> Wire:
    return {"detail": "auto", **part} if part.get("type") == "input_image" else part


def _named(items: Iterable[Wire], key: str, taken: set[str]) -> Iterator[Wire]:
    """Yield the items, each with an id that no other has."""
    for number, item in enumerate(items):
        own = item.get("id")
        is_free = isinstance(own, str) and own not in taken
        whole = finished_item(item if is_free else _without_id(item), f"{key}{number:04x}")
        named: Wire = whole if isinstance(whole.get("id"), str) else {**whole, "id": f"item_{key}{number:04x}"}
        taken.add(str(named["id"]))
        yield named


def _without_id(item: Wire) -> Wire:
    return {name: value for name, value in item.items() if name != "id"}
