"""One conversation at several providers, with tools and signed reasoning: what each of them is told of the others.

The sandbox plays them all, and signs what it thinks as each vendor does. Every request that goes on is one that the
vendor would take: its types, and the order of calls and results.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

import pytest

from dragoman.providers import Group, Profile, create_provider
from dragoman.providers.answers import Completion, tool_calls_of
from dragoman.providers.client import WireProvider
from dragoman.providers.conversation import with_result
from dragoman.providers.conversations import Kept
from dragoman.providers.settings import Retry
from dragoman.schemas.errors import UnknownResponse
from dragoman.schemas.ir import JSON, Message, ReasoningPolicy, Request, Text, Wire
from dragoman.schemas.jsontext import read_json, write_json
from tests.providers.doubles import FakeLog
from tests.providers.taking import assert_taken

Way = Literal["complete", "stream"]
BOTH = pytest.mark.parametrize("way", ["complete", "stream"])
LOOK: Wire = {
    "type": "function",
    "function": {
        "name": "look",
        "parameters": {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]},
    },
}
RULES: list[JSON] = [
    {"match": {"tool_result": "seen"}, "reply": {"reasoning": "So it is.", "text": "It is blue."}},
    {
        "match": {"text": "look"},
        "reply": {"reasoning": "Look up.", "tool_calls": [{"name": "look", "arguments": {"at": "sky"}}]},
    },
]
CLAUDE, GEMINI, GPT, CHAT = "anthropic", "gemini", "openai-responses", "openai-chat"
TOUR = (CLAUDE, GEMINI, GPT, CLAUDE)
SEALED: Wire = {"include": ["reasoning.encrypted_content"]}


class Desk:
    """Providers that share one store, and what each of them was sent."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.log = FakeLog()
        self.rules = folder / "rules.json"
        self.rules.write_bytes(write_json(RULES))

    def profile(self, dialect: str, **fields: Any) -> Profile:
        usual: dict[str, Any] = {
            "name": dialect,
            "vendor": dialect,
            "base_url": "sandbox://here",
            "model": "m",
            "auth_method": "none",
            "key_need": "optional",
            "rules": str(self.rules),
            "state": str(self._folder / "state.sqlite3"),
            "reasoning": ReasoningPolicy(effort="high"),
            "extra_body": SEALED if dialect == GPT else {},
        }
        return Profile(dialect=dialect, **{**usual, **fields})

    def provider(self, who: str | Profile | Group, **fields: Any) -> WireProvider:
        made = create_provider(self.profile(who, **fields) if isinstance(who, str) else who, variables={})
        made.set_raw_log_callback(self.log)
        return made

    @property
    def bodies(self) -> list[Wire]:
        """Return what was sent, in order."""
        found = [read_json(call.body) for call, _ in self.log.seen.requests]
        return [body for body in found if isinstance(body, dict)]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def user(*texts: str) -> Message:
    return Message(role="user", parts=tuple(Text(text=text) for text in texts))


async def ask(provider: WireProvider, asked: Any, way: Way = "complete", *, session: str = "trip") -> Any:
    """Ask once, as a process does that has nothing but the session's name."""
    async with provider:
        talk = provider.talk(session=session)
        if way == "complete":
            return await talk.complete(asked, tools=[LOOK])
        stream = await talk.stream(asked, tools=[LOOK])
        async for _ in stream:
            pass
        return stream


async def turn(desk: Desk, dialect: str, way: Way) -> None:
    """Let a model look, tell it what there is to be seen, and let it answer."""
    called = await ask(desk.provider(dialect), "look up", way)
    (call,) = tool_calls_of(called.response)
    answered = await ask(desk.provider(dialect), with_result(Request(messages=()), call, "seen: blue"), way)
    assert answered.text == "It is blue."


def tour(desk: Desk, way: Way = "complete", dialects: Sequence[str] = TOUR) -> list[Wire]:
    """Return what was sent on a conversation through several vendors: two requests a turn."""

    async def work() -> None:
        for dialect in dialects:
            await turn(desk, dialect, way)

    asyncio.run(work())
    return desk.bodies


