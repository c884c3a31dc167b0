"""One session, four vendors' turns: a tool is called, its result is told, and what was thought goes home alone.

aimock signs as Anthropic, and seals as OpenAI; what its Gemini thinks is signed on the way (`signing`). It refuses
what Anthropic refuses of thinking, where it is told to be strict.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest

from dragoman.providers import create_provider
from dragoman.providers.conversation import with_result
from dragoman.schemas.ir import JSON, Request, Wire
from tests.e2e.harness import AIMOCK, TOOLS, Place
from tests.e2e.servers import AIMOCK_KEY
from tests.e2e.signing import Signer, signing

CLAUDE, GEMINI, GPT = "anthropic", "gemini", "openai-responses"
TOUR = ((CLAUDE, "Rome"), (GEMINI, "Oslo"), (GPT, "Bern"), (CLAUDE, "Cork"))
COLOURS = {"Rome": "blue", "Oslo": "white", "Bern": "green", "Cork": "grey"}
FIRST = ["YWltb2NrLXJvbWUtY2FsbGVk", "YWltb2NrLXJvbWUtdG9sZA=="]  # as the fixtures have them
LAST = "YWltb2NrLWNvcmstY2FsbGVk"
BOTH = pytest.mark.parametrize("command", ["complete", "stream"])
SIGNATURES = {
    CLAUDE: r'"signature": ?"([^"]+)"',
    GEMINI: r'"thoughtSignature": ?"([^"]+)"',
    GPT: r'"encrypted_content": ?"([^"]+)"',
}


class Trip:
    """A folder in which one conversation goes on, and who stands before aimock there."""

    def __init__(self, place: Place, signer: Signer) -> None:
        self.place, self.signer = place, signer
        url, headers = signer.url, {"X-Test-Id": place.test_id}
        profiles: dict[str, Wire] = {
            CLAUDE: {"type": CLAUDE, "base_url": url},
            GEMINI: {"type": GEMINI, "base_url": f"{url}/v1beta"},
            GPT: {"type": GPT, "base_url": f"{url}/v1", "extra_body": {"include": ["reasoning.encrypted_content"]}},
            "strict": {"type": CLAUDE, "base_url": url, "headers": {**headers, "X-AIMock-Strict": "true"}},
            "broken": {"type": CLAUDE, "base_url": f"{url}/broken"},
        }
        common: Wire = {
            "api_key_env": "AIMOCK_KEY", "model": "o3", "reasoning": "high", "state": str(place.folder / "state.db"),
            "retry": {"attempts": 1}, "headers": {**headers}, "continuation": "replay",
        }  # fmt: skip
        either: Wire = {"targets": ["broken/o3", f"{GEMINI}/o3"]}
        named: Wire = {name: {**common, **profile} for name, profile in profiles.items()}
        place.write("dragoman.yaml", {"profiles": named, "groups": {"either": either}})

    def ask(self, command: str, profile: str, *messages: JSON, more: Sequence[str] = ()) -> dict[str, Any]:
        """Say what is new, in words of chat, and return the answer."""
        document: Wire = {"model": "o3", "messages": list(messages), "tools": TOOLS}
        line = (
            "-q",
            "--from",
            "openai-chat",
            "--request",
            self.place.write("turn.json", document),
            "--session",
            "trip",
            "-p",
            profile,
            *more,
        )
        if command == "complete":
            return dict(self.place.answer("complete", "--json", *line))
        events = self.place.events(*line)
        calls = [event for event in events if event["type"] == "tool_call"]
        text = "".join(event["text"] for event in events if event["type"] == "text")
        return {**events[-1], "text": text, "tool_calls": calls}

    def turn(self, command: str, profile: str, city: str) -> None:
        """Let somebody look, tell what there is to be seen, and let the same one answer."""
        called = self.ask(command, profile, {"role": "user", "content": f"Look around in {city}."})
        (call,) = called["tool_calls"]
        result: Wire = {"role": "tool", "tool_call_id": call["id"], "content": COLOURS[city]}
        assert self.ask(command, profile, result)["text"] == f"{city} is {COLOURS[city]}."

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, body in self.signer.asked]


@pytest.fixture
def trip(place: Place) -> Iterator[Trip]:
    with signing(AIMOCK) as signer:
        yield Trip(place, signer)


def signatures(body: JSON) -> dict[str, list[str]]:
    """Return the signatures in a request, by the dialect whose words they stand in."""
    text = json.dumps(body)
    return {name: found for name, pattern in SIGNATURES.items() if (found := re.findall(pattern, text))}


def answers(body: Any) -> list[list[str]]:
    """Return the kinds of blocks of each of Claude's turns."""
    said = [turn["content"] for turn in body["messages"] if turn["role"] == "assistant"]
    return [["text"] if isinstance(content, str) else [block["type"] for block in content] for content in said]


