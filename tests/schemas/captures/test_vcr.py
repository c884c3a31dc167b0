"""Cassettes: what each recorder writes is read, what we write comes back, and a hostile file does no harm."""

from __future__ import annotations

import gzip
import json
import zlib
from base64 import b64encode

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dragoman.schemas.captures import Captured, Received, Sent, Unreadable
from tests.schemas.captures.cassettes import captured, items_of, problem
from tests.schemas.captures.samples import EXCHANGES, comparable, read, read_in_pieces, written

URL = "https://api.openai.com/v1/chat/completions"
BODY = '{"model":"m","messages":[{"role":"user","content":"ä"}]}'
ANSWER = b'{"choices":[]}'


def with_request(body: str) -> Sent:
    found = captured(f"interactions:\n- request:\n    method: POST\n    uri: {URL}\n{body}\n  response: null\n").request
    assert found is not None
    return found


def with_response(lines: str) -> Received:
    spaced = "".join(f"    {line}\n" for line in lines.splitlines())
    found = captured(f"interactions:\n- request: null\n  response:\n{spaced}").response
    assert found is not None
    return found


# ---- there and back --------------------------------------------------------------------------------------------------


def test_exchanges_come_back_as_they_were() -> None:
    found = read(written("vcr"))
    lines = [item.line for item in found if isinstance(item, Captured)]
    expected = [replace(exchange, line=line) for exchange, line in zip(EXCHANGES, lines, strict=True)]
    assert [comparable(item) for item in found] == [comparable(item) for item in expected]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_file_may_be_cut_anywhere(size: int) -> None:
    raw = written("vcr")
    assert read_in_pieces(raw, size) == read(raw)


def test_nothing_is_a_cassette_of_nothing() -> None:
    assert read(written("vcr", ())) == []


TEXTS = st.one_of(st.text(), st.text("ab \n\t'\"\\:#-|>%\r\x00\x7f\x85\u2028\ufeff"))


@given(body=st.one_of(st.binary(), TEXTS.map(lambda text: text.encode("utf-8", "replace"))), value=TEXTS, name=TEXTS)
def test_bytes_and_texts_of_any_kind_come_back(body: bytes, value: str, name: str) -> None:
    sent = Sent(body=body, url=value, method="PUT", headers=((name, value), (name, "x")))
    exchange = Captured(request=sent, response=Received(body=body, status=201, headers=((name, value),)), id=value)
    raw = written("vcr", (exchange,))
    assert raw.isascii()
    assert [replace(item, line=0) for item in items_of(raw) if isinstance(item, Captured)] == [exchange]


def test_every_text_means_the_same_to_another_reader() -> None:
    texts = ["", " a", "a ", "a\nb", "\n", " \n a\n\n", "yes", "1", "~", "- a", "# b", "ä\n", "\x85", "💙", "'", '"\\']
    exchanges = tuple(Captured(request=Sent(body=text.encode(), url="u")) for text in texts)
    said = yaml.safe_load(written("vcr", exchanges))
    assert [each["request"]["body"] for each in said["interactions"]] == texts


def test_half_of_a_surrogate_pair_becomes_a_question_mark() -> None:
    found = captured(written("vcr", (Captured(id="\ud83d", request=Sent(url="\ud83d")),)))
    assert (found.id, found.request) == ("?", Sent(url="?"))


def test_a_header_with_a_very_long_name_is_written() -> None:
    sent = Sent(headers=(("a" * 3000, "b"),))
    assert captured(written("vcr", (Captured(request=sent),))).request == sent


def test_headers_do_not_say_that_a_plain_body_is_compressed() -> None:
    headers = (("Content-Encoding", "gzip"), ("Content-Length", "9"), ("Transfer-Encoding", "chunked"), ("a", "b"))
    raw = written("vcr", (Captured(response=Received(body=ANSWER, headers=headers)),))
    found = captured(raw).response
    assert found is not None
    assert found.headers == (("Content-Length", str(len(ANSWER))), ("a", "b"))


def test_an_event_stream_can_be_read_by_a_person() -> None:
    body = b"data: {}\n\ndata: [DONE]\n\n"
    raw = written("vcr", (Captured(response=Received(body=body)),))
    assert b"string: |2+\n        data: {}\n\n        data: [DONE]\n\n" in raw


