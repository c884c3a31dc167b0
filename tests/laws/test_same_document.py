"""Law two: a document that goes to the dialect it came from comes out equal; and read, written and read again, it says
the same, without any loss where it is in order.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.schemas import (
    convert_error,
    convert_request,
    convert_request_bytes,
    convert_response,
    convert_response_bytes,
)
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import write_json
from tests.laws.codec import decoded, encoded, losses_of, said_by
from tests.laws.excuses import unexcused
from tests.laws.verdicts import judge
from tests.laws.wires.every import KINDS, NAMES, any_of, in_order, old


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_document_in_order_says_the_same_after_the_codec_and_loses_nothing(
    name: str, kind: str, data: st.DataObject
) -> None:
    _judge_codec(name, kind, data.draw(in_order(name, kind)), may_lose=False)


@pytest.mark.parametrize("kind", ["request", "response"])
@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_old_document_says_the_same_after_the_codec_but_for_what_losses_name(
    name: str, kind: str, data: st.DataObject
) -> None:
    _judge_codec(name, kind, data.draw(old(name, kind)), may_lose=True)


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_document_comes_out_equal(name: str, data: st.DataObject) -> None:
    request, response, error = (data.draw(any_of(name, kind)) for kind in KINDS)
    assert convert_request(request, source=name, target=name).body == request
    assert convert_response(response, source=name, target=name).body == response
    assert convert_error(error, source=name, target=name, status=400).body == error


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_bytes_come_out_as_they_were(name: str, data: st.DataObject) -> None:
    request, response = (write_json(data.draw(in_order(name, kind))) for kind in ("request", "response"))
    assert convert_request_bytes(request, source=name, target=name).body == request
    assert convert_response_bytes(response, source=name, target=name).body == response


def _judge_codec(name: str, kind: str, wire: Wire, *, may_lose: bool) -> None:
    losses = losses_of(name, kind, wire)
    said = decoded(name, kind, wire)
    written = encoded(name, said, losses)
    heard = decoded(name, kind, written)
    complaints = unexcused(said_by(said), said_by(heard), losses.found)
    if losses.found and not may_lose:
        complaints.append(f"a document of {name} that is in order loses something on the way to {name}")
    documents: dict[str, JSON] = {"document": wire, "written": written}
    judge(f"{name} {kind}", complaints, losses.found, **documents)
