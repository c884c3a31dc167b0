"""Recordings: a line for each exchange, whole, private, without secrets, and with its pace."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from base64 import b64encode
from contextlib import suppress
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import msgspec
import pytest
from jsonschema import Draft202012Validator

from dragoman.providers.auth import Key
from dragoman.providers.client import WireProvider
from dragoman.providers.record import Recorder
from dragoman.schemas.errors import DragomanError, NetworkFault, NoListing, TimedOut
from dragoman.schemas.ir import Wire
from tests.providers.wires import (
    KEY,
    PROFILE,
    Answer,
    Clock,
    Scripted,
    chunk,
    document,
    provider,
    run,
    said,
    streamed,
)

SCHEMA = Path(__file__).parents[2] / "schemas" / "exchange.schema.json"
CHECK = Draft202012Validator(json.loads(SCHEMA.read_text()))


def lines(file: Path) -> list[dict[str, Any]]:
    found = [cast("dict[str, Any]", json.loads(line)) for line in file.read_text().splitlines()]
    for line in found:
        CHECK.validate(line)
    return found


async def stream(from_: WireProvider) -> None:
    async for _ in from_.stream("hi"):
        pass


def recorded(file: Path, *answers: Answer | Exception, streams: bool = False, limit: int = 1 << 20) -> dict[str, Any]:
    asked = provider(*answers, clock=Clock(0.25))
    with Recorder(file, clock=Clock(0.25), limit=limit) as recorder:
        asked.set_raw_log_callback(recorder)
        with suppress(DragomanError):
            run(stream(asked) if streams else cast(Any, asked.complete("hi")))
    return lines(file)[-1]


def test_whole_answer_is_recorded(tmp_path: Path) -> None:
    line = recorded(tmp_path / "r.jsonl", document(said("Hello")))
    assert (line["started"], line["operation"], line["profile"]) == ("2023-11-14T22:13:20.250Z", "complete", "test")
    assert line["request"]["url"] == "https://here/v1/chat/completions"
    assert line["request"]["body"]["messages"] == [{"role": "user", "content": "hi"}]
    assert line["response"]["body"] == said("Hello")
    assert (line["usage"], line["request_id"]) == ({"input_tokens": 3, "output_tokens": 5}, "req_1")
    assert (line["complete"], line["truncated"], line["error"]) == (True, False, None)


def test_stream_is_recorded_chunk_by_chunk_with_its_pace(tmp_path: Path) -> None:
    line = recorded(tmp_path / "r.jsonl", streamed("Hel", "lo"), streams=True)
    chunks = line["response"]["chunks"]
    assert [chunk_["text"].startswith("data: ") for chunk_ in chunks] == [True] * 4
    assert [chunk_["ms"] for chunk_ in chunks] == sorted({chunk_["ms"] for chunk_ in chunks})
    assert line["timing"]["total"] > 0
    assert line["complete"]


def test_chunk_that_cuts_a_character_is_kept_as_bytes(tmp_path: Path) -> None:
    whole = chunk("ü")
    middle = whole.index("ü".encode()) + 1
    answer = Answer((whole[:middle], whole[middle:], chunk(stop="stop"), b"data: [DONE]\n\n"))
    first, second, *_ = recorded(tmp_path / "r.jsonl", answer, streams=True)["response"]["chunks"]
    assert first["base64"] == b64encode(whole[:middle]).decode()
    assert second["base64"] == b64encode(whole[middle:]).decode()


def test_attempts_are_told_and_the_last_is_kept(tmp_path: Path) -> None:
    line = recorded(tmp_path / "r.jsonl", Answer((b"busy",), 503), document(said("Hello")))
    first, second = line["attempts"]
    assert [(attempt["number"], attempt["status"]) for attempt in (first, second)] == [(1, 503), (2, 200)]
    assert first["ms"] < second["ms"] < line["response"]["ms"]
    assert line["response"]["status"] == 200


def test_failure_is_recorded_with_what_came(tmp_path: Path) -> None:
    line = recorded(tmp_path / "r.jsonl", Answer((b"<h1>no</h1>",), 401, {"content-type": "text/html"}))
    assert line["error"]["kind"] == "authentication"
    assert line["response"]["text"] == "<h1>no</h1>"
    assert not line["complete"]


def test_exchange_without_a_response_is_recorded(tmp_path: Path) -> None:
    down = NetworkFault("refused", kind="refused")
    line = recorded(tmp_path / "r.jsonl", down, down)
    assert (line["response"], line["error"]) == (None, {"kind": "refused", "message": "refused"})


@pytest.mark.parametrize("streams", [False, True])
def test_time_that_a_failure_took_is_recorded(tmp_path: Path, *, streams: bool) -> None:
    late, clock, file = TimedOut("first_byte", 0.25), Clock(), tmp_path / "r.jsonl"
    asked = provider(late, late, clock=clock)
    with Recorder(file, clock=clock) as recorder:
        asked.set_raw_log_callback(recorder)
        with suppress(TimedOut):
            run(stream(asked) if streams else cast(Any, asked.complete("hi")))
    (line,) = lines(file)
    assert [attempt["ms"] for attempt in line["attempts"]] == [0, 2500]  # they are when it was made
    assert line["timing"] == {"first_byte": None, "first_output": None, "total": 2500}


def test_time_that_a_listing_took_to_fail_is_recorded(tmp_path: Path) -> None:
    file, asked = tmp_path / "r.jsonl", provider(Answer((b"no",), 404), clock=Clock(0.25))
    with Recorder(file) as recorder:
        asked.set_raw_log_callback(recorder)
        with suppress(NoListing):
            run(asked.models())
    (line,) = lines(file)
    assert (line["request_id"], line["error"]["kind"], line["timing"]["total"] > 0) == ("req_1", "not_found", True)


def test_cut_stream_is_recorded_as_not_complete(tmp_path: Path) -> None:
    line = recorded(tmp_path / "r.jsonl", Answer((chunk("half"),)), streams=True)
    assert (line["complete"], line["error"]["kind"]) == (False, "truncated-stream")


def test_exchange_that_is_cancelled_is_recorded(tmp_path: Path) -> None:
    file, asked = tmp_path / "r.jsonl", provider(streamed("a"))

    async def cancel() -> None:
        task = asyncio.create_task(stream(asked))
        await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    with Recorder(file) as recorder:
        asked.set_raw_log_callback(recorder)
        run(cancel())
    (line,) = lines(file)
    assert (line["error"]["kind"], line["complete"]) == ("CancelledError", False)


def test_exchange_that_was_never_sent_is_recorded_without_a_request(tmp_path: Path) -> None:
    file, asked = tmp_path / "r.jsonl", provider()
    with Recorder(file) as recorder:
        asked.set_raw_log_callback(recorder)
        run(asked.stream("hi").aclose())
    (line,) = lines(file)
    assert (line["request"], line["complete"], line["timing"]["total"]) == (None, False, None)


def test_stream_that_is_left_is_recorded_as_not_complete(tmp_path: Path) -> None:
    file, asked = tmp_path / "r.jsonl", provider(streamed("a", "b"))

    async def leave() -> None:
        async with asked.stream("hi") as left:
            await anext(left)

    with Recorder(file) as recorder:
        asked.set_raw_log_callback(recorder)
        run(leave())
    (line,) = lines(file)
    assert (line["complete"], line["error"]) == (False, None)
    assert line["timing"]["total"] is not None


def test_bytes_of_a_stream_are_recorded_when_they_are_read_raw(tmp_path: Path) -> None:
    file, asked = tmp_path / "r.jsonl", provider(streamed("a"))

    async def raw() -> None:
        async for _ in asked.stream("hi").raw():
            pass

    with Recorder(file) as recorder:
        asked.set_raw_log_callback(recorder)
        run(raw())
    (line,) = lines(file)
    assert (line["complete"], len(line["response"]["chunks"])) == (True, 3)


def test_listing_is_recorded(tmp_path: Path) -> None:
    file, asked = tmp_path / "r.jsonl", provider(document({"object": "list", "data": [{"id": "m"}]}))
    with Recorder(file) as recorder:
        asked.set_raw_log_callback(recorder)
        run(asked.models())
    (line,) = lines(file)
    assert (line["operation"], line["model"], line["request"]["method"]) == ("models", None, "GET")
    assert "body" not in line["request"]


def test_answer_beyond_the_limit_is_truncated_and_says_so(tmp_path: Path) -> None:
    line = recorded(tmp_path / "r.jsonl", streamed("a", "b"), streams=True, limit=200)
    assert line["truncated"]
    assert sum(len(kept["text"]) for kept in line["response"]["chunks"]) == 200
    assert line["complete"]


def test_request_beyond_the_limit_is_truncated_and_says_so(tmp_path: Path) -> None:
    line = recorded(tmp_path / "r.jsonl", document({}), limit=20)
    assert line["truncated"]
    assert len(line["request"]["text"]) == 20


def test_nothing_secret_is_recorded(tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl"
    echoes = [KEY, quote(KEY, safe=""), b64encode(f"Bearer {KEY}".encode()).decode(), KEY.replace("/", "\\/")]
    echo = Answer((f"you sent {echoes}".encode(),), 401, {"x-echo": KEY, "set-cookie": "a=b"})
    profile = msgspec.structs.replace(PROFILE, headers={"X-Api-Key": "another-key"}, query={"key": "in-the-query"})
    asked = WireProvider.of(profile, Scripted(echo), key=Key(KEY, "KEY"), clock=Clock())
    with Recorder(file) as recorder:
        asked.set_raw_log_callback(recorder)
        with pytest.raises(DragomanError):
            run(asked.complete(f"my key is {KEY}"))
    text = file.read_text()
    assert not [echoed for echoed in (*echoes, "another-key", "in-the-query", "a=b") if echoed in text]
    assert "[redacted]" in text


def test_exchanges_at_the_same_time_do_not_mix(tmp_path: Path) -> None:
    file, asked = tmp_path / "r.jsonl", provider(*(streamed(str(number), "x") for number in range(20)))

    async def all_() -> None:
        await asyncio.gather(*(stream(asked) for _ in range(20)))

    with Recorder(file) as recorder:
        asked.set_raw_log_callback(recorder)
        run(all_())
    found = lines(file)
    assert {len(line["response"]["chunks"]) for line in found} == {4}
    assert len({line["response"]["chunks"][0]["text"] for line in found}) == 20
    assert len({line["id"] for line in found}) == 20


def test_file_is_private_and_grows(tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl"
    recorded(file, document(said("one")))
    recorded(file, document(said("two")))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [line["response"]["body"]["choices"][0]["message"]["content"] for line in lines(file)] == ["one", "two"]


def test_torn_line_of_a_killed_process_does_not_swallow_the_next(tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl"
    file.write_text('{"schema_version": 1, "ty')
    with Recorder(file) as recorder:
        recorder.write({"a": 1})
        recorder.write({"b": 2})
    assert file.read_text().splitlines()[1:] == ['{"a":1}', '{"b":2}']


def test_folder_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Recorder(tmp_path / "no" / "r.jsonl")


def test_full_disk_is_an_error_of_the_system() -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    with Recorder("/dev/full") as recorder, pytest.raises(OSError, match="No space"):
        recorder.write({})


def test_closing_twice_does_no_harm(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "r.jsonl")
    recorder.close()
    recorder.close()


def test_schema_refuses_what_is_no_recording(tmp_path: Path) -> None:
    line: Wire = recorded(tmp_path / "r.jsonl", document(said("Hello")))
    assert not CHECK.is_valid({**line, "operation": "guess"})
    assert not CHECK.is_valid({name: value for name, value in line.items() if name != "complete"})
