"""Usage and cost of recorded answers: what a vendor says that it all comes to is what ours comes to.

As in `test_recordings`; without the file this module is not collected. Where the vendor's own numbers contradict each
other, `_excuse` says in which way: reasoning that is more than what was made, and yet in no total. Of several streams
in one file, the first is the answer. Run it with `-s` to see how many there are of each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

import msgspec
import pytest

from dragoman.providers.beside import taken
from dragoman.schemas import StreamReader, find
from dragoman.schemas.anthropic.response import decode_usage
from dragoman.schemas.errors import DragomanError
from dragoman.schemas.events import StreamComplete, StreamFailed
from dragoman.schemas.framing import Deframer
from dragoman.schemas.ir import Usage, Wire
from dragoman.schemas.jsontext import read_json
from dragoman.schemas.narrow import count, number
from tests.laws.test_recordings import PROTOCOLS, lines

_PARTS: Final = {
    "cache_read": "input_tokens",
    "cache_write": "input_tokens",
    "cache_write_1h": "cache_write",
    "input_audio": "input_tokens",
    "input_image": "input_tokens",
    "reasoning": "output_tokens",
    "output_audio": "output_tokens",
    "output_image": "output_tokens",
}
_TICKS: Final = 10_000_000_000


class _Answer(msgspec.Struct, frozen=True):
    """A recorded answer: what its vendor tells last, and what we read. `goes_on`: another stream follows it."""

    told: Wire | None
    usage: Usage | None
    goes_on: bool = False


def _answers() -> Iterator[tuple[str, str, _Answer]]:
    """Yield id, dialect and answer."""
    for line in lines():
        exchange = read_json(line)
        if not isinstance(exchange, dict) or (count(exchange.get("status")) or 200) >= 400:
            continue
        name = PROTOCOLS.get(str(exchange.get("protocol")))
        answer = None if name is None else _read(name, exchange)
        if name is not None and answer is not None:
            yield str(exchange.get("id")), name, answer


def _read(name: str, exchange: Wire) -> _Answer | None:
    """Return the answer, if it can be read: other tests judge which can."""
    document, stream = exchange.get("response"), exchange.get("response_sse")
    try:
        if isinstance(document, dict):
            return _read_document(name, document)
        return _read_stream(name, stream.encode()) if isinstance(stream, str) and stream else None
    except DragomanError:
        return None


def _read_document(name: str, document: Wire) -> _Answer:
    return _Answer(_told(name, document), find(name).responses.decode_response(document).usage)


def _read_stream(name: str, raw: bytes) -> _Answer:
    reader, deframer = StreamReader(name), Deframer()
    last = [*reader.feed(raw), *reader.close()][-1]
    assert isinstance(last, (StreamComplete, StreamFailed))
    told: Wire = {}
    for frame in [*deframer.feed(raw), *deframer.close()]:
        wire = read_json(frame.data) if frame.data.startswith(b"{") else None
        said = _told(name, wire) if isinstance(wire, dict) else None
        told.update({key: value for key, value in (said or {}).items() if value is not None})
    return _Answer(told or None, last.response.usage, reader.goes_on)


def _told(name: str, wire: Wire) -> Wire | None:
    """Return the usage as it stands in a document, or in an event."""
    for key in ("response", "message"):
        inner = wire.get(key)
        wire = inner if isinstance(inner, dict) and name != "ollama" else wire
    own = wire.get("x_groq")
    beside = own.get("usage") if isinstance(own, dict) else None
    return next(
        (said for said in (wire.get("usageMetadata"), wire.get("usage"), beside) if isinstance(said, dict)), None
    )


def _turns(answer: object) -> list[Wire]:
    """Return the turns of an answer of Claude's."""
    told = answer.told if isinstance(answer, _Answer) else None
    turns = (told or {}).get("iterations")
    return [turn for turn in turns if isinstance(turn, dict)] if isinstance(turns, list) else []


