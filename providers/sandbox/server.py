"""The embedded provider: a wire server in this process that answers in any dialect, without network, key or chance.

It is a transport like any other: it is sent the bytes that a real server would be sent, reads them with the dialect's
own rooms, and answers in bytes. Rules say what to answer, and how the answer breaks off; without one that matches, the
same question always has the same answer, to the byte.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from itertools import chain
from typing import cast

from dragoman.providers.clock import Clock, Nap, SystemClock
from dragoman.providers.exchange import Call
from dragoman.providers.sandbox.answers import answer, scripted
from dragoman.providers.sandbox.questions import Question, question_of
from dragoman.providers.sandbox.script import Raw, Rule, Script, ScriptedError, ScriptedReply
from dragoman.providers.sandbox.streams import slices, stream_chunks
from dragoman.providers.settings import Profile, Timeouts
from dragoman.schemas.dialect import Dialect, find
from dragoman.schemas.errors import CallerError, NetworkFault
from dragoman.schemas.ir import JSON, Error, Response
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Losses

__all__ = ["SandboxTransport"]

_JSON, _SSE, _LINES = "application/json", "text/event-stream", "application/x-ndjson"
_PLAIN = Rule()
_NONE: Mapping[str, str] = {}
_BROKEN = b'{"malformed": tru'


class SandboxTransport:
    """Answers calls to the URLs of a profile. `rules` stand in place of those in the profile's file; they may be as a
    file has them."""

    def __init__(
        self,
        profile: Profile,
        *,
        rules: Iterable[Rule | Mapping[str, object]] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._profile = profile
        self._dialect = find(profile.dialect)
        self._script = Script(_rules(profile, rules))
        self._clock = clock or SystemClock()
        self._is_closed = False

    async def send(self, call: Call, timeouts: Timeouts) -> _Reply:
        if self._is_closed:
            raise CallerError(f"{self._profile.name}: this provider has been closed")
        question = question_of(self._profile, call)
        if isinstance(question, Error):
            return _Reply(*_refused(self._dialect, question), _PLAIN, self._clock)
        rule = self._script.rule_for(question)
        if rule.delay:
            await self._clock.sleep(rule.delay)
        if rule.reset_after == 0:
            raise NetworkFault("the connection was reset", kind="reset")
        status, headers, chunks = _answered(self._dialect, question, rule)
        told = {"x-request-id": f"req_{question.identity}", "request-id": f"req_{question.identity}"}
        return _Reply(status, {**told, **headers}, chunks, rule, self._clock)

    async def aclose(self) -> None:
        self._is_closed = True


def _rules(profile: Profile, rules: Iterable[Rule | Mapping[str, object]] | None) -> tuple[Rule, ...]:
    if rules is None and profile.rules is None:
        return ()
    from dragoman.providers.sandbox.rules import as_rules, load_rules

    return as_rules(rules) if rules is not None else load_rules(profile.rules or "")


class _Reply:
    """An answer on its way. The rule says how it travels, and how it breaks off."""

    def __init__(
        self, status: int, headers: Mapping[str, str], chunks: Iterable[bytes], rule: Rule, clock: Clock
    ) -> None:
        self.status, self.headers = status, headers
        self._chunks, self._rule, self._nap = iter(chunks), rule, Nap(clock)

    async def chunks(self) -> AsyncIterator[bytes]:
        rule = self._rule
        for number, chunk in enumerate(self._chunks):
            if number and rule.chunk_delay:
                await self._nap.sleep(rule.chunk_delay)
            if self._nap.is_over or number == rule.cut_after:
                return
            if number == rule.reset_after:
                raise NetworkFault("the connection was reset", kind="reset", before_reply=number == 0)
            if number == rule.malformed_after:
                yield self._malformed()
            yield chunk

    async def aclose(self) -> None:
        self._nap.end()

    def _malformed(self) -> bytes:
        """Return a chunk that is no JSON, framed as the others are."""
        framed = {_SSE: b"data: %b\n\n" % _BROKEN, _LINES: b"%b\n" % _BROKEN}
        return framed.get(self.headers.get("content-type", ""), _BROKEN)


# ------------------------------------------------------------------------------------------------------------ answers
_Answer = tuple[int, Mapping[str, str], Iterable[bytes]]


def _answered(dialect: Dialect, question: Question, rule: Rule) -> _Answer:
    """Return status, headers and body of what is answered to a question."""
    if rule.raw is not None:
        return _raw(rule.raw, rule)
    comes_late = question.streams and rule.error_after is not None
    if not comes_late and (rule.error is not None or rule.error_after is not None):
        return _failed(dialect, rule.error or ScriptedError(), rule)
    if question.operation == "models":
        return _listed(dialect, rule)
    response = _response(question, rule)
    if question.streams:
        return _streamed(response, question, rule)
    return _whole(200, dialect.responses.encode_response(response, Losses(), question.request), {}, rule)


def _listed(dialect: Dialect, rule: Rule) -> _Answer:
    from dragoman.providers.sandbox.models import listing  # answers need none

    return _whole(200, listing(dialect.family), {}, rule)


def _response(question: Question, rule: Rule) -> Response:
    match rule.reply:
        case str() as text:
            return scripted(ScriptedReply(text=text), question)
        case ScriptedReply() as reply:
            return scripted(reply, question)
        case None:
            return answer(question)


def _streamed(response: Response, question: Question, rule: Rule) -> _Answer:
    """Return a stream. What it is made of tells its type: lines of JSON, or events."""
    error = (rule.error or ScriptedError()).told() if rule.error_after is not None else None
    chunks = stream_chunks(response, question, size=rule.chunk_size, error=error, after=rule.error_after)
    first = next(chunks, b"")
    return 200, {"content-type": _LINES if first.startswith(b"{") else _SSE}, chain([first], chunks)


def _failed(dialect: Dialect, scripted: ScriptedError, rule: Rule) -> _Answer:
    error = scripted.told()
    headers = {name.lower(): value for name, value in scripted.headers.items()}
    if scripted.retry_after is not None:
        after = scripted.retry_after
        headers["retry-after"] = after if isinstance(after, str) else f"{after:g}"
    return _refused(dialect, error, headers, rule)


def _refused(dialect: Dialect, error: Error, headers: Mapping[str, str] = _NONE, rule: Rule = _PLAIN) -> _Answer:
    return _whole(error.status or 500, dialect.errors.encode_error(error, Losses()), headers, rule)


def _raw(raw: Raw, rule: Rule) -> _Answer:
    headers = {name.lower(): value for name, value in raw.headers.items()}
    if isinstance(raw.body, str):
        return raw.status, {"content-type": "text/plain", **headers}, _cut(raw.body.encode(), rule)
    return _whole(raw.status, cast("JSON", raw.body), headers, rule)


def _whole(status: int, wire: JSON, headers: Mapping[str, str], rule: Rule) -> _Answer:
    return status, {"content-type": _JSON, **headers}, _cut(write_json(wire), rule)


def _cut(body: bytes, rule: Rule) -> Iterator[bytes]:
    """Yield a document: in one chunk, unless something is to happen between two of them."""
    breaks = [at for at in (rule.cut_after, rule.reset_after, rule.malformed_after) if at is not None]
    number = max(breaks) + 2 if breaks else 1
    yield from slices(body, rule.chunk_size or max(len(body) // number, 1))
