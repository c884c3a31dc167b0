"""What is changed of a recorded request before it is sent again."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.cli.replaying.changes import RECORDED, Asked, changed, read_changes
from dragoman.cli.status import Usage
from dragoman.schemas.captures import Captured, Sent
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import JSON, Wire
from tests.cli.replaying.recordings import asked, exchange
from tests.schemas.captures.samples import EXCHANGES

GEMINI, OLLAMA = EXCHANGES[3], EXCHANGES[4]


def change(
    *sets: str,
    unsets: tuple[str, ...] = (),
    model: str | None = None,
    streams: bool | None = None,
    request: Wire | None = None,
    to: str = "openai-chat",
) -> Asked:
    return changed(exchange(request=request), read_changes(model, sets, unsets, streams), to)


@pytest.mark.parametrize(
    ("said", "path", "wanted"),
    [
        ("temperature=0", "temperature", 0),
        ("seed=12345678901234567890", "seed", 12345678901234567890),
        ("user=me and you", "user", "me and you"),
        ('stop=["a"]', "stop", ["a"]),
        ("a=b=c", "a", "b=c"),
        ("$.user=null", "user", None),
    ],
)
def test_a_field_is_set(said: str, path: str, wanted: JSON) -> None:
    assert change(said).document[path] == wanted


def test_a_place_in_a_list_is_set() -> None:
    found = change("messages[0].content=Hello", "messages[1].role=user", "messages[-1].content=More")
    assert found.document["messages"] == [{"role": "user", "content": "Hello"}, {"role": "user", "content": "More"}]


def test_objects_are_made_on_the_way() -> None:
    assert change("a.b.c=1").document["a"] == {"b": {"c": 1}}


def test_a_place_beyond_a_list_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"\$.messages\[7\]: there is no such place in a list of 1"):
        change("messages[7].role=user")


def test_a_place_in_what_is_no_list_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"\$.model: expected a list"):
        change("model[0]=x")


@pytest.mark.parametrize(
    "path", ["messages[0].content", "messages[0]", "model", "nothing.here", "messages[9]", "model[0]"]
)
def test_a_field_is_left_out(path: str) -> None:
    document = change(unsets=(path,), to="openai-chat", model=None).document
    assert "Hi" not in json.dumps(document) or path in ("model", "nothing.here", "messages[9]", "model[0]")


def test_the_recorded_model_stays_for_who_speaks_the_same() -> None:
    assert change().model == "m"
    assert change().document["model"] == "m"


def test_another_dialect_has_its_own_model() -> None:
    found = change(to="anthropic")
    assert found.model is None
    assert "model" not in found.document


def test_the_recorded_model_can_be_asked_for_anywhere() -> None:
    assert change(to="anthropic", model=RECORDED).document["model"] == "m"


def test_a_model_that_is_named_wins() -> None:
    assert change(model="other", to="gemini").document["model"] == "other"


def test_a_model_of_a_url_is_the_recorded_one() -> None:
    assert changed(GEMINI, read_changes(None, [], [], None), "gemini").model == "gemini-x"


def test_streams_are_asked_for_as_they_were_recorded() -> None:
    assert change(request=asked(stream=True)).streams
    assert not change().streams
    assert changed(OLLAMA, read_changes(None, [], [], None), "ollama").streams


@pytest.mark.parametrize("wanted", [True, False])
def test_streams_can_be_wanted_otherwise(wanted: bool) -> None:
    assert change(request=asked(stream=not wanted), streams=wanted).streams is wanted


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"7"])
def test_a_body_that_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"\$.request"):
        changed(Captured(dialect="openai-chat", request=Sent(body=body)), read_changes(None, [], [], None), "ollama")


@pytest.mark.parametrize("said", ["temperature", "=1", "[0]=1", "a..b=1", "a[x]=1", "a[=1", "." * 3 + "=1"])
def test_a_setting_that_is_none_is_refused(said: str) -> None:
    with pytest.raises(Usage, match="--set: expected"):
        read_changes(None, [said], [], None)


def test_a_path_has_an_end() -> None:
    with pytest.raises(Usage, match="--unset: expected a path"):
        read_changes(None, [], [".a" * 1000], None)


@given(st.lists(st.sampled_from(["a", "b", "messages[0].content", "messages[0]", "x.y"]), max_size=4), st.integers())
def test_nothing_is_changed_in_place(paths: list[str], value: int) -> None:
    request = asked(a=[1, {"b": 2}], x={"y": 1})
    before = copy.deepcopy(request)
    recorded = exchange(request=request)
    changed(
        recorded,
        read_changes(None, [f"{path}={value}" for path in paths if path != "messages[0]"], paths, None),
        "openai-chat",
    )
    assert recorded.request is not None
    assert json.loads(recorded.request.body) == before
