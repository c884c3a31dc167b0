"""Whatever is in a file: no reader raises, none fills the memory, and no writer fails at what was read."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dragoman.schemas.captures import Bare, Captured, CaptureReader, Item, Received, Sent, Skipped, Unreadable
from dragoman.schemas.captures.content import json_body
from dragoman.schemas.captures.converting import convert_captured
from dragoman.schemas.captures.formats import Format, formats
from tests.schemas.captures.samples import EXCHANGES, read, written
from tests.schemas.captures.test_credentials import FILES

FORMATS = formats()
WRITING = [each for each in FORMATS if each.writes]
NULL: list[object] = [None, True, 0, -1.5, 10**30, "", "\0", [], {}, [[]], [None], {"": None}]
# What is put into the middle of a file.
SPICE = [
    b"\0",
    b"\xff",
    b'"',
    b"'",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\n",
    b"\r",
    b"null",
    b"\xed\xa0\x80",
    b"1e999",
]


def samples(format: Format) -> list[bytes]:  # noqa: A002
    """Return files of a format."""
    own = [written(format.name)] if format.writes else []
    found = [*own, *([FILES[format.name]] if format.name in FILES else [])]
    return found or [EXCHANGES[1].response.body if EXCHANGES[1].response else b""]


SAMPLES = [(each, raw) for each in FORMATS for raw in samples(each)]
DEEP = [b"[" * 100_000, b'{"a":' * 100_000, b"- " * 20_000, b"\xef\xbb\xbf" * 100_000, b"((" * 50_000, b"{{" * 20_000]
every = pytest.mark.parametrize("format", FORMATS, ids=lambda each: each.name)
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


def check(items: list[Item]) -> None:
    """Look at everything that was said: it can be shown, and a fault says what it is."""
    for item in items:
        match item:
            case Unreadable():
                assert item.problem
                assert item.path.isprintable() or item.path
            case Skipped():
                assert item.reason
            case Bare() | Captured():
                assert repr(item)


def checked(raw: bytes, format: Format) -> None:  # noqa: A002
    check(read(raw, format.name))
    check(read(raw))


# ---- bytes -----------------------------------------------------------------------------------------------------------


@every
@quick
@given(raw=st.binary(max_size=120))
def test_any_bytes_can_be_read(format: Format, raw: bytes) -> None:  # noqa: A002
    checked(raw, format)


@pytest.mark.parametrize(("format", "raw"), SAMPLES, ids=lambda value: getattr(value, "name", ""))
@quick
@given(data=st.data())
def test_a_file_with_a_fault_in_it_can_be_read(format: Format, raw: bytes, data: st.DataObject) -> None:  # noqa: A002
    at, size = data.draw(st.integers(0, len(raw))), data.draw(st.integers(0, 40))
    mutated = raw[:at] + data.draw(st.sampled_from(SPICE) | st.binary(max_size=8)) + raw[at + size :]
    checked(mutated, format)


@pytest.mark.parametrize(("format", "raw"), SAMPLES, ids=lambda value: getattr(value, "name", ""))
def test_a_file_may_end_anywhere(format: Format, raw: bytes) -> None:  # noqa: A002
    for end in range(0, len(raw), max(1, len(raw) // 60)):
        checked(raw[:end], format)


@every
@pytest.mark.parametrize("deep", DEEP)
def test_what_is_nested_too_deeply_is_no_crash(format: Format, deep: bytes) -> None:  # noqa: A002
    check(read(deep, format.name))


@every
def test_a_byte_order_mark_does_not_matter(format: Format) -> None:  # noqa: A002
    for raw in samples(format):
        if format.name == "mitmproxy":
            return  # its files are no text
        assert plain(read(b"\xef\xbb\xbf" + raw)) == plain(read(raw))


def plain(items: list[Item]) -> list[Item]:
    return [
        Bare(item.body.removeprefix(b"\xef\xbb\xbf"), item.line) if isinstance(item, Bare) else item for item in items
    ]


@pytest.mark.parametrize("format", [each for each in FORMATS if each.by_documents], ids=lambda each: each.name)
def test_lines_may_end_as_on_windows(format: Format) -> None:  # noqa: A002
    for raw in samples(format):
        windows = read(raw.replace(b"\n", b"\r\n"), format.name)
        assert [item for item in windows if not isinstance(item, Bare)] == [
            item for item in read(raw, format.name) if not isinstance(item, Bare)
        ]


# ---- values ----------------------------------------------------------------------------------------------------------


def changed(value: object, new: object) -> Iterator[object]:
    """Yield a document as often as it has values, each time with another one replaced."""
    yield new
    if isinstance(value, dict):
        for name, each in value.items():
            yield from ({**value, name: other} for other in changed(each, new))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from ([*value[:index], other, *value[index + 1 :]] for other in changed(each, new))


def documents(raw: bytes) -> list[object]:
    try:
        return [json.loads(raw)]
    except ValueError:
        return [json.loads(line) for line in raw.splitlines()[:2]] if raw.startswith(b"{") else []


@pytest.mark.parametrize("new", NULL, ids=repr)
@pytest.mark.parametrize(("format", "raw"), SAMPLES, ids=lambda value: getattr(value, "name", ""))
def test_any_value_may_stand_anywhere(format: Format, raw: bytes, new: object) -> None:  # noqa: A002
    for document in documents(raw):
        for odd in changed(document, new):
            check(read(json.dumps(odd).encode(), format.name))


def test_a_har_of_nulls_says_where_they_are() -> None:
    entry = {"startedDateTime": None, "request": None, "response": None, "timings": None, "cache": None}
    [item] = read(json.dumps({"log": {"entries": [entry]}}).encode())
    assert item == Unreadable("expected `object`, got `null`", "$.log.entries[0].request")


# ---- size ------------------------------------------------------------------------------------------------------------

BEGUN = {
    "bodies": b'{"a":"',
    "events": b"data: ",
    "recording": b'{"schema_version":1,"id":"',
    "har": b'{"log":{"entries":["',
    "vcr": b"interactions:\n- request: '",
    "mitmproxy": b"99999999999:",
    "curl": b"curl '",
}


@every
@pytest.mark.parametrize("begin", ["open", "lines"])
def test_a_line_without_an_end_fills_no_memory(format: Format, begin: str) -> None:  # noqa: A002
    """The pieces are one and the same object: what a reader holds of them is nothing, unless it copies."""
    reader, piece = CaptureReader(format.name, is_lines=begin == "lines"), b"x" * (4 << 20)
    tracemalloc.start()
    items = reader.feed(BEGUN.get(format.name, b'{"custom_id":"'))
    for _ in range(96):
        items += reader.feed(piece)
    items += reader.close()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [type(item) for item in items] == [Unreadable]
    assert peak < 100 << 20


@every
def test_many_small_entries_take_time_in_proportion(format: Format) -> None:  # noqa: A002
    lines = b"".join(sample if sample.endswith(b"\n") else sample + b"\n" for sample in samples(format))
    reader = CaptureReader(format.name)
    for at in range(0, len(lines), 3):
        reader.feed(lines[at : at + 3])
    assert reader.close() is not None


# ---- writing ---------------------------------------------------------------------------------------------------------

TEXTS = st.text(st.characters() | st.sampled_from("\ud83d\udc80\0\n'\"\\$`%!"), max_size=12)
HEADERS = st.lists(st.tuples(TEXTS, TEXTS), max_size=3).map(tuple)
BODIES = st.binary(max_size=20) | st.sampled_from([each.request.body for each in EXCHANGES if each.request])
SENT = st.builds(Sent, body=BODIES, method=TEXTS, url=TEXTS, headers=HEADERS)
PACE = st.lists(st.tuples(st.floats(), st.integers(-5, 99)), max_size=3).map(tuple)
RECEIVED = st.builds(
    Received,
    body=BODIES,
    status=st.integers(),
    headers=HEADERS,
    pace=PACE,
    kind=st.sampled_from(["", "response", "stream", "error"]),
    is_cut=st.booleans(),
)
CAPTURED = st.builds(
    Captured,
    request=st.none() | SENT,
    response=st.none() | RECEIVED,
    id=TEXTS,
    started=TEXTS,
    elapsed=st.none() | st.floats(),
    dialect=st.sampled_from(["", "openai-chat", "gemini", "anthropic"]),
    model=st.none() | TEXTS,
    streams=st.none() | st.booleans(),
    fault=TEXTS,
)


@pytest.mark.parametrize("format", WRITING, ids=lambda each: each.name)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(captured=CAPTURED)
def test_whatever_an_exchange_holds_can_be_written_and_read(format: Format, captured: Captured) -> None:  # noqa: A002
    check(read(written(format.name, (captured, captured)), format.name))


@pytest.mark.parametrize("format", WRITING, ids=lambda each: each.name)
def test_half_a_letter_and_an_absurd_status_are_written(format: Format) -> None:  # noqa: A002
    sent = EXCHANGES[0].request
    odd = Captured(request=sent, id="\ud83d", fault="\udc80", model="\ud83d", dialect="openai-chat")
    answered = Captured(response=Received(status=10**30, body=b"{}", kind="response"), id="\ud83d")
    assert written(format.name, (odd,))
    check(read(written(format.name, (odd, answered)), format.name))


@pytest.mark.parametrize("format", WRITING, ids=lambda each: each.name)
def test_a_body_nested_too_deeply_is_written_as_text(format: Format) -> None:  # noqa: A002
    deep = b"[" * 5_000 + b"]" * 5_000
    assert json_body(deep) is None
    for side in (Captured(request=Sent(body=deep)), Captured(response=Received(body=deep, kind="response"))):
        check(read(written(format.name, (side,)), format.name))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(captured=CAPTURED, target=st.sampled_from(["openai-chat", "anthropic", "gemini", "ollama", "openai-responses"]))
def test_whatever_an_exchange_holds_is_converted_or_refused(captured: Captured, target: str) -> None:
    found = convert_captured(captured, target=target)
    assert found.captured is not None or found.sides[-1].error is not None
