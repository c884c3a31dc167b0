"""HAR: what is written is what is read, and what browsers and proxies are known to write."""

from __future__ import annotations

import gzip
import json
import random
from base64 import b64encode, encodebytes
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dragoman.schemas.captures import Captured, Item, Received, Sent, Skipped, Unreadable, find_format
from dragoman.schemas.captures.har_writing import NO_PLACE
from dragoman.schemas.captures.sniffing import HEAD, sniff
from tests.schemas.captures.samples import EXCHANGES, comparable, read, read_in_pieces, written

ASKED = '{"model":"m","messages":[{"role":"user","content":"Hi ä 💙"}]}'
ANSWERED = '{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[]}'
# What HAR 1.2 requires of its objects.
REQUIRED = {
    "log": {"version", "creator", "entries"},
    "creator": {"name", "version"},
    "entry": {"startedDateTime", "time", "request", "response", "cache", "timings"},
    "request": {"method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"},
    "response": {
        *("status", "statusText", "httpVersion", "cookies", "headers", "content", "redirectURL"),
        *("headersSize", "bodySize"),
    },
    "content": {"size", "mimeType"},
    "timings": {"send", "wait", "receive"},
}


def entry(*, request: dict[str, Any] | None = None, response: Any = (), **more: Any) -> dict[str, Any]:
    asked = {
        "method": "POST",
        "url": "https://api.openai.com/v1/chat/completions",
        "headers": [{"name": "Content-Type", "value": "application/json"}],
        "postData": {"mimeType": "application/json", "text": ASKED},
    }
    answered = answer(**dict(response)) if isinstance(response, dict | tuple) else response
    return {"startedDateTime": "2026-01-02T03:04:05.678Z", "request": asked | (request or {}), **more} | (
        {} if answered is None else {"response": answered}
    )


def answer(**more: Any) -> dict[str, Any]:
    headers = [{"name": "content-type", "value": "application/json"}]
    return {"status": 200, "headers": headers, "content": {"text": ANSWERED}, **more}


def har(*entries: Any) -> bytes:
    return json.dumps({"log": {"version": "1.2", "entries": entries}}).encode()


def only(raw: bytes) -> Captured:
    (item,) = read(raw, "har")
    assert isinstance(item, Captured), item
    return item


def sent(captured: Captured) -> Sent:
    assert captured.request is not None
    return captured.request


def received(captured: Captured) -> Received:
    assert captured.response is not None
    return captured.response


def unreadable(*items: Item) -> list[tuple[str, str]]:
    return [(item.path, item.problem) for item in items if isinstance(item, Unreadable)]


# ---- shapes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("raw", [har(entry()), json.dumps([entry()]).encode(), json.dumps(entry()).encode()])
def test_a_har_a_list_and_an_entry_are_one(raw: bytes) -> None:
    assert (sent(only(raw)).body.decode(), received(only(raw)).body.decode()) == (ASKED, ANSWERED)


@pytest.mark.parametrize("line", [har(entry()), json.dumps(entry()).encode()])
def test_lines_are_numbered(line: bytes) -> None:
    found = read(line + b"\n" + line + b"\n")
    assert [item.line for item in found if isinstance(item, Captured)] == [1, 2]


def test_a_list_of_hars_is_read() -> None:
    assert len(read(b"[" + har(entry()) + b"," + har(entry(), entry()) + b"]")) == 3


def test_a_byte_order_mark_is_passed_over() -> None:
    assert only(b"\xef\xbb\xbf" + har(entry())) == only(har(entry()))


@pytest.mark.parametrize(
    "top", [b'"startedDateTime":"2026","time":1', b'"_priority":"High","cache":{},"connection":"443"']
)
def test_an_entry_alone_is_known_by_its_beginning(top: bytes) -> None:
    assert sniff(b"{" + top + b',"request":{"postData":{"text":"' + b"x" * HEAD) == "har"


def test_an_empty_har_holds_nothing() -> None:
    assert read(har()) == []


# ---- bodies ----------------------------------------------------------------------------------------------------------