def _tokens(usage: Usage | None) -> int:
    return 0 if usage is None else (usage.input_tokens or 0) + (usage.output_tokens or 0)


_FOUND: Final = [pytest.param(name, answer, id=key) for key, name, answer in _answers()]


@pytest.mark.parametrize(("name", "answer"), _FOUND)
def test_usage_is_read_where_it_is_told(name: str, answer: _Answer) -> None:
    if answer.told is not None:
        assert answer.usage is not None


@pytest.mark.parametrize(("name", "answer"), _FOUND)
def test_total_of_the_vendor_is_ours(name: str, answer: _Answer) -> None:
    total = _total(answer)
    if total is not None and not _excuse(answer):
        assert total == _ours(answer)


@pytest.mark.parametrize(("name", "answer"), _FOUND)
def test_cost_of_the_vendor_is_ours(name: str, answer: _Answer) -> None:
    told = answer.told or {}
    ticks = number(told.get("cost_in_usd_ticks"))
    cost = number(told.get("cost"))
    if cost is not None or ticks is not None:
        assert answer.usage is not None
        assert answer.usage.cost == (ticks / _TICKS if cost is None and ticks is not None else cost)


@pytest.mark.parametrize(("name", "answer"), _FOUND)
def test_no_part_is_more_than_its_whole(name: str, answer: _Answer) -> None:
    usage = answer.usage or Usage()
    for part, whole in _PARTS.items():
        assert (getattr(usage, part) or 0) <= (getattr(usage, whole) or 0), part
    if usage.cost_parts:
        assert sum(usage.cost_parts.values()) <= (usage.cost or 0) * 1.001 + 1e-9


@pytest.mark.parametrize(("name", "answer"), [param for param in _FOUND if _turns(param.values[1])])
def test_turns_are_in_the_counts_or_beside_them(name: str, answer: _Answer) -> None:
    """Each turn once, but for those of who declined without a word: they are not billed."""
    turns = _turns(answer)
    has_fallback = any(turn.get("type") == "fallback_message" for turn in turns)
    billed = [turn for turn in turns if not (has_fallback and turn["type"] == "message" and not turn["output_tokens"])]
    beside = taken(answer.usage).beside
    assert sum(_tokens(decode_usage(turn)) for turn in billed) == _ours(answer) + sum(
        _tokens(one.usage) for one in beside
    )


def test_few_totals_are_excused() -> None:
    """Tell how it all comes out; an excuse that is used for more than one in fifty answers is none."""
    found = Counter[str]()
    for param in _FOUND:
        answer = param.values[1]
        assert isinstance(answer, _Answer)
        found[_outcome(answer)] += 1
    print(*(f"\n{number:>6} {outcome}" for outcome, number in sorted(found.items())))  # noqa: T201
    excused = sum(number for outcome, number in found.items() if outcome.startswith("excused"))
    assert excused * 50 <= len(_FOUND)


def _outcome(answer: _Answer) -> str:
    if answer.told is None:
        return "no usage told"
    if _total(answer) is None:
        return "no total told"
    return f"excused: {_excuse(answer)}" if _total(answer) != _ours(answer) else "total equal"


def _total(answer: _Answer) -> int | None:
    told = answer.told or {}
    return count(told.get("total_tokens", told.get("totalTokenCount")))


def _ours(answer: _Answer) -> int:
    return _tokens(answer.usage)


def _excuse(answer: _Answer) -> str | None:
    """Return in which way the vendor's own numbers are at odds, or None."""
    told, total = answer.told or {}, _total(answer) or 0
    prompt, said = count(told.get("prompt_tokens")), count(told.get("completion_tokens"))
    details = told.get("completion_tokens_details")
    thoughts = count(details.get("reasoning_tokens")) if isinstance(details, dict) else None
    if answer.goes_on:
        return "another stream follows"
    if prompt is None or said is None:
        return None
    if thoughts is not None and thoughts > said and total == prompt + said:
        return "more reasoning than was made, in no total"
    return None
