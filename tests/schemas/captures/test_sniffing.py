"""The first bytes tell the format: which one, when there are enough of them, and how long that may take."""

from __future__ import annotations

import contextlib
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.schemas.captures.formats import Format, formats
from dragoman.schemas.captures.sniffing import HEAD, is_enough, sniff
from dragoman.schemas.errors import InvalidInput
from tests.schemas.captures.samples import CHAT_STREAM, written
from tests.schemas.captures.test_credentials import FILES

CHAT = b'{"model":"m","messages":[{"role":"user","content":"Hi"}]}'
CHUNK = b'{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"B"},"done":false}'
GEMINI = b'{"candidates":[{"content":{"role":"model","parts":[{"text":"Blue"}]},"index":0}]}'
TOLD = [
    (CHAT, "bodies"),
    (CHAT + b"\n" + CHAT, "bodies"),
    (b'[{"role":"user"}]', "bodies"),
    (b"", "bodies"),
    (b"\0\0", "bodies"),
    (b"<html>", "bodies"),
    (CHUNK + b"\n" + CHUNK, "events"),
    (b"[" + GEMINI + b",\n" + GEMINI + b"]", "events"),
    (CHAT_STREAM, "events"),
    (b"event: message_start\ndata: {}\n\n", "events"),
    (b": keep-alive\n\n", "events"),
    (b'{"schema_version":1,"type":"exchange","request":null}', "recording"),
    (b'{\n  "log": {\n "entries": []}}', "har"),
    (b'{"startedDateTime":"","request":{}}', "har"),
    (b'[{"cache":{},"request":{}}]', "har"),
    (b'{"custom_id":"a","method":"POST","url":"/v1/responses","body":{}}', "openai-batch"),
    (b'{"id":"b","custom_id":"a","response":{},"error":null}', "openai-batch"),
    (b'{"custom_id":"a","params":{}}', "anthropic-batch"),
    (b'{"requests":[{"custom_id":"a"}]}', "anthropic-batch"),
    (b'{"recordId":"a","modelInput":{}}', "anthropic-batch"),
    (b'{"key":"a","request":{"custom_id":1,"body":2}}', "gemini-batch"),
    (b'{"request":{"contents":[]}}', "gemini-batch"),
    (b'{"call_type":"completion","messages":[]}', "litellm"),
    (b'{"data":[{"type":"GENERATION","input":1}],"meta":{}}', "langfuse"),
    (b'{"request_body":{},"response_body":{}}', "helicone"),
    (b'{"version":1,"interactions":[]}', "vcr"),
    (b"interactions:\n- request: {}\n", "vcr"),
    (b"---\n# c\nversion: 1\nhttp_interactions:\n", "vcr"),
    (b"%YAML 1.1\n---\n\nrecorded_with: VCR\nhttp_interactions: []\n", "vcr"),
    (b"1234:4:type,}", "mitmproxy"),
    (b"curl https://h -d '{}'", "curl"),
    (b"#!/bin/sh\nset -e\ncurl https://h", "curl"),
    (b"#!/usr/bin/env bash\nif true; then\n  A=1 | curl x\nfi", "curl"),
    (b"$ curl https://h", "curl"),
    (b"KEY=1\n\n# a\necho x | curl -d @- https://h", "curl"),
]


@pytest.mark.parametrize(("head", "name"), TOLD)
def test_the_format_is_told_by_the_first_bytes(head: bytes, name: str) -> None:
    assert sniff(head) == sniff(b"\xef\xbb\xbf" + head) == name
    assert sniff(head.replace(b"\n", b"\r\n")) == name


def test_every_format_is_told_by_something() -> None:
    assert {name for _, name in TOLD} == {each.name for each in formats()}


@pytest.mark.parametrize("format", [each for each in formats() if each.writes], ids=lambda each: each.name)
def test_what_is_written_is_known_again(format: Format) -> None:  # noqa: A002
    assert sniff(written(format.name)[:HEAD]) == format.name


def test_names_within_a_body_do_not_count() -> None:
    assert (
        sniff(b'{"model":"m","metadata":{"log":1,"request_body":2},"messages":[{"custom_id":1,"params":2}]}')
        == "bodies"
    )
    assert sniff(b'{"model":"log","input":"custom_id params"}') == "bodies"
    assert sniff(b'{"input":"half of a text, and \\" {\\"log\\":1') == "bodies"


def test_a_stream_of_json_is_none_where_nobody_asks_for_streams() -> None:
    assert sniff(CHUNK + b"\n" + CHUNK, streams=False) == "bodies"


@pytest.mark.parametrize("head", [b"\x1f\x8b\x08", b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"BZh9"])
def test_what_is_compressed_is_refused_with_the_way_out(head: bytes) -> None:
    with pytest.raises(InvalidInput, match="unpack it first"):
        sniff(head)


@pytest.mark.parametrize(
    "head", [b'fetch("https://h", {', b"await fetch(", b"$session = New-Object", b"Invoke-WebRequest -Uri"]
)
def test_a_script_of_another_language_is_refused_with_the_way_out(head: bytes) -> None:
    with pytest.raises(InvalidInput, match="copy it as a curl line"):
        sniff(head)


# ---- enough ----------------------------------------------------------------------------------------------------------

WHOLE = (
    [head for head, _ in TOLD]
    + list(FILES.values())
    + [b"\n\n" + CHAT_STREAM, json.dumps({"log": "x"}, indent=1).encode()]
)


@pytest.mark.parametrize("whole", WHOLE)
def test_once_it_is_enough_more_of_it_says_the_same(whole: bytes) -> None:
    whole = whole[:2000] + b"\n" + whole[2000:]
    for size in range(min(len(whole), 600)):
        if is_enough(whole[:size]):
            assert sniff(whole[:size]) == sniff(whole), whole[:size]


def test_a_line_is_enough_and_half_an_object_is_not() -> None:
    assert is_enough(CHAT + b"\n")
    assert not is_enough(CHAT)
    assert not is_enough(b'{\n  "model": "a }\n')
    assert is_enough(b" " * HEAD)


@settings(deadline=None, derandomize=True)
@given(st.binary(max_size=60))
def test_any_bytes_are_of_some_format_or_refused(head: bytes) -> None:
    is_enough(head)
    with contextlib.suppress(InvalidInput):
        assert sniff(head) in {each.name for each in formats()}


@pytest.mark.parametrize(
    "head",
    [
        b"#!" + b"sh " * 40_000 + b"\n" + b"x\n" * 60_000,
        b"#!/bin/sh\n" + b" " * 240_000 + b"x",
        b"#!/bin/sh\n" + b"|   " * 60_000,
        b"---:\n" * 50_000,
        b"a-:\n" * 60_000,
        b"#>#\n" * 60_000,
        b"#\n" + b" " * 240_000,
        b"echo |  " * 30_000,
        b"a=b\ncd \n" * 30_000,
        b"/" * 240_000,
        b'{"' + b'\\"' * 120_000,
        b"{" + b'"a\n' * 80_000,
        b"[" * 240_000,
        b'{"data":[{' * 25_000,
    ],
    ids=lambda head: repr(head[:12]),
)
def test_no_text_takes_long_to_look_at(head: bytes) -> None:
    begun = time.process_time()
    sniff(head)
    assert time.process_time() - begun < 2
