"""What is wrong with a stream that cannot be read, or not all of it."""

from __future__ import annotations

import logging

import pytest

from dragoman.providers.replies.breaks import complaint, cut_short, tell_malformed, unreadable
from dragoman.providers.secrets import Secrets
from dragoman.schemas.errors import BrokenStream, NetworkFault, ProtocolFault, TruncatedStream
from dragoman.schemas.events import ContentDelta, StreamComplete, StreamFailed
from dragoman.schemas.ir import Response


@pytest.mark.parametrize(("number", "told"), [(1, "1 malformed event in"), (2, "2 malformed events in")])
def test_malformed_events_are_counted(number: int, told: str) -> None:
    assert str(complaint(number)).startswith(told)


def test_whole_stream_is_no_reason_to_complain() -> None:
    assert complaint(0) is None


def test_what_is_no_stream_is_told_with_its_content_type() -> None:
    told = unreadable(BrokenStream(0, "$", "no event"), "gemini", "text/html")
    assert isinstance(told, ProtocolFault)
    assert str(told).startswith("no gemini stream: ")
    assert str(told).endswith("(content type text/html)")


def test_other_errors_are_what_they_are() -> None:
    error = TruncatedStream()
    assert unreadable(error, "gemini", None) is error


def test_stream_that_comes_no_further_has_one_end() -> None:
    response, delta = Response(candidates=(), id="a"), ContentDelta(text="a")
    delta_again, last = cut_short([delta, StreamComplete(response)], NetworkFault("gone"))
    assert delta_again is delta
    assert isinstance(last, StreamFailed)
    assert (last.response, last.cut) == (response, True)
    assert isinstance(cut_short([], NetworkFault("gone"))[0], StreamFailed)


def test_malformed_event_is_told_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "dragoman.providers"):
        tell_malformed(b"{sk-canary-key \xff", Secrets(["sk-canary-key"]))
    assert caplog.messages == ["malformed event in the stream: {[redacted] \\xff"]
