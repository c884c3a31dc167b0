"""A group of three candidates, each in a dialect of its own, at an aimock where three answers in ten go wrong.

A quarter of what goes wrong each: status 500, an answer that is no JSON, status 429, a connection that is closed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

import pytest

from dragoman.providers import create_provider
from dragoman.providers.client import WireProvider
from dragoman.schemas.ir import Wire
from tests.e2e.harness import DIALECTS, VARIABLES, Place
from tests.e2e.vendors import HEARS_DOCUMENT, HEARS_STREAM
from tests.providers.storm import Storm, blow, check

EXCHANGES: Final = 1000
KINDS: Final = ("Drop", "Malformed", "RateLimit", "Disconnect")
EACH: Final = 1 - 0.7**0.25  # aimock rolls the dice for one kind after the other
CHAOS: Final = {f"X-AIMock-Chaos-{kind}": f"{EACH:.6f}" for kind in KINDS}
MODELS: Final = {"anthropic": "claude-sonnet-4-5", "openai-chat": "gpt-4o", "gemini": "gemini-2.5-pro"}


def says(profile: str, number: int) -> str:
    """Return what the `teller` of aimock.mjs says."""
    return f"{MODELS[profile]} was told: Say number {number}. And that is all there is to be said of it."


def group(place: Place, chaos: Mapping[str, str], *, of: Collection[str] = MODELS) -> Callable[[], WireProvider]:
    """Write the profiles, of which these know chaos, and the group; return what makes a provider of it."""
    common: Wire = {
        "api_key_env": "AIMOCK_KEY",
        "retry": {"attempts": 3, "base": 1, "cap": 0.05},
        "cooldown": {"base": 0.1, "cap": 0.5},
        "timeouts": {"total": 30},
    }
    profiles: Wire = {}
    for name, model in MODELS.items():
        headers: Wire = {"X-Test-Id": place.test_id, **(chaos if name in of else {})}
        profiles[name] = {**DIALECTS[name], **common, "model": model, "headers": headers}
    place.write("dragoman.yaml", {"profiles": profiles, "groups": {"smart": list(MODELS)}})
    variables = {"DRAGOMAN_CONFIG": str(place.folder / "dragoman.yaml"), **VARIABLES}
    return lambda: create_provider("smart", variables=variables)


def test_every_exchange_is_answered_or_tells_its_history(
    place: Place, record_property: Callable[[str, object], None]
) -> None:
    storm = blow(group(place, CHAOS), exchanges=EXCHANGES)
    record_property("figures", storm.figures())
    check(storm, says, exchanges=EXCHANGES)
    assert storm.seconds < 60
    assert len([told for told in storm.told if told.error is None]) > 0.9 * EXCHANGES
    assert_known_to_server(place, storm)


def assert_known_to_server(place: Place, storm: Storm) -> None:
    """Hold the histories against what aimock has noted: it was asked as often, and no other way than they tell."""
    statuses = Counter(entry["response"]["status"] for entry in place.asked())
    assert statuses == Counter(attempted.status or 0 for told in storm.told for attempted in told.sent)


every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
def test_group_without_anybody_who_answers_ends_with_the_history_of_all(place: Place, kind: str) -> None:
    storm = blow(group(place, {f"X-AIMock-Chaos-{kind}": "1"}), exchanges=3, at_once=1)
    check(storm, says, exchanges=3)
    assert all(told.error is not None for told in storm.told)
    assert {attempted.profile for attempted in storm.told[0].sent} == set(MODELS)


@every_kind
@pytest.mark.parametrize("target", DIALECTS)
def test_vendors_client_reads_what_the_next_one_says(place: Place, kind: str, target: str) -> None:
    """The first two always fail: what is printed is from the third, in whichever dialect is wanted."""
    group(place, {f"X-AIMock-Chaos-{kind}": "1"}, of=("anthropic", "openai-chat"))
    line = ("--retries", "0", "-p", "smart", "--as", target, "Say number 7.")
    document, stream = place.run("complete", *line), place.run("stream", *line)
    assert (document.status, stream.status) == (0, 0), (document, stream)
    assert HEARS_DOCUMENT[target](document.out).text == says("gemini", 7)
    assert HEARS_STREAM[target](stream.out).text == says("gemini", 7)


@every_kind
def test_command_tells_whom_it_asked(place: Place, kind: str) -> None:
    group(place, {f"X-AIMock-Chaos-{kind}": "1"}, of=("anthropic",))
    result = place.run("complete", "--json", "--retries", "0", "-p", "smart", "Say number 7.")
    told = json.loads(result.out)
    assert (result.status, told["text"], told["profile"]) == (0, says("openai-chat", 7), "openai-chat")
    assert decisions(told) == [("anthropic", "next"), ("openai-chat", "answered")]
    assert result.err.count("\n") == 1
    assert "openai-chat/gpt-4o answers in place of anthropic/claude-sonnet-4-5" in result.err


def test_fallbacks_of_a_command_are_asked_in_order(place: Place) -> None:
    group(place, {"X-AIMock-Chaos-Drop": "1"}, of=("gemini", "anthropic"))
    others = ("--fallback", "anthropic,openai-chat")
    result = place.run("complete", "--json", "--retries", "0", "-p", "gemini", *others, "Say number 7.")
    told = json.loads(result.out)
    assert (result.status, told["text"]) == (0, says("openai-chat", 7))
    assert decisions(told) == [("gemini", "next"), ("anthropic", "next"), ("openai-chat", "answered")]


def decisions(told: dict[str, Any]) -> list[tuple[str, str]]:
    return [(attempt["profile"], attempt["decision"]) for attempt in told["attempts"]]