def test_base64_is_undone() -> None:
    content = {"text": b64encode(ANSWERED.encode()).decode(), "encoding": "base64"}
    assert received(only(har(entry(response={"content": content})))).body.decode() == ANSWERED


def test_what_is_inflated_is_not_inflated_again() -> None:
    headers = [["Content-Encoding", "gzip"], ["Content-Length", "3"], ["Transfer-Encoding", "chunked"], ["X", "1"]]
    found = received(only(har(entry(response={"headers": headers}))))
    assert (found.body.decode(), found.headers) == (ANSWERED, (("X", "1"),))


def test_what_a_tool_left_compressed_is_inflated() -> None:
    content = {"text": b64encode(gzip.compress(ANSWERED.encode(), mtime=0)).decode(), "encoding": "base64"}
    headers = {"content-encoding": "gzip"}
    assert received(only(har(entry(response={"headers": headers, "content": content})))).body.decode() == ANSWERED


def test_a_bomb_is_not_inflated() -> None:
    content = {"text": b64encode(gzip.compress(bytes(65 << 20), mtime=0)).decode(), "encoding": "base64"}
    bomb = entry(response={"headers": {"content-encoding": "gzip"}, "content": content})
    problem = "larger than 64 MiB when it is inflated"
    assert unreadable(*read(har(bomb))) == [("$.log.entries[0].response.content.text", problem)]


def test_after_four_bombs_nothing_more_is_inflated() -> None:
    content = {"text": b64encode(gzip.compress(bytes(65 << 20), mtime=0)).decode(), "encoding": "base64"}
    bomb = entry(response={"headers": {"content-encoding": "gzip"}, "content": content})
    found = read(har(*[bomb] * 5))
    problem = "all that is compressed is larger than 256 MiB: one entry a line can be of any number"
    assert unreadable(*found)[4] == ("$.log.entries[4].response.content.text", problem)
    assert len(found) == 5


@pytest.mark.parametrize("text", [ANSWERED, "data: {}\n\n", "Zm9v.", "ä"])
def test_text_that_is_called_base64_and_is_none_is_text(text: str) -> None:
    """Firefox did so, for years."""
    content = {"text": text, "encoding": "base64"}
    assert received(only(har(entry(response={"content": content})))).body.decode() == text


@pytest.mark.parametrize("encoding", ["base64", "BASE64"])
def test_base64_may_stand_in_lines(encoding: str) -> None:
    content = {"text": encodebytes(ANSWERED.encode() * 9).decode(), "encoding": encoding}
    assert received(only(har(entry(response={"content": content})))).body.decode() == ANSWERED * 9


def test_what_is_no_base64_is_told() -> None:
    raw = har(entry(response={"content": {"text": "a", "encoding": "base64"}}))
    assert unreadable(*read(raw)) == [("$.log.entries[0].response.content.text", "not base64")]


def test_a_form_is_put_together() -> None:
    posted = {"params": [{"name": "a b", "value": "ä"}, {"name": "c", "value": None}, {"name": "d", "value": 1}]}
    raw = har(entry(request={"postData": posted}))
    reader = find_format("har").reader()
    (item,) = [*reader.feed(raw), *reader.close()]
    assert isinstance(item, Captured)
    assert sent(item).body == b"a+b=%C3%A4&c=&d=1"


def test_a_request_that_is_no_text_is_read() -> None:
    content = {"text": b64encode(ASKED.encode()).decode(), "encoding": "base64", "size": 3}
    assert sent(only(har(entry(request={"postData": None, "_content": content})))).body.decode() == ASKED


def test_half_of_a_letter_ends_one_body_alone() -> None:
    raw = har(entry(), entry()).replace(b"Hi", b"\\ud83d", 1)
    first, second = read(raw)
    assert isinstance(first, Captured)
    assert (b"?" in sent(first).body, isinstance(second, Captured)) == (True, True)


