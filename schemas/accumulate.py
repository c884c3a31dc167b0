"""Events → a response, and a response → events: a whole answer and its stream are the same thing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from dragoman.schemas.blocks import Block, Blocks, Words
from dragoman.schemas.errors import ReportedError, TruncatedStream
from dragoman.schemas.events import (
    ArgumentsDelta,
    BlockEnded,
    BlockStarted,
    CitationAdded,
    ContentDelta,
    Event,
    LogprobsAdded,
    ReasoningDelta,
    RefusalDelta,
    StreamComplete,
    StreamFailed,
    StreamStarted,
    ToolCallStarted,
)
from dragoman.schemas.ir import Candidate, Citation, Part, Reasoning, Refusal, Response, Text, TokenLogprob, ToolCall

__all__ = ["Sum", "accumulate", "explode"]


# ---------------------------------------------------------------------------------------------- events → a response
def accumulate(events: Iterable[Event]) -> Response:
    """Return the response that a stream adds up to. Raises TruncatedStream or ReportedError for one that failed."""
    sum_ = Sum()
    for event in events:
        sum_.add(event)
        match event:
            case StreamComplete():
                return sum_.response(event.response)
            case StreamFailed():
                raise TruncatedStream() if event.cut else ReportedError(event.error)
            case _:
                """It is one of many."""
    raise TruncatedStream()


class Sum:
    """The blocks of a stream, their words joined from the deltas. Raises LookupError for events of a block that has not
    started."""

    def __init__(self) -> None:
        self._blocks: dict[int, Block] = {}
        self._parts: dict[int, Part] = {}
        self._logprobs: dict[int, list[TokenLogprob]] = {}
        self._late: dict[int, list[Citation]] = {}  # of texts that have ended

    def add(self, event: Event) -> None:
        match event:
            case BlockStarted() | ToolCallStarted():
                part = event.part if isinstance(event, BlockStarted) else ToolCall(id="", name="", arguments="")
                self._blocks[event.index] = Block(event.index, part, event.candidate, Words(whole=True))
            case ReasoningDelta(summary=int(number)):
                self._blocks[event.index].summary.setdefault(number, Words(whole=True)).write(event.text)
            case ContentDelta() | ReasoningDelta() | RefusalDelta() | ArgumentsDelta():
                self._blocks[event.index].words.write(event.text)
            case LogprobsAdded():
                self._logprobs.setdefault(event.candidate, []).extend(event.logprobs)
            case CitationAdded() if event.index in self._parts:
                self._late.setdefault(event.index, []).append(event.citation)
            case BlockEnded():
                self._parts[event.index] = _joined(event.part, self._blocks[event.index])
            case _:
                """Nothing of it is said by anyone."""

    def ended(self, index: int) -> Part:
        """Return the part that a block has become."""
        return self._parts[index]

    def response(self, frame: Response) -> Response:
        candidates = tuple(
            replace(
                candidate,
                parts=self._said(number, candidate.parts),
                logprobs=tuple(self._logprobs.get(number, candidate.logprobs)),
            )
            for number, candidate in enumerate(frame.candidates)
        )
        return replace(frame, candidates=candidates)

    def _said(self, number: int, known: Sequence[Part]) -> tuple[Part, ...]:
        """Return the parts of a candidate. Of a block that has no end, `known` says what it was to be."""
        indexes = [index for index, block in sorted(self._blocks.items()) if block.candidate == number]
        return tuple(self._part(index, known[place : place + 1]) for place, index in enumerate(indexes))

    def _part(self, index: int, known: Sequence[Part]) -> Part:
        late, block = self._late.get(index), self._blocks[index]
        part = self._parts[index] if index in self._parts else _joined(known[0] if known else block.part, block)
        return replace(part, citations=(*part.citations, *late)) if late and isinstance(part, Text) else part


def _joined(part: Part, block: Block) -> Part:
    """Return the part with the words of its deltas, wherever there were any."""
    words = block.words.text()
    match part:
        case Reasoning():
            summary = tuple(block.summary[number].text() for number in sorted(block.summary))
            return replace(part, text=words or part.text, summary=summary or part.summary)
        case Text() | Refusal() if words:
            return replace(part, text=words)
        case ToolCall() if words and isinstance(part.arguments, str):
            return replace(part, arguments=words)
        case _:
            return part


# ---------------------------------------------------------------------------------------------- a response → events
def explode(response: Response) -> list[Event]:
    """Return a stream that says the response: every part in one delta."""
    blocks = Blocks(whole=True)
    blocks.out.append(StreamStarted(replace(response, candidates=(), usage=None)))
    for number, candidate in enumerate(response.candidates):
        _explode_candidate(blocks, candidate, number)
    blocks.complete(response)
    return blocks.take()


def _explode_candidate(blocks: Blocks, candidate: Candidate, number: int) -> None:
    """Say the parts of a candidate; all its log probabilities go with its first text."""
    untold = candidate.logprobs
    for part in candidate.parts:
        block = blocks.tell(part, number)
        if untold and isinstance(part, Text):
            blocks.weigh(block, untold)
            untold = ()
        blocks.end(block, part)
