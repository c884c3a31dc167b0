"""The veil: what deltas add up to is what redacting the whole text would give, block by block."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.providers.secrets import Secrets
from dragoman.providers.veil import Veil, veiled
from dragoman.schemas.events import (
    ArgumentsDelta,
    BlockEnded,
    ContentDelta,
    Event,
    ReasoningDelta,
    StreamComplete,
    StreamFailed,
)
from dragoman.schemas.ir import BuiltinCall, Candidate, Error, Response, Text, ToolCall

KEY = "sk-canary"
SECRETS = Secrets([KEY])
EMPTY = Response(candidates=())
LAW = settings(max_examples=100, derandomize=True, database=None, deadline=None)


def through(*events: Event) -> list[Event]:
    veil = Veil(SECRETS)
    return [clean for event in events for clean in veil.take(event)]


def text(events: list[Event], index: int = 0) -> str:
    return "".join(event.text for event in events if isinstance(event, ContentDelta) and event.index == index)


@LAW
@given(st.lists(st.sampled_from(["sk-", "ca", "nary", "s", "k", "-", "sk-canary", " ", "é"]), max_size=20))
def test_pieces_add_up_to_the_redacted_whole(pieces: list[str]) -> None:
    events = through(*(ContentDelta(piece) for piece in pieces), BlockEnded(0, Text(text="".join(pieces))))
    whole = SECRETS.redact("".join(pieces))
    assert text(events) == whole
    assert events[-1] == BlockEnded(0, Text(text=whole))


def test_text_without_secrets_passes_as_it_is() -> None:
    delta = ContentDelta("hello ")
    assert through(delta)[0] is delta


def test_blocks_wait_each_for_their_own_rest() -> None:
    events = through(ContentDelta("sk-", 0), ContentDelta("sk-", 1), ContentDelta("canary", 0), ContentDelta("y ", 1))
    assert (text(events, 0), text(events, 1)) == ("[redacted]", "sk-y ")


def test_what_waits_is_said_before_its_block_ends() -> None:
    events = through(ArgumentsDelta('{"a": "sk-ca'), BlockEnded(0, ToolCall(id="", name="f", arguments="{}")))
    assert [getattr(event, "text", "") for event in events] == ['{"a": "', "sk-ca", ""]


def test_what_waits_is_said_before_the_stream_fails() -> None:
    events = through(ContentDelta("sk-ca", 3), StreamFailed(Error(message="x", kind="server"), EMPTY, cut=True))
    assert events[0] == ContentDelta("sk-ca", 3)
    assert isinstance(events[1], StreamFailed)


def test_pieces_of_a_summary_are_texts_of_their_own() -> None:
    events = through(ReasoningDelta("sk-", summary=0), ReasoningDelta("canary", summary=1))
    assert events[0] == ReasoningDelta("sk-", summary=0)


def test_another_kind_of_delta_begins_another_text() -> None:
    events = through(ContentDelta("sk-"), ArgumentsDelta("canary"))
    assert events == [ContentDelta("sk-"), ArgumentsDelta("canary")]


def test_error_and_response_are_redacted() -> None:
    response = Response(candidates=(Candidate(parts=(Text(text=KEY),)),), echo={"x": {KEY: [KEY, 1]}})
    (failed,) = through(StreamFailed(Error(message=f"no {KEY}", kind="server"), response))
    assert KEY not in str(failed)
    (complete,) = through(StreamComplete(response))
    assert KEY not in str(complete)


def test_wire_of_a_vendors_tool_is_redacted_deeply() -> None:
    call = BuiltinCall(kind="x", dialect="anthropic", wire={"a": [{"b": KEY}], "c": 1})
    assert veiled(call, SECRETS).wire == {"a": [{"b": "[redacted]"}], "c": 1}
    assert call.wire["a"] == [{"b": KEY}]


def test_value_without_secrets_is_the_same_object() -> None:
    response = Response(candidates=(Candidate(parts=(Text(text="hello"),)),), echo={"x": {"a": [1, "b"]}})
    assert veiled(response, SECRETS) is response
