"""Requests that are passed on to several, of whom the first fails before anything of its answer can be seen."""

from __future__ import annotations

import httpx
import pytest

from dragoman.providers.client import WireProvider
from dragoman.providers.clock import SystemClock
from dragoman.providers.playback.book import Book
from dragoman.providers.playback.passing import Passer
from dragoman.providers.routing import Candidate, Router
from dragoman.providers.settings import Profile
from dragoman.providers.states.memory import MemoryState
from tests.providers.doubles import FakeTransport
from tests.providers.playback.recorded import exchange, serving
from tests.providers.playback.test_app import PATHS
from tests.providers.routes import tokens
from tests.providers.weather import Answer

TEXT = "The sky is blue."


def candidate(dialect: str, *pieces: bytes) -> Candidate:
    profile = Profile(name=dialect, vendor="vllm", dialect=dialect, base_url=f"https://{dialect}.example", model="m")
    return Candidate(profile=profile, transport=FakeTransport(tokens(*pieces)), keeps_model=False)


@pytest.mark.parametrize("client", ["openai-chat", "anthropic", "openai-responses"])
def test_stream_is_read_in_the_dialect_of_the_one_who_answers(client: str) -> None:
    first, second = (Answer(dialect, TEXT, streams=True) for dialect in ("anthropic", "openai-chat"))
    clock, asked = SystemClock(), exchange(client, streams=True).request
    candidates = [
        candidate("anthropic", first.start),
        candidate("openai-chat", second.start, *second.words, second.end),
    ]
    provider = WireProvider(Router(candidates, MemoryState(clock), clock))
    assert asked is not None
    book = Book(())
    with serving(book=book, passer=Passer(provider, book)) as url:
        reply = httpx.post(url + PATHS[client], content=asked.body)
    assert all(word in reply.text for word in TEXT.split(" "))
    assert len(book) == 1
