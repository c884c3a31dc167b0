"""mitmproxy's flows: of every version, with what a proxy does to bodies, and with what is broken about files."""

from __future__ import annotations

import gzip
import zlib
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dragoman.schemas.captures import Captured, Item, Received, Skipped, Unreadable
from dragoman.schemas.captures.mitmproxy import Reader
from tests.schemas.captures.netstrings import netstring
from tests.schemas.captures.samples import CHAT_STREAM, EXCHANGES, read, read_in_pieces

ANSWER = EXCHANGES[0].response.body if EXCHANGES[0].response else b""
STARTED = 1767323045.678  # 2026-01-02T03:04:05.678Z
REQUEST: dict[str, Any] = {
    "http_version": b"HTTP/1.1",
    "method": b"POST",
    "scheme": b"https",
    "host": "api.openai.com",
    "port": 443,
    "authority": b"",
    "path": b"/v1/chat/completions",
    "headers": [[b"Host", b"api.openai.com"], [b"Authorization", b"Bearer sk-0123456789abcdef"]],
    "content": EXCHANGES[0].request.body if EXCHANGES[0].request else b"",
    "trailers": None,
    "timestamp_start": STARTED,
    "timestamp_end": STARTED + 0.001,
}
RESPONSE: dict[str, Any] = {
    "status_code": 200,
    "reason": b"OK",
    "headers": [[b"Content-Type", b"application/json"]],
    "content": ANSWER,
    "timestamp_start": STARTED + 0.1,
    "timestamp_end": STARTED + 0.25,
}


def flow(**changes: object) -> dict[str, object]:
    return {
        "websocket": None,
        "response": RESPONSE,
        "request": REQUEST,
        "client_conn": {"certificate_list": [b"x"], "tls_established": True},
        "error": None,
        "id": "a-flow",
        "type": "http",
        "version": 21,
        **changes,
    }


def answered(**changes: object) -> dict[str, object]:
    return flow(response={**RESPONSE, **changes})


def asked(**changes: object) -> dict[str, object]:
    return flow(request={**REQUEST, **changes})


def items(*flows: object) -> list[Item]:
    return read(b"".join(map(netstring, flows)), "mitmproxy")


def captured(said: object) -> Captured:
    (item,) = items(said)
    assert isinstance(item, Captured), item
    return item


def received(said: object) -> Received:
    found = captured(said).response
    assert found is not None
    return found


def as_flow(exchange: Captured) -> dict[str, object]:
    """Return an exchange as a proxy in front of that server would have recorded it."""
    sent, answer = exchange.request, exchange.response
    assert sent is not None
    scheme, _, rest = sent.url.partition("://")
    host, _, path = rest.partition("/")
    begun = datetime.fromisoformat(exchange.started).timestamp() if exchange.started else None
    address = {"scheme": scheme.encode(), "host": host.partition(":")[0], "port": int(host.partition(":")[2] or 443)}
    request = {**REQUEST, **address, "path": f"/{path}".encode(), "headers": sent.headers, "content": sent.body}
    response = None
    if answer is not None:
        times = (
            [begun + ms / 1000 if begun else None for ms, _ in (answer.pace[0], answer.pace[-1])]
            if answer.pace
            else None
        )
        response = {
            "status_code": answer.status,
            "headers": [(name.encode(), value.encode()) for name, value in answer.headers],
            "content": answer.body,
            **(dict(zip(("timestamp_start", "timestamp_end"), times, strict=True)) if times else {}),
        }
    error = {"msg": exchange.fault, "timestamp": STARTED} if exchange.fault else None
    request["timestamp_start"] = begun
    return flow(id=exchange.id, request=request, response=response, error=error)


# ---- exchanges -------------------------------------------------------------------------------------------------------

FILE = b"".join(netstring(as_flow(exchange)) for exchange in EXCHANGES)


def without_what_it_cannot_say(exchange: Captured) -> Captured:
    streams = bool(exchange.response and exchange.response.kind == "stream")
    response = exchange.response and replace(exchange.response, pace=())
    return replace(exchange, response=response, streams=streams, elapsed=None)


def test_exchanges_come_back_as_they_were() -> None:
    found = [item for item in read(FILE) if isinstance(item, Captured)]
    expected = [without_what_it_cannot_say(exchange) for exchange in EXCHANGES]
    assert [without_what_it_cannot_say(item) for item in found] == expected


