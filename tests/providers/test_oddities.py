"""Going on from answers that are hard to go on from, at whichever provider: it takes what it is told, and reads it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from dragoman.providers import Completion, Profile, create_provider
from dragoman.providers.client import WireProvider
from dragoman.schemas.ir import BuiltinTool, Media, Message, Request, Text, Tool, Wire
from dragoman.schemas.jsontext import read_json, write_json
from tests.providers.doubles import FakeReply, FakeTransport
from tests.providers.oddities import ODDITIES, OPAQUE, PLAIN
from tests.providers.taking import assert_taken

PICTURE = Media(kind="image", mime="image/png", data="iVBORw0KGgoAAAANSUhEUg==")
LOOK = Tool(name="look", schema={"type": "object", "properties": {}})
ASKED = Request(messages=(Message(role="user", parts=(PICTURE, Text(text="Look."))),), tools=(LOOK,))
MODELS = {"anthropic": "claude-opus-4-5", "gemini": "gemini-3-pro", "openai-responses": "gpt-5", "openai-chat": "m"}
every_oddity = pytest.mark.parametrize("name", ODDITIES)
every_dialect = pytest.mark.parametrize("dialect", MODELS)


class Home:
    """Providers of a host each, that share a store. `bodies` are what was sent last."""

    def __init__(self, folder: Path) -> None:
        self._state = str(folder / "state.sqlite3")

    def provider(self, dialect: str, answer: Wire, *, host: str = "home") -> tuple[WireProvider, FakeTransport]:
        profile = Profile(
            name=dialect,
            vendor=dialect,
            dialect=dialect,
            base_url=f"http://{host}.test/v1",
            model=MODELS[dialect],
            auth_method="none",
            key_need="optional",
            state=self._state,
        )
        transport = FakeTransport(FakeReply(200, [write_json(answer)]))
        return create_provider(profile, variables={}, transport=transport), transport

    def told(
        self, name: str, dialect: str, *, asked: Any = "And now?", host: str = "home", by_id: bool = False
    ) -> tuple[Wire, Completion]:
        """Return what is said to a provider that goes on from an odd answer."""
        return asyncio.run(self._told(name, dialect, asked, host, by_id))

    async def _told(self, name: str, dialect: str, asked: Any, host: str, by_id: bool) -> tuple[Wire, Completion]:
        speaker, answer = ODDITIES[name]
        async with self.provider(speaker, answer)[0] as first:
            odd = await first.talk(session="s").complete(ASKED)
        second, transport = self.provider(dialect, PLAIN[dialect], host=host)
        async with second:
            talk = second.talk(previous_response_id=odd.kept) if by_id else second.talk(session="s")
            done = await talk.complete(asked)
        body = read_json(transport.calls[-1].body)
        assert isinstance(body, dict)
        return body, done


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@every_oddity
@every_dialect
def test_request_that_goes_on_is_taken(home: Home, name: str, dialect: str) -> None:
    assert_taken(dialect, home.told(name, dialect)[0])


@pytest.mark.slow
@every_oddity
@every_dialect
def test_request_that_goes_on_by_an_id_is_taken(home: Home, name: str, dialect: str) -> None:
    assert_taken(dialect, home.told(name, dialect, by_id=True)[0])


@pytest.mark.slow
@every_oddity
@every_dialect
def test_nobody_is_shown_what_only_another_can_read(home: Home, name: str, dialect: str) -> None:
    body, done = home.told(name, dialect, host="elsewhere")
    text = write_json(body).decode()
    assert [word for word in OPAQUE if word in text] == []
    assert_taken(dialect, body)
    said = write_json(ODDITIES[name][1]).decode()
    if any(word in said for word in OPAQUE[:6]):
        assert done.losses, "what is sealed is lost, and nobody tells"


@pytest.mark.parametrize("name", ["claude-search", "claude-redacted", "gemini-code", "gemini-picture", "gpt-sealed"])
def test_whoever_said_it_gets_it_back(home: Home, name: str) -> None:
    dialect, answer = ODDITIES[name]
    said, told = write_json(answer).decode(), write_json(home.told(name, dialect)[0]).decode()
    assert [word for word in OPAQUE if (word in said) != (word in told)] == []


def test_search_of_one_vendor_is_offered_by_the_next_as_its_own(home: Home) -> None:
    tool = BuiltinTool(
        kind="web_search", dialect="anthropic", wire={"type": "web_search_20250305", "name": "web_search"}
    )
    asked = Request(messages=(Message(role="user", parts=(Text(text="And now?"),)),), tools=(tool,))
    body, done = home.told("claude-search", "gemini", asked=asked)
    assert body["tools"] == [{"googleSearch": {}}]
    assert "builtin_call" in [loss.feature for loss in done.losses]


def test_only_the_first_of_several_answers_is_gone_on_from(home: Home) -> None:
    body, _ = home.told("chat-two", "openai-chat")
    assert "first" in repr(body)
    assert "second" not in repr(body)


def test_tools_come_along_where_their_calls_are_not_taken_without(home: Home) -> None:
    result: Any = {"role": "tool", "tool_call_id": "t1", "content": "blue"}
    body, _ = home.told("claude-call", "anthropic", asked=[result], by_id=True)
    assert [tool["name"] for tool in body["tools"]] == ["look"]  # type: ignore[union-attr, call-overload, index]
    assert body["tool_choice"] == {"type": "none"}
    assert_taken("anthropic", body)


def test_unsealed_reasoning_is_no_longer_said_and_that_is_told(home: Home) -> None:
    body, done = home.told("gpt-thinks", "openai-responses")
    assert "rs_1" not in repr(body)
    assert [(loss.feature, loss.action) for loss in done.losses] == [("reasoning", "dropped")]


def test_transcript_stands_for_a_sound_that_another_keeps(home: Home) -> None:
    body, _ = home.told("chat-sound", "openai-chat", host="elsewhere")
    assert {"role": "assistant", "content": "hi"} in body["messages"]  # type: ignore[operator]
