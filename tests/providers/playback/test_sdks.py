"""The vendors' SDKs against a running server: every recorded dialect and client's, with a tool, streaming too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.providers.playback.clients import CLIENTS, SAID
from tests.providers.playback.recorded import DIALECTS, conversation, serving

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def places() -> Iterator[dict[tuple[str, bool], str]]:
    """Serve the conversation once for every dialect in which it can be recorded, streaming and not."""
    with ExitStack() as stack:
        yield {
            (dialect, streams): stack.enter_context(serving(conversation(dialect, streams=streams)))
            for dialect in DIALECTS
            for streams in (False, True)
        }


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streaming"])
@pytest.mark.parametrize("client", DIALECTS)
@pytest.mark.parametrize("recorded_as", [False, True], ids=["recorded-whole", "recorded-streaming"])
@pytest.mark.parametrize("recorded", DIALECTS)
def test_sdk_has_the_recorded_conversation(
    places: dict[tuple[str, bool], str], recorded: str, recorded_as: bool, client: str, streams: bool
) -> None:
    lead = CLIENTS[client]
    assert lead(places[recorded, recorded_as], streams=streams) == SAID