@pytest.mark.parametrize("content", [None, {}, {"size": 0}, {"size": 0, "text": None}, {"size": -1, "text": ""}])
def test_a_response_may_have_no_body(content: Any) -> None:
    found = received(only(har(entry(response={"content": content}))))
    assert (found.body, found.kind, found.is_cut) == (b"", "", False)


def test_a_body_that_was_not_saved_is_told() -> None:
    assert received(only(har(entry(response={"content": {"size": 9}})))).is_cut


# ---- headers and the rest --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        [{"name": "X-A", "value": "1"}, {"name": "X-B", "value": "two"}],
        [["X-A", 1], ["X-B", "two"]],
        {"X-A": "1", "X-B": "two"},
        [{"name": ":authority", "value": "x"}, {"name": "X-A", "value": 1}, ["X-B", " two "], ["alone"], ["", "x"]],
    ],
)
def test_headers_come_in_many_shapes(headers: Any) -> None:
    assert sent(only(har(entry(request={"headers": headers})))).headers == (("X-A", "1"), ("X-B", "two"))


def test_a_header_that_came_twice_is_two() -> None:
    found = only(har(entry(response={"headers": [{"name": "Vary", "value": "a\nb"}, {"name": "Via", "value": None}]})))
    assert received(found).headers == (("Vary", "a"), ("Vary", "b"), ("Via", ""))


def test_time_is_read() -> None:
    found = only(har(entry(time=12.5)))
    assert (found.started, found.elapsed) == ("2026-01-02T03:04:05.678Z", 12.5)


@pytest.mark.parametrize("more", [{"time": 0}, {"time": -1}, {"time": None}, {"startedDateTime": 5}, {"timings": None}])
def test_time_may_be_missing(more: dict[str, Any]) -> None:
    assert only(har(entry(**more))).elapsed is None


def test_gemini_is_known_by_its_address() -> None:
    url = (
        "https://generativelanguage.googleapis.com/v1beta/models/gemini-x:streamGenerateContent?alt=sse&key=AIza123456"
    )
    found = only(har(entry(request={"url": url})))
    assert (found.dialect, found.model, found.streams) == ("gemini", "gemini-x", True)
    assert "AIza" not in str(found)


def test_fields_of_other_tools_may_have_our_names() -> None:
    found = only(har(entry(_id={"$oid": "1"}, _model=[], _streams="yes", _dialect=5, _pace="slow", _wasAborted=[])))
    assert (found.id, found.model, found.streams, found.dialect) == ("", None, None, "openai-chat")


@pytest.mark.parametrize(
    ("response", "more", "fault"),
    [
        ({"status": 0, "_error": "net::ERR_FAILED"}, {}, "net::ERR_FAILED"),
        ({"status": -1, "_failureText": "net::ERR_ABORTED"}, {}, "net::ERR_ABORTED"),
        ({"status": -1}, {"_wasAborted": True}, "aborted"),
        ({"status": None, "statusText": "Blocked"}, {}, "Blocked"),
        ({"status": 0, "_error": None, "statusText": None}, {}, ""),
        (None, {}, ""),
    ],
)
def test_where_there_is_no_response_it_is_told_why(response: Any, more: dict[str, Any], fault: str) -> None:
    found = only(har(entry(response=response, **more)))
    assert (found.response, found.fault) == (None, fault)


@pytest.mark.parametrize(
    "more", [{"_error": "net::ERR_ABORTED"}, {"_failureText": "x"}, {"_charlesStatus": "EXCEPTION"}]
)
def test_a_response_that_broke_off_is_cut(more: dict[str, Any]) -> None:
    found = only(har(entry(response=more)))
    assert (received(found).is_cut, found.fault) == (True, "")


@pytest.mark.parametrize("more", [{"_error": None}, {"_charlesStatus": "COMPLETE"}, {"_error": {}}])
def test_a_response_that_did_not_break_off_is_whole(more: dict[str, Any]) -> None:
    assert not received(only(har(entry(response=more)))).is_cut


def test_what_is_no_question_to_a_model_is_skipped() -> None:
    picture = entry(request={"method": "GET", "url": "https://x.test/a.png", "postData": None})
    found = read(har(picture, entry()))
    assert [type(item) for item in found] == [Skipped, Captured]


