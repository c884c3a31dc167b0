"""The type of every provider: what type checkers accept of the implementations, and what programs write with it."""

from __future__ import annotations

import pytest

from dragoman.providers import Provider, create_provider
from dragoman.providers.client import WireProvider
from dragoman.schemas.events import ContentDelta
from tests.providers.test_litellm_sdk import litellm_provider
from tests.providers.wires import document, provider, run, said


def wire(of: WireProvider) -> Provider:
    """Is checked by type checkers: returns what it is given, as the protocol."""
    return of


def litellm(of: WireProvider) -> Provider:
    return of


async def conversation(asked: Provider) -> str:
    """As a program would write it that does not care who answers."""
    async with asked as open_:
        completion = await open_.complete("hi")
        pieces = [event.text async for event in open_.stream("hi") if isinstance(event, ContentDelta)]
        return completion.text + "".join(pieces)


PROVIDERS: dict[str, Provider] = {
    "sandbox": wire(create_provider("sandbox", variables={})),
    "wire": wire(provider(document(said("a")), document(said("a")))),
    "litellm": litellm(litellm_provider("a")),
}


@pytest.mark.parametrize("name", PROVIDERS)
def test_program_works_with_every_provider(name: str) -> None:
    text = run(conversation(PROVIDERS[name]))
    assert text[: len(text) // 2] == text[len(text) // 2 :] != ""