@given(st.integers(1, 3000))
def test_a_file_may_be_cut_anywhere(size: int) -> None:
    assert read_in_pieces(FILE, size) == read(FILE)


def test_a_flow_is_given_as_soon_as_it_is_whole() -> None:
    raw = netstring(flow())
    reader = Reader()
    assert reader.feed(raw[:-1]) == []
    assert len(reader.feed(raw[-1:] + raw[:50])) == 1


def test_times_of_a_flow_are_kept() -> None:
    item = captured(flow())
    assert (item.id, item.started, item.elapsed) == ("a-flow", "2026-01-02T03:04:05.678Z", 250.0)
    assert item.response is not None
    assert item.response.pace == ((100.0, 0), (250.0, len(item.response.body)))


def test_a_stream_began_with_its_first_event() -> None:
    first = CHAT_STREAM.index(b"\n\n") + 2
    response = received(answered(headers=[[b"content-type", b"text/event-stream"]], content=CHAT_STREAM))
    assert response.pace == ((100.0, first), (250.0, len(CHAT_STREAM)))


def test_a_stream_of_lines_began_with_its_first_line() -> None:
    response = received(answered(headers=[[b"content-type", b"application/x-ndjson"]], content=b'{"a":1}\n{"b":2}\n'))
    assert response.pace == ((100.0, 8), (250.0, 16))


@pytest.mark.parametrize(
    "changes",
    [
        {"timestamp_start": None},
        {"timestamp_end": None},
        {"timestamp_start": STARTED + 9},
        {"timestamp_start": STARTED - 9},
    ],
)
def test_times_that_cannot_be_are_none(changes: dict[str, object]) -> None:
    assert received(answered(**changes)).pace == ()


@pytest.mark.parametrize("time", [None, 1e300, -1e15])
def test_a_start_that_cannot_be_is_none(time: object) -> None:
    assert captured(asked(timestamp_start=time)).started == ""


def test_credentials_are_gone() -> None:
    assert "0123456789abcdef" not in repr(items(flow()))


def test_a_failed_connection_is_told() -> None:
    item = captured(flow(response=None, error={"msg": "connection refused", "timestamp": STARTED}))
    assert (item.response, item.fault, item.elapsed) == (None, "connection refused", None)


def test_an_answer_that_broke_off_is_none_and_the_error_told() -> None:
    broken = {**RESPONSE, "content": None, "timestamp_end": None}
    item = captured(flow(response=broken, error={"msg": "peer closed connection", "timestamp": STARTED}))
    assert (item.response, item.fault) == (None, "peer closed connection")


def test_an_answer_that_was_not_kept_is_none_and_why_is_told() -> None:
    item = captured(answered(content=None))
    assert item.response is None
    assert "stream_large_bodies" in item.fault


def test_a_question_that_was_not_kept_cannot_be_read() -> None:
    (item,) = items(asked(content=None))
    assert isinstance(item, Unreadable)
    assert (item.path, "stream_large_bodies" in item.problem) == ("$[0].request.content", True)


def test_an_error_after_the_answer_is_not_told() -> None:
    item = captured(flow(error={"msg": "client disconnected", "timestamp": STARTED}))
    assert (item.response is not None, item.fault) == (True, "")


# ---- bodies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("Deflate", zlib.compress)])
def test_bodies_are_inflated_and_no_header_says_otherwise(encoding: str, pack: Any) -> None:
    headers = [[b"Content-Encoding", encoding.encode()], [b"content-length", b"9"], [b"transfer-encoding", b"chunked"]]
    response = received(answered(headers=headers, content=pack(RESPONSE["content"])))
    assert (response.body, response.headers) == (RESPONSE["content"], ())


def test_a_request_is_inflated_too() -> None:
    said = asked(headers=[[b"content-encoding", b"gzip"]], content=gzip.compress(REQUEST["content"], mtime=0))
    sent = captured(said).request
    assert sent is not None
    assert sent.body == REQUEST["content"]