# ---- what cannot be read ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("broken", "path", "problem"),
    [
        (None, "", "expected `object`, got `null`"),
        ({"request": None}, ".request", "expected `object`, got `null`"),
        (entry(request={"url": None}), ".request.url", "expected `str`, got `null`"),
        (entry(request={"headers": 5}), ".request.headers", "expected `object | array | null`, got `int`"),
        (entry(response={"status": "ok"}), ".response.status", "expected `float | null`, got `str`"),
        (entry(response={"status": 1e300}), ".response.status", "expected a status of HTTP, got 1e+300"),
        (entry(response={"content": []}), ".response.content", "expected `object | null`, got `array`"),
    ],
)
def test_a_broken_entry_is_named_and_the_rest_is_read(broken: Any, path: str, problem: str) -> None:
    found = read(har(entry(), broken, entry()))
    assert unreadable(*found) == [(f"$.log.entries[1]{path}", problem)]
    assert len(found) == 3


@pytest.mark.parametrize(
    ("raw", "path", "problem"),
    [
        (b'{"log":null}', "$.log", "expected `object`, got `null`"),
        (b'{"log":{"entries":null}}', "$.log.entries", "expected `array`, got `null`"),
        (b'{"log":{}}', "$.log", "object missing required field `entries`"),
        (b'[{"log":{"entries":[5]}},{"request":1}]', "$[0].log.entries[0]", "expected `object`, got `int`"),
        (b'[{"log":[]}]', "$[0].log", "expected `object`, got `array`"),
    ],
)
def test_a_broken_file_is_named(raw: bytes, path: str, problem: str) -> None:
    assert unreadable(*read(raw, "har"))[0] == (path, problem)


def test_a_file_that_ends_too_early_is_told() -> None:
    assert unreadable(*read(har(entry())[:-9], "har"))[0][1].startswith("not JSON: ")


def test_nesting_without_end_is_told() -> None:
    raw = b'{"log":{"entries":[' + b"[" * 200_000 + b"]" * 200_000 + b"]}}"
    assert unreadable(*read(raw)) == [("$", "nested too deeply")]


def test_a_number_out_of_range_is_told_beside_half_a_letter() -> None:
    raw = har(entry(time=1)).replace(b'"time": 1', b'"time": 1e400').replace(b"Hi", b"\\ud83d")
    assert unreadable(*read(raw)) == [("$", "not JSON: number out of range")]


def test_a_har_that_is_too_large_says_what_to_do() -> None:
    reader = find_format("har").reader(is_lines=False)
    piece = b" " * (1 << 24)
    for _ in range(17):
        assert reader.feed(piece) == []
    assert unreadable(*reader.close())[0][1] == (
        "larger than 256 MiB, and it has to be read whole: one a line can be of any number"
    )


@given(seed=st.integers(0, 1 << 32), count=st.integers(1, 9))
def test_hostile_bytes_never_raise(seed: int, count: int) -> None:
    dice = random.Random(seed)
    raw = bytearray(RICH)
    for _ in range(count):
        at = dice.randrange(len(raw))
        raw[at : at + dice.randrange(4)] = dice.choice(
            [b"null", b"{", b'"', b"\0", b"-1e99", b"\xff", b"[]", b"\\ud800"]
        )
    for item in read(bytes(raw), "har"):
        assert isinstance(item, Captured | Skipped | Unreadable)


@given(raw=st.binary(max_size=200))
def test_random_bytes_never_raise(raw: bytes) -> None:
    assert all(isinstance(item, Unreadable) for item in read(raw, "har"))


# ---- writing ---------------------------------------------------------------------------------------------------------

RICH = har(
    entry(
        time=900.5,
        timings={"blocked": 1, "dns": -1, "connect": None, "send": 2, "wait": 3.5, "receive": 9},
        _pace=[[1, 2], [3, 900]],
        _eventSourceMessages=[{"time": 1767323045.9, "eventName": "message", "eventId": "", "data": "x"}],
        _chunks=[{"ts": 5, "bytes": 3}],
        _id="i",
    ),
    entry(response={"status": 0, "_error": "x"}),
)


