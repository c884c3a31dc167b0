"""Every format that is written, into every other one and back: what both can hold is what it was.

What a format cannot hold is in one table here; whatever else gets lost fails.
"""

from __future__ import annotations

import json
from typing import Final

import pytest
from msgspec.structs import replace

from dragoman.schemas.captures import Bare, Captured, Item, Received, Sent
from dragoman.schemas.captures.converting import convert_captured
from dragoman.schemas.captures.formats import WRITABLE, Format, find_format, formats
from dragoman.schemas.dialect import dialects
from tests.schemas.captures.samples import CHAT_STREAM, EXCHANGES, JSON_TYPE, read, written

# What a format may hold of an exchange beside its request:
#   place    method, address and headers           times    when it was, how long it took, how its answer came
#   answer   the answer beside its request         alone    an answer without a request
#   stream   that it streams, and such an answer
_EVERYTHING = frozenset({"place", "times", "answer", "alone", "stream"})
HOLDS: Final = {
    "recording": _EVERYTHING,
    "har": _EVERYTHING,
    "vcr": _EVERYTHING,
    "curl": frozenset({"place", "stream"}),  # a command is a request
    "openai-batch": frozenset({"alone"}),  # a line is a request or an answer, and no batch streams
    "anthropic-batch": frozenset({"alone"}),
    "gemini-batch": frozenset({"alone"}),
}
_STREAMING = ("stream", "stream_options")
_ASKED = Sent(url="https://api.openai.com/v1/responses", headers=JSON_TYPE, body=b'{"model":"m","input":"Hi"}')
_GEMINI, _CLAUDE, _CHAT = EXCHANGES[3], EXCHANGES[2], EXCHANGES[0]
SAMPLES: Final = (
    *EXCHANGES,
    replace(EXCHANGES[1], id="cut", response=Received(kind="stream", body=CHAT_STREAM[:200], is_cut=True)),
    replace(_CHAT, id="answer-alone", request=None),
    replace(_GEMINI, id="gemini-alone", request=None, model=None, streams=None),
    replace(_CLAUDE, id="claude-failed-alone", request=None),
    replace(_CHAT, id="a page", response=Received(status=502, kind="error", body=b"<html>\xff no</html>")),
    replace(_CLAUDE, id="claude", request=replace(_CLAUDE.request or Sent(), url="/v1/messages")),
    Captured(id="ä 💙 \"' \\ \n$(x) %d", dialect="openai-responses", request=_ASKED),
    Captured(id="never-sent", dialect="openai-responses", request=_ASKED, fault="no route: ä\nhost"),
    Captured(
        id="empty-answer", dialect="openai-responses", request=_ASKED, response=Received(status=204, headers=JSON_TYPE)
    ),
)
PAIRS: Final = [(first, second) for first in HOLDS for second in HOLDS if first != second]


def json_of(body: bytes, *, without: tuple[str, ...] = ()) -> object:
    try:
        value: object = json.loads(body)
    except ValueError:
        return body
    return {key: each for key, each in value.items() if key not in without} if isinstance(value, dict) else value


def said(captured: Captured, held: frozenset[str]) -> object:
    """Return what is compared of an exchange in a format that holds this."""
    sent, received = captured.request, captured.response
    return (
        captured.id,
        dialect_of(captured, held),
        None if sent is None else json_of(sent.body, without=("model", *(() if "stream" in held else _STREAMING))),
        (sent.method, sent.url, sent.headers) if sent is not None and "place" in held else None,
        answer_of(captured, held) if "answer" in held or (sent is None and "alone" in held) else None,
        (captured.started, captured.elapsed, pace_of(received)) if "times" in held else None,
        bool(captured.streams) if "stream" in held else None,
        model_of(captured) if sent is not None else None,
    )


def model_of(captured: Captured) -> object:
    """Return the model, which stands in the body, or beside it."""
    body = json_of(captured.request.body) if captured.request is not None else None
    return body["model"] if isinstance(body, dict) and "model" in body else captured.model


def dialect_of(captured: Captured, held: frozenset[str]) -> str:
    """Return the dialect; both of OpenAI's tell an error alike, and a batch has nothing else that tells."""
    is_error_alone = captured.request is None and captured.response is not None and captured.response.kind == "error"
    return "" if is_error_alone and "place" not in held else captured.dialect


