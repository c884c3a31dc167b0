"""The sandbox through the whole pipeline: encode → its own wire server → decode, in every dialect."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from dragoman.providers.answers import Completion, Stream, text_of
from dragoman.providers.client import WireProvider
from dragoman.providers.conversation import with_answer, with_result
from dragoman.providers.exchange import Call
from dragoman.providers.factory import create_provider
from dragoman.providers.sandbox import SandboxTransport
from dragoman.providers.sandbox.script import Rule
from dragoman.providers.settings import Retry, Timeouts
from dragoman.schemas import dialect as register
from dragoman.schemas.accumulate import accumulate
from dragoman.schemas.dialect import Dialect
from dragoman.schemas.errors import (
    CallerError,
    DragomanError,
    NetworkFault,
    ProfileFault,
    ProtocolFault,
    Rejected,
    ReportedError,
    TimedOut,
    TruncatedStream,
)
from dragoman.schemas.events import ArgumentsDelta, ContentDelta, Event, illegal
from dragoman.schemas.ir import Message, OutputFormat, Parameters, Reasoning, ReasoningPolicy, Request, Text, Wire
from tests.providers.sandbox.asking import DIALECTS, ROLL, StillClock, asking, forced, post, profile, provider, served

Result = TypeVar("Result")
EACH = pytest.mark.parametrize("dialect", DIALECTS)
LONG: Wire = {"reply": "one two three four five six"}


def run(what: Coroutine[Any, Any, Result]) -> Result:
    return asyncio.run(what)


async def told(stream: Stream) -> tuple[list[Event], DragomanError | None]:
    """Return the events of a stream, and the error after them."""
    events: list[Event] = []
    try:
        async for event in stream:
            events.append(event)
    except DragomanError as error:
        return events, error
    return events, None


def complete(dialect: str, asked: Request | str, *rules: Wire) -> Completion:
    return run(provider(dialect, *rules).complete(asked))


def stream(dialect: str, asked: Request | str, *rules: Wire) -> tuple[Stream, list[Event], DragomanError | None]:
    opened = provider(dialect, *rules).stream(asked)
    return opened, *run(told(opened))


def words(events: list[Event], kind: type = ContentDelta) -> list[str]:
    return [str(getattr(event, "text", "")) for event in events if isinstance(event, kind)]


# ------------------------------------------------------------------------------------------------------- by itself
@EACH
def test_nonce_comes_back(dialect: str) -> None:
    answer = complete(dialect, "Repeat nonce-4711.")
    assert answer.text == "Sandbox: Repeat nonce-4711."
    assert answer.stop == "stop"


@EACH
def test_usage_counts_words(dialect: str) -> None:
    usage = complete(dialect, "Repeat nonce-4711.").usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (2, 3)


@EACH
def test_answer_has_the_model_and_an_id_of_the_request(dialect: str) -> None:
    answer = complete(dialect, asking(model="my-model"))
    assert answer.response.model == "my-model"
    assert answer.request_id is not None
    assert answer.request_id.startswith("req_")


@EACH
def test_stream_says_the_same_as_the_document_in_words(dialect: str) -> None:
    opened, events, error = stream(dialect, "Repeat nonce-4711.")
    assert error is None
    assert illegal(events) == []
    assert words(events) == ["Sandbox:", " Repeat", " nonce-4711."]
    assert accumulate(events) == opened.response
    assert text_of(opened.response) == "Sandbox: Repeat nonce-4711."
    assert opened.response is not None
    assert opened.response.usage == complete(dialect, "Repeat nonce-4711.").usage


@pytest.mark.parametrize("dialect", [dialect for dialect in DIALECTS if dialect != "ollama"])  # which cannot force one
def test_forced_tool_is_called_with_what_it_requires(dialect: str) -> None:
    answer = complete(dialect, forced())
    assert answer.stop == "tool_use"
    assert [call.name for call in answer.tool_calls] == ["roll"]
    assert _arguments(answer) == {"sides": 2}


@EACH
def test_tool_that_the_user_names_is_called(dialect: str) -> None:
    answer = complete(dialect, asking("Please call roll.", tools=(ROLL,)))
    assert _arguments(answer) == {"sides": 2}
    assert not complete(dialect, asking("Please call rollers.", tools=(ROLL,))).tool_calls


def _arguments(answer: Completion) -> object:
    said = answer.tool_calls[0].arguments
    return json.loads(said) if isinstance(said, str) else said


@EACH
def test_thoughts_come_when_asked_for(dialect: str) -> None:
    asked = asking(reasoning=ReasoningPolicy(enabled=True, effort="low"), parameters=Parameters(max_tokens=4096))
    parts = complete(dialect, asked).response.candidates[0].parts
    assert [type(part) for part in parts] == [Reasoning, Text]
    assert [type(part) for part in complete(dialect, "Hello").response.candidates[0].parts] == [Text]


@EACH
def test_schema_is_filled_in(dialect: str) -> None:
    schema: Wire = {"type": "object", "properties": {"colour": {"enum": ["red", "blue"]}}, "required": ["colour"]}
    answer = complete(dialect, asking(output=OutputFormat(schema=schema, name="colours")))
    assert json.loads(answer.text) == {"colour": "red"}


@EACH
def test_same_question_has_the_same_answer_to_the_byte(dialect: str) -> None:
    for streams in (False, True):
        call = provider(dialect).prepare("Repeat nonce-4711.", streams=streams).call
        first, second = (run(served(SandboxTransport(profile(dialect)), call)) for _ in range(2))
        assert first == second
        assert first[1]["x-request-id"]


@EACH
def test_conversation_goes_on_with_the_result_of_a_call(dialect: str) -> None:
    rules: tuple[Wire, ...] = (
        {"match": {"tool_result": "four"}, "reply": "You got it: {{text}}"},
        {"reply": {"tool_calls": [{"name": "roll", "arguments": {"sides": 6}}]}},
    )
    sandbox = provider(dialect, *rules)
    asked = asking("Roll a die.", tools=(ROLL,))
    first = run(sandbox.complete(asked))
    second = run(sandbox.complete(with_result(with_answer(asked, first.response), first.tool_calls[0], "a four")))
    assert second.text == "You got it: Roll a die."


@EACH
def test_models_are_listed(dialect: str) -> None:
    assert [model.id for model in run(provider(dialect).models())] == ["sandbox", "sandbox-large", "sandbox-text"]


# --------------------------------------------------------------------------------------------------------- by rules
@EACH
def test_rule_scripts_all_of_an_answer(dialect: str) -> None:
    reply: Wire = {
        "text": "Hi.",
        "reasoning": "Hm.",
        "tool_calls": [{"name": "roll", "arguments": {"sides": 20}}],
        "usage": {"input_tokens": 70, "output_tokens": 8},
    }
    answer = complete(dialect, "Hello", {"reply": reply})
    assert [getattr(part, "text", "") for part in answer.response.candidates[0].parts] == ["Hm.", "Hi.", ""]
    assert _arguments(answer) == {"sides": 20}
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (70, 8)


@EACH
def test_arguments_come_in_pieces_where_the_dialect_has_them(dialect: str) -> None:
    call: Wire = {"name": "roll", "arguments": {"sides": 20, "label": "a long label for a die"}}
    _, events, _ = stream(dialect, "Hello", {"reply": {"tool_calls": [call]}})
    pieces = words(events, ArgumentsDelta)
    assert json.loads("".join(pieces)) == call["arguments"]
    assert (len(pieces) > 2) == (dialect not in ("gemini", "ollama"))


@EACH
def test_error_of_a_rule_is_told_in_the_form_of_the_dialect(dialect: str) -> None:
    with pytest.raises(Rejected, match="Slow down") as raised:
        complete(dialect, "Hello", {"error": {"status": 429, "message": "Slow down"}})
    assert (raised.value.kind, raised.value.error.status) == ("rate_limit", 429)


@EACH
def test_error_in_mid_stream_keeps_what_was_said(dialect: str) -> None:
    rule: Wire = {**LONG, "error": {"kind": "overloaded", "message": "Too much"}, "error_after": 6}
    opened, events, error = stream(dialect, "Hello", rule)
    assert isinstance(error, ReportedError)
    assert "Too much" in str(error)
    assert words(events)[0] == "one"
    assert opened.response is not None
    assert opened.response.candidates


@EACH
@pytest.mark.parametrize(
    ("break_", "kind"),
    [("cut_after", TruncatedStream), ("reset_after", NetworkFault), ("malformed_after", ProtocolFault)],
)
def test_stream_that_breaks_off_fails_with_what_came(dialect: str, break_: str, kind: type[DragomanError]) -> None:
    _, events, error = stream(dialect, "Hello", {**LONG, break_: 6})
    assert isinstance(error, kind)
    assert words(events)[0] == "one"


@EACH
@pytest.mark.parametrize(
    ("break_", "kind"),
    [("cut_after", ProtocolFault), ("reset_after", NetworkFault), ("malformed_after", ProtocolFault)],
)
@pytest.mark.parametrize("after", [1, 3])
def test_document_that_breaks_off_fails(dialect: str, break_: str, kind: type[DragomanError], after: int) -> None:
    with pytest.raises(kind):
        complete(dialect, "Hello", {**LONG, break_: after})


def test_connection_is_reset_before_anything_came() -> None:
    with pytest.raises(NetworkFault) as raised:
        complete("openai-chat", "Hello", {"reset_after": 0})
    assert (raised.value.kind, raised.value.before_reply) == ("reset", True)


def test_reset_after_the_first_byte_says_so() -> None:
    _, _, error = stream("openai-chat", "Hello", {"reset_after": 2})
    assert isinstance(error, NetworkFault)
    assert not error.before_reply


def test_break_beyond_the_end_changes_nothing() -> None:
    for break_ in ("cut_after", "reset_after", "malformed_after", "error_after"):
        _, _, error = stream("openai-chat", "Hello", {break_: 900})
        assert error is None


def test_error_after_is_an_error_at_once_where_nothing_streams() -> None:
    with pytest.raises(Rejected, match="500"):
        complete("openai-chat", "Hello", {"error_after": 3})


def test_nothing_follows_an_error_in_mid_stream() -> None:
    transport = SandboxTransport(profile(), rules=[{**LONG, "error_after": 3}])
    body = run(served(transport, post({"stream": True, "messages": []})))[2]
    assert body.count(b"data: ") == 4
    assert b'"error"' in body.split(b"\n\n")[-2]


def test_size_of_pieces_is_in_characters() -> None:
    _, events, _ = stream("openai-chat", "Hello", {"reply": "abcdefg", "chunk_size": 3})
    assert words(events) == ["abc", "def", "g"]


def test_delays_are_slept_by_the_clock() -> None:
    clock = StillClock()
    sandbox = provider("ollama", {"reply": "a b", "delay": 2, "chunk_delay": 0.5}, clock=clock)
    run(told(sandbox.stream("Hello")))
    assert clock.naps == [2, 0.5, 0.5]


def test_slow_answer_times_out() -> None:
    asked = msgspec.structs.replace(profile(), timeouts=Timeouts(first_byte=0.02))
    with pytest.raises(TimedOut, match="no answer within"):
        run(WireProvider.of(asked, SandboxTransport(asked, rules=[{"delay": 30}])).complete("Hello"))


def test_rule_for_the_first_times_lets_a_retry_through() -> None:
    asked, clock = msgspec.structs.replace(profile(), retry=Retry(attempts=3)), StillClock()
    rule: Wire = {"match": {"times": 2}, "error": {"status": 503, "retry_after": 4}}
    sandbox = WireProvider.of(asked, SandboxTransport(asked, rules=[rule]), clock=clock)
    answer = run(sandbox.complete("Hello"))
    assert (answer.text, answer.timing.attempts) == ("Sandbox: Hello", 3)


def test_headers_of_an_error_are_sent() -> None:
    rule: Wire = {"error": {"status": 429, "headers": {"X-Limit": "7"}, "retry_after": 1.5}}
    _, headers, _ = run(served(SandboxTransport(profile(), rules=[rule]), post()))
    assert (headers["x-limit"], headers["retry-after"]) == ("7", "1.5")


def test_raw_answers_are_sent_as_they_are() -> None:
    page: Wire = {"raw": {"status": 502, "headers": {"Content-Type": "text/html"}, "body": "<h1>Bad gateway</h1>"}}
    status, headers, body = run(served(SandboxTransport(profile(), rules=[page]), post()))
    assert (status, headers["content-type"], body) == (502, "text/html", b"<h1>Bad gateway</h1>")


def test_raw_body_that_is_no_text_is_json() -> None:
    rule: Wire = {"raw": {"body": {"choices": []}}}
    status, headers, body = run(served(SandboxTransport(profile(), rules=[rule]), post()))
    assert (status, headers["content-type"], body) == (200, "application/json", b'{"choices":[]}')


def test_rules_come_from_the_file_of_the_profile(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text("- match: {text: Hello}\n  reply: Good day.\n")
    asked = profile(rules=str(file))
    status, _, body = run(served(SandboxTransport(asked), post()))
    assert (status, json.loads(body)["choices"][0]["message"]["content"]) == (200, "Good day.")


def test_broken_rules_are_told_when_the_provider_is_made(tmp_path: Path) -> None:
    with pytest.raises(ProfileFault, match="cannot be read"):
        SandboxTransport(profile(rules=str(tmp_path / "none.yaml")))


def test_rules_of_a_program_may_be_values() -> None:
    transport = SandboxTransport(profile(), rules=[Rule(reply="From a value.")])
    assert b"From a value." in run(served(transport, post()))[2]


# ------------------------------------------------------------------------------------------------------ as a server
@EACH
def test_body_that_is_no_json_is_refused_in_the_form_of_the_dialect(dialect: str) -> None:
    call = provider(dialect).prepare("Hello").call
    status, _, body = run(served(SandboxTransport(profile(dialect)), Call(url=call.url, body=b"{nope")))
    assert status == 400
    assert b"not JSON" in body
    assert "error" in json.loads(body)


@pytest.mark.parametrize("body", [b"[1]", b'{"messages": 7}', b"", b"\xff"])
def test_body_that_is_no_request_is_refused(body: bytes) -> None:
    call = Call(url="sandbox://here/chat/completions", body=body)
    assert run(served(SandboxTransport(profile()), call))[0] == 400


def test_unknown_path_is_not_found() -> None:
    status, _, body = run(served(SandboxTransport(profile()), post(path="/nope")))
    assert (status, json.loads(body)["error"]["type"]) == (404, "not_found_error")


def test_wrong_method_is_not_allowed() -> None:
    assert run(served(SandboxTransport(profile()), post(method="GET")))[0] == 405
    assert run(served(SandboxTransport(profile()), post(path="/models")))[0] == 405


def test_types_of_content_are_those_of_the_vendors() -> None:
    found: dict[str, str] = {}
    for dialect in DIALECTS:
        call = provider(dialect).prepare("Hello", streams=True).call
        found[dialect] = run(served(SandboxTransport(profile(dialect)), call))[1]["content-type"]
    assert found.pop("ollama") == "application/x-ndjson"
    assert set(found.values()) == {"text/event-stream"}


def test_stream_that_is_left_early_ends() -> None:
    async def leave() -> list[str]:
        async with provider().stream("a b c d e f") as opened:
            async for event in opened:
                if isinstance(event, ContentDelta):
                    break
        return [type(event).__name__ for event in (await told(opened))[0]]

    assert len(run(leave())) <= 1


def test_reply_that_is_closed_says_no_more() -> None:
    async def read() -> list[bytes]:
        reply = await SandboxTransport(profile()).send(post({"stream": True, "messages": []}), Timeouts())
        chunks = reply.chunks()
        first = await anext(chunks)
        await reply.aclose()
        await reply.aclose()
        return [first, *[chunk async for chunk in chunks]]

    assert len(run(read())) == 1


def test_cancelling_ends_a_slow_answer_at_once() -> None:
    async def cancel() -> bool:
        task = asyncio.create_task(provider("openai-chat", {"delay": 60}, clock=None).complete("Hello"))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task], timeout=1)
        return task.cancelled()

    assert run(cancel())


def test_closed_provider_answers_nothing() -> None:
    async def close() -> None:
        sandbox = provider()
        await sandbox.aclose()
        await sandbox.complete("Hello")

    with pytest.raises(CallerError, match="closed"):
        run(close())


def test_factory_makes_a_sandbox_of_its_url() -> None:
    async def ask() -> str:
        async with create_provider(profile("anthropic"), variables={}) as sandbox:
            return (await sandbox.complete("Hello")).text

    assert run(ask()) == "Sandbox: Hello"


def test_dialect_from_elsewhere_can_be_played(monkeypatch: pytest.MonkeyPatch) -> None:
    toy = Dialect(name="toy", title="A toy", package="tests.schemas.toy_dialect")
    monkeypatch.setattr(register, "_registered", {"toy": toy})
    register.find.cache_clear()
    register.dialects.cache_clear()
    asked = msgspec.structs.replace(profile("toy"), paths={"complete": "/talk", "models": "/toys"})
    transport = SandboxTransport(asked)
    status, _, body = run(served(transport, post({"say": "Hello", "to": "ted"}, path="/talk")))
    assert (status, json.loads(body)) == (200, {"by": "ted", "said": "Sandbox: Hello", "asked": "ted"})
    assert run(served(transport, post(path="/toys", method="GET")))[0] == 200
    monkeypatch.undo()
    register.find.cache_clear()
    register.dialects.cache_clear()


def test_sandbox_without_rules_imports_nothing_slow() -> None:
    program = "import sys, dragoman.providers.sandbox; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=60)
    loaded = set(done.stdout.decode().split())
    assert not loaded & {"yaml", "jsonschema", "httpx", "rich", "dragoman.providers.sandbox.rules"}


def test_last_turn_may_be_empty() -> None:
    answer = complete("openai-chat", Request(messages=(Message(role="user", parts=()),)))
    assert answer.text == "Sandbox: "


@EACH
def test_closing_a_stream_between_chunks_ends_its_reader_at_once(dialect: str) -> None:
    transport = SandboxTransport(profile(dialect), rules=[{**LONG, "chunk_delay": 60}])
    closed = WireProvider.of(profile(dialect), transport).stream("Hello")

    async def read_and_close() -> DragomanError | None:
        reader = asyncio.create_task(told(closed))
        await asyncio.sleep(0.01)
        await closed.aclose()
        async with asyncio.timeout(1):
            _, error = await reader
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return error

    assert isinstance(run(read_and_close()), TruncatedStream)


def test_cancelling_a_reader_between_chunks_leaves_nothing_behind() -> None:
    transport = SandboxTransport(profile(), rules=[{**LONG, "chunk_delay": 60}])

    async def read_and_cancel() -> None:
        reader = asyncio.create_task(told(WireProvider.of(profile(), transport).stream("Hello")))
        await asyncio.sleep(0.01)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(read_and_cancel())
