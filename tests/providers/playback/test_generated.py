"""Ollama's answers as /api/chat and as /api/generate say them."""

from __future__ import annotations

import json

import httpx
import ollama
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.playback.answering import Asked, answer
from dragoman.providers.playback.framing import shaped
from dragoman.providers.playback.generated import Rewording, reworded
from dragoman.providers.playback.places import Form
from dragoman.schemas.captures import Captured, Received, Sent
from dragoman.schemas.ir import Wire
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Losses
from tests.providers.playback.recorded import DIALECTS, exchange, serving

CHAT: Wire = {
    "model": "m",
    "created_at": "2026-01-01T00:00:00Z",
    "message": {"role": "assistant", "content": "Hi.", "thinking": "hm"},
    "done": True,
    "eval_count": 3,
}
GENERATED: Wire = {
    "model": "m",
    "created_at": "2026-01-01T00:00:00Z",
    "response": "Hi.",
    "thinking": "hm",
    "done": True,
    "eval_count": 3,
}
LINES = b'{"model":"m","response":"H","done":false}\n{"model":"m","response":"i.","done":true,"context":[1]}\n'
ASKING: Wire = {"model": "m", "prompt": "Who is there?", "system": "Be brief."}


def generated(body: bytes, kind: str = "response") -> Captured:
    """Return an exchange as it is recorded at /api/generate."""
    return Captured(
        request=Sent(body=write_json({**ASKING, "stream": kind == "stream"}), url="http://host:11434/api/generate"),
        response=Received(body=body, kind="stream" if kind == "stream" else "response"),
        dialect="ollama",
        streams=kind == "stream",
    )


def test_each_way_is_the_other() -> None:
    assert reworded(CHAT, losses := Losses(), generates=True) == GENERATED
    assert reworded(GENERATED, losses, generates=False) == CHAT
    assert losses.found == []


@pytest.mark.parametrize("wire", [{"error": "broken"}, {"done": True}, {}])
def test_what_says_nothing_is_the_same_in_both(wire: Wire) -> None:
    assert reworded(wire, Losses(), generates=True) == reworded(wire, Losses(), generates=False) == wire


@pytest.mark.parametrize("generates", [True, False])
def test_what_is_worded_as_wanted_stays(generates: bool) -> None:
    wire = GENERATED if generates else CHAT
    assert reworded(wire, Losses(), generates=generates) is wire


def test_pictures_are_said_in_both() -> None:
    chat: Wire = {"message": {"role": "assistant", "content": "", "images": ["abcd"]}}
    said = reworded(chat, Losses(), generates=True)
    assert said == {"response": "", "image": "abcd"}
    assert reworded(said, Losses(), generates=False) == chat


def test_call_of_a_tool_is_lost() -> None:
    calls: Wire = {"message": {"content": "", "tool_calls": [{"function": {"name": "f", "arguments": {}}}]}}
    assert reworded(calls, losses := Losses(), generates=True) == {"response": ""}
    assert [loss.feature for loss in losses.found] == ["tool_call"]


@given(st.integers(1, 90))
def test_lines_are_reworded_wherever_they_are_cut(size: int) -> None:
    pieces = [LINES[at : at + size] for at in range(0, len(LINES), size)]
    said = b"".join(shaped(pieces, Rewording(generates=False))).splitlines()
    assert [json.loads(line)["message"]["content"] for line in said] == ["H", "i."]


def test_last_line_needs_no_end() -> None:
    said = shaped([LINES.rstrip()], Rewording(generates=False))
    assert b"".join(said).count(b"\n") == 2


@pytest.mark.parametrize("generates", [True, False])
@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("recorded", ["stream", "response"])
def test_recording_of_either_answers_both(generates: bool, streams: bool, recorded: str) -> None:
    form = Form.GENERATED if generates else Form.USUAL
    captured = generated(LINES if recorded == "stream" else write_json(GENERATED), recorded)
    said = answer(captured, Asked(dialect="ollama", wire=ASKING, streams=streams, form=form))
    lines = [json.loads(line) for line in said.body.splitlines()]
    told = [line["response"] if generates else line["message"]["content"] for line in lines]
    assert (said.status, "".join(told)) == (200, "Hi.")
    assert not generates or not any("message" in line for line in lines)


def test_same_endpoint_and_kind_are_the_recorded_bytes() -> None:
    said = answer(generated(LINES, "stream"), Asked(dialect="ollama", streams=True, form=Form.GENERATED))
    assert said.body == LINES


def test_line_that_cannot_be_read_is_an_error() -> None:
    said = answer(generated(b'{"response":\n', "stream"), Asked(dialect="ollama", streams=True))
    assert said.status == 502


def test_lost_call_is_counted() -> None:
    said = answer(exchange("ollama"), Asked(dialect="ollama", form=Form.GENERATED))
    streamed = answer(exchange("ollama"), Asked(dialect="ollama", form=Form.GENERATED, streams=True))
    assert [loss.feature for loss in (*said.losses, *streamed.losses)] == ["tool_call", "tool_call"]
    assert said.headers["x-dragoman-losses"] == "1"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("streams", [True, False])
def test_ollamas_client_generates_from_every_dialect(dialect: str, streams: bool) -> None:
    asked: Wire = {"model": "m", "messages": [{"role": "user", "content": "Who is there?"}]}
    with serving([exchange(dialect, asked, streams=streams)]) as url:
        client = ollama.Client(host=url)
        whole = client.generate(model="m", prompt="Who is there?")
        pieces = list(client.generate(model="m", prompt="Who is there?", stream=True))
        client._client.close()
    assert (whole.response, "".join(piece.response or "" for piece in pieces)) == ("Let me see.", "Let me see.")
    assert pieces[-1].done


def test_unknown_prompt_is_told_as_ollama_tells_it() -> None:
    with serving([exchange("ollama")]) as url:
        reply = httpx.post(f"{url}/api/generate", json=ASKING)
    assert reply.status_code == 404
    assert "Who is there?" in reply.json()["error"]