# ---- vcrpy -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "body"),
    [
        (f"'{BODY}'", BODY.encode()),
        ("null", b""),
        ("", b""),
        ("!!binary |\n      /wA=", b"\xff\x00"),
        ("!!python/unicode 'ä'", "ä".encode()),
        ("{model: m, n: 1.0, big: 123456789012345678901, no: null}", None),
        ("{string: text}", b"text"),
        ("{string: 12, file: no}", b"12"),
        ("{string: {string: a}}", b'{"string":"a"}'),
        ("{string: text, model: m}", b'{"string":"text","model":"m"}'),
        ("{}", b""),
        ("{base64_string: YWI=}", b"ab"),
        ("['a', !!binary Yv8=]", b"ab\xff"),
        ("[{a: 1}]", b'[{"a":1}]'),
        ("!!python/tuple [a, b]", b"ab"),
        ("12", b"12"),
        ("!!python/object/new:_io.BytesIO {state: !!python/tuple [!!binary YWI=, 0, null]}", b"ab"),
        ("!!python/object/new:_io.BytesIO {}", b""),
        ("!!python/object/apply:builtins.iter {args: [[a, b]], state: 0}", b"ab"),
        ("!!python/object/apply:builtins.iter {}", b""),
    ],
)
def test_a_body_is_read_as_what_it_is(said: str, body: bytes | None) -> None:
    expected = b'{"model":"m","n":1.0,"big":123456789012345678901,"no":null}' if body is None else body
    assert with_request(f"    body: {said}").body == expected


def test_a_parsed_body_is_said_as_json() -> None:
    assert json.loads(with_request("    parsed_body:\n      model: m\n      messages: []").body) == {
        "model": "m",
        "messages": [],
    }
    found = with_response("headers: {content-encoding: [gzip]}\nparsed_body: {choices: []}")
    assert found.body == ANSWER


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("yes", "true"),
        ("Off", "false"),
        ("~", "null"),
        ("-7", "-7"),
        ("1.5", "1.5"),
        ("1.0e-05", "0.00001"),
        ("1e5", '"1e5"'),
        ("010", '"010"'),
        ("2024-01-01", '"2024-01-01"'),
        ("12:30", '"12:30"'),
        ("'1'", '"1"'),
        ("! 1", '"1"'),
        ("!!str 1", '"1"'),
        ("!!int '1'", "1"),
        ("!!float '1'", "1.0"),
        ("!!bool 'no'", "false"),
        ("!!null ''", "null"),
        ("!ruby/symbol post", '"post"'),
        ("!ruby/hash:Any::Hash {a: 1}", '{"a":1}'),
        ("{1: a, ~: b, !!binary YQ==: c, 'x': d}", '{"1":"a","~":"b","a":"c","x":"d"}'),
    ],
)
def test_values_without_quotes_are_what_recorders_mean(said: str, value: str) -> None:
    assert json.loads(with_request(f"    parsed_body: {{v: {said}}}").body) == {"v": json.loads(value)}


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ("status: {code: 429, message: Too Many Requests}", 429),
        ("status: 404", 404),
        ("status: 500 Internal Server Error\ncode: 500", 500),
        ("status: OK\ncode: 201", 201),
        ("status_code: 403\ncontent: x\nhttp_version: HTTP/1.1", 403),
        ("status: null", 200),
    ],
)
def test_a_status_is_said_in_many_ways(lines: str, status: int) -> None:
    assert with_response(lines).status == status


def test_an_old_cassette_of_httpx_has_its_body_as_content() -> None:
    found = with_response("status_code: 200\nhttp_version: HTTP/1.1\nheaders: {Content-Type: text/plain}\ncontent: ä")
    assert (found.body, found.headers) == ("ä".encode(), (("Content-Type", "text/plain"),))


def test_values_of_headers_are_lists_texts_or_bytes() -> None:
    said = "headers: {a: [b, c], d: e, f: null, g: !!binary /w==, h: [[i], 1]}"
    pairs = [("a", "b"), ("a", "c"), ("d", "e"), ("g", "ÿ"), ("h", "i"), ("h", "1")]
    assert list(with_response(said).headers) == pairs


def test_sides_may_be_missing() -> None:
    found = captured(f"interactions:\n- request: {{uri: '{URL}', method: GET}}\n")
    assert (found.request, found.response) == (Sent(url=URL, method="GET"), None)
    assert captured("interactions:\n- response: {headers: null}\n").request is None


def test_repeated_values_are_read_where_aliases_stand_for_them() -> None:
    text = (
        "common: &headers {a: [b]}\ninteractions:\n- request: {headers: *headers, body: &it [a, b]}\n"
        "- request: {headers: *headers, body: *it}\n"
    )
    first, second = items_of(text)
    assert isinstance(first, Captured)
    assert isinstance(second, Captured)
    assert first.request == second.request == Sent(headers=(("a", "b"),), body=b"ab")


# ---- others ----------------------------------------------------------------------------------------------------------

RUBY = f"""---
http_interactions:
- request:
    method: post
    uri: {URL}
    body:
      encoding: UTF-8
      string: '{BODY}'
    headers:
      Content-Type:
      - application/json
  response:
    status:
      code: 200
      message: OK
    headers: !ruby/hash:Faraday::Utils::Headers
      content-type:
      - application/json
    body:
      encoding: ASCII-8BIT
      string: !binary |-
        {b64encode(ANSWER).decode()}
    http_version: '1.1'
    adapter_metadata: {{}}
  recorded_at: Tue, 19 Nov 2024 10:14:20 GMT
recorded_with: VCR 6.2.0
"""


