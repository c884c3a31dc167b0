"""What logs have in common, and that no ordinary document of a dialect is taken for a log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dragoman.schemas.captures import Unreadable
from dragoman.schemas.captures.logged import Details, instant, milliseconds, rebuilt, unfolded, without_system
from dragoman.schemas.captures.sniffing import sniff
from dragoman.schemas.ir import JSON
from tests.schemas.captures.samples import read

FOLDER = Path(__file__).parents[1] / "wire_samples"
LOGS = ("litellm", "langfuse", "helicone")


def test_no_document_of_a_dialect_is_taken_for_a_log() -> None:
    seen = 0
    for file in FOLDER.glob("[!d]*.json"):
        for kind, samples in json.loads(file.read_text()).items():
            for name, document in samples.items():
                found = {sniff(json.dumps(shape).encode()) for shape in (document, [document], {"data": [document]})}
                assert not found & set(LOGS), (file.name, kind, name)
                seen += 1
    assert seen > 30


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"id": "x", "call_type": "completion", "messages": []}, "litellm"),
        ({"request_id": "x", "call_type": "completion", "spend": 0}, "litellm"),
        ({"standard_logging_object": {}}, "litellm"),
        ({"id": "x", "traceId": "t", "type": "SPAN", "startTime": "2026"}, "langfuse"),
        ({"id": "x", "trace_id": "t", "input": 1, "output": 2}, "langfuse"),
        ({"id": "x", "observations": []}, "langfuse"),
        ({"response_id": "x", "request_created_at": "2026", "response_status": 200}, "helicone"),
        ({"request_id": "x", "signed_body_url": "https://x"}, "helicone"),
    ],
)
def test_a_log_is_known_by_its_fields(fields: dict[str, JSON], name: str) -> None:
    for shape in (fields, [fields], {"data": [fields]}):
        assert sniff(json.dumps(shape).encode()) == name


@pytest.mark.parametrize("name", LOGS)
@pytest.mark.parametrize("raw", [b"", b"7", b"null", b'"x"', b"{", b"[1", b"\x00\xff", b"[[]]", b'{"data":[7]}'])
def test_what_is_no_log_is_said_and_never_raised(name: str, raw: bytes) -> None:
    [item] = read(raw, name)
    assert isinstance(item, Unreadable)


@pytest.mark.parametrize("name", LOGS)
def test_an_empty_list_holds_nothing(name: str) -> None:
    assert read(b"[]", name) == []
    assert read(b'\xef\xbb\xbf {"data": []}', name) == []


@pytest.mark.parametrize("name", LOGS)
def test_deep_nesting_is_refused_or_passed_over(name: str) -> None:
    for inner in (b"kwargs", b"input", b"messages", b"completion", b"observations", b"response_body"):
        raw = (b'{"' + inner + b'":') * 5000 + b"1" + b"}" * 5000
        assert len(read(raw, name)) == 1


def test_the_place_of_an_entry_in_a_page_is_named() -> None:
    assert read(b'{"data":[{"request_body":{},"response_body":{}},null]}', "helicone")[1] == Unreadable(
        "expected an object, got null", "$.data[1]"
    )


@pytest.mark.parametrize(
    ("value", "unfolds"),
    [('{"a":1}', {"a": 1}), (" [1]", [1]), ('{"a":', '{"a":'), ("7", "7"), (7, 7), (None, None)],
)
def test_json_in_a_string_is_unfolded_if_it_is_some(value: JSON, unfolds: JSON) -> None:
    assert unfolded(value) == unfolds


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "1970-01-01T00:00:00+00:00"), ("2026", "2026"), (None, ""), (1e300, ""), (10**400, ""), (True, "")],
)
def test_a_time_is_seconds_or_text(value: JSON, said: str) -> None:
    assert instant(value) == said


def test_times_that_cannot_be_compared_give_no_time_between() -> None:
    assert milliseconds(1, 2.5) == 1500.0
    assert [milliseconds(*times) for times in ((2, 1), (1, None), ("2026-01-01", 1), ("x", "y"))] == [None] * 4


def test_an_instruction_amid_a_conversation_stays_where_it_is() -> None:
    talk: list[JSON] = [{"role": "user", "content": "Hi"}, {"role": "system", "content": "Be brief."}]
    assert without_system([{"role": "system", "content": "Be kind."}, *talk]) == (talk, "Be kind.")


def test_a_conversation_without_system_stays_as_it_is() -> None:
    messages: list[JSON] = [{"role": "user", "content": "Hi"}, 7]
    assert without_system(messages) == (messages, None)


@pytest.mark.parametrize("output", [None, 7, True, [], [1], {}, {"role": "assistant"}, [{"type": {}}]])
def test_what_is_no_answer_is_none(output: JSON) -> None:
    assert rebuilt(output, Details()) is None
