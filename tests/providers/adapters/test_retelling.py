"""The events of a stream as adapters change them: whoever adds them up gets what the last of them holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.adapters import Chain, chain_of
from dragoman.providers.adapters.retelling import Retelling
from dragoman.providers.settings import AdapterUse, Profile
from dragoman.schemas.accumulate import accumulate, explode
from dragoman.schemas.errors import ProfileFault
from dragoman.schemas.events import BlockEnded, ContentDelta, Event, StreamComplete, StreamFailed
from dragoman.schemas.ir import JSON, Candidate, Error, Response, Text, ToolCall
from tests.laws.eventful import ended_responses

ANSWER = Response(candidates=(Candidate(parts=(Text(text="said"), ToolCall(id="a", name="f", arguments="{}"))),))


def chain(said: JSON) -> Chain:
    use = AdapterUse(name="set", argument=said, side="unified_stream_event")
    return chain_of(Profile(name="p", vendor="v", dialect="openai-chat", adapters=(use,)), "m")


def retold(said: JSON, events: list[Event], *, whole: bool = True) -> list[Event]:
    return Retelling(chain(said), whole=whole).of(events)


def test_answer_is_what_the_events_say() -> None:
    events = retold({"text": "new"}, explode(ANSWER))
    last = events[-1]
    assert isinstance(last, StreamComplete)
    assert last.response.candidates[0].parts[0] == Text(text="new")
    assert [event.part for event in events if isinstance(event, BlockEnded)] == list(last.response.candidates[0].parts)


@given(response=ended_responses(), said=st.sampled_from(["", "x", "other words"]))
def test_changed_events_add_up_to_the_last_of_them(response: Response, said: str) -> None:
    events = retold({"text": said}, explode(response))
    assert isinstance(last := events[-1], StreamComplete)
    assert accumulate(events) == last.response


def test_events_that_nobody_changes_are_the_very_ones() -> None:
    events = explode(ANSWER)
    same = retold({"nowhere.at.all[0]": 1}, events)
    assert all(one is other for one, other in zip(same, events, strict=True))


def test_what_was_cut_off_is_retold_as_far_as_it_came() -> None:
    events = [event for event in explode(ANSWER)[:-1] if not isinstance(event, BlockEnded)]
    *_, last = retold({"text": "{}"}, [*events, StreamFailed(Error(kind="server", message="cut"), ANSWER, cut=True)])
    assert isinstance(last, StreamFailed)
    assert last.response.candidates[0].parts == (Text(text="{}"), ToolCall(id="a", name="f", arguments="{}"))


def test_events_that_belong_to_no_block_are_a_fault_of_the_profile() -> None:
    with pytest.raises(ProfileFault, match="p: adapters: the events that they make belong to no block"):
        retold({"text": "x"}, [ContentDelta(text="a", index=7)])


def test_long_texts_that_are_forgotten_are_not_added_up() -> None:
    events = retold({"text": "new"}, explode(ANSWER), whole=False)
    assert [event.text for event in events if isinstance(event, ContentDelta)] == ["new"]
    assert isinstance(last := events[-1], StreamComplete)
    assert last.response == ANSWER
