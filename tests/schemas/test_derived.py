"""A derived dialect: what it does not override is the base's, to the last loss; and the two are one family."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from dragoman.schemas import (
    StreamConverter,
    convert_error,
    convert_request,
    convert_response,
    dialect,
    dialects,
    explode_response,
    find,
    register,
)
from dragoman.schemas.convert import Converted
from dragoman.schemas.derived import Derived, derive
from dragoman.schemas.dialect import Dialect, StreamDecoder, StreamEncoder
from dragoman.schemas.errors import DragomanError, UnknownDialect
from dragoman.schemas.events import Event
from dragoman.schemas.framing import Frame
from dragoman.schemas.ir import JSON, Error, Request, Response, Wire
from dragoman.schemas.losses import Loss, Losses
from tests.laws.codec import decoded, said_by
from tests.laws.wires.every import KINDS, NAMES, any_of, in_order

# Each example here is some twenty conversions: the base's own laws have tried what it says.
few = settings(max_examples=max(5, settings().max_examples // 12), phases=[Phase.explicit, Phase.generate])


class Shouting(Derived):
    """Chat whose model is its engine, whose answers are in capitals, and which has its own errors and signs of life."""

    def decode_request(self, wire: Wire) -> Request:
        return super().decode_request({("model" if key == "engine" else key): value for key, value in wire.items()})

    def encode_request(self, request: Request, losses: Losses) -> Wire:
        wire = super().encode_request(request, losses)
        return {("engine" if key == "model" else key): value for key, value in wire.items()}

    def encode_response(self, response: Response, losses: Losses, request: Request | None = None) -> Wire:
        return {**super().encode_response(response, losses, request), "loud": True}

    def decode_response(self, wire: Wire) -> Response:
        return super().decode_response({key: value for key, value in wire.items() if key != "loud"})

    def decode_error(self, wire: JSON, status: int | None) -> Error:
        return Error(message=str(cast("Wire", wire)["ouch"]), kind="server", status=status)

    def encode_error(self, error: Error, losses: Losses) -> Wire:
        return {"ouch": error.message}

    def stream_decoder(self, *, whole: bool = True) -> StreamDecoder:
        return _Loud(super().stream_decoder(whole=whole))

    def stream_encoder(self, losses: Losses, request: Request | None = None) -> StreamEncoder:
        return _Counted(super().stream_encoder(losses, request))


class _Loud:
    def __init__(self, inner: StreamDecoder) -> None:
        self._inner = inner

    def feed(self, frame: Frame) -> list[Event]:
        return self._inner.feed(Frame(data=frame.data.replace(b"hello", b"HELLO"), event=frame.event))

    def done(self) -> list[Event]:
        return self._inner.done()

    def close(self) -> list[Event]:
        return self._inner.close()


class _Counted:
    def __init__(self, inner: StreamEncoder) -> None:
        self._inner = inner

    def feed(self, event: Event) -> list[bytes]:
        return [b": counted\n\n", *self._inner.feed(event)]


def derived(name: str) -> str:
    return f"own-{name}"


@pytest.fixture(autouse=True, scope="module")
def _known() -> Iterator[None]:
    shouting = derive("chat", name="shouting", title="Chat, loud", methods=Shouting, aliases=("loud",))
    ours = [derive(name, name=derived(name), title=f"As {name}") for name in NAMES]
    for one in (*ours, shouting, derive(shouting, name="louder", title="Chat, louder")):
        register(one)
    yield
    for name in [name for name in dialect._registered if name.startswith("own-")] + ["shouting", "louder"]:
        dialect._registered.pop(name)
    dialects.cache_clear()
    find.cache_clear()


# ------------------------------------------------------------------------------------------------------- what it is
def test_derived_dialect_is_of_the_family_it_comes_from() -> None:
    louder = find("louder")
    assert (louder.bases, louder.family) == (("shouting", "openai-chat"), "openai-chat")
    assert [louder.owns(name) for name in ("louder", "shouting", "openai-chat", "anthropic")] == [True] * 3 + [False]
    assert find("openai-chat").family == "openai-chat"
    assert not find("openai-chat").owns("louder")


def test_aliases_stay_with_the_base_and_features_are_added() -> None:
    assert find("openai").name == "openai-chat"
    assert find("LOUD").name == "shouting"
    own = derive("ollama", name="x", title="X", features={"volume": "sampling"}, response_model="by")
    assert own.features == {**find("ollama").features, "volume": "sampling"}
    assert (own.response_model, own.stream_type) == ("by", find("ollama").stream_type)


def test_nothing_is_derived_from_what_is_not_there() -> None:
    with pytest.raises(UnknownDialect):
        derive("esperanto", name="x", title="X")


# --------------------------------------------------------------------------------------------- without any overrides
def _said(convert: str, document: Wire, source: str, target: str) -> Converted[Wire] | str:
    """Return what a conversion gives; or the words in which it is refused."""
    try:
        match convert:
            case "request":
                return convert_request(document, source=source, target=target)
            case "response":
                return convert_response(document, source=source, target=target)
            case _:
                return convert_error(document, source=source, target=target, status=400)
    except DragomanError as error:
        return str(error)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
@few
@given(data=st.data())
def test_documents_convert_from_it_and_into_it_as_from_the_base_and_into_it(
    name: str, kind: str, data: st.DataObject
) -> None:
    document = data.draw(any_of(name, kind))
    for other in NAMES:
        if other != name:
            assert _said(kind, document, derived(name), other) == _said(kind, document, name, other)
            theirs = data.draw(any_of(other, kind))
            assert _said(kind, theirs, other, derived(name)) == _said(kind, theirs, other, name)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
@few
@given(data=st.data())
def test_between_base_and_derived_nothing_is_lost(name: str, kind: str, data: st.DataObject) -> None:
    document = data.draw(in_order(name, kind))
    there = _said(kind, document, name, derived(name))
    assert isinstance(there, Converted)
    assert there.losses == ()
    back = _said(kind, there.body, derived(name), name)
    assert isinstance(back, Converted)
    assert back.losses == ()
    assert _words(name, kind, back.body) == _words(name, kind, document)


def _words(name: str, kind: str, document: Wire) -> set[str]:
    return {f"{saying.kind} {saying.key}" for saying in said_by(decoded(name, kind, document))}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
@few
@given(data=st.data())
def test_from_derived_to_derived_it_is_the_document_itself(name: str, kind: str, data: st.DataObject) -> None:
    document = data.draw(any_of(name, kind))
    found = _said(kind, document, derived(name), derived(name))
    assert isinstance(found, Converted)
    assert found.body is document
    assert found.losses == ()


@pytest.mark.parametrize("name", NAMES)
@few
@given(data=st.data(), cut=st.integers(1, 400))
def test_streams_convert_from_it_and_into_it_as_from_the_base_and_into_it(
    name: str, data: st.DataObject, cut: int
) -> None:
    raw = explode_response(data.draw(in_order(name, "response")), source=name, target=name).body
    for other in NAMES:
        if other != name:
            assert _streamed(raw, derived(name), other, cut) == _streamed(raw, name, other, cut)
            theirs = explode_response(data.draw(in_order(other, "response")), source=other, target=other).body
            assert _streamed(theirs, other, derived(name), cut) == _streamed(theirs, other, name, cut)
    assert _streamed(raw, derived(name), derived(name), cut)[0] == raw
    inside = _streamed(raw, name, derived(name), cut)[1]
    assert not [loss for loss in inside if loss.feature == "extension" or f"only {name}" in loss.reason]


def _streamed(raw: bytes, source: str, target: str, cut: int) -> tuple[bytes, tuple[Loss, ...]]:
    converter = StreamConverter(source=source, target=target)
    said = b"".join(converter.feed(raw[start : start + cut]) for start in range(0, len(raw), cut))
    return said + converter.close(), converter.losses


# ------------------------------------------------------------------------------------------------------ one family
SIGNED: Wire = {
    "model": "m",
    "max_tokens": 9,
    "top_secret": 1,
    "container": "container_1",
    "messages": [
        {"role": "user", "content": "Hi."},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}]},
        {"role": "user", "content": "Go on."},
    ],
}


def test_signatures_kept_state_and_unknown_fields_stay_in_the_family() -> None:
    there = convert_request(SIGNED, source="anthropic", target="own-anthropic")
    assert there.losses == ()
    assert convert_request(there.body, source="own-anthropic", target="anthropic").body == there.body
    assert (there.body["container"], there.body["top_secret"]) == ("container_1", 1)
    assert "c2ln" in str(there.body)


def test_signatures_and_unknown_fields_of_the_family_leave_it_for_nobody() -> None:
    there = convert_request(SIGNED, source="own-anthropic", target="own-gemini")
    assert "c2ln" not in str(there.body)
    assert {"$.top_secret", "$.container"} <= {loss.path for loss in there.losses}


def test_events_that_only_the_family_knows_are_no_loss_in_it() -> None:
    raw = b'event: sparkle\ndata: {"type": "sparkle"}\n\n'
    response = {"type": "message", "role": "assistant", "content": [], "model": "m", "stop_reason": "end_turn"}
    start, _, rest = explode_response(response, source="anthropic", target="anthropic").body.partition(b"\n\n")  # type: ignore[arg-type]
    lost = _streamed(start + b"\n\n" + raw + rest, "anthropic", "own-anthropic", 9)[1]
    assert lost == ()
    assert [loss.feature for loss in _streamed(start + b"\n\n" + raw + rest, "anthropic", "gemini", 9)[1]] == [
        "extension"
    ]


# ---------------------------------------------------------------------------------------------------- with overrides
@pytest.mark.parametrize("name", ["shouting", "louder"])
def test_overridden_methods_are_those_of_the_dialect_and_of_what_is_derived_from_it(name: str) -> None:
    asked: Wire = {"engine": "m", "messages": [{"role": "user", "content": "hello"}], "odd": 1}
    plain = convert_request(asked, source=name, target="openai-chat")
    assert plain.body == {"model": "m", "messages": [{"role": "user", "content": "hello"}], "odd": 1}
    assert convert_request(plain.body, source="openai-chat", target=name).body == asked
    said = convert_response({"message": {"role": "assistant", "content": "hi"}}, source="ollama", target=name).body
    assert said["loud"] is True
    assert "loud" not in convert_response(said, source=name, target="openai-chat").body
    assert convert_error({"ouch": "No."}, source=name, target="ollama", status=500).body == {"error": "No."}
    assert convert_error({"error": "No."}, source="ollama", target=name, status=500).body == {"ouch": "No."}


def test_overridden_streams_are_those_of_the_dialect() -> None:
    document: Wire = {"model": "m", "choices": [{"message": {"content": "hello"}, "finish_reason": "stop", "index": 0}]}
    raw = explode_response(document, source="openai-chat", target="openai-chat").body
    assert b"HELLO" in _streamed(raw, "shouting", "ollama", 7)[0]
    assert b"HELLO" not in _streamed(raw, "openai-chat", "ollama", 7)[0]
    assert b": counted" in _streamed(raw, "openai-chat", "shouting", 7)[0]
    assert _streamed(raw, "shouting", "shouting", 7)[0] == raw


def test_rooms_of_a_derived_dialect_are_there() -> None:
    found: Dialect = find("shouting")
    base = find("openai-chat")
    assert found.requests.PLACES is base.requests.PLACES
    assert found.responses.PLACES is base.responses.PLACES
    assert (found.streams.REPEATS, found.streams.COMMENTS) == (base.streams.REPEATS, base.streams.COMMENTS)