SIGNATURES: Mapping[str, str] = {
    CLAUDE: r'"signature":"([^"]+)"',
    GEMINI: r'"thoughtSignature":"([^"]+)"',
    GPT: r'"encrypted_content":"([^"]+)"',
}


def signatures(body: JSON) -> dict[str, list[str]]:
    """Return the signatures in a document, by the dialect whose words they stand in."""
    text = write_json(body).decode()
    return {name: found for name, pattern in SIGNATURES.items() if (found := re.findall(pattern, text))}


def answers(desk: Desk) -> list[Kept]:
    async def work() -> list[Kept]:
        async with desk.provider(CLAUDE) as provider:
            return list((await provider.threads.archive.page(newest_first=False, limit=100)).kept)

    return asyncio.run(work())


def given(kept: Kept) -> str:
    """Return the signature that an answer was given with."""
    assert kept.response is not None
    parts = kept.response.candidates[0].parts
    (value,) = [sign.value for part in parts if (sign := getattr(part, "signature", None)) is not None]
    return str(value)


@BOTH
def test_signatures_go_home_and_nowhere_else(desk: Desk, way: Way) -> None:
    bodies = tour(desk, way)
    marks = [given(kept) for kept in answers(desk)]
    homes = [dialect for dialect in TOUR for _ in range(2)]
    assert len(set(marks)) == len(marks) == 8
    for number, (body, home) in enumerate(zip(bodies, homes, strict=True)):
        mine = [mark for mark, other in zip(marks[:number], homes, strict=False) if other == home]
        assert signatures(body) == ({home: mine} if mine else {}), number


@BOTH
def test_thoughts_stand_before_the_call_that_they_led_to(desk: Desk, way: Way) -> None:
    last = tour(desk, way)[-1]
    messages: Any = last["messages"]
    said = [message["content"] for message in messages if message["role"] == "assistant"]
    kinds = ["text" if isinstance(content, str) else [block["type"] for block in content] for content in said]
    own, abroad = [["thinking", "tool_use"], ["thinking", "text"]], [["tool_use"], "text"]
    assert kinds == [*own, *abroad, *abroad, own[0]]


@BOTH
def test_every_request_of_the_tour_is_taken(desk: Desk, way: Way) -> None:
    for body, dialect in zip(tour(desk, way), [name for name in TOUR for _ in range(2)], strict=True):
        assert_taken(dialect, body)


def test_answer_of_one_vendor_is_gone_on_from_by_its_id_at_another(desk: Desk) -> None:
    async def work() -> None:
        async with desk.provider(CLAUDE) as provider:
            first = await provider.talk().complete("look up", tools=[LOOK])
        async with desk.provider(GEMINI) as provider:
            asked = with_result(Request(messages=()), first.tool_calls[0], "seen: blue")
            await provider.talk(previous_response_id=first.kept).complete(asked)

    asyncio.run(work())
    assert signatures(desk.bodies[1]) == {}
    assert_taken("gemini", desk.bodies[1])


# ------------------------------------------------------------------------------------------------ a group, in a session
def test_second_of_a_group_goes_on_in_its_own_words(desk: Desk) -> None:
    broken = desk.rules.with_name("broken.json")
    broken.write_bytes(write_json([{"error": {"status": 503}}]))
    first = desk.profile(CLAUDE, name="first", rules=str(broken), base_url="sandbox://first", retry=Retry(attempts=1))
    group = Group(name="both", targets=(first, desk.profile(GEMINI)))

    async def work() -> None:
        await turn(desk, CLAUDE, "complete")
        answered = await ask(desk.provider(group), "look once more")
        await ask(desk.provider(CLAUDE), with_result(Request(messages=()), answered.tool_calls[0], "seen: grey"))

    asyncio.run(work())
    to_first, to_second, home = desk.bodies[2:]
    marks = [given(kept) for kept in answers(desk)]
    assert [signatures(body) for body in (to_first, to_second, home)] == [{}, {}, {CLAUDE: marks[:2]}]
    for dialect, body in ((CLAUDE, to_first), (GEMINI, to_second), (CLAUDE, home)):
        assert_taken(dialect, body)


