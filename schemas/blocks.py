"""The blocks of a stream that is being read: what is open, what it holds so far, and the events that tell of it.

Every decoder keeps its books here, so that all of them tell events in the legal order (`schemas.events`). A decoder
that is told to forget keeps the first words of a text only: enough to know what the text is lost as.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import islice
from typing import NamedTuple

from msgspec.structs import replace

from dragoman.schemas.arguments import arguments_text, parsed_arguments
from dragoman.schemas.events import (
    ArgumentsDelta,
    BlockEnded,
    BlockStarted,
    CandidateEnded,
    CitationAdded,
    ContentDelta,
    Event,
    LogprobsAdded,
    ReasoningDelta,
    RefusalDelta,
    SignatureAdded,
    StreamComplete,
    StreamFailed,
    ToolCallStarted,
    UsageUpdated,
)
from dragoman.schemas.ir import (
    Candidate,
    Citation,
    Error,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Response,
    Text,
    TokenLogprob,
    ToolCall,
    Wire,
)
from dragoman.schemas.stops import settled

__all__ = ["Block", "Blocks", "Words", "bare", "cut_off"]


_FIRST_HALVES = frozenset(map(chr, range(0xD800, 0xDC00)))
_LOOKED_AT = 8  # calls that are open at once; more than that end with the stream


def cut_off() -> Error:
    """Return what a stream is told to have died of that just stopped."""
    return Error(kind="server", message="the stream was cut off before its end")


class Words:
    """A text that grows. One that is not kept `whole` has its first words only."""

    __slots__ = ("_text", "write")

    def __init__(self, *, whole: bool) -> None:
        self._text = io.StringIO()
        self.write: Callable[[str], object] = self._text.write if whole else self._first

    def _first(self, text: str) -> None:
        if text:
            self._text.write(text)
            self.write = _forget

    def text(self) -> str:
        return self._text.getvalue()

    def length(self) -> int:
        return self._text.tell()


def _forget(_text: str) -> None:
    """Keep nothing."""


class _Half(NamedTuple):
    """The first half of a letter that was cut in two, and the piece of the summary that it is in."""

    text: str
    summary: int | None


class Block:
    """A block that has started. `part` is what is known of it but for its words, `key` what its source calls it, `wire`
    what a decoder collects for it."""

    __slots__ = ("_seen", "candidate", "citations", "ended", "half", "index", "key", "part", "summary", "wire", "words")

    def __init__(self, index: int, part: Part, candidate: int, words: Words) -> None:
        self.index, self.part, self.candidate, self.words = index, part, candidate, words
        self.ended = False
        self._seen = 0
        self.citations: list[Citation] = []
        self.summary: dict[int, Words] = {}
        self.wire: Wire = {}
        self.key: object = None
        self.half: _Half | None = None

    def is_whole_call(self) -> bool:
        """Tell whether the arguments so far are a whole JSON object. Those that were none are looked at again when
        they are twice as long: what is whole by then ends with the stream, too."""
        length = self.words.length()
        if length < 2 * self._seen:
            return False
        self._seen = length
        said = self.words.text()
        return said.rstrip().endswith("}") and parsed_arguments(said) is not None

    def finished(self) -> Part:
        """Return the part with the words that came."""
        part, words = self.part, self.words.text()
        match part:
            case Text():
                return replace(part, text=part.text + words, citations=(*part.citations, *self.citations))
            case Reasoning():
                summary = (*part.summary, *(self.summary[number].text() for number in sorted(self.summary)))
                return replace(part, text=part.text + words, summary=summary)
            case Refusal():
                return replace(part, text=part.text + words)
            case ToolCall() if words or not part.arguments:
                return replace(part, arguments=words)
            case _:
                return part


def bare(part: Part) -> Part:
    """Return a part as it is before anything of it is told."""
    match part:
        case Text():
            return replace(part, text="", citations=())
        case Reasoning():
            return replace(part, text="", summary=(), signature=None)
        case Refusal():
            return replace(part, text="")
        case ToolCall():
            return replace(part, arguments="")
        case _:
            return part


class Blocks:
    """Numbers blocks, remembers the parts that they became, and collects the events. `take` hands the events out."""

    __slots__ = ("_flowing", "_late", "_logprobs", "_open", "_parts", "_whole", "out")

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole
        self.out: list[Event] = []
        self._open: dict[int, Block] = {}
        self._parts: list[tuple[int, Part]] = []  # by the number of the block: candidate and part
        self._flowing: dict[int, Block] = {}
        self._logprobs: dict[int, list[TokenLogprob]] = {}
        self._late: dict[int, list[Citation]] = {}  # of texts that have ended

    def take(self) -> list[Event]:
        taken, self.out = self.out, []
        return taken

    # ------------------------------------------------------------------------------------------------ start and end
    def start(self, part: Part, candidate: int = 0) -> Block:
        """Start a block. Words that the part has already count as its first ones."""
        block = Block(
            len(self._parts), part, candidate, Words(whole=self._whole or isinstance(part, (ToolCall, Refusal)))
        )
        self._parts.append((candidate, part))
        self._open[block.index] = block
        if isinstance(part, ToolCall):
            own = (part.custom, part.namespace, part.extra)
            self.out.append(ToolCallStarted(block.index, part.id, part.name, candidate, *own))
        else:
            self.out.append(BlockStarted(block.index, part, candidate))
        return block

    def end(self, block: Block, part: Part | None = None) -> None:
        """End a block. `part` is what it became, where the words that came do not say it."""
        if block.ended:
            return
        self._let_go(block)
        block.ended = True
        del self._open[block.index]
        if self._flowing.get(block.candidate) is block:
            del self._flowing[block.candidate]
        became = block.finished() if part is None else part
        self._parts[block.index] = (block.candidate, became)
        self.out.append(BlockEnded(block.index, became, block.candidate))

    def whole(self, part: Part, candidate: int = 0) -> None:
        """Tell of a part that came in one piece, after the words that flow."""
        self.end_flow(candidate)
        self.end(self.tell(part, candidate), part)

    def tell(self, part: Part, candidate: int = 0) -> Block:
        """Start a block and tell all that is known of it, as if it had come bit by bit. It is still to be ended."""
        block = self.start(bare(part), candidate)
        match part:
            case Text():
                self._tell_text(block, part)
            case Reasoning():
                self._tell_thought(block, part)
            case Refusal():
                self.refuse(block, part.text)
            case ToolCall() if said := arguments_text(part):
                self.argue(block, said)
            case _:
                """It is whole at its start."""
        return block

    def _tell_text(self, block: Block, part: Text) -> None:
        if part.text:
            self.say(block, part.text)
        for citation in part.citations:
            self.cite(block, citation)

    def _tell_thought(self, block: Block, part: Reasoning) -> None:
        for number, summary in enumerate(part.summary):
            self.think(block, summary, number)
        if part.text:
            self.think(block, part.text)
        if part.signature is not None:
            self.sign(block, part.signature)

    def flowing(self, part: Part, candidate: int = 0) -> Block:
        """Return the open block of words of this kind, where a source does not tell blocks apart: what flows goes on,
        and what is of another kind ends it."""
        block = self._flowing.get(candidate)
        if block is not None:
            if type(block.part) is type(part):
                return block
            self.end(block)
        block = self._flowing[candidate] = self.start(part, candidate)
        return block

    def flow(self, candidate: int = 0) -> Block | None:
        """Return the block of words that is open, if one is."""
        return self._flowing.get(candidate)

    def end_flow(self, candidate: int = 0) -> None:
        block = self._flowing.get(candidate)
        if block is not None:
            self.end(block)

    def end_calls(self, candidate: int = 0) -> None:
        """End the calls whose arguments are whole: what goes on after a whole object is no JSON any more."""
        for block in list(islice(reversed(self._open.values()), _LOOKED_AT)):
            if block.candidate == candidate and isinstance(block.part, ToolCall) and block.is_whole_call():
                self.end(block)

    def end_all(self) -> None:
        for block in list(self._open.values()):
            self.end(block)

    # ------------------------------------------------------------------------------------------------------- deltas
    def say(self, block: Block, text: str) -> None:
        if block.half is not None or not (text.isascii() or text[-1] not in _FIRST_HALVES):
            text = self._whole_letters(block, text)
            if not text:
                return
        self._say(block, text)

    def _say(self, block: Block, text: str) -> None:
        block.words.write(text)
        self.out.append(ContentDelta(text, block.index, block.candidate))

    def think(self, block: Block, text: str, summary: int | None = None) -> None:
        if block.half is not None or not (text.isascii() or text[-1] not in _FIRST_HALVES):
            text = self._whole_letters(block, text, summary)
            if not text:
                return
        self._think(block, text, summary)

    def _think(self, block: Block, text: str, summary: int | None) -> None:
        if summary is None:
            block.words.write(text)
        else:
            words = block.summary.get(summary)
            if words is None:
                words = block.summary[summary] = Words(whole=self._whole)
            words.write(text)
        self.out.append(ReasoningDelta(text, block.index, block.candidate, summary))

    def refuse(self, block: Block, text: str) -> None:
        if block.half is not None or not (text.isascii() or text[-1] not in _FIRST_HALVES):
            text = self._whole_letters(block, text)
            if not text:
                return
        self._refuse(block, text)

    def _refuse(self, block: Block, text: str) -> None:
        block.words.write(text)
        self.out.append(RefusalDelta(text, block.index, block.candidate))

    def argue(self, block: Block, text: str) -> None:
        """Add to the arguments of a call."""
        if block.half is not None or not (text.isascii() or text[-1] not in _FIRST_HALVES):
            text = self._whole_letters(block, text)
            if not text:
                return
        self._argue(block, text)

    def _argue(self, block: Block, text: str) -> None:
        block.words.write(text)
        self.out.append(ArgumentsDelta(text, block.index, block.candidate))

    def _whole_letters(self, block: Block, text: str, summary: int | None = None) -> str:
        """Return a text with the half of a letter that came before it, and keep back the half that it ends in: servers
        that count as JavaScript does cut a letter in two."""
        if block.half is not None and block.half.summary != summary:
            self._let_go(block)
        if block.half is not None and text:
            text, block.half = (
                (block.half.text + text).encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass"),
                None,
            )
        if text[-1:] in _FIRST_HALVES:
            text, block.half = text[:-1], _Half(text[-1], summary)
        return text

    def _let_go(self, block: Block) -> None:
        """Tell the half of a letter whose other half never came."""
        half, block.half = block.half, None
        match block.part:
            case _ if half is None:
                """All letters are whole."""
            case Reasoning():
                self._think(block, half.text, half.summary)
            case Refusal():
                self._refuse(block, half.text)
            case ToolCall():
                self._argue(block, half.text)
            case _:
                self._say(block, half.text)

    def sign(self, block: Block, signature: Opaque) -> None:
        block.part = replace(block.part, signature=signature)
        self.out.append(SignatureAdded(signature, block.index, block.candidate))

    def weigh(self, block: Block, logprobs: tuple[TokenLogprob, ...]) -> None:
        """Add log probabilities of the words that came last."""
        kept = self._logprobs.setdefault(block.candidate, [])
        if self._whole or not kept:
            kept.extend(logprobs)
        self.out.append(LogprobsAdded(logprobs, block.index, block.candidate))

    def cite(self, block: Block, citation: Citation) -> None:
        """Add a source to a text, which may have ended."""
        held = self._late.setdefault(block.index, []) if block.ended else block.citations
        held.append(citation)
        self.out.append(CitationAdded(citation, block.index, block.candidate))

    # ---------------------------------------------------------------------------------------------------- the ending
    def parts(self) -> dict[int, list[Part]]:
        """Return what each candidate has said, its open blocks as far as they came."""
        found: dict[int, list[Part]] = {}
        for index, (candidate, part) in enumerate(self._parts):
            block = self._open.get(index)
            said = self._with_late(index, part) if block is None else block.finished()
            found.setdefault(candidate, []).append(said)
        return found

    def _with_late(self, index: int, part: Part) -> Part:
        late = self._late.get(index)
        return replace(part, citations=(*part.citations, *late)) if late and isinstance(part, Text) else part

    def response(self, frame: Response) -> Response:
        """Return the response whose candidates `frame` has without their parts."""
        said = self.parts()
        candidates = [
            self._candidate(number, ended, tuple(said.get(number, ()))) for number, ended in enumerate(frame.candidates)
        ]
        return replace(frame, candidates=tuple(candidates))

    def _candidate(self, number: int, ended: Candidate, parts: tuple[Part, ...]) -> Candidate:
        logprobs = tuple(self._logprobs.get(number, ended.logprobs))
        return replace(ended, parts=parts, stop=settled(ended.stop, parts), logprobs=logprobs)

    def complete(self, frame: Response) -> None:
        """Tell the good end: the last blocks, why each candidate ended, what it cost, and the whole."""
        self.end_all()
        response = self.response(frame)
        for number, candidate in enumerate(response.candidates):
            self.out.append(CandidateEnded(number, replace(candidate, parts=(), logprobs=())))
        if response.usage is not None:
            self.out.append(UsageUpdated(response.usage))
        self.out.append(StreamComplete(response))

    def fail(self, error: Error, frame: Response, *, cut: bool = False) -> None:
        """Tell the bad end. What had come stays as it is: blocks that are open do not end."""
        for block in self._open.values():
            self._let_go(block)
        response = self.response(frame)
        unended = tuple(replace(candidate, stop=None, native_stop=None) for candidate in response.candidates)
        self.out.append(StreamFailed(error, replace(response, candidates=unended), cut))
