"""The adapters of a profile, for one exchange: which are for it, on which side, in which order."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dragoman.providers.adapters import NO_ADAPTERS, Chain, Context, chain_of
from dragoman.providers.settings import AdapterUse, Profile, Side
from dragoman.schemas.errors import ProfileFault
from dragoman.schemas.events import ContentDelta, StreamComplete
from dragoman.schemas.ir import JSON, Candidate, Message, Parameters, Request, Response, Text, Wire

HELLO = Request(messages=(Message(role="user", parts=(Text(text="Hi"),)),), model="gpt-5")
ANSWER = Response(candidates=(Candidate(parts=(Text(text="Ho"),), stop="stop"),), model="m")


def use(name: str, argument: JSON, side: Side = "request", *models: str) -> AdapterUse:
    return AdapterUse(name=name, argument=argument, side=side, models=models, place="f.yaml:3: profiles.p.adapters[0]")


def profile(*adapters: AdapterUse, model: str | None = None, models: dict[str, str] | None = None) -> Profile:
    return Profile(
        name="p", vendor="openai", dialect="openai-chat", adapters=adapters, model=model, models=models or {}
    )


def chain(*adapters: AdapterUse, model: str | None = "gpt-5") -> Chain:
    return chain_of(profile(*adapters), model)


# ---------------------------------------------------------------------------------------------------------------- none
def test_profile_without_adapters_has_none() -> None:
    found = chain_of(profile(), "m")
    assert found is NO_ADAPTERS
    assert not found
    assert (found.edits_events, found.edits_wire_events) == (False, False)


def test_no_adapters_leave_everything_as_it_is() -> None:
    wire: Wire = {"a": 1}
    event = ContentDelta(text="a")
    assert NO_ADAPTERS.wire_request(wire) is NO_ADAPTERS.wire_response(wire) is NO_ADAPTERS.wire_event(wire) is wire
    assert (NO_ADAPTERS.request(HELLO), NO_ADAPTERS.response(ANSWER)) == (HELLO, ANSWER)
    assert NO_ADAPTERS.event(event) is event
    assert (NO_ADAPTERS.model("m"), NO_ADAPTERS.model(None), NO_ADAPTERS.headers({"A": "b"})) == ("m", None, {"A": "b"})


def test_profile_without_adapters_waits_for_none_of_their_code() -> None:
    code = """
import sys
from dragoman.providers.adapters import chain_of
from dragoman.providers.settings import Profile
chain_of(Profile(name="p", vendor="v", dialect="openai-chat"), "m")
slow = ("dragoman.providers.adapters.", "dragoman.schemas.events", "dragoman.providers.profiles", "importlib.metadata")
print([name for name in sys.modules if name.startswith(slow)])
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "['dragoman.providers.adapters.context', 'dragoman.providers.adapters.chain']"


# --------------------------------------------------------------------------------------------------------------- sides
def test_adapters_are_applied_in_their_order() -> None:
    found = chain(use("set", {"a": 1}), use("rename", {"from": "a", "to": "b"}), use("default", {"a": 2}))
    assert found.wire_request({}) == {"b": 1, "a": 2}


@pytest.mark.parametrize("side", ["request", "response", "stream_event"])
def test_adapter_changes_json_on_its_side_alone(side: Side) -> None:
    found = chain(use("set", {"a": 1}, side))
    made = {
        "request": found.wire_request({}),
        "response": found.wire_response({}),
        "stream_event": found.wire_event({}),
    }
    assert made == {name: {"a": 1} if name == side else {} for name in made}
    assert found.edits_wire_events == (side == "stream_event")
    assert not found.edits_events


def test_request_of_the_ir_is_changed() -> None:
    found = chain(
        use("default", {"parameters.temperature": 0.5, "model": "other"}, "unified_request"),
        use("set", {"messages[role=user].parts[type=text].text": "Hello"}, "unified_request"),
    )
    changed = found.request(HELLO)
    assert changed.parameters == Parameters(temperature=0.5)
    assert (changed.model, changed.messages[0].parts) == ("gpt-5", (Text(text="Hello"),))
    assert HELLO.messages[0].parts == (Text(text="Hi"),)


def test_response_and_event_of_the_ir_are_changed() -> None:
    found = chain(
        use("drop", "model", "unified_response"),
        use("rename", {"from": "text", "to": "text"}, "unified_stream_event"),
        use("set", {"text": "b"}, "unified_stream_event"),
    )
    assert found.response(ANSWER) == Response(candidates=ANSWER.candidates)
    assert found.event(ContentDelta(text="a", index=1)) == ContentDelta(text="b", index=1)
    assert found.edits_events