def test_session_goes_on_from_whoever_answered_of_a_group(desk: Desk) -> None:
    broken = desk.rules.with_name("broken.json")
    broken.write_bytes(write_json([{"error": {"status": 503}}]))
    first = desk.profile(CLAUDE, name="first", rules=str(broken), base_url="sandbox://first", retry=Retry(attempts=1))
    group = Group(name="both", targets=(first, desk.profile(GEMINI)))
    asyncio.run(ask(desk.provider(group), "Hello"))
    (kept,) = answers(desk)
    assert (kept.origin.profile, kept.origin.dialect, kept.status) == (GEMINI, GEMINI, "completed")


# ----------------------------------------------------------------------------------------------------- what is too long
def test_oldest_turns_go_and_that_is_told(desk: Desk) -> None:
    async def work() -> Completion:
        for dialect in (CLAUDE, GEMINI):
            await turn(desk, dialect, "complete")
        done: Completion = await ask(desk.provider(GPT, context_window=250), "Hello")
        return done

    losses = asyncio.run(work()).losses
    told = [loss for loss in losses if loss.feature == "history"]
    assert [(loss.action, loss.severity) for loss in told] == [("dropped", "advisory")]
    assert_taken(GPT, desk.bodies[-1])
    assert write_json(desk.bodies[-1]).count(b"look up") == 1


@pytest.mark.parametrize("window", [1, 40, 80, 120, 200, 300, 1000])
@pytest.mark.parametrize("dialect", [CLAUDE, GEMINI, GPT, CHAT])
def test_whatever_goes_the_rest_is_taken(desk: Desk, dialect: str, window: int) -> None:
    async def work() -> None:
        for speaker in (CLAUDE, GEMINI, GPT):
            await turn(desk, speaker, "complete")
        await ask(desk.provider(dialect, context_window=window), "Hello")

    asyncio.run(work())
    assert_taken(dialect, desk.bodies[-1])


def test_instructions_amid_what_goes_hold_on(desk: Desk) -> None:
    french = Message(role="system", parts=(Text(text="From now on in French."),))
    said = Request(messages=(user("one"), french, user("two")))

    async def work() -> None:
        await ask(desk.provider(CHAT), said)
        await ask(desk.provider(CHAT), "three " * 200)
        await ask(desk.provider(CHAT, context_window=100), "four")

    asyncio.run(work())
    text = write_json(desk.bodies[-1])
    assert (b"two" in text, b"in French" in text) == (False, True)


# --------------------------------------------------------------------------------------------------------------- python
def test_session_can_begin_anew_at_an_answer_by_its_id(desk: Desk) -> None:
    async def work() -> list[str]:
        async with desk.provider(CHAT) as provider:
            first = await provider.talk(session="trip").complete("one")
            await provider.talk(session="trip").complete("two")
            branch = provider.talk(session="trip", previous_response_id=first.kept)
            await branch.complete("instead of two")
            await branch.complete("three")
            await provider.talk(session="trip").complete("four")
        return [str(message["content"]) for message in cast("Any", desk.bodies[-1])["messages"][::2]]

    assert asyncio.run(work()) == ["one", "instead of two", "three", "four"]


def test_responses_show_a_conversation_of_several_vendors_as_one(desk: Desk) -> None:
    tour(desk)

    async def work() -> list[Any]:
        async with desk.provider(CLAUDE) as provider:
            last = (await provider.threads.archive.page(limit=1)).kept[0]
            found: Any = await provider.responses.input_items(last.id, limit=100, order="asc")
        return [item["type"] for item in found["data"]]

    turn_ = ["message", "function_call", "function_call_output", "message"]
    kinds = [kind for kind in asyncio.run(work()) if kind != "reasoning"]
    assert kinds == [*turn_ * 3, *turn_[:3]]


def test_deleted_answer_is_nothing_to_go_on_from(desk: Desk) -> None:
    async def work() -> None:
        async with desk.provider(CHAT) as provider:
            first = await provider.talk().complete("one")
            assert first.kept is not None
            await provider.responses.delete(first.kept)
            await provider.talk(previous_response_id=first.kept).complete("two")

    with pytest.raises(UnknownResponse):
        asyncio.run(work())
    assert len(desk.bodies) == 1
