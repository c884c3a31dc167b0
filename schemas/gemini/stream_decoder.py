"""Chunks of Gemini → events.

A chunk is a GenerateContentResponse of its own, and nothing ends a block or the stream: words that follow words are
one text, calls come whole or in pieces (`stream_pieces`), and a candidate has ended when it says why. The sources come
last and point into the texts: what they cite is worked out from the whole candidate, as in an answer that is no stream.
"""

from __future__ import annotations

from msgspec.structs import replace

from dragoman.schemas.arguments import parsed_arguments
from dragoman.schemas.blocks import Block, Blocks, Words, cut_off
from dragoman.schemas.events import Event, StreamStarted
from dragoman.schemas.framing import Frame
from dragoman.schemas.gemini.camel import camel
from dragoman.schemas.gemini.errors import decode_error
from dragoman.schemas.gemini.parts import decode_part
from dragoman.schemas.gemini.response import decode_logprobs, decode_response
from dragoman.schemas.gemini.stream_answers import Answer, OpenCall, Told
from dragoman.schemas.ir import JSON, Part, Reasoning, Response, Text, ToolCall, Wire
from dragoman.schemas.jsontext import read_json
from dragoman.schemas.narrow import as_list, as_object, count, expected, objects

__all__ = ["StreamDecoder"]

# What a chunk says in any case: one that says nothing of it is none.
_CHUNK = frozenset(
    {"candidates", "promptFeedback", "usageMetadata", "modelVersion", "responseId", "createTime", "modelStatus"}
)
# What is said of the answer, not of the stream.
_MOST = 128  # candidates
_LATE = frozenset({"candidates", "promptFeedback", "usageMetadata"})
_PIECES = frozenset({"partialArgs", "willContinue", "args"})


