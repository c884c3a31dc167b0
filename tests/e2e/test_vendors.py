"""Every vendor of the catalog is a profile without a file: the variables that its users have set are enough."""

from __future__ import annotations

import pytest

from tests.e2e.harness import AIMOCK, HELLO, LITELLM, Place
from tests.e2e.servers import AIMOCK_KEY, LITELLM_KEY

WAYS = {
    "openai": {"OPENAI_API_KEY": AIMOCK_KEY, "OPENAI_BASE_URL": f"{AIMOCK}/v1"},
    "openai-responses": {"OPENAI_API_KEY": AIMOCK_KEY, "OPENAI_BASE_URL": f"{AIMOCK}/v1"},
    "anthropic": {"ANTHROPIC_API_KEY": AIMOCK_KEY, "ANTHROPIC_BASE_URL": AIMOCK},
    "gemini": {"GEMINI_API_KEY": AIMOCK_KEY, "GEMINI_BASE_URL": AIMOCK},
    "openrouter": {"OPENROUTER_API_KEY": AIMOCK_KEY, "OPENROUTER_BASE_URL": f"{AIMOCK}/api/v1"},
    "azure": {"AZURE_OPENAI_API_KEY": AIMOCK_KEY, "AZURE_OPENAI_ENDPOINT": AIMOCK},
}


@pytest.mark.parametrize("command", ["complete", "stream"])
@pytest.mark.parametrize("vendor", WAYS)
def test_variables_are_enough(place: Place, vendor: str, command: str) -> None:
    (place.folder / "dragoman.yaml").unlink()
    result = place.run(command, "-p", vendor, "-m", "gpt-4o", "Say hello.", variables=WAYS[vendor])
    assert (result.status, result.out, result.err) == (0, f"{HELLO}\n".encode(), "")


def test_default_profile_is_named_in_the_environment(place: Place) -> None:
    result = place.run("complete", "Say hello.", variables={"DRAGOMAN_PROFILE": "gemini"})
    assert (result.status, result.out) == (0, f"{HELLO}\n".encode())


def test_nobody_is_asked_unless_somebody_is_configured(place: Place) -> None:
    (place.folder / "dragoman.yaml").unlink()
    result = place.run("complete", "Say hello.", variables={"OPENAI_API_KEY": AIMOCK_KEY})
    assert (result.status, result.out) == (78, b"")
    assert "-p sandbox" in result.err


def test_proxy_is_a_vendor(place: Place) -> None:
    place.write("dragoman.yaml", {"profiles": {"it": {"type": "litellm", "base_url": LITELLM, "api_key_env": "KEY"}}})
    result = place.run("complete", "-p", "it", "-m", "by-chat", "Say hello.", variables={"KEY": LITELLM_KEY})
    assert (result.status, result.out) == (0, f"{HELLO}\n".encode())
