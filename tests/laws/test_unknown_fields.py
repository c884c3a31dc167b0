"""Law three: a field that only its own dialect knows is a loss for every other one, or stands in what comes out.

Fields that nobody knows are put at any depth of a document; each must be named by a loss at its place or around it, or
be found in the result (as part of a schema, of arguments, of metadata).
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.schemas.ir import JSON, At, Wire
from dragoman.schemas.losses import Loss, path_of
from tests.laws.codec import decoded, encoded, losses_of, spelling
from tests.laws.verdicts import judge
from tests.laws.wires.every import KINDS, NAMES, any_of
from tests.laws.wires.grammar import values_at


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("source", NAMES)
@given(data=st.data())
def test_unknown_field_is_reported_or_carried(source: str, kind: str, data: st.DataObject) -> None:
    document = data.draw(any_of(source, kind))
    for target in NAMES:
        if target != source:
            _judge_fields(source, target, kind, document)


def _judge_fields(source: str, target: str, kind: str, document: Wire) -> None:
    said = decoded(source, kind, document)
    losses = losses_of(source, kind, document)
    written = encoded(target, said, losses)
    body = json.dumps(written, ensure_ascii=False)
    complaints = [
        f"an unknown field vanishes: {path_of(at)}"
        for at in _unknown(document)
        if f'"{at[-1]}"' not in body
        and f'\\"{at[-1]}\\"' not in body
        and not any(_names(loss, at) for loss in losses.found)
    ]
    judge(f"{source} → {target}, {kind}", complaints, losses.found, document=document, written=written)


def _unknown(document: JSON) -> list[At]:
    return [
        at for at, value in values_at(document) if at and str(at[-1]).startswith("x_unknown_") and value is not None
    ]


def _names(loss: Loss, at: At) -> bool:
    """Tell whether a loss stands at this place or around it; one of the whole document must say of what."""
    if loss.path == "$":
        return loss.feature in at or any(str(step) in loss.reason for step in at)
    return spelling(loss.path) in [spelling(path_of(at[:length])) for length in range(1, len(at) + 1)]
