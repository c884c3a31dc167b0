"""What is dropped or approximated is named by a path that leads somewhere in the source document.

Gemini's two spellings of a field count as one. What is made up has no place in the source: its path says where it
would be.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.schemas.ir import JSON
from dragoman.schemas.losses import path_of
from tests.laws.codec import decoded, encoded, losses_of, spelling
from tests.laws.verdicts import judge
from tests.laws.wires.every import KINDS, NAMES, any_of
from tests.laws.wires.grammar import values_at


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("source", NAMES)
@given(data=st.data())
def test_path_of_a_loss_leads_somewhere(source: str, kind: str, data: st.DataObject) -> None:
    document: JSON = data.draw(any_of(source, kind))
    places = {spelling(path_of(at)) for at, _ in values_at(document)}
    said = decoded(source, kind, document)
    for target in NAMES:
        losses = losses_of(source, kind, document)
        encoded(target, said, losses)
        lost = [loss for loss in losses.found if loss.action != "synthesized"]
        complaints = [f"{loss.path} is nowhere in the source" for loss in lost if spelling(loss.path) not in places]
        judge(f"{source} → {target}, {kind}", complaints, lost, document=document)