@pytest.mark.parametrize(
    ("encoding", "content", "problem"),
    [
        (b"gzip, gzip", b"x", "compressed in layers 'gzip, gzip', where one of gzip, deflate, br, zstd can be read"),
        (b"compress", b"x", "compressed as 'compress', where one of gzip, deflate, br, zstd can be read"),
        (b"gzip", b"no gzip", "is not compressed as its content-encoding says"),
        (b"gzip", gzip.compress(bytes(65 << 20), 1, mtime=0), "larger than 64 MiB when it is inflated"),
    ],
    ids=["layers", "unknown", "broken", "bomb"],
)
def test_what_cannot_be_inflated_is_unreadable(encoding: bytes, content: bytes, problem: str) -> None:
    bad = answered(headers=[[b"content-encoding", encoding]], content=content)
    assert items(bad, flow())[0] == Unreadable(problem, "$[0].response.content")
    assert isinstance(items(bad, flow())[1], Captured)


def test_many_bombs_are_not_inflated() -> None:
    bomb = answered(headers=[[b"content-encoding", b"gzip"]], content=gzip.compress(bytes(1 << 20), mtime=0))
    raw = netstring(bomb) * 4
    reader = Reader(limit=len(raw))
    found = [item for at in range(0, len(raw), 1000) for item in reader.feed(raw[at : at + 1000])]
    assert [type(item) for item in found] == [Captured, Unreadable, Unreadable, Unreadable]
    assert found == Reader(limit=len(raw)).feed(raw)


def test_flows_that_are_as_large_as_they_look_always_have_room() -> None:
    packed = answered(headers=[[b"content-encoding", b"gzip"]], content=gzip.compress(ANSWER * 30, mtime=0))
    raw = netstring(packed) * 50
    assert [type(item) for item in Reader(limit=2 * len(netstring(packed))).feed(raw)] == [Captured] * 50


# ---- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        ({}, "https://api.openai.com/v1/chat/completions"),
        ({"port": 8443}, "https://api.openai.com:8443/v1/chat/completions"),
        ({"scheme": b"http", "port": 80, "headers": []}, "http://api.openai.com/v1/chat/completions"),
        ({"host": "192.0.2.7"}, "https://api.openai.com/v1/chat/completions"),
        ({"host": "192.0.2.7", "authority": b"a.example:9"}, "https://a.example:9/v1/chat/completions"),
        ({"host": "192.0.2.7", "headers": []}, "https://192.0.2.7/v1/chat/completions"),
        ({"host": "2001:db8::1", "headers": [], "port": 80}, "https://[2001:db8::1]:80/v1/chat/completions"),
        ({"host": "10.0.0.1", "headers": [], "port": None}, "https://10.0.0.1/v1/chat/completions"),
        ({"path": b"*"}, "https://api.openai.com"),
    ],
)
def test_urls_are_by_name_where_there_is_one(changes: dict[str, object], url: str) -> None:
    sent = captured(asked(**changes)).request
    assert sent is not None
    assert sent.url == url


# ---- other versions, other flows -------------------------------------------------------------------------------------


def in_bytes(value: object) -> object:
    """Return a flow as Python 2 wrote it: all names and texts are bytes."""
    match value:
        case dict():
            return {name.encode(): in_bytes(each) for name, each in value.items()}
        case list():
            return [in_bytes(each) for each in value]
        case str():
            return value.encode()
        case _:
            return value


def test_flows_of_python_2_are_read() -> None:
    request = {name: value for name, value in REQUEST.items() if name != "authority"}
    response = {name: value for name, value in RESPONSE.items() if name not in ("status_code", "reason")}
    old = {
        "version": [0, 11],
        "type": "http",
        "id": "a-flow",
        "request": {**request, "form_in": "relative", "httpversion": [1, 1]},
        "response": {**response, "code": 200, "msg": "OK", "httpversion": [1, 1]},
        "error": None,
    }
    assert captured(in_bytes(old)) == captured(flow())


def test_bodies_of_version_0_14_are_read() -> None:
    request = {name: value for name, value in REQUEST.items() if name != "content"} | {"body": REQUEST["content"]}
    response = {name: value for name, value in RESPONSE.items() if name != "content"} | {"body": RESPONSE["content"]}
    assert captured(flow(version=[0, 14], request=request, response=response)) == captured(flow())


