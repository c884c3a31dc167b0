"""Lines of a trace → the payload after each of them: what the diffs leave out.

A line has a payload, which begins a chain, or a diff to the line before it in its chain. Each exchange has one chain of
requests, one of responses and one of events. Of exchanges that go on at one time, so many are remembered, those that
were told of last: a diff of one that was forgotten has no payload.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping

import msgspec

from dragoman.schemas.diffs import patched
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import JSON

__all__ = ["Replayer", "chain_of", "replayed"]

MAX_EXCHANGES = 256
MAX_WEIGHT = 64 << 20  # bytes of lines, of all exchanges but the last


def replayed(lines: Iterable[Mapping[str, JSON]]) -> list[JSON]:
    """Return the payloads of passes and events, in their order. Raises InvalidInput for diffs that fit nothing."""
    replayer = Replayer()
    told: list[JSON] = []
    for line in lines:
        if chain_of(line) is not None:
            told.append(replayer.feed(line))
    return told


def chain_of(line: Mapping[str, JSON]) -> str | None:
    """Return to which chain of its exchange a line belongs; None for one that has no payload."""
    match line.get("type"):
        case "pass":
            return str(line.get("side"))
        case "event":
            return "event"
        case _:
            return None


class _Held(msgspec.Struct, frozen=True):
    """The last payload of a chain. `weight`: how many bytes of lines it was made of."""

    payload: JSON
    weight: int


class Replayer:
    def __init__(self) -> None:
        self._exchanges: OrderedDict[str, dict[str, _Held]] = OrderedDict()
        self._weight = 0

    def feed(self, line: Mapping[str, JSON], weight: int = 0) -> JSON:
        """Return the payload after a line of so many bytes. Raises InvalidInput where what the diff is to is not
        known."""
        exchange, chain = str(line.get("exchange")), chain_of(line)
        if line.get("type") == "end":
            self._forget(exchange)
        if chain is None:
            return None
        if "payload" in line:
            self._hold(exchange, chain, _Held(line["payload"], weight))
        else:
            self._hold(exchange, chain, self._changed(exchange, chain, line.get("diff"), weight))
        return self._exchanges[exchange][chain].payload

    def before(self, line: Mapping[str, JSON]) -> JSON:
        """Return the payload that the diff of a line is to; None where there is none."""
        held = self._exchanges.get(str(line.get("exchange")), {}).get(str(chain_of(line)))
        return None if held is None else held.payload

    def _changed(self, exchange: str, chain: str, changes: JSON, weight: int) -> _Held:
        held = self._exchanges.get(exchange, {}).get(chain)
        if not isinstance(changes, list):
            raise InvalidInput("$", "expected a payload or a diff")
        if held is None:
            raise InvalidInput("$.diff", "what it is to is not in this trace")
        return _Held(patched(held.payload, changes), held.weight + weight)

    def _hold(self, exchange: str, chain: str, held: _Held) -> None:
        chains = self._exchanges.pop(exchange, {})
        self._weight += held.weight - (chains[chain].weight if chain in chains else 0)
        self._exchanges[exchange] = {**chains, chain: held}
        while len(self._exchanges) > 1 and (len(self._exchanges) > MAX_EXCHANGES or self._weight > MAX_WEIGHT):
            self._forget(next(iter(self._exchanges)))

    def _forget(self, exchange: str) -> None:
        self._weight -= sum(held.weight for held in self._exchanges.pop(exchange, {}).values())
