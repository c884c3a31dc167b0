"""Conversations through the whole provider: sessions, ids, streams, what is kept of failures, and of whom."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from msgspec.structs import replace

from dragoman.providers import Completion, Profile, create_provider
from dragoman.providers.answers import Stream
from dragoman.providers.client import WireProvider
from dragoman.providers.conversation import with_result
from dragoman.providers.conversations import Kept, Origin
from dragoman.schemas.errors import CallerError, DragomanError, ReportedError, TruncatedStream, UnknownResponse
from dragoman.schemas.ir import JSON, Message, Parameters, Request, Response, Text, ToolCall, Wire
from dragoman.schemas.jsontext import read_json, write_json
from tests.providers.doubles import FakeReply, FakeTransport

Result = TypeVar("Result")
CHAT = Profile(
    name="chat", vendor="openai-compatible", dialect="openai-chat", base_url="http://127.0.0.1:1/v1", model="m",
    auth_method="none", state=False,
)  # fmt: skip
ANTHROPIC = Profile(
    name="claude", vendor="anthropic", dialect="anthropic", base_url="http://127.0.0.1:2", model="c",
    auth_method="none", state=False,
)  # fmt: skip
NATIVE = Profile(
    name="native", vendor="openai-responses", dialect="openai-responses", base_url="http://127.0.0.1:3/v1", model="r",
    auth_method="none", state=False, continuation="native",
)  # fmt: skip


def answer(text: str, name: str = "chatcmpl-1") -> FakeReply:
    choice: Wire = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    return FakeReply(200, [write_json({"id": name, "object": "chat.completion", "model": "m", "choices": [choice]})])


def signed(text: str, signature: str) -> FakeReply:
    thinking: Wire = {"type": "thinking", "thinking": "hm", "signature": signature}
    content: list[JSON] = [thinking, {"type": "text", "text": text}]
    message: Wire = {"id": "msg_1", "type": "message", "role": "assistant", "model": "c", "content": content}
    return FakeReply(200, [write_json({**message, "stop_reason": "end_turn", "usage": {"input_tokens": 1}})])


def response(text: str, name: str) -> FakeReply:
    item: Wire = {"type": "message", "id": "m", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
    whole: Wire = {"id": name, "object": "response", "status": "completed", "model": "r", "output": [item]}
    return FakeReply(200, [write_json(whole)])


def chunks(*texts: str, ends: bool = True) -> FakeReply:
    said: list[JSON] = [{"index": 0, "delta": {"content": text}} for text in texts]
    last: list[JSON] = [{"index": 0, "delta": {}, "finish_reason": "stop"}] if ends else []
    events = [b"data: %b\n\n" % write_json({"id": "chatcmpl-s", "choices": [choice]}) for choice in [*said, *last]]
    return FakeReply(200, [*events, *([b"data: [DONE]\n\n"] if ends else [])], {"content-type": "text/event-stream"})


def made(profile: Profile, *replies: FakeReply) -> tuple[WireProvider, FakeTransport]:
    transport = FakeTransport(*replies)
    return create_provider(profile, variables={}, transport=transport), transport


def run(work: Coroutine[Any, Any, Result]) -> Result:
    return asyncio.run(work)


def sent(transport: FakeTransport, number: int = -1) -> Wire:
    body = read_json(transport.calls[number].body)
    assert isinstance(body, dict)
    return body


def said(transport: FakeTransport, number: int = -1) -> list[object]:
    messages = sent(transport, number)["messages"]
    assert isinstance(messages, list)
    return [message.get("content") for message in messages if isinstance(message, dict)]


async def kept(provider: WireProvider) -> Sequence[Kept]:
    return (await provider.threads.archive.page(newest_first=False)).kept


def test_each_turn_goes_on_from_the_one_before() -> None:
    provider, transport = made(CHAT, answer("1", "a"), answer("2", "b"), answer("3", "c"))

    async def talk() -> None:
        conversation = provider.talk()
        for question in ("one", "two", "three"):
            await conversation.complete(question)

    run(talk())
    assert said(transport) == ["one", "1", "two", "2", "three"]


def test_session_is_found_by_its_name() -> None:
    provider, transport = made(CHAT, answer("1", "a"), answer("2", "b"))

    async def talk() -> None:
        await provider.talk(session="trip").complete("one")
        await provider.talk(session="other").complete("elsewhere")
        await provider.talk(session="trip").complete("two")

    run(talk())
    assert said(transport, 1) == ["elsewhere"]
    assert said(transport) == ["one", "1", "two"]


def test_answer_goes_on_from_any_that_is_kept() -> None:
    provider, transport = made(CHAT, answer("1", "a"), answer("2", "b"), answer("3", "c"))

    async def talk() -> Completion:
        first = await provider.talk().complete("one")
        await provider.talk(previous_response_id=first.kept).complete("two")
        return await provider.talk(previous_response_id=first.kept).complete("instead of two")

    assert run(talk()).kept == "c"
    assert said(transport) == ["one", "1", "instead of two"]


def test_id_that_is_taken_stays_whose_it_is() -> None:
    provider, _ = made(CHAT, answer("1", "same"))

    async def talk() -> list[str | None]:
        return [(await provider.talk().complete("hi")).kept for _ in range(2)]

    first, second = run(talk())
    assert first == "same"
    assert second is not None
    assert second.startswith("resp_")


def test_unknown_id_is_told_before_anything_is_sent() -> None:
    provider, transport = made(CHAT, answer("1"))
    with pytest.raises(UnknownResponse, match="resp_nobody"):
        run(provider.talk(previous_response_id="resp_nobody").complete("hi"))
    assert not transport.calls


def test_provider_that_keeps_answers_gets_the_new_words_and_an_id() -> None:
    provider, transport = made(NATIVE, response("1", "resp_1"), response("2", "resp_2"))

    async def talk() -> None:
        conversation = provider.talk()
        await conversation.complete("one")
        await conversation.complete("two")

    run(talk())
    body = sent(transport)
    assert body["previous_response_id"] == "resp_1"
    assert "one" not in repr(body["input"])


def test_unknown_id_goes_to_the_provider_that_may_know_it() -> None:
    provider, transport = made(NATIVE, response("2", "resp_2"))
    run(provider.talk(previous_response_id="resp_theirs").complete("two"))
    assert sent(transport)["previous_response_id"] == "resp_theirs"


def test_provider_that_was_told_not_to_keep_it_is_told_everything_again() -> None:
    provider, transport = made(NATIVE, response("1", "resp_1"), response("2", "resp_2"))

    async def talk() -> None:
        conversation = provider.talk()
        document: Wire = {"model": "r", "input": "one", "store": False}
        recalled = await provider.recall(session="s", keeps=True)
        await provider.send(provider.prepare_document(document, source="openai-responses", recalled=recalled))
        await provider.talk(session="s").complete("two")
        assert conversation.last is None

    run(talk())
    assert "previous_response_id" not in sent(transport)
    assert "one" in repr(sent(transport)["input"])


# -------------------------------------------------------------------------------------------------- what is not whole
def test_stream_that_was_cut_off_is_kept_as_such_and_not_gone_on_from() -> None:
    provider, _ = made(CHAT, chunks("hal", ends=False))

    async def talk() -> tuple[Kept, str]:
        stream = await provider.talk(session="s").stream("hi")
        with pytest.raises(TruncatedStream):
            async for _ in stream:
                pass
        (only,) = await kept(provider)
        with pytest.raises(CallerError, match="was cut off") as caught:
            await provider.talk(previous_response_id=only.id).complete("go on")
        return only, caught.value.hint

    only, hint = run(talk())
    assert (only.status, only.error and only.error[0]) == ("cut", "truncated-stream")
    assert only.response is not None
    assert hint == "ask again"


def test_session_goes_on_from_the_last_answer_that_was_whole() -> None:
    provider, transport = made(CHAT, answer("1", "a"), chunks("hal", ends=False), answer("3", "c"))

    async def talk() -> list[str]:
        conversation = provider.talk(session="s")
        await conversation.complete("one")
        stream = await conversation.stream("two")
        with pytest.raises(TruncatedStream):
            async for _ in stream:
                pass
        await conversation.complete("three")
        return [one.status for one in await kept(provider)]

    assert run(talk()) == ["completed", "cut", "completed"]
    assert said(transport) == ["one", "1", "three"]


def test_error_amid_a_stream_is_kept_as_a_failure() -> None:
    broken = FakeReply(
        200,
        [
            b'data: {"id": "x", "choices": [{"index": 0, "delta": {"content": "hal"}}]}\n\n',
            b'data: {"error": {"message": "no more", "type": "server_error"}}\n\n',
        ],
        {"content-type": "text/event-stream"},
    )
    provider, _ = made(CHAT, broken)

    async def talk() -> Kept:
        stream = await provider.talk().stream("hi")
        with pytest.raises(ReportedError):
            async for _ in stream:
                pass
        (only,) = await kept(provider)
        return only

    assert run(talk()).status == "failed"


def test_answer_that_is_too_long_is_kept_as_incomplete_and_gone_on_from() -> None:
    choice: Wire = {"index": 0, "finish_reason": "length", "message": {"role": "assistant", "content": "to"}}
    short = FakeReply(200, [write_json({"id": "x", "choices": [choice]})])
    provider, transport = made(CHAT, short, answer("2", "b"))

    async def talk() -> list[str]:
        conversation = provider.talk()
        await conversation.complete("one")
        await conversation.complete("go on")
        return [one.status for one in await kept(provider)]

    assert run(talk()) == ["incomplete", "completed"]
    assert said(transport) == ["one", "to", "go on"]


def test_stream_that_is_left_early_is_no_turn() -> None:
    provider, transport = made(CHAT, chunks("1"), answer("2", "b"))

    async def talk() -> Sequence[Kept]:
        conversation = provider.talk()
        async with await conversation.stream("one") as stream:
            await anext(aiter(stream))
        await conversation.complete("two")
        return await kept(provider)

    assert len(run(talk())) == 1
    assert said(transport) == ["two"]


def test_what_goes_wrong_before_an_answer_is_not_kept() -> None:
    provider, _ = made(CHAT, FakeReply(400, [b'{"error": {"message": "no"}}']))

    async def talk() -> Sequence[Kept]:
        with pytest.raises(DragomanError):
            await provider.talk().complete("one")
        return await kept(provider)

    assert not run(talk())


# ------------------------------------------------------------------------------------------------------ whole streams
def test_streams_and_whole_answers_are_turns_alike() -> None:
    provider, transport = made(CHAT, chunks("1", "1"), answer("2", "b"))

    async def read(stream: Stream) -> None:
        async for _ in stream:
            pass

    async def talk() -> None:
        conversation = provider.talk()
        await read(await conversation.stream("one"))
        await conversation.complete("two")

    run(talk())
    assert said(transport) == ["one", "11", "two"]


def test_bytes_of_a_stream_that_are_passed_on_are_a_turn_too() -> None:
    provider, transport = made(CHAT, chunks("1" * 5000), answer("2", "b"))

    async def talk() -> None:
        conversation = provider.talk()
        stream = await conversation.stream("one")
        assert b"".join([piece async for piece in stream.raw()]).endswith(b"[DONE]\n\n")
        await conversation.complete("two")

    run(talk())
    assert said(transport) == ["one", "1" * 5000, "two"]


def test_answer_that_is_kept_holds_no_secret() -> None:
    secret = "sk-very-secret-key-1"
    profile = Profile(
        name="chat", vendor="openai-compatible", dialect="openai-chat", base_url="http://127.0.0.1:1/v1", model="m",
        key_env=("KEY",), state=False,
    )  # fmt: skip
    transport = FakeTransport(answer(f"your key is {secret}"))
    provider = create_provider(profile, variables={"KEY": secret}, transport=transport)

    async def talk() -> Sequence[Kept]:
        await provider.talk().complete("hi")
        return await kept(provider)

    assert secret not in repr(run(talk()))


def test_signature_goes_home_in_the_next_turn() -> None:
    provider, transport = made(ANTHROPIC, signed("1", "sig-home"), signed("2", "sig-2"))

    async def talk() -> None:
        conversation = provider.talk()
        await conversation.complete("one")
        await conversation.complete("two")

    run(talk())
    assert "sig-home" in repr(sent(transport))


def test_tools_go_on_through_a_session() -> None:
    call: Wire = {"id": "call_7", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message: Wire = {"role": "assistant", "content": None, "tool_calls": [call]}
    calls = write_json({"id": "x", "choices": [{"index": 0, "finish_reason": "tool_calls", "message": message}]})
    provider, transport = made(CHAT, FakeReply(200, [calls]), answer("2", "b"))
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}

    async def talk() -> None:
        conversation = provider.talk(session="s")
        first = await conversation.complete("one", tools=[tool])
        result = with_result(Request(messages=()), first.tool_calls[0], "done")
        await conversation.complete(result)

    run(talk())
    body = sent(transport)
    assert said(transport) == ["one", None, "done"]
    assert "tools" in body


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 300])
def test_name_that_is_none_is_refused(name: str) -> None:
    provider, _ = made(CHAT, answer("1"))
    with pytest.raises(CallerError, match="session's name"):
        run(provider.talk(session=name).complete("hi"))


def test_request_that_stands_alone_keeps_nothing() -> None:
    provider, _ = made(CHAT, answer("1"))

    async def ask() -> Sequence[Kept]:
        assert (await provider.complete("hi")).kept is None
        return await kept(provider)

    assert not run(ask())


def test_parts_of_the_ir_are_asked_as_they_are() -> None:
    provider, transport = made(CHAT, answer("1", "a"), answer("2", "b"))
    asked = Request(messages=(Message(role="user", parts=(Text(text="hi"),)),))

    async def talk() -> None:
        conversation = provider.talk()
        await conversation.complete(asked)
        await conversation.complete(asked)

    run(talk())
    assert said(transport) == ["hi", "1", "hi"]
    assert not [part for message in asked.messages for part in message.parts if isinstance(part, ToolCall)]


# -------------------------------------------------------------------------------------------------- what is not whole
def test_conversation_that_only_its_provider_knows_is_not_said_elsewhere_without_its_beginning(tmp_path: Path) -> None:
    place = str(tmp_path / "state.sqlite3")
    native, _ = made(replace(NATIVE, state=place), response("2", "resp_2"))
    elsewhere, transport = made(replace(CHAT, state=place), answer("3", "c"))

    async def talk() -> None:
        async with native, elsewhere:
            await native.talk(previous_response_id="resp_theirs").complete("two")
            assert (await native.responses.retrieve("resp_2"))["previous_response_id"] == "resp_theirs"
            await elsewhere.talk(previous_response_id="resp_2").complete("three")

    with pytest.raises(CallerError, match="resp_theirs"):
        run(talk())
    assert not transport.calls


def test_id_that_somebody_takes_at_the_same_time_stays_his(tmp_path: Path) -> None:
    provider, _ = made(replace(CHAT, state=str(tmp_path / "state.sqlite3")))
    asked = Request(messages=(Message(role="user", parts=(Text(text="hi"),)),))
    origin = Origin(profile="p", provider="p@h", dialect="openai-chat")

    async def both() -> list[str]:
        threads = provider.threads
        archive = threads.archive
        thread = await threads.begin()
        one = Response(candidates=(), id="same")
        first, second = await asyncio.gather(*(threads.keep(thread, asked, origin, one) for _ in range(2)))
        assert await archive.get(first) is not None is not await archive.get(second)
        await provider.aclose()
        return sorted([first, second], key=len)

    first, second = run(both())
    assert first == "same" != second


def test_room_for_the_answer_that_a_profile_wants_counts() -> None:
    narrow = replace(CHAT, context_window=100, parameters=Parameters(max_tokens=90))
    provider, transport = made(narrow, answer("1", "a"), answer("2", "b"))

    async def talk() -> None:
        conversation = provider.talk()
        await conversation.complete("one")
        await conversation.complete("two")

    run(talk())
    assert said(transport) == ["two"]


def test_stream_knows_its_id_before_its_end() -> None:
    provider, _ = made(CHAT, chunks("a"), chunks("b"))

    async def talk() -> list[tuple[str | None, str | None]]:
        found: list[tuple[str | None, str | None]] = []
        for _ in range(2):
            stream = await provider.talk().stream("one")
            await stream.begin()
            early = stream.kept_as
            async for _event in stream:
                pass
            found.append((early, stream.kept))
        return found

    first, second = run(talk())
    assert first == ("chatcmpl-s", "chatcmpl-s")
    assert second[0] == second[1] != "chatcmpl-s"


def test_answer_that_cannot_be_kept_is_told_and_read_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = tmp_path / "state.sqlite3"
    provider, _ = made(replace(CHAT, state=str(place)), chunks("a", "b"))

    async def talk() -> Stream:
        async with provider:
            stream = await provider.talk(session="s").stream("one")
            for file in tmp_path.glob("state.sqlite3*"):
                file.unlink()
            place.mkdir()
            async for _event in stream:
                pass
            return stream

    stream = run(talk())
    assert (stream.text, stream.kept, stream.error) == ("ab", None, None)
    assert "the answer is not kept" in caplog.text
