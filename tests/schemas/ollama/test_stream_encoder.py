"""What we say as a stream of Ollama, and what Ollama's own client makes of it."""

from __future__ import annotations

import json
from collections.abc import Iterable

import httpx
import pytest
from ollama import ChatResponse, Client, ResponseError

from dragoman.schemas.accumulate import explode
from dragoman.schemas.blocks import Blocks
from dragoman.schemas.events import Event, Heartbeat
from dragoman.schemas.ir import (
    BuiltinCall,
    Candidate,
    Error,
    Media,
    Part,
    Reasoning,
    Refusal,
    Request,
    Response,
    Text,
    TokenLogprob,
    ToolCall,
    Value,
    Wire,
)
from dragoman.schemas.losses import Losses
from dragoman.schemas.ollama.response import encode_response
from dragoman.schemas.ollama.stream import StreamEncoder
from tests.schemas.ollama.lines import COSTS, EMPTY, calling, ending, read, saying

PNG = "iVBORw0KGgoAAAANSUhEUg=="


def lines_of(events: Iterable[Event], losses: Losses | None = None, request: Request | None = None) -> list[Wire]:
    encoder = StreamEncoder(losses if losses is not None else Losses(), request)
    said = [raw for event in events for raw in encoder.feed(event)]
    assert all(raw.endswith(b"\n") and raw.count(b"\n") == 1 for raw in said)
    return [json.loads(raw) for raw in said]


def messages_of(*said: Part) -> list[Wire]:
    return [{key: value for key, value in line["message"].items() if key != "role"} for line in spoken(*said)]


def spoken(*said: Part) -> list[dict[str, Wire]]:
    lines: list[dict[str, Wire]] = json.loads(json.dumps(lines_of(explode(response(*said)))))
    return lines


def response(*said: Part) -> Response:
    return Response(model="m", created=0, candidates=(Candidate(parts=said, stop="stop"),))


def heard(events: Iterable[Event]) -> list[ChatResponse]:
    """Return what Ollama's own client reads."""
    encoder = StreamEncoder(Losses())
    raw = b"".join(piece for event in events for piece in encoder.feed(event))
    client = Client(transport=httpx.MockTransport(lambda _request: httpx.Response(200, content=raw)))
    return list(client.chat(model="m", messages=[], stream=True))


# -------------------------------------------------------------------------------------------------- events → lines
def test_words_are_lines_and_the_last_one_is_done() -> None:
    said = lines_of(explode(response(Text(text="Hi"))))
    head: Wire = {"model": "m", "created_at": "1970-01-01T00:00:00Z"}
    assert said == [
        {**head, "message": {"role": "assistant", "content": "Hi"}, "done": False},
        {**head, "message": EMPTY, "done": True, "done_reason": "stop"},
    ]


def test_thoughts_are_paragraphs() -> None:
    said = messages_of(Reasoning(summary=("a", "b")), Reasoning(text=""), Reasoning(text="c"))
    assert [message.get("thinking") for message in said] == ["a", "\n\nb", "\n\nc", None]


def test_call_is_said_whole() -> None:
    assert messages_of(ToolCall(id="x", name="f", arguments='{"a": 1.0}'))[0] == {
        "content": "",
        "tool_calls": [{"id": "x", "function": {"name": "f", "arguments": {"a": 1.0}}}],
    }


def test_free_form_call_is_said_as_one_with_a_text() -> None:
    (message, _) = messages_of(ToolCall(id="x", name="f", arguments="ls -l", custom=True))
    assert message["tool_calls"] == [{"id": "x", "function": {"name": "f", "arguments": {"input": "ls -l"}}}]


def test_refusal_is_said_as_words() -> None:
    assert messages_of(Refusal(text="No."))[0] == {"content": "No."}


def test_value_is_said_as_words() -> None:
    assert messages_of(Value(value={"a": 1}))[0] == {"content": '{"a":1}'}


def test_only_own_pictures_are_said() -> None:
    own = Media(kind="image", data=PNG, dialect="ollama")
    assert messages_of(Media(kind="image", data=PNG), own) == [{"content": "", "images": [PNG]}, {"content": ""}]


def test_builtin_call_is_not_said_but_reported() -> None:
    losses = Losses()
    call = BuiltinCall(kind="web_search", dialect="anthropic", wire={})
    assert len(lines_of(explode(response(call)), losses)) == 1
    assert [loss.feature for loss in losses.found] == ["builtin_call"]


def test_losses_are_those_of_the_document() -> None:
    whole = response(Text(text="a"), Reasoning(text="b"), ToolCall(id="x", name="f", arguments="no JSON"))
    streamed, documented = Losses(), Losses()
    lines_of(explode(whole), streamed)
    encode_response(whole, documented)
    assert streamed.found == documented.found != []


def test_model_of_the_request_is_on_every_line() -> None:
    said = lines_of(
        explode(Response(candidates=(Candidate(parts=(Text(text="a"),)),))), None, Request(messages=(), model="q")
    )
    assert [line["model"] for line in said] == ["q", "q"]


def test_logprobs_are_said_once() -> None:
    weighed = Candidate(parts=(Text(text="Hi"),), stop="stop", logprobs=(TokenLogprob(token="Hi", logprob=-1),))
    said = lines_of(explode(Response(model="m", created=0, candidates=(weighed,))))
    assert [line.get("logprobs") for line in said] == [None, [{"token": "Hi", "logprob": -1}], None]


