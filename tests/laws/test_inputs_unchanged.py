"""What is given to a conversion is never changed, whatever becomes of it."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.schemas import Converted, convert_error, convert_request, convert_response, detect
from dragoman.schemas.errors import DragomanError
from dragoman.schemas.ir import JSON, Request, Response, Wire
from dragoman.schemas.losses import Losses
from tests.laws.codec import encoded
from tests.laws.strategies import requests, responses
from tests.laws.wires.every import KINDS, NAMES, any_of
from tests.laws.wires.grammar import twisted

_CONVERT: Final[dict[str, Callable[..., Converted[Wire]]]] = {
    "request": convert_request,
    "response": convert_response,
    "error": convert_error,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("source", NAMES)
@given(data=st.data())
def test_document_is_as_it_was_after_every_conversion(source: str, kind: str, data: st.DataObject) -> None:
    document: JSON = data.draw(any_of(source, kind) | twisted(any_of(source, kind)))
    before = copy.deepcopy(document)
    for target in NAMES:
        _convert(kind, document, source, target)
        assert document == before, f"{source} → {target} changes the {kind} that it was given"


def _convert(kind: str, document: JSON, source: str, target: str) -> None:
    with contextlib.suppress(DragomanError):
        _CONVERT[kind](document, source=source, target=target)
    with contextlib.suppress(DragomanError):
        detect(document)


@pytest.mark.parametrize("target", NAMES)
@given(data=st.data())
def test_request_that_an_answer_belongs_to_is_as_it_was(target: str, data: st.DataObject) -> None:
    source = data.draw(st.sampled_from(NAMES))
    request, response = data.draw(any_of(target, "request")), data.draw(any_of(source, "response"))
    before = copy.deepcopy(request)
    convert_response(response, source=source, target=target, request=request)
    assert request == before


@pytest.mark.parametrize("target", NAMES)
@given(said=requests() | responses())
def test_value_is_as_it_was_after_it_was_encoded(target: str, said: Request | Response) -> None:
    before = repr(said)
    encoded(target, said, Losses())
    assert repr(said) == before
