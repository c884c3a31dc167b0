"""A key that comes a few letters at a time is in no trace of the stream; what is no key is shown as it came."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.secrets import REDACTED, Secrets
from dragoman.providers.tracing.pieces import FEW, MAX_BEGUN, Pieces
from tests.providers.tracing.test_exchanges import noted_events, traced
from tests.providers.wires import KEY, streamed

SECRET = "sk-canary/7+Secret_ABC"


def shown(*texts: str, secret: str = SECRET) -> list[Any]:
    pieces = Pieces(Secrets([secret]))
    return [pieces.hidden("parsed", text) for text in texts]


def test_key_in_pieces_is_hidden_from_where_it_can_be_known() -> None:
    assert shown("so: sk-can", "ary/7+Se", "cret_ABC and on") == [f"so: {REDACTED}", REDACTED, f"{REDACTED} and on"]


def test_what_only_begins_like_a_key_is_shown() -> None:
    assert shown("this", " is", " sk", "ilful", "") == ["this", " is", " sk", "ilful", ""]


@given(st.lists(st.integers(0, len(SECRET)), max_size=30), st.text(max_size=5), st.text(max_size=5))
def test_no_more_of_a_key_is_shown_than_a_few_characters(cuts: list[int], before: str, after: str) -> None:
    said = before + SECRET + after
    ends = sorted({min(cut + len(before), len(said)) for cut in cuts} | {len(said)})
    told = "".join(shown(*[said[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)]))
    for at in range(len(SECRET) - FEW):
        assert SECRET[at : at + FEW + 1] not in told.replace(REDACTED, "|")


@given(st.lists(st.text(max_size=4), max_size=10))
def test_texts_without_a_key_stay_as_they_are(texts: list[str]) -> None:
    assert shown(*texts) == texts


def test_each_place_and_pass_goes_on_for_itself() -> None:
    pieces = Pieces(Secrets([SECRET]))
    events: list[Any] = [{"a": "sk-", "b": ["sk-can"]}, {"a": "x", "b": [{}, "ary"]}]
    assert [pieces.hidden("parsed", event) for event in events] == [
        {"a": "sk-", "b": [REDACTED]},
        {"a": "x", "b": [{}, REDACTED]},
    ]
    assert pieces.hidden("adapters", {"b": "ary"}) == {"b": "ary"}


def test_no_more_places_are_remembered_than_a_few() -> None:
    pieces = Pieces(Secrets([SECRET]))
    places = [str(number) for number in range(MAX_BEGUN + 5)]
    pieces.hidden("parsed", dict.fromkeys(places, "sk-c"))
    assert pieces.hidden("parsed", dict.fromkeys(places[-6:], "anary")) == {
        places[-6]: REDACTED,
        **dict.fromkeys(places[-5:], "anary"),
    }


def test_key_that_a_provider_streams_in_pieces_is_in_no_event_of_its_trace() -> None:
    lines = traced(streamed("you sent ", KEY[:7], KEY[7:12], KEY[12:], "."), streams=True)
    told = "".join(json.dumps(payload) for payload in noted_events(lines))
    assert [piece for piece in (KEY[:7], KEY[7:12], KEY[12:]) if piece in told] == []


def test_half_of_a_surrogate_pair_stays_one() -> None:
    assert shown("\ud83d", "sk-can\ud83d") == ["\ud83d", "sk-can\ud83d"]


def test_nothing_is_looked_for_where_nothing_is_secret() -> None:
    payload: dict[str, Any] = {"a": ["x"]}
    assert Pieces(Secrets()).hidden("parsed", payload) is payload