def test_value_that_no_adapter_changes_is_the_very_value() -> None:
    found = chain(
        use("drop", "nope", "unified_request"), use("drop", "nope"), use("drop", "nope", "unified_stream_event")
    )
    wire: Wire = {}
    event = StreamComplete(response=ANSWER)
    assert found.request(HELLO) is HELLO
    assert found.wire_request(wire) is wire
    assert found.event(event) is event


@pytest.mark.parametrize(
    ("side", "told"),
    [
        ("unified_request", "what it makes is no request: $.type: invalid value 'nope'"),
        ("unified_response", "what it makes is no response: $.type: invalid value 'nope'"),
        ("unified_stream_event", "what it makes is no event of a stream: $.type: invalid value 'nope'"),
    ],
)
def test_change_that_makes_no_value_of_the_ir_is_told_with_both_places(side: Side, told: str) -> None:
    found = chain(use("set", {"type": "nope"}, side))
    with pytest.raises(ProfileFault) as caught:
        _ = (found.request(HELLO), found.response(ANSWER), found.event(ContentDelta(text="a")))
    assert str(caught.value) == f"f.yaml:3: profiles.p.adapters[0].set: {told}"


def test_headers_are_changed_in_order() -> None:
    found = chain(use("header", {"X": "1", "Accept": None}), use("header", {"x": "2"}))
    assert bool(found)
    assert found.headers({"accept": "a", "B": "c"}) == {"B": "c", "x": "2"}


# -------------------------------------------------------------------------------------------------------------- models
@pytest.mark.parametrize(
    ("model", "is_for"), [("gpt-5", True), ("gpt-5-mini", True), ("o3", True), ("GPT-5", False), ("claude", False)]
)
def test_adapter_is_for_models_that_fit_a_pattern(model: str, is_for: bool) -> None:
    found = chain(use("drop", "seed", "request", "gpt-*", "o?"), model=model)
    assert bool(found) is is_for
    assert (found is NO_ADAPTERS) is not is_for


def test_pattern_is_about_the_model_of_the_profile_where_none_is_asked_for() -> None:
    held = profile(use("drop", "a", "request", "gpt-*"), model="fast", models={"fast": "gpt-5"})
    assert chain_of(held, None)
    assert chain_of(held, "fast")
    assert not chain_of(held, "slow")


def test_pattern_is_about_the_model_before_it_is_another() -> None:
    found = chain(
        use("map_model", {"gpt-*": "x"}), use("drop", "a", "request", "x"), use("drop", "b", "request", "gpt-5")
    )
    assert found.model("gpt-5") == "x"
    assert found.wire_request({"a": 1, "b": 2}) == {"a": 1}


def test_star_fits_also_where_nobody_names_a_model() -> None:
    assert chain(use("drop", "a", "request", "*"), model=None)
    assert not chain(use("drop", "a", "request", "?*"), model=None)


def test_models_are_mapped_one_after_the_other() -> None:
    found = chain(use("map_model", {"gpt-*": "big-*"}), use("map_model", {"big-5": "5", "*": "other"}))
    assert (found.model("gpt-5"), found.model("x"), found.model(None)) == ("5", "other", None)


def test_short_name_is_the_model_that_it_stands_for() -> None:
    held = profile(use("map_model", {"gpt-*": "openai/gpt-*"}), models={"fast": "gpt-5", "swap": "b", "b": "swap"})
    found = chain_of(held, "fast")
    assert (found.model("fast"), found.context.model) == ("openai/gpt-5", "openai/gpt-5")
    assert (found.model("swap"), chain_of(held, "swap").context.model) == ("swap", "b")


def test_context_says_what_is_asked_of_whom() -> None:
    found = chain_of(profile(use("map_model", {"a": "b"})), "a", streams=True)
    assert found.context == Context(profile="p", dialect="openai-chat", model="b", streams=True)
    assert chain(use("drop", "a"), model=None).context.model is None


def test_envelope_names_the_model_that_is_sent_in_the_end() -> None:
    found = chain(use("map_model", {"*": "mapped"}), use("envelope", {"request": "r", "set": {"m": "{model}"}}))
    assert found.wire_request({}) == {"r": {}, "m": "mapped"}
    assert found.wire_request({}, "mapped") == {"r": {}, "m": "mapped"}
    assert found.wire_request({}, "changed since") == {"r": {}, "m": "changed since"}


def test_what_makes_no_sense_is_told_with_what_is_known_of_its_place() -> None:
    with pytest.raises(ProfileFault, match=r"^f.yaml:3: profiles.p.adapters\[0\].rename.to: it has 1 wildcards"):
        chain(use("rename", {"from": "a", "to": "b[*]"}))
    with pytest.raises(ProfileFault, match=r"^drop\[1\]: no path from"):
        chain(AdapterUse(name="drop", argument=["a", "b c"]))
