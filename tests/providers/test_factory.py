"""A name → a provider, with the transport that its address asks for."""

from __future__ import annotations

import msgspec
import pytest

from dragoman.providers import Profile, create_provider
from dragoman.providers.factory import transport_of
from dragoman.providers.sandbox import SandboxTransport
from dragoman.providers.transport import HttpTransport
from dragoman.schemas.errors import MissingKey, UnknownProfile
from tests.providers.wires import PROFILE, Clock, Scripted, document, run, said


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
