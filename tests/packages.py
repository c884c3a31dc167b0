"""Packages of others, as an installer leaves them: a module on the path, and entry points that name what is in it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from dragoman.providers import catalog
from dragoman.schemas import dialects, find, plugins

__all__ = ["installed", "write_package"]


def write_package(folder: Path, name: str, source: str, points: Mapping[str, Mapping[str, str]]) -> None:
    """Write a package of one module. `points`: group → name → "module:attribute"."""
    (folder / f"{name}.py").write_text(source)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [line for group, said in points.items() for line in (f"[{group}]", *map(" = ".join, said.items()))]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")


@contextmanager
def installed(folder: Path) -> Iterator[Path]:
    """Let packages of a folder be there, and nothing of them stay."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        _forget()
        try:
            yield folder
        finally:
            for file in folder.glob("*.py"):
                sys.modules.pop(file.stem, None)
    _forget()


def _forget() -> None:
    plugins.forget()
    dialects.cache_clear()
    find.cache_clear()
    catalog._of_package.cache_clear()
