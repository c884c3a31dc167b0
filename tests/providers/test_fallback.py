"""Answers of whoever can give one: streams and whole ones, over several who speak different dialects.

The law: as long as nothing of an answer can be seen, a failure may lead to somebody else; from then on to nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.answers import MAX_START, Stream
from dragoman.providers.exchange import Attempted, Exchange, Outcome
from dragoman.providers.settings import Limit, Limits, Retry, Timeouts
from dragoman.schemas.convert import convert_response_bytes
from dragoman.schemas.errors import DragomanError, NetworkFault, Rejected, ReportedError
from dragoman.schemas.events import ContentDelta, Event, Heartbeat, StreamComplete, StreamFailed
from dragoman.schemas.ir import Message, Parameters, Request, Text, Tool, Wire
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.streams import StreamConverter
from tests.providers.doubles import FakeLog, FakeReply, Piece
from tests.providers.routes import PRICED, Member, Script, World, answer, error, keys_of, seat, tokens
from tests.providers.test_routing import told
from tests.providers.wires import chunk, said

DIALECTS = ("openai-chat", "anthropic", "gemini", "openai-responses", "ollama")
ONCE = {"retry": Retry(attempts=1)}
RESET = NetworkFault("h:1: the connection was reset", kind="reset", before_reply=False)
DONE = b"data: [DONE]\n\n"
START = chunk("", role="assistant")
USAGE = b'data: {"id":"c1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":0,"total_tokens":3}}\n\n'
PING = b": ping\n\n"
BUSY = b'data: {"error": {"message": "Busy", "type": "overloaded_error", "code": 529}}\n\n'
FIRST = [START, chunk("From "), chunk("one."), chunk(stop="stop"), DONE]
SECOND = [START, chunk("From "), chunk("two."), chunk(stop="stop"), DONE]


def in_dialect(pieces: Sequence[bytes], dialect: str) -> bytes:
    converter = StreamConverter(source="openai-chat", target=dialect)
    return converter.feed(b"".join(pieces)) + converter.close()


def member(name: str, *pieces: Piece, dialect: str = "openai-chat", **settings: Any) -> Member:
    return Member(name=name, script=Script(tokens(*pieces)), dialect=dialect, settings={**ONCE, **settings})


async def read(stream: Stream) -> tuple[list[Event], DragomanError | None]:
    events = list[Event]()
    try:
        async for event in stream:
            events.append(event)
    except DragomanError as failure:
        return events, failure
    return events, None


def streamed(*members: Member) -> tuple[Stream, list[Event], DragomanError | None]:
    world = World(*members)
    stream = world.provider.stream("hi")
    return (stream, *world.run(read(stream)))


def text_in(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, ContentDelta))


# Before anything can be seen

UNSEEN: dict[str, list[Piece]] = {
    "nothing": [],
    "start": [START],
    "ping": [PING],
    "usage": [START, USAGE],
    "start and pings": [PING, START, PING, PING],
    "half an event": [START, chunk("unseen")[:-5]],
}
FAILURES: dict[str, list[Piece]] = {
    "reset": [RESET],
    "end": [],
    "error": [BUSY],
    "silence": [999.0],
    "no stream": [b"data: [1, 2\n\ndata: 3\n\n", RESET],
}


# Half an event and what comes after it would be one.
APART = [
    (seen, failure)
    for seen in UNSEEN
    for failure in FAILURES
    if seen != "half an event" or failure in ("reset", "end", "silence")
]


@pytest.mark.parametrize(("seen", "failure"), APART)
def test_somebody_else_is_asked_as_long_as_nothing_was_seen(seen: str, failure: str) -> None:
    one = member("one", *UNSEEN[seen], *FAILURES[failure], timeouts=Timeouts(first_byte=0.01, idle=0.01))
    stream, events, error = streamed(one, member("two", *SECOND))
    assert (text_in(events), stream.profile, error) == ("From two.", "two", None)
    assert told(stream.attempts) == [("one", "next"), ("two", "answered")]


@pytest.mark.parametrize("failure", ["reset", "end", "error", "silence"])
@pytest.mark.parametrize("count", [2, 3])
def test_nobody_else_is_asked_once_something_was_seen(count: int, failure: str) -> None:
    two = member("two", *SECOND)
    one = member("one", *FIRST[:count], *FAILURES[failure], timeouts=Timeouts(first_byte=0.01, idle=0.01))
    stream, events, error = streamed(one, two)
    assert text_in(events) == "From one."[: 5 * (count - 1)]
    assert isinstance(events[-1], StreamFailed)
    assert isinstance(error, DragomanError)
    assert (two.script.calls, stream.profile, told(error.history)) == ([], "one", [("one", "stop")])


def test_an_empty_answer_is_one() -> None:
    stream, events, error = streamed(member("one", START, chunk(stop="stop"), DONE), member("two", *SECOND))
    assert (stream.profile, text_in(events), error) == ("one", "", None)
    assert isinstance(events[-1], StreamComplete)


@pytest.mark.parametrize("reply", [error(429), error(529), FakeReply(200, [b"<html>"], {"content-type": "text/html"})])
def test_who_does_not_answer_with_a_stream_is_followed_by_the_next(reply: FakeReply) -> None:
    one = Member(name="one", script=Script(reply), settings=ONCE)
    stream, events, _ = streamed(one, member("two", *SECOND))
    assert (text_in(events), stream.profile) == ("From two.", "two")


def test_a_stream_that_says_that_the_request_is_wrong_stops() -> None:
    wrong = b'data: {"error": {"message": "No.", "type": "invalid_request_error"}}\n\n'
    stream, events, error = streamed(member("one", START, wrong), two := member("two", *SECOND))
    assert isinstance(error, ReportedError)
    assert isinstance(events[-1], StreamFailed)
    assert (two.script.calls, told(stream.attempts)) == ([], [("one", "stop")])


def test_heartbeats_go_through_while_nothing_else_can_be_seen() -> None:
    _, events, _ = streamed(member("one", PING, PING, RESET), member("two", *SECOND))
    assert sum(isinstance(event, Heartbeat) for event in events) == 2
    assert text_in(events) == "From two."


def test_a_key_that_fails_in_its_stream_is_followed_by_another() -> None:
    limit = b'data: {"error": {"message": "Slow down", "type": "rate_limit_error"}}\n\n'
    script = Script(tokens(*SECOND), of_keys={"a": tokens(START, limit)})
    one = Member(name="one", script=script, seats=(seat("a"), seat("b")), settings=ONCE)
    stream, events, _ = streamed(one)
    assert (text_in(events), keys_of(script)) == ("From two.", ["a", "b"])
    assert told(stream.attempts) == [("one", "key"), ("one", "answered")]


def test_all_fail_and_all_is_told() -> None:
    stream, events, error = streamed(member("one", START, RESET), member("two", START, BUSY))
    assert isinstance(error, ReportedError)
    assert told(error.history) == [("one", "next"), ("two", "stop")]
    assert stream.error is error
    assert isinstance(events[-1], StreamFailed)


def test_a_stream_that_never_says_anything_is_settled_at_last() -> None:
    """What is held has an end: who has sent so much is the one who answers."""
    pings = [PING * 1000] * (MAX_START // (1000 * len(PING)) + 2)
    world = World(member("one", *pings, RESET), two := member("two", *SECOND))
    stream = world.provider.stream("hi")
    with pytest.raises(NetworkFault):
        world.run(_begin_and_read(stream))
    assert two.script.calls == []


def test_time_that_ends_while_somebody_else_is_waited_for_ends_the_stream() -> None:
    one = member("one", START, BUSY, timeouts=Timeouts(total=3.0), retry=Retry(attempts=2, base=1.0, cap=1.0))
    one = msgspec.structs.replace(one, script=Script(tokens(START, BUSY), tokens(9.0)))
    _, _, error = streamed(one)
    assert error is not None
    assert told(error.history)[0] == ("one", "retry")


async def _begin_and_read(stream: Stream) -> None:
    await stream.begin()
    async for _ in stream:
        pass


@given(st.data())
def test_wherever_a_stream_is_cut_nothing_is_seen_twice(data: st.DataObject) -> None:
    dialect = data.draw(st.sampled_from(DIALECTS))
    raw = in_dialect(FIRST, dialect)
    cut = data.draw(st.integers(0, len(raw)))
    first = data.draw(st.integers(0, cut))
    failure = data.draw(st.sampled_from([RESET, None]))
    pieces: list[Piece] = [piece for piece in (raw[:first], raw[first:cut]) if piece]
    one = member("one", *pieces, *([failure] if failure else []), dialect=dialect)
    stream, events, error = streamed(one, member("two", *SECOND))
    told_text = text_in(events)
    if stream.profile == "two":
        assert (told_text, error) == ("From two.", None)
    elif error is None:
        assert told_text == "From one."
    else:
        assert "From one.".startswith(told_text)
        assert told_text


# Bytes


async def _raw(stream: Stream) -> tuple[bytes, DragomanError | None]:
    pieces = list[bytes]()
    try:
        async for piece in stream.raw():
            pieces.append(piece)
    except DragomanError as failure:
        return b"".join(pieces), failure
    return b"".join(pieces), None


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_bytes_are_those_of_who_answers_from_their_beginning(dialect: str) -> None:
    raw = in_dialect(SECOND, dialect)
    world = World(member("one", PING, START, RESET), member("two", raw[:40], raw[40:], dialect=dialect))
    stream = world.provider.stream("hi")
    assert world.run(_raw(stream)) == (raw, None)
    assert (stream.profile, stream.dialect) == ("two", dialect)


@given(st.integers(0, len(b"".join(FIRST))))
def test_wherever_bytes_are_cut_they_are_those_of_one(cut: int) -> None:
    whole = b"".join(FIRST)
    world = World(member("one", *([whole[:cut]] if cut else []), RESET), member("two", *SECOND))
    stream = world.provider.stream("hi")
    raw, error = world.run(_raw(stream))
    if stream.profile == "two":
        assert (raw, error) == (b"".join(SECOND), None)
    else:
        # The last bytes may be the beginning of a secret: then they are not told.
        assert whole[:cut].startswith(raw)
        assert b"From" in raw


def test_bytes_that_break_off_after_something_was_seen_are_passed_on_first() -> None:
    world = World(member("one", *FIRST[:2], RESET), member("two", *SECOND))
    raw, error = world.run(_raw(world.provider.stream("hi")))
    assert (raw, error) == (b"".join(FIRST[:2]), RESET)


# Whole answers


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_answer_is_read_in_the_dialect_of_who_gives_it(dialect: str) -> None:
    raw = convert_response_bytes(write_json(said("Two")), source="openai-chat", target=dialect).body
    two = Member(name="two", script=Script(FakeReply(200, [raw])), dialect=dialect)
    world = World(Member(name="one", script=Script(error(429))), two)
    done = world.run(world.provider.complete("hi"))
    assert (done.text, done.profile, done.dialect) == ("Two", "two", dialect)


@pytest.mark.parametrize("raw", [b"<html>", b"[]", b"", b'{"id": 1, "choices": 7}'])
def test_an_answer_that_cannot_be_read_is_followed_by_the_next(raw: bytes) -> None:
    one = Member(name="one", script=Script(FakeReply(200, [raw])))
    world = World(one, Member(name="two", script=Script(answer("Two"))))
    assert world.run(world.provider.complete("hi")).text == "Two"


def test_five_who_speak_five_dialects_are_asked_in_order_each_in_his_own() -> None:
    members = [
        Member(name=f"n{number}", script=Script(error(529)), dialect=dialect) for number, dialect in enumerate(DIALECTS)
    ]
    world = World(*members, policies={"overloaded": "next"})
    with pytest.raises(Rejected) as caught:
        world.run(world.provider.complete("hi"))
    assert [one for one, _ in told(caught.value.history)] == ["n0", "n1", "n2", "n3", "n4", "n4"]
    bodies = [msgspec.json.decode(one.script.calls[0].body) for one in members]
    assert ["messages" in body or "contents" in body or "input" in body for body in bodies] == [True] * 5
    assert "contents" in bodies[2]
    assert "input" in bodies[3]


LONG = "look_up_" + "x" * 80


def _calling(name: str) -> Request:
    tool = Tool(name=name, schema={"type": "object", "properties": {}})
    return Request(messages=(Message(role="user", parts=(Text(text="hi"),)),), tools=(tool,))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_tools_have_their_names_again_whoever_answers(dialect: str) -> None:
    world = World(Member(name="one", script=Script(error(429))), two := _caller(dialect))
    done = world.run(world.provider.complete(_calling(LONG)))
    assert [call.name for call in done.tool_calls] == [LONG]
    assert two.script.calls


@pytest.mark.parametrize(
    ("first", "second", "name"), [("anthropic", "openai-chat", "n" * 100), ("openai-chat", "gemini", "2fast")]
)
def test_a_name_that_has_to_be_another_one_is_no_reason_to_pass_somebody_over(
    first: str, second: str, name: str
) -> None:
    world = World(Member(name="one", script=Script(error(429)), dialect=first), _caller(second))
    done = world.run(world.provider.complete(_calling(name)))
    assert told(done.attempts) == [("one", "next"), ("two", "answered")]
    assert [call.name for call in done.tool_calls] == [name]
    assert {loss.severity for loss in done.losses if loss.feature == "tool"} == {"advisory"}


def _caller(dialect: str) -> Member:
    """Return somebody who calls the tool by the name that he was told."""
    return Member(name="two", script=_Calling(dialect), dialect=dialect)


class _Calling(Script):
    def __init__(self, dialect: str) -> None:
        super().__init__(answer())
        self._dialect = dialect

    def _reply(self, call: Any) -> FakeReply:
        name = _tool_name(msgspec.json.decode(call.body))
        called: Wire = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": "{}"}}
        wire = said("", tool_calls=[called])
        raw = convert_response_bytes(write_json(wire), source="openai-chat", target=self._dialect).body
        return FakeReply(200, [raw])


def _tool_name(body: Any) -> str:
    tool = body["tools"][0]
    if "functionDeclarations" in tool:
        tool = tool["functionDeclarations"][0]
    return str(tool.get("name") or tool["function"]["name"])


# What would change the meaning


TWICE = Request(messages=(Message(role="user", parts=(Text(text="hi"),)),), parameters=Parameters(n=2))


def test_who_cannot_be_asked_all_of_it_is_passed_over_and_that_is_said() -> None:
    two = Member(name="two", script=Script(answer()), dialect="anthropic")
    world = World(
        Member(name="one", script=Script(error(429))), two, Member(name="three", script=Script(answer("Three")))
    )
    done = world.run(world.provider.complete(TWICE))
    assert told(done.attempts) == [("one", "next"), ("two", "skipped"), ("three", "answered")]
    assert (done.text, two.script.calls) == ("Three", [])
    assert "only" not in done.attempts[0].message
    assert (done.attempts[1].number, done.attempts[1].status) == (0, None)
    assert done.attempts[1].message


NAMELESS: dict[str, Any] = {"base_url": ""}
WITHOUT_PATH: dict[str, Any] = {"dialect": "ollama", "paths": {"complete": ""}}
OF_COUNTED_TOKENS: dict[str, Any] = {**NAMELESS, "limits": Limits(windows=(Limit(of="tokens", cap=1e6),))}


@pytest.mark.parametrize("settings", [NAMELESS, WITHOUT_PATH, OF_COUNTED_TOKENS])
def test_who_lacks_something_is_passed_over_and_that_is_said(settings: dict[str, Any]) -> None:
    lame = Member(name="two", script=Script(answer()), settings=settings)
    world = World(
        Member(name="one", script=Script(error(429))), lame, Member(name="three", script=Script(answer("Three")))
    )
    done = world.run(world.provider.complete("hi"))
    assert told(done.attempts) == [("one", "next"), ("two", "skipped"), ("three", "answered")]
    assert "two" in done.attempts[1].message


def test_where_the_only_other_one_lacks_something_the_failure_is_told() -> None:
    world = World(
        Member(name="one", script=Script(error(401, "who?"))),
        Member(name="two", script=Script(answer()), settings=NAMELESS),
    )
    with pytest.raises(Rejected, match="401 who") as caught:
        world.run(world.provider.complete("hi"))
    assert told(caught.value.history) == [("one", "next"), ("two", "skipped")]


def test_where_nobody_else_can_be_asked_the_failure_is_told() -> None:
    two = Member(name="two", script=Script(answer()), dialect="anthropic")
    world = World(Member(name="one", script=Script(error(401, "who?"))), two)
    with pytest.raises(Rejected, match="401 who") as caught:
        world.run(world.provider.complete(TWICE))
    assert told(caught.value.history) == [("one", "next"), ("two", "skipped")]


def test_who_was_left_for_one_that_cannot_be_asked_is_asked_again() -> None:
    one = Member(name="one", script=Script(error(429, retry_after="3"), answer("Again")))
    world = World(one, Member(name="two", script=Script(answer()), dialect="anthropic"))
    done = world.run(world.provider.complete(TWICE))
    assert told(done.attempts) == [("one", "next"), ("two", "skipped"), ("one", "answered")]
    assert (done.text, world.loop.time()) == ("Again", 3.0)


def test_a_loss_that_is_allowed_is_told_and_asked_all_the_same() -> None:
    raw = convert_response_bytes(write_json(said("Two")), source="openai-chat", target="anthropic").body
    two = Member(name="two", script=Script(FakeReply(200, [raw])), dialect="anthropic")
    world = World(Member(name="one", script=Script(error(429))), two)
    prepared = world.provider.prepare(TWICE, allows_loss=True)
    done = world.run(world.provider.send(prepared))
    assert (done.text, done.losses[0].feature) == ("Two", "n")


def test_who_is_passed_over_has_used_up_nothing() -> None:
    limits = Limits(windows=(Limit(of="requests", cap=5),))
    two = Member(name="two", script=Script(answer()), dialect="anthropic", settings={"limits": limits})
    world = World(Member(name="one", script=Script(error(401))), two)

    async def ask_and_look() -> float:
        with pytest.raises(Rejected):
            await world.provider.complete(TWICE)
        name = "provider:two:two.example/v1"
        found = await world.state.transact([name], lambda records, now: (records, records[name]))
        return sum(found.meters["requests/60.0"].slices.values())

    assert world.run(ask_and_look()) == 0.0


# What is told of it


def test_the_outcome_is_that_of_who_answered() -> None:
    logs = _Outcomes()
    world = World(Member(name="one", script=Script(error(429))), Member(name="two", script=Script(answer())))
    world.provider.set_raw_log_callback(logs)
    world.run(world.provider.complete("hi"))
    [outcome] = logs.outcomes
    assert outcome.exchange is not None
    assert (outcome.exchange.profile, outcome.exchange.model) == ("two", "model-of-two")
    assert told(outcome.attempts) == [("one", "next"), ("two", "answered")]
    assert logs.attempts == list(outcome.attempts)


def test_a_stream_that_is_left_is_told_as_given_up() -> None:
    world = World(Member(name="one", script=Script(tokens(*FIRST))), Member(name="two", script=Script(answer())))

    async def leave() -> Stream:
        async with world.provider.stream("hi") as stream:
            await anext(stream)
        return stream

    assert told(world.run(leave()).attempts) == [("one", "given up")]


def test_the_cost_is_that_of_who_answers() -> None:
    two = msgspec.structs.replace(member("two", *SECOND), settings={**ONCE, **PRICED})
    stream, _, _ = streamed(member("one", START, RESET), two)
    assert stream.cost is not None
    assert (stream.cost.amount, stream.cost.source) == (1.0, "estimated")


def test_all_that_is_sent_goes_through_the_filter_of_all_secrets() -> None:
    """Who is asked second may quote the key of the first."""
    script = Script(error(401, "you are not sk-of-key-of-one-123456"))
    world = World(Member(name="one", script=Script(error(401))), Member(name="two", script=script))
    with pytest.raises(Rejected) as caught:
        world.run(world.provider.complete("hi"))
    assert "key-of-one-" not in f"{caught.value} {caught.value.history}"


class _Outcomes(FakeLog):
    """Whoever looks on at each exchange, and is told of its attempts and its end."""

    def __init__(self) -> None:
        super().__init__()
        self.outcomes = list[Outcome]()
        self.attempts = list[Attempted]()

    def begin(self, exchange: Exchange) -> _Outcomes:
        return self

    def on_attempt(self, attempted: Attempted) -> None:
        self.attempts.append(attempted)

    def on_end(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