def test_a_cassette_of_ruby_is_read() -> None:
    found = captured(RUBY)
    assert found.request is not None
    assert found.response is not None
    assert (found.request.method, found.request.body) == ("POST", BODY.encode())
    assert (found.response.body, found.response.headers) == (ANSWER, (("content-type", "application/json"),))
    assert found.started == "2024-11-19T10:14:20+00:00"
    assert [type(item) for item in read(RUBY.encode())] == [Captured]


def test_a_text_that_was_no_utf_8_is_what_it_was() -> None:
    assert with_response("body: {encoding: ISO-8859-1, string: ä}").body == b"\xe4"
    assert with_response("body: {encoding: ISO-8859-1, string: €}").body == "€".encode()
    assert with_response("body: {encoding: UTF-8}").body == b""


def test_exact_bytes_of_ruby_are_base64() -> None:
    assert with_response('body: {encoding: UTF-8, base64_string: "/\\nwA="}').body == b"\xff\x00"


def test_a_time_that_is_none_is_left_out() -> None:
    assert captured("http_interactions:\n- recorded_at: yesterday\n").started == ""
    assert captured("http_interactions:\n- recorded_at: '2026-01-02T03:04:05'\n").started == "2026-01-02T03:04:05"


def test_a_cassette_of_go_is_read() -> None:
    found = captured(
        f"version: 2\ninteractions:\n  - id: 7\n    request:\n      url: {URL}\n      method: POST\n"
        f"      body: '{BODY}'\n"
        "      headers: {Content-Type: [application/json]}\n      form: {}\n    response:\n      body: '{}'\n"
        "      status: 200 OK\n      code: 200\n      duration: 1.2ms\n"
    )
    assert found.request == Sent(url=URL, body=BODY.encode(), headers=(("Content-Type", "application/json"),))
    assert (found.id, found.response) == ("7", Received(body=b"{}"))


@pytest.mark.parametrize("name", ["interactions", "http_interactions"])
def test_a_cassette_may_be_json(name: str) -> None:
    entry = {"request": {"method": "POST", "uri": URL, "body": BODY}, "response": {"body": {"string": "{}"}}}
    found = read(b"\xef\xbb\xbf" + json.dumps({name: [entry], "version": 1}, indent=4).encode())
    assert [item.request.body for item in found if isinstance(item, Captured) and item.request] == [BODY.encode()]
    assert len(items_of(json.dumps([{name: [entry]}, {name: [entry]}]))) == 2


# ---- compressed ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Content-Encoding", "content-encoding", "CONTENT-ENCODING"])
@pytest.mark.parametrize(
    ("encoding", "packed"), [("gzip", gzip.compress(ANSWER, mtime=0)), ("deflate", zlib.compress(ANSWER))]
)
def test_a_compressed_body_is_inflated(name: str, encoding: str, packed: bytes) -> None:
    found = with_response(f"headers: {{{name}: [{encoding}]}}\nbody: {{string: !!binary {b64encode(packed).decode()}}}")
    assert found.body == ANSWER


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, br"])
def test_a_body_that_is_plain_already_is_not_inflated_again(encoding: str) -> None:
    found = with_response(f"headers: {{content-encoding: ['{encoding}']}}\nbody: {{string: '{ANSWER.decode()}'}}")
    assert found.body == ANSWER


def test_what_cannot_be_inflated_is_named() -> None:
    packed = b64encode(gzip.compress(ANSWER, mtime=0)[:-9]).decode()
    text = f"headers: {{content-encoding: [gzip]}}, body: {{string: !!binary {packed}}}"
    found = problem(f"interactions:\n- response: {{{text}}}\n")
    assert found == Unreadable("ends in the middle of what is compressed", "$.interactions[0].response.body", 2)


def packed_response(body: bytes) -> str:
    packed = b64encode(gzip.compress(body, mtime=0)).decode()
    return f"- response: {{headers: {{content-encoding: [gzip]}}, body: {{string: !!binary {packed}}}}}\n"


def test_a_bomb_is_refused() -> None:
    found = problem("interactions:\n" + packed_response(bytes(65 << 20)))
    assert found == Unreadable("larger than 64 MiB when it is inflated", "$.interactions[0].response.body", 2)


def test_after_four_bombs_nothing_more_is_inflated() -> None:
    found = items_of("interactions:\n" + packed_response(bytes(65 << 20)) * 5 + packed_response(b""))
    problem = "all that is compressed is larger than 256 MiB: cut it into several cassettes"
    assert found[4:] == [Unreadable(problem, f"$.interactions[{at}].response.body", 2 + at) for at in (4, 5)]