def assert_signed_at_home(trip: Trip) -> None:
    """Fail unless each vendor got its own signatures back, to the byte, and nobody else's."""
    rome, rome_told, oslo, oslo_told, bern, bern_told, cork, cork_told = map(signatures, trip.bodies)
    assert [rome, oslo, bern] == [{}, {}, {}]
    assert rome_told == {CLAUDE: FIRST[:1]}
    assert oslo_told == {GEMINI: trip.signer.given[:1]}
    assert {name: len(found) for name, found in bern_told.items()} == {GPT: 1}
    assert bern_told[GPT][0] in trip.signer.sealed
    assert [cork, cork_told] == [{CLAUDE: FIRST}, {CLAUDE: [*FIRST, LAST]}]


@BOTH
def test_signatures_of_the_first_turn_come_home_intact_and_nobody_elses(trip: Trip, command: str) -> None:
    for profile, city in TOUR:
        trip.turn(command, profile, city)
    assert len(trip.bodies) == 8
    assert_signed_at_home(trip)


@BOTH
def test_thinking_stands_before_the_call_that_it_led_to(trip: Trip, command: str) -> None:
    for profile, city in TOUR:
        trip.turn(command, profile, city)
    rome_called, rome_told, *between, cork_called = answers(trip.bodies[-1])
    assert rome_called == ["thinking", "text", "tool_use"]
    assert rome_told == ["thinking", "text"]
    assert between == [["tool_use"], ["text"]] * 2
    assert cork_called == ["thinking", "tool_use"]


def test_one_request_a_vendor_is_enough(trip: Trip) -> None:
    for profile, city in TOUR:
        trip.ask("complete", profile, {"role": "user", "content": f"Look around in {city}."})
    assert [signatures(body) for body in trip.bodies] == [{}, {}, {}, {CLAUDE: FIRST[:1]}]


@BOTH
def test_second_of_a_group_goes_on_and_the_first_vendor_after_it(trip: Trip, command: str) -> None:
    trip.turn(command, CLAUDE, "Rome")
    trip.turn(command, "either", "Oslo")
    trip.turn(command, CLAUDE, "Cork")
    paths = [path for path, _ in trip.signer.asked]
    assert [path.startswith("/broken") for path in paths] == [False, False, True, False, True, False, False, False]
    assert [signatures(body) for body in trip.bodies[-2:]] == [{CLAUDE: FIRST}, {CLAUDE: [*FIRST, LAST]}]
    assert [signatures(body) for body in trip.bodies[3:6:2]] == [{}, {GEMINI: trip.signer.given[:1]}]


# aimock refuses a call that comes back without the thinking before it, anywhere in the conversation: so does no vendor
# whose turns are between those of others
@BOTH
def test_thinking_is_as_anthropic_wants_it(trip: Trip, command: str) -> None:
    for city in ("Rome", "Cork"):
        trip.turn(command, "strict", city)
    assert [signatures(body) for body in trip.bodies][-1] == {CLAUDE: [*FIRST, LAST]}


def test_python_goes_on_where_the_command_line_was(trip: Trip) -> None:
    trip.turn("complete", CLAUDE, "Rome")
    config = {"DRAGOMAN_CONFIG": str(trip.place.folder / "dragoman.yaml"), "AIMOCK_KEY": AIMOCK_KEY}

    async def turn(profile: str, city: str) -> str:
        async with create_provider(profile, variables=config) as provider:
            talk = provider.talk(session="trip")
            called = await talk.complete(f"Look around in {city}.", tools=cast("list[Wire]", TOOLS))
            asked = with_result(Request(messages=()), called.tool_calls[0], COLOURS[city])
            stream = await talk.stream(asked)
            async for _ in stream:
                pass
            return stream.text

    async def work() -> list[str]:
        return [await turn(profile, city) for profile, city in TOUR[1:]]

    assert asyncio.run(work()) == [f"{city} is {COLOURS[city]}." for _, city in TOUR[1:]]
    assert_signed_at_home(trip)
