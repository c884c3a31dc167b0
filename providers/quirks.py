"""Named deviations of vendors: wire JSON → wire JSON, after the dialect's encoder.

A quirk is a function in the table `QUIRKS`; a catalog entry or a profile lists it by name, with an argument where it
takes one. What a quirk takes away that was asked for is a loss, like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from dragoman.providers.settings import QuirkUse
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.losses import Loss

__all__ = ["QUIRKS", "Quirk", "apply_quirks"]

Quirk = Callable[[Wire, JSON], tuple[Wire, list[Loss]]]
QUIRKS: Mapping[str, Quirk] = {}


def apply_quirks(uses: Sequence[QuirkUse], wire: Wire) -> tuple[Wire, tuple[Loss, ...]]:
    """Return the body as this vendor wants it, and what that lost. The body that is given stays as it is."""
    losses: list[Loss] = []
    for use in uses:
        wire, told = QUIRKS[use.name](wire, use.argument)
        losses += told
    return wire, tuple(losses)