def test_fields_of_versions_to_come_are_passed_over() -> None:
    assert captured(flow(version=99, novelty={"a": [1]})) == captured(flow())


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"type": "tcp", "id": "t", "messages": []}, "a TCP connection"),
        ({"type": "udp", "id": "t"}, "a UDP connection"),
        ({"type": "dns", "id": "t", "request": {"id": 1}}, "a DNS query"),
        ({"type": "websocket", "id": "t"}, "a WebSocket"),
        (flow(id="t", websocket={"messages": []}), "a WebSocket"),
        ({"type": "novelty", "id": "t"}, "a flow of another protocol"),
    ],
)
def test_what_is_no_http_is_passed_over(said: object, reason: str) -> None:
    assert items(said, flow()) == [Skipped(reason, "t"), captured(flow())]


def test_a_listing_of_models_is_passed_over() -> None:
    assert items(asked(method=b"GET", path=b"/v1/models", content=None)) == [
        Skipped("a list of models", "GET https://api.openai.com/v1/models")
    ]


# ---- what is broken --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "path", "problem"),
    [
        (["a", "list"], "$[0]", "expected a mapping, got a list"),
        (flow(request=None), "$[0].request", "missing"),
        (flow(request="x"), "$[0].request", "expected a mapping, got text"),
        (flow(id=7), "$[0].id", "expected text, got a number"),
        (answered(status_code=None), "$[0].response.status_code", "missing"),
        (answered(status_code="200"), "$[0].response.status_code", "expected a number, got text"),
        (answered(status_code=20000000), "$[0].response.status_code", "no status of HTTP: 2e+07"),
        (answered(headers=[[b"a", b"b", b"c"]]), "$[0].response.headers[0]", "no name and value of a header"),
        (answered(headers={"a": b"b"}), "$[0].response.headers", "expected a list, got a mapping"),
        (answered(content=[1]), "$[0].response.content", "expected bytes, got a list"),
        (asked(port=b"x"), "$[0].request.port", "expected a number, got bytes"),
        (flow(response=None, error="x"), "$[0].error", "expected a mapping, got text"),
    ],
)
def test_what_is_wrong_is_named_and_the_rest_goes_on(said: object, path: str, problem: str) -> None:
    assert items(said, flow()) == [Unreadable(problem, path), captured(flow())]


@pytest.mark.parametrize("name", sorted(flow()))
def test_null_anywhere_is_no_failure(name: str) -> None:
    (found,) = items(flow(**{name: None}))
    assert isinstance(found, Captured) == (name != "request")


@pytest.mark.parametrize("side", ["request", "response"])
def test_null_everywhere_is_no_failure(side: str) -> None:
    (found,) = items(flow(**{side: dict.fromkeys(REQUEST | RESPONSE)}))
    assert isinstance(found, (Captured, Skipped))


def test_after_garbage_nothing_is_found_and_what_came_before_is_kept() -> None:
    raw = netstring(flow())
    first, second, lost = read(raw * 2 + b"<garbage>" + raw * 2)
    assert first == second == captured(flow())
    assert isinstance(lost, Unreadable)
    assert lost.path == "$[2]"
    assert lost.problem == (
        f"no flow can be read at byte {2 * len(raw)}: no length stands there, and nothing after it can be found"
    )


def test_a_file_that_was_cut_off_keeps_what_is_whole() -> None:
    raw = netstring(flow())
    first, rest = read(raw + raw[:-5])
    assert isinstance(first, Captured)
    assert isinstance(rest, Unreadable)
    assert "the file ends in the middle of it" in rest.problem


def test_a_length_that_nobody_means_is_refused_at_once() -> None:
    reader = Reader()
    (refused,) = reader.feed(b"999999999999:")
    assert isinstance(refused, Unreadable)
    assert "999999999999 bytes, larger than 256 MiB, and a flow has to be held whole" in refused.problem
    assert (reader.feed(bytes(1 << 20)), reader.close()) == ([], [])


@given(st.integers(0, len(FILE) - 1), st.binary(max_size=8))
def test_damaged_files_are_no_fault_of_ours(at: int, damage: bytes) -> None:
    raw = FILE[:at] + damage + FILE[at + len(damage) :]
    assert read(raw, "mitmproxy") == read_in_pieces(raw, 997, "mitmproxy")


@given(st.binary(max_size=300))
def test_bytes_at_random_are_no_fault_of_ours(raw: bytes) -> None:
    assert all(isinstance(item, (Unreadable, Skipped)) for item in read(raw, "mitmproxy"))
