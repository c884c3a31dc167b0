"""At most four cache marks a request, each for five minutes or an hour: the first ones of too many go.

A mark later in the prompt caches all that stands before it, so the last ones are worth the most.
https://platform.claude.com/docs/en/build-with-claude/prompt-caching
"""

from __future__ import annotations

from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.losses import Losses

__all__ = ["limit_marks"]

_MOST = 4
_LIFETIMES = ("5m", "1h", None)
# A mark: the list that holds the marked block, and where in it. The request itself is marked without one.
_Spot = tuple[list[JSON], int]


def limit_marks(wire: Wire, losses: Losses) -> Wire:
    """Take marks that are too many off a request, a new object whose lists are new."""
    spots = _spots(wire)
    own = wire.get("cache_control") is not None
    for items, index in spots:
        _settle_lifetime(items, index, losses)
    if own:
        _settle_lifetime([wire], 0, losses)
    surplus = len(spots) + own - _MOST
    if surplus > 0:
        losses.dropped((), "cache_control", f"Claude takes {_MOST} marks; the first {surplus} of {len(spots) + own} go")
        for items, index in spots[:surplus]:
            _replace(items, index, None)
    return wire


def _spots(wire: Wire) -> list[_Spot]:
    spots: list[_Spot] = []
    for key in ("tools", "system"):
        _gather(wire.get(key), spots)
    messages = wire["messages"]
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict) and type(message["content"]) is list:
            _gather(message["content"], spots)
    return spots


def _gather(items: JSON, spots: list[_Spot]) -> None:
    """Add the marked ones of these tools or blocks, and of the blocks of the results among them."""
    if not isinstance(items, list):
        return
    for index, item in enumerate(items):
        if isinstance(item, dict):
            if "tool_use_id" in item and _is_made_here(item):
                _gather(item["content"], spots)
            if "cache_control" in item:
                spots.append((items, index))


def _is_made_here(block: Wire) -> bool:
    """Tell whether the list inside a block is new: all other results are shared with the source."""
    return block["type"] == "tool_result" and isinstance(block["tool_use_id"], str) and "content" in block


def _settle_lifetime(items: list[JSON], index: int, losses: Losses) -> None:
    block = items[index]
    mark = block.get("cache_control") if isinstance(block, dict) else None
    if isinstance(mark, dict) and mark.get("ttl") not in _LIFETIMES:
        losses.approximated((), "cache_control", "Claude keeps a cache for five minutes or an hour")
        _replace(items, index, {key: value for key, value in mark.items() if key != "ttl"})


def _replace(items: list[JSON], index: int, mark: JSON) -> None:
    """Put a block with another mark in the place of a block: the block itself may be the source's."""
    block = items[index]
    if isinstance(block, dict):
        rest: Wire = {key: value for key, value in block.items() if key != "cache_control"}
        items[index] = rest if mark is None else {**rest, "cache_control": mark}