def answer_of(captured: Captured, held: frozenset[str]) -> object:
    received = captured.response
    if received is None:
        return captured.fault
    headers = received.headers if "place" in held else ()
    return (received.status, received.kind, received.is_cut, headers, json_of(received.body))


def pace_of(received: Received | None) -> object:
    """Return how a stream came: what a document's is said in two ways."""
    return received.pace if received is not None and received.kind == "stream" else ()


def can_hold(name: str, captured: Captured) -> bool:
    format, held = find_format(name), HOLDS[name]  # noqa: A001
    if captured.request is None and "alone" not in held:
        return False
    if name == "curl" and captured.request is not None and captured.request.url.startswith("/"):
        return False  # an address alone is none for a command: it becomes that of the vendor
    return not format.dialects or captured.dialect in format.dialects


def through(name: str, exchanges: tuple[Captured, ...]) -> tuple[Captured, ...]:
    items = read(written(name, exchanges))
    assert all(isinstance(item, Captured) for item in items), items
    return tuple(item for item in items if isinstance(item, Captured))


def test_the_table_names_every_format_that_is_written() -> None:
    assert {*HOLDS, "bodies"} == {each.name for each in formats() if each.writes} == set(WRITABLE)


@pytest.mark.parametrize("name", HOLDS)
def test_what_is_written_is_read(name: str) -> None:
    exchanges = tuple(each for each in SAMPLES if can_hold(name, each))
    assert len(exchanges) >= 2
    held = HOLDS[name]
    assert [said(each, held) for each in through(name, exchanges)] == [
        said(fitting(name, each), held) for each in exchanges
    ]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_there_and_back_every_exchange_is_kept(first: str, second: str) -> None:
    exchanges = tuple(each for each in SAMPLES if can_hold(first, each) and can_hold(second, each))
    if not exchanges:  # batches of two vendors: what is converted is tested below
        assert not set(find_format(first).dialects) & set(find_format(second).dialects)
        return
    held = HOLDS[first] & HOLDS[second]
    found = through(first, through(second, through(first, exchanges)))
    expected = [fitting(second, fitting(first, each)) for each in exchanges]
    assert [said(each, held) for each in found] == [said(each, held) for each in expected]


def fitting(name: str, captured: Captured) -> Captured:
    """Return an exchange with the id that the format makes of it: Anthropic's API takes no other letters."""
    if name != "anthropic-batch":
        return captured
    [line] = written(name, (captured,)).splitlines()
    return replace(captured, id=str(json.loads(line)["custom_id"]))


def test_bodies_come_one_after_another() -> None:
    items = read(written("bodies", SAMPLES), "bodies")
    sides = [side.body for each in SAMPLES for side in (each.request, each.response) if side is not None and side.body]
    assert [bare_of(item) for item in items] == [text_of(body) for body in sides]


def bare_of(item: Item) -> object:
    assert isinstance(item, Bare)
    return json_of(item.body)


def text_of(body: bytes) -> object:
    value = json_of(body)
    return body.decode("utf-8", "replace") if isinstance(value, bytes) else value


# ---- converted first -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "target"),
    [
        (name, dialect.name)
        for name in HOLDS
        for dialect in dialects()
        if not find_format(name).dialects or dialect.name in find_format(name).dialects
    ],
)
def test_what_was_converted_is_kept(name: str, target: str) -> None:
    format = find_format(name)  # noqa: A001
    converted = tuple(convert(each, target, format) for each in SAMPLES if each.dialect)
    exchanges = tuple(each for each in converted if can_hold(name, each))
    assert len(exchanges) >= len(EXCHANGES)
    held = HOLDS[name] - {"place"}  # it has no address any more: a format may have to say one
    expected = [said(fitting(name, each), held) for each in exchanges]
    assert [said(each, held) for each in through(name, exchanges)] == expected


def convert(captured: Captured, target: str, format: Format) -> Captured:  # noqa: A002
    if "response" not in format.says:
        captured = replace(captured, response=None)
    found = convert_captured(captured, target=target, streams="stream" in format.says or "pace" in format.says)
    assert found.captured is not None, found.sides
    return found.captured