def test_logprobs_come_a_line_after_their_words() -> None:
    losses = Losses()
    lines_of(read(saying(content="Hi", logprobs=[{"token": "Hi", "logprob": -1}]), ending()), losses)
    assert [(loss.path, loss.feature, loss.action) for loss in losses.found] == [
        ("$.logprobs", "logprobs", "approximated")
    ]


def test_odd_logprobs_come_too_late() -> None:
    losses = Losses()
    lines_of(read(saying(content="Hi", logprobs=[{"token": "Hi", "logprob": -1, "id": 17}]), ending()), losses)
    assert [(loss.path, loss.action) for loss in losses.found][1:] == [("$.logprobs", "dropped")]


def test_own_fields_return() -> None:
    said = lines_of(read(saying(content="a", mood="merry"), ending(remote_host="ollama.com", **COSTS)))
    assert said[-1] == json.loads(ending(remote_host="ollama.com", message={**EMPTY, "mood": "merry"}, **COSTS))


def test_own_stream_comes_back() -> None:
    events = read(saying(thinking="a"), saying(content="b"), saying(tool_calls=[calling(id="x")]), ending(**COSTS))
    assert read(*(json.dumps(wire).encode() + b"\n" for wire in lines_of(events))) == events


def test_second_answer_is_not_said() -> None:
    answers = (Candidate(parts=(Text(text="a"),), stop="stop"), Candidate(parts=(Text(text="b"),), stop="stop"))
    losses = Losses()
    said = lines_of(explode(Response(model="m", created=0, candidates=answers)), losses)
    assert [line["message"] for line in said] == [{**EMPTY, "content": "a"}, EMPTY]
    assert [loss.feature for loss in losses.found] == ["n"]


def test_words_of_two_open_texts_are_not_mixed() -> None:
    blocks = Blocks(whole=True)
    first, second = blocks.start(Text(text="")), blocks.start(Text(text=""))
    for block, word in ((first, "a"), (second, "1"), (first, "b"), (second, "2")):
        blocks.say(block, word)
    blocks.end(second)
    blocks.end(first)
    assert [line["message"] for line in lines_of(blocks.take())] == [{**EMPTY, "content": word} for word in "ab12"]


def test_thoughts_wait_for_words_that_began_before_them() -> None:
    blocks = Blocks(whole=True)
    text, thought = blocks.start(Text(text="")), blocks.start(Reasoning())
    blocks.think(thought, "Hm")
    blocks.say(text, "Hi")
    blocks.end_all()
    assert [line["message"] for line in lines_of(blocks.take())] == [
        {**EMPTY, "content": "Hi"},
        {**EMPTY, "thinking": "Hm"},
    ]


def test_words_do_not_wait_for_what_is_not_said() -> None:
    blocks = Blocks(whole=True)
    blocks.start(BuiltinCall(kind="web_search", dialect="anthropic", wire={}))
    blocks.say(blocks.start(Text(text="")), "Hi")
    assert [line["message"] for line in lines_of(blocks.take())] == [{**EMPTY, "content": "Hi"}]


def test_calls_keep_the_order_in_which_they_started() -> None:
    blocks = Blocks(whole=True)
    calls = [blocks.start(ToolCall(id=name, name=name, arguments="")) for name in "abc"]
    for call in reversed(calls):
        blocks.end(call)
    said = json.dumps(lines_of(blocks.take()))
    assert said.index('"a"') < said.index('"b"') < said.index('"c"')


def test_sign_of_life_is_nothing() -> None:
    assert lines_of([Heartbeat("ping")]) == []


def test_failed_stream_ends_in_an_error() -> None:
    said = lines_of(read(saying(content="Hi"), b'{"error":"out of memory"}\n'))
    assert said[-1] == {"error": "out of memory"}
    assert not any(line.get("done") for line in said)


def test_words_that_wait_are_said_before_the_error() -> None:
    blocks = Blocks(whole=True)
    blocks.start(Text(text=""))
    blocks.say(blocks.start(Text(text="")), "b")
    blocks.fail(Error(kind="server", message="x"), Response(candidates=(Candidate(parts=()),)))
    assert [line.get("error", line.get("message")) for line in lines_of(blocks.take())] == [
        {**EMPTY, "content": "b"},
        "x",
    ]


# -------------------------------------------------------------------------------------------------- Ollama's client
def test_client_reads_the_stream() -> None:
    call = ToolCall(id="x", name="f", arguments={"a": 1})
    said = heard(explode(response(Reasoning(text="Hm"), Text(text="Hi"), call)))
    assert [one.message.thinking for one in said] == ["Hm", None, None, None]
    assert [one.message.content for one in said] == ["", "Hi", "", ""]
    assert [one.function.arguments for one in said[2].message.tool_calls or ()] == [{"a": 1}]
    assert (said[-1].done, said[-1].done_reason) == (True, "stop")


def test_client_raises_the_error() -> None:
    with pytest.raises(ResponseError, match="out of memory"):
        heard(read(saying(content="Hi"), b'{"error":"out of memory"}\n'))


def test_client_hears_of_a_cut() -> None:
    with pytest.raises(ResponseError, match="cut off"):
        heard(read(saying(content="Hi")))
