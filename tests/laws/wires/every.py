"""Every dialect's documents, by name; and those of one kind, to be drawn from."""

from __future__ import annotations

from importlib import import_module
from typing import Final, cast

from hypothesis import strategies as st

from dragoman.schemas import dialects
from dragoman.schemas.ir import Wire
from tests.laws.wires.grammar import Documents

__all__ = ["DOCUMENTS", "KINDS", "NAMES", "any_of", "in_order", "old"]

NAMES: Final = tuple(dialect.name for dialect in dialects())
KINDS: Final = ("request", "response", "error")
DOCUMENTS: Final[dict[str, Documents]] = {
    name: cast(Documents, import_module(f"tests.laws.wires.{name.replace('-', '_')}").DOCUMENTS) for name in NAMES
}


def in_order(name: str, kind: str) -> st.SearchStrategy[Wire]:
    """Return documents as programs send them today, with fields that nobody knows."""
    return cast("st.SearchStrategy[Wire]", getattr(DOCUMENTS[name], f"{kind}s"))


def old(name: str, kind: str) -> st.SearchStrategy[Wire]:
    """Return documents in older and odder shapes."""
    return cast("st.SearchStrategy[Wire]", getattr(DOCUMENTS[name], f"old_{kind}s"))


def any_of(name: str, kind: str) -> st.SearchStrategy[Wire]:
    return in_order(name, kind) if kind == "error" else in_order(name, kind) | old(name, kind)
