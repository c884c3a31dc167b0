"""Law six: no input crashes. Whatever comes in, there is a conversion that can be written as JSON, or an error of ours
that says where; soon, too.
"""

from __future__ import annotations

import contextlib
import copy
import json
import time
from collections.abc import Callable, Iterator
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.schemas import (
    Converted,
    convert_error,
    convert_error_bytes,
    convert_request,
    convert_request_bytes,
    convert_response,
    convert_response_bytes,
    detect,
)
from dragoman.schemas.errors import InvalidInput
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import read_json, write_json
from tests.laws.wires.every import KINDS, NAMES, any_of, in_order
from tests.laws.wires.grammar import replaced, twisted, values_at

_CONVERT: Final[dict[str, Callable[..., Converted[Wire]]]] = {
    "request": convert_request,
    "response": convert_response,
    "error": convert_error,
}
_CONVERT_BYTES: Final[dict[str, Callable[..., Converted[bytes]]]] = {
    "request": convert_request_bytes,
    "response": convert_response_bytes,
    "error": convert_error_bytes,
}
_SECONDS: Final = 5  # far more than any of these documents needs, on any machine
_DEEP: Final = 10_000
_SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9)
)
_KEYS = st.sampled_from(
    (
        "role",
        "content",
        "messages",
        "input",
        "contents",
        "parts",
        "text",
        "type",
        "output",
        "candidates",
        "error",
        "tools",
    )
)


def _held(inner: st.SearchStrategy[JSON]) -> st.SearchStrategy[JSON]:
    return st.lists(inner, max_size=3) | st.dictionaries(_KEYS | st.text(max_size=3), inner, max_size=4)


_ANY: Final[st.SearchStrategy[JSON]] = st.recursive(_SCALARS, _held, max_leaves=12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("source", NAMES)
@given(data=st.data())
def test_document_with_wrong_types_is_converted_or_refused(source: str, kind: str, data: st.DataObject) -> None:
    _try_everything(kind, data.draw(twisted(any_of(source, kind))), source)


@pytest.mark.parametrize("source", NAMES)
@given(document=_ANY)
def test_arbitrary_json_is_converted_or_refused(source: str, document: JSON) -> None:
    for kind in KINDS:
        _try_everything(kind, document, source)


@pytest.mark.parametrize("source", NAMES)
@given(data=st.data())
def test_value_nested_ten_thousand_deep_is_converted_or_refused(source: str, data: st.DataObject) -> None:
    kind, key = data.draw(st.sampled_from(KINDS)), data.draw(st.sampled_from((None, "content", "properties", "x")))
    document: JSON = copy.deepcopy(data.draw(any_of(source, kind)))
    at = data.draw(st.sampled_from([at for at, _ in values_at(document)]))
    _try_everything(kind, replaced(document, at, _nested(key)), source)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("source", NAMES)
@given(data=st.data())
def test_truncated_bytes_are_refused(source: str, kind: str, data: st.DataObject) -> None:
    raw = json.dumps(data.draw(in_order(source, kind)), ensure_ascii=False).encode()
    cut = raw[: data.draw(st.integers(0, len(raw) - 1))]
    with _patience():
        detect(cut)
    with pytest.raises(InvalidInput):
        _CONVERT_BYTES[kind](cut, source=source, target="openai-chat")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe{}",
        b'{"a": NaN}',
        b'{"messages": 1e999}',
        b"1" * 5000,
        b'{"model": "a", "model": "b", "messages": [], "messages": [], "contents": [], "input": []}',
        b'{"model": "\\ud83d", "messages": [{"role": "user", "content": "\\udc00"}], "input": "\\ud83d"}',
        b'{"contents": [{"parts": [{"text": "\\ud83d"}]}], "error": {"message": "\\ud83d"}}',
        b'{"messages": [{"role": "user", "content": "\xed\xa0\xbd"}]}',
        b'{"temperature": ' + b"9" * 4000 + b', "messages": [], "input": [], "contents": []}',
    ],
    ids=repr,
)
@pytest.mark.parametrize("kind", KINDS)
def test_odd_bytes_are_converted_or_refused(kind: str, raw: bytes) -> None:
    _try_bytes(kind, raw)


@pytest.mark.parametrize("opening", ["[", '{"content":', '{"role":"user","content":[', '{"parts":[{"text":'])
@pytest.mark.parametrize("holder", ["%s", '{"messages":[%s]}', '{"input":[%s]}', '{"contents":[%s],"error":%s}'])
def test_bytes_nested_ten_thousand_deep_are_converted_or_refused(holder: str, opening: str) -> None:
    closing = "".join("]" if sign == "[" else "}" for sign in reversed(opening) if sign in "[{")
    for kind in KINDS:
        _try_bytes(kind, holder.replace("%s", opening * _DEEP + "0" + closing * _DEEP).encode())


# ------------------------------------------------------------------------------------------------------- what is tried
def _try_everything(kind: str, document: JSON, source: str) -> None:
    """Convert a document into every dialect."""
    for target in NAMES:
        with _patience():
            write_json(_CONVERT[kind](document, source=source, target=target).body)
    with _patience():
        assert detect(document).dialect in NAMES


def _try_bytes(kind: str, raw: bytes) -> None:
    for source in NAMES:
        for target in NAMES:
            with _patience():
                read_json(_CONVERT_BYTES[kind](raw, source=source, target=target).body)
    with _patience():
        detect(raw)


@contextlib.contextmanager
def _patience() -> Iterator[None]:
    """Let nothing through but InvalidInput that names a place, and nothing that takes long."""
    start = time.process_time()
    path = "$"
    try:
        yield
    except InvalidInput as error:
        path = error.path
    assert path.startswith("$")
    assert time.process_time() - start < _SECONDS


def _nested(key: str | None) -> JSON:
    value: JSON = 0
    for _ in range(_DEEP):
        value = [value] if key is None else {key: value}
    return value
