"""A name → a provider, with the transport that its address asks for."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from dragoman.providers import Profile, create_provider
from dragoman.providers.factory import transport_of
from dragoman.providers.sandbox import SandboxTransport
from dragoman.providers.settings import Group
from dragoman.providers.transport import HttpTransport
from dragoman.schemas.errors import BudgetReached, MissingKey, UnknownProfile
from tests.providers.wires import PROFILE, Answer, Clock, Scripted, document, run, said


def test_provider_is_made_of_a_name() -> None:
    assert create_provider("sandbox", variables={}).profile.vendor == "sandbox"


def test_provider_is_made_of_a_profile() -> None:
    profile = msgspec.structs.replace(PROFILE, key_env=("K",))
    transport = Scripted(document(said("Hello")))
    asked = create_provider(profile, variables={"K": "key-of-six"}, transport=transport, clock=Clock())
    assert run(asked.complete("hi")).text == "Hello"
    assert transport.calls[0].headers["Authorization"] == "Bearer key-of-six"


def test_settings_are_laid_over_a_profile_that_is_found() -> None:
    assert create_provider("sandbox", variables={}, dialect="anthropic").profile.dialect == "anthropic"


def test_settings_beside_a_whole_profile_are_refused() -> None:
    with pytest.raises(TypeError, match="dialect"):
        create_provider(PROFILE, variables={}, dialect="anthropic")


def test_unknown_name_is_told() -> None:
    with pytest.raises(UnknownProfile):
        create_provider("nobody-has-this-name", variables={})


def test_missing_key_is_told_before_anything_is_sent() -> None:
    profile = Profile(
        name="p", vendor="openai", dialect="openai-chat", base_url="https://here/v1", key_env=("NO_SUCH_KEY",)
    )
    with pytest.raises(MissingKey, match="NO_SUCH_KEY"):
        create_provider(profile, variables={})


def test_address_chooses_the_transport() -> None:
    sandbox = Profile(name="s", vendor="sandbox", dialect="openai-chat", base_url="sandbox://here")
    assert isinstance(transport_of(sandbox, Clock()), SandboxTransport)
    http = transport_of(PROFILE)
    assert isinstance(http, HttpTransport)
    run(http.aclose())


def test_face_says_what_it_has_not() -> None:
    import dragoman.providers

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = dragoman.providers.nothing


# Several


def several(tmp_path: Path, text: str) -> dict[str, str]:
    """Return the variables of somebody who has these profiles."""
    file = tmp_path / "profiles.yaml"
    file.write_text(text)
    return {
        "DRAGOMAN_CONFIG": str(file),
        "K1": "key-number-one",
        "K2": "key-number-two",
        "XDG_STATE_HOME": str(tmp_path),
    }


PROFILES = """profiles:
  one: {type: openai, base_url: https://one.example/v1, model: m1, api_key_env: K1}
  two: {type: openai, base_url: https://two.example/v1, model: m2, api_key_env: K2}
  poor: {type: openai, base_url: https://poor.example/v1, model: m3, api_key_env: NOBODY_HAS_THIS}
  ring: {type: openai, base_url: https://ring.example/v1, model: m4, credentials: [{env: K1}, {env: K2}]}
groups:
  both: [one, two]
  some: [poor, two]
"""


def asked_of(transport: Scripted) -> list[str]:
    return [call.url.split("/")[2] for call in transport.calls]


def busy() -> Answer:
    return document({"error": {"message": "Busy"}}, 529)


@pytest.mark.parametrize(("name", "fallback"), [("both", ()), ("one", ("two",))])
def test_who_follows_is_asked_where_the_first_cannot_answer(
    tmp_path: Path, name: str, fallback: tuple[str, ...]
) -> None:
    transport = Scripted(busy(), document(said("Two")))
    variables = several(tmp_path, PROFILES)
    made = create_provider(name, variables=variables, transport=transport, clock=Clock(), fallback=fallback)
    assert run(made.complete("hi")).text == "Two"
    assert asked_of(transport) == ["one.example", "two.example"]
    keys = [call.headers["Authorization"] for call in transport.calls]
    assert keys == ["Bearer key-number-one", "Bearer key-number-two"]


def test_who_has_no_key_is_left_out_and_that_is_said(tmp_path: Path) -> None:
    transport = Scripted(document(said("Two")))
    made = create_provider("some", variables=several(tmp_path, PROFILES), transport=transport, clock=Clock())
    assert run(made.complete("hi")).profile == "two"
    assert ["NOBODY_HAS_THIS" in warning for warning in made.warnings] == [True]


def test_nobody_has_a_key(tmp_path: Path) -> None:
    with pytest.raises(MissingKey, match="NOBODY_HAS_THIS"):
        create_provider("poor", variables=several(tmp_path, PROFILES), fallback=("poor",))


def test_several_keys_take_turns_and_are_remembered_in_a_file(tmp_path: Path) -> None:
    variables = several(tmp_path, PROFILES)

    async def ask() -> str:
        transport = Scripted(document(said("Hi")))
        async with create_provider("ring", variables=variables, transport=transport, clock=Clock()) as made:
            await made.complete("hi")
        return transport.calls[0].headers["Authorization"].removeprefix("Bearer ")

    assert [run(ask()) for _ in range(3)] == ["key-number-one", "key-number-two", "key-number-one"]
    assert list((tmp_path / "dragoman").iterdir())


def test_nothing_is_written_where_nothing_has_to_be_remembered(tmp_path: Path) -> None:
    variables = several(tmp_path, PROFILES)
    made = create_provider("both", variables=variables, transport=Scripted(document(said("Hi"))), clock=Clock())
    run(made.complete("hi"))
    assert not (tmp_path / "dragoman").exists()


def test_nothing_is_written_where_that_is_not_wanted(tmp_path: Path) -> None:
    variables = several(tmp_path, PROFILES)
    transport = Scripted(document(said("Hi")))
    made = create_provider("ring", variables=variables, transport=transport, clock=Clock(), state=False)
    run(made.complete("hi"))
    assert not (tmp_path / "dragoman").exists()


def test_what_may_be_spent_is_that_of_the_first_even_if_it_has_no_key(tmp_path: Path) -> None:
    first = Profile(name="a", vendor="openai", dialect="openai-chat", key_env=("NOT_THERE",), max_cost=0.0)
    local = Profile(
        name="b", vendor="vllm", dialect="openai-chat", base_url="http://b/v1", model="m", key_need="optional"
    )
    group = Group(name="g", targets=(first, local))
    transport = Scripted(document(said("Hi")))
    made = create_provider(group, variables={}, transport=transport, clock=Clock())
    with pytest.raises(BudgetReached):
        run(made.complete("hi"))


def test_what_may_be_spent_is_that_of_the_first(tmp_path: Path) -> None:
    priced = 'prices: {"*": {input: 0, output: 0, request: 1}}, max_cost: 1.5'
    variables = several(tmp_path, PROFILES.replace("model: m1", f"model: m1, {priced}"))
    transport = Scripted(document(said("Hi")), document(said("Hi")))
    made = create_provider("one", variables=variables, transport=transport, clock=Clock())

    async def ask_twice() -> None:
        await made.complete("hi")
        await made.complete("hi")

    with pytest.raises(BudgetReached, match=r"of \$1.5 are spent"):
        run(ask_twice())
    assert len(transport.calls) == 1