def test_exchanges_come_back_as_they_were() -> None:
    assert [comparable(item) for item in read(written("har"))] == [comparable(item) for item in EXCHANGES]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_file_may_be_cut_anywhere(size: int) -> None:
    raw = written("har")
    assert read_in_pieces(raw, size) == read(raw)


ODD = (
    Captured(dialect="openai-chat", request=Sent(body=b'{"messages":[]}')),
    Captured(dialect="gemini", model="g", streams=False, request=Sent(body=b'{"contents":[]}', url="/here?a=1&b=")),
    Captured(dialect="anthropic", response=Received(body=b'{"type":"message"}', kind="response", is_cut=True)),
    Captured(dialect="openai-chat", request=Sent(body=b'{"a":"\xff"}', url="http://h/v1/chat/completions")),
    Captured(dialect="openai-chat", request=Sent(body=b"{}"), response=Received(body=b"\x1f\x8b\xff", kind="response")),
    Captured(
        dialect="openai-chat",
        request=Sent(body=b"{}"),
        response=Received(
            body='data: "Ã¼"\n\n'.encode(), kind="stream", headers=(("content-type", "text/event-stream"),)
        ),
        streams=True,
    ),
)


@pytest.mark.parametrize("captured", ODD)
def test_what_har_has_no_place_for_comes_back_too(captured: Captured) -> None:
    assert read(written("har", (captured,)), "har") == [captured]


def test_what_is_written_is_a_har() -> None:
    log = json.loads(written("har", (*EXCHANGES, *ODD)))["log"]
    assert log.keys() >= REQUIRED["log"]
    assert log["creator"].keys() >= REQUIRED["creator"]
    for each in log["entries"]:
        assert each.keys() >= REQUIRED["entry"]
        for name in ("request", "response", "timings"):
            assert each[name].keys() >= REQUIRED[name]
        assert each["response"]["content"].keys() >= REQUIRED["content"]
        assert each["request"]["url"].startswith("http")


def test_names_of_ours_begin_with_an_underscore() -> None:
    for each in json.loads(written("har", (*EXCHANGES, *ODD)))["log"]["entries"]:
        assert {name for name in each if not name.startswith("_")} == REQUIRED["entry"]


def test_an_exchange_without_an_address_has_one_that_leads_nowhere() -> None:
    urls = [each["request"]["url"] for each in json.loads(written("har", ODD[:2]))["log"]["entries"]]
    assert urls == [f"{NO_PLACE}/", f"{NO_PLACE}/here?a=1&b="]


def test_the_query_is_listed() -> None:
    (each,) = json.loads(written("har", ODD[1:2]))["log"]["entries"]
    assert each["request"]["queryString"] == [{"name": "a", "value": "1"}, {"name": "b", "value": ""}]


def test_entries_are_written_as_they_come() -> None:
    writer = find_format("har").writer()
    pieces = [writer.feed(captured) for captured in EXCHANGES]
    assert all(len(each) == 1 and b'"startedDateTime"' in each[0] for each in pieces)
    assert b"startedDateTime" not in b"".join(writer.close())


def test_nothing_is_a_har_too() -> None:
    assert json.loads(written("har", ()))["log"]["entries"] == []
    assert read(written("har", ())) == []


@given(body=st.text().map(str.encode) | st.binary(), kind=st.sampled_from(["text/event-stream", "application/json"]))
def test_every_body_comes_back(body: bytes, kind: str) -> None:
    answer = Received(body=body, headers=(("content-type", kind),))
    captured = replace(EXCHANGES[0], request=replace(cast("Sent", EXCHANGES[0].request), body=body), response=answer)
    reader = find_format("har").reader()
    (found,) = [*reader.feed(written("har", (captured,))), *reader.close()]
    assert isinstance(found, Captured)
    assert (sent(found).body, received(found).body) == (body, body)
