"""Law one: for every value of the IR and every dialect, decode(encode(value)) says the same, but for what losses name.

Fields that only the dialect itself knows are law three's: documents prove it, since a value that was made by hand may
hold them where the dialect has no object to put them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.schemas.ir import Error, Opaque, Part, Reasoning, Request, Response, Text, Wire
from dragoman.schemas.losses import Losses
from tests.laws.codec import Said, decoded, encoded, said_by
from tests.laws.excuses import unexcused
from tests.laws.passage import is_apart, judge_passage
from tests.laws.strategies import errors, requests, responses
from tests.laws.verdicts import judge
from tests.laws.wires.every import KINDS, NAMES, any_of


@pytest.mark.parametrize("name", NAMES)
@given(request=requests())
def test_request_comes_back_but_for_what_losses_name(name: str, request: Request) -> None:
    _judge_return(name, "request", request, None)


@pytest.mark.parametrize("name", NAMES)
@given(response=responses())
def test_response_comes_back_but_for_what_losses_name(name: str, response: Response) -> None:
    _judge_return(name, "response", response, None)


@pytest.mark.parametrize("name", NAMES)
@given(error=errors())
def test_error_comes_back_but_for_what_losses_name(name: str, error: Error) -> None:
    _judge_return(name, "error", error, error.status)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("source", NAMES)
@given(data=st.data())
def test_document_says_the_same_in_every_dialect_but_for_what_losses_name(
    source: str, kind: str, data: st.DataObject
) -> None:
    document = data.draw(any_of(source, kind))
    said = decoded(source, kind, document)
    for target in NAMES:
        judge_passage(source, target, kind, document, said)


def _judge_return(name: str, kind: str, said: Said, status: int | None) -> None:
    losses = Losses()
    wire = encoded(name, said, losses)
    heard = decoded(name, kind, wire, status)
    source, output = ([item for item in said_by(value) if not is_apart(item, name)] for value in (said, heard))
    complaints = unexcused(source, output, losses.found)
    judge(name, [*complaints, *_leaked(name, said, wire), *_thought_aloud(said, heard)], losses.found, wire=wire)


def _leaked(name: str, said: Said, wire: Wire) -> list[str]:
    """Find signatures and encrypted reasoning of other vendors anywhere in the document."""
    written = json.dumps(wire)
    opaques = [opaque for part in _parts(said) if isinstance(opaque := getattr(part, "signature", None), Opaque)]
    return [
        f"a signature of {opaque.dialect} is shown to {name}: {opaque.value}"
        for opaque in opaques
        if opaque.dialect != name and opaque.value in written
    ]


def _thought_aloud(said: Said, heard: Said) -> list[str]:
    """Find reasoning that has become words for everyone's eyes."""
    thoughts = [text for part in _parts(said) if isinstance(part, Reasoning) for text in (part.text, *part.summary)]
    words = "\n".join(part.text for part in _parts(heard) if isinstance(part, Text))
    return [f"reasoning has become visible text: {thought!r}" for thought in thoughts if thought and thought in words]


def _parts(said: Said) -> Iterable[Part]:
    holders: Sequence[object] = ()
    if isinstance(said, Request):
        holders = (*said.instructions, *said.messages)
    elif isinstance(said, Response):
        holders = said.candidates
    return [part for holder in holders for part in getattr(holder, "parts", ())]