class StreamDecoder:
    """Reads chunks. `_frame` collects the response but for its candidates, `_answers` has these by their index."""

    def __init__(self, *, whole: bool = True) -> None:
        self._blocks = Blocks(whole=whole)
        self._whole = whole
        self._frame = Told()
        self._answers: dict[int, Answer] = {}
        self._is_begun = self._is_over = False

    def feed(self, frame: Frame) -> list[Event]:
        if self._is_over:
            return []
        said = read_json(frame.data)
        wire = camel(as_object(said[0] if isinstance(said, list) and len(said) == 1 else said, ()))
        if wire.get("error"):
            return self._fail(said)
        if not self._is_begun:
            self._begin(wire)
        for place, item in enumerate(as_list(wire.get("candidates") or [], ("candidates",))):
            self._choose(camel(as_object(item, ("candidates", place))), place)
        self._learn(wire)
        return self._blocks.take()

    def done(self) -> list[Event]:
        return self.close()

    def close(self) -> list[Event]:
        """End: nothing but the end of the bytes tells that no more is said."""
        if self._is_over:
            return []
        self._is_over = True
        if self._has_ended():
            for answer in self._answers.values():
                self._end_call(answer)
            self._blocks.complete(self._response())
        else:
            self._blocks.fail(cut_off(), self._response(), cut=True)
        return self._blocks.take()

    def _begin(self, wire: Wire) -> None:
        if _CHUNK.isdisjoint(wire):
            raise expected("a chunk with candidates", wire, ())
        self._is_begun = True
        head: Wire = {key: value for key, value in wire.items() if key not in _LATE}
        self._blocks.out.append(StreamStarted(decode_response(head)))

    def _fail(self, said: JSON) -> list[Event]:
        self._is_over = True
        self._blocks.fail(decode_error(said, None), self._response())
        return self._blocks.take()

    def _learn(self, wire: Wire) -> None:
        """Note what a chunk says of the whole response. Usage with a sum is whole: it is counted anew."""
        for key, value in wire.items():
            if key == "usageMetadata" and isinstance(value, dict) and "totalTokenCount" in camel(value):
                self._frame.wire.pop(key, None)
            if key != "candidates" and value is not None:
                self._frame.learn(key, value)

    def _has_ended(self) -> bool:
        """Does every candidate say why it ended? A prompt that is found forbidden amid the answer ends them all."""
        feedback = self._frame.wire.get("promptFeedback")
        reason = feedback.get("blockReason") if isinstance(feedback, dict) else None
        if reason:
            for answer in self._answers.values():
                answer.stop(reason)
            return True
        return bool(self._answers) and all(answer.has_ended() for answer in self._answers.values())

    def _response(self) -> Response:
        """Return the response but for the parts, once the texts have their sources."""
        for answer in self._answers.values():
            if answer.is_weighed and answer.unweighed:
                self._weigh(self._begin_words(Text(text="", at=answer.place()), answer), answer)
        if not self._answers:
            return decode_response(self._frame.wire)
        known = [self._answers.get(number) for number in range(max(self._answers) + 1)]
        told = [{} if answer is None else answer.wire() for answer in known]
        response = decode_response({**self._frame.wire, "candidates": list[JSON](told)})
        for answer in self._answers.values():
            self._cite(answer, response.candidates[answer.number].parts)
        return response

    def _cite(self, answer: Answer, parts: tuple[Part, ...]) -> None:
        for held, part in zip(answer.texts, parts, strict=True):
            if held is not None and isinstance(part, Text):
                for citation in part.citations:
                    self._blocks.cite(held[0], citation)

    # ------------------------------------------------------------------------------------------------- a candidate
    def _choose(self, wire: Wire, place: int) -> None:
        said = count(wire.get("index"))
        index = place if said is None else said
        answer = self._answers.get(index)
        if answer is None:
            if not 0 <= index < _MOST:
                raise expected(f"an index below {_MOST}", index, ("candidates", place, "index"))
            answer = self._answers[index] = Answer(index, whole=self._whole)
        content = wire.get("content")
        if content is not None:
            self._hear(as_object(content, (*answer.at, "content")), answer)
        answer.learn(wire)
        weights = wire.get("logprobsResult")
        if isinstance(weights, dict):
            answer.weights.add(camel(weights))
            answer.unweighed.extend(decode_logprobs(weights)[0])
        flow = self._blocks.flow(answer.number)
        if answer.unweighed and flow is not None and isinstance(flow.part, Text):
            self._weigh(flow, answer)

    def _weigh(self, block: Block, answer: Answer) -> None:
        self._blocks.weigh(block, tuple(answer.unweighed))
        answer.unweighed, answer.is_weighed = [], True

    def _hear(self, content: Wire, answer: Answer) -> None:
        parts = content.get("parts")
        if isinstance(parts, list):
            for item in parts:
                self._part(item, answer)
        elif isinstance(parts, dict):
            self._part(parts, answer)
        elif parts is not None:
            raise expected("a list of parts", parts, (*answer.at, "content", "parts"))
        for key, value in content.items():
            if key not in ("role", "parts") and value is not None:
                answer.content[key] = value

    def _part(self, item: JSON, answer: Answer) -> None:
        at = answer.place()
        wire = camel(as_object({"text": item} if isinstance(item, str) else item, at))
        held = wire.get("functionCall")
        if isinstance(held, dict):
            self._call(wire, camel(held), answer)
            return
        self._end_call(answer)
        part = decode_part(wire, at, answer.pairing)
        if isinstance(part, (Text, Reasoning)) and part.extra is None:
            self._words(part, answer)
        else:
            self._tell(part, answer)

    def _words(self, part: Text | Reasoning, answer: Answer) -> None:
        """Say words, which go on in the block before if that is of their kind. An empty part only fills a chunk."""
        signature = part.signature
        if not part.text and signature is None:
            return
        block = self._flow_of(part, answer)
        if block is None:
            block = self._begin_words(part, answer)
        elif signature is not None:
            self._blocks.sign(block, signature)
        if part.text:
            self._speak(block, part.text, answer)

    def _flow_of(self, part: Text | Reasoning, answer: Answer) -> Block | None:
        """Return the block in which these words go on. Two signatures stay apart, each with the words that it signs."""
        block = self._blocks.flow(answer.number)
        held = None if block is None else block.part
        if not isinstance(held, (Text, Reasoning)) or type(held) is not type(part):
            return None
        return None if held.signature is not None and part.signature is not None else block

    def _begin_words(self, part: Text | Reasoning, answer: Answer) -> Block:
        self._blocks.end_flow(answer.number)
        block = self._blocks.flowing(replace(part, text=""), answer.number)
        answer.texts.append((block, Words(whole=True)) if isinstance(part, Text) else None)
        return block

    def _speak(self, block: Block, said: str, answer: Answer) -> None:
        if isinstance(block.part, Reasoning):
            self._blocks.think(block, said)
            return
        self._blocks.say(block, said)
        text = answer.texts[-1]
        if text is not None:
            text[1].write(said)

    def _tell(self, part: Part, answer: Answer) -> None:
        """Tell of a part that stands alone."""
        match part:
            case Text() | Reasoning():
                block = self._begin_words(part, answer)
                if part.text:
                    self._speak(block, part.text, answer)
                self._blocks.end(block)
            case _:
                self._blocks.whole(part, answer.number)
                answer.texts.append(None)

    # ------------------------------------------------------------------------------------------------------ calls
    def _begin_call(self, call: ToolCall, answer: Answer) -> Block:
        self._blocks.end_flow(answer.number)
        answer.texts.append(None)
        return self._blocks.start(replace(call, arguments=""), answer.number)

    def _call(self, wire: Wire, held: Wire, answer: Answer) -> None:
        """Read a call, or a piece of the one that is open: it has no name, or the same id."""
        call = answer.call
        if call is not None and (not held.get("name") or held.get("id") == call.held["id"]):
            self._go_on(call, wire, held, answer)
            return
        self._end_call(answer)
        is_open = isinstance(held.get("name"), str) and (held.get("willContinue") or held.get("partialArgs"))
        if not is_open:
            if held or len(wire) > 1:  # else it ends a call that has ended
                self._tell(decode_part(wire, answer.place(), answer.pairing), answer)
            return
        rest: Wire = {key: value for key, value in held.items() if key not in _PIECES}
        part = decode_part({**wire, "functionCall": rest}, answer.place(), answer.pairing)
        if isinstance(part, ToolCall):
            answer.call = OpenCall(self._begin_call(part, answer), wire, {**rest, "id": part.id})
            self._go_on(answer.call, wire, held, answer)

    def _go_on(self, call: OpenCall, wire: Wire, held: Wire, answer: Answer) -> None:
        at = (*call.block.part.at, "functionCall", "partialArgs")
        args = held.get("args")
        said = call.text.put(args, at) if isinstance(args, dict) else ""
        said += "".join([call.text.feed(piece, at) for piece in objects(held.get("partialArgs"))])
        if said:
            self._blocks.argue(call.block, said)
        call.wire.update(wire)
        call.held.update((key, value) for key, value in held.items() if key not in _PIECES)
        if not held.get("willContinue"):
            self._end_call(answer)

    def _end_call(self, answer: Answer) -> None:
        """End the call that came in pieces: from here on it is one that came whole."""
        call, answer.call = answer.call, None
        if call is None:
            return
        self._blocks.argue(call.block, call.text.close())
        said = call.block.words.text()
        arguments = parsed_arguments(said)
        wire: Wire = {**call.held, "args": said if arguments is None else arguments}
        part = decode_part({**call.wire, "functionCall": wire}, call.block.part.at, answer.pairing)
        self._blocks.end(call.block, part)
