"""A command line of `complete`, read but not run: what it asks, and what would be sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from dragoman.cli.ask.asking import OPTIONS, Asking, read_asking
from dragoman.cli.environment import Environment
from dragoman.cli.options import Values, read_plainly
from dragoman.providers.factory import create_provider
from dragoman.providers.prepare import Prepared
from dragoman.schemas.ir import JSON, Request
from tests.cli.harness import Bytes, Text


def values_of(*arguments: str) -> Values:
    values = read_plainly(OPTIONS, arguments)
    assert values is not None, "a line that Typer has to read"
    return values


def environment(stdin: bytes = b"", variables: Mapping[str, str] | None = None) -> Environment:
    return Environment(Bytes(stdin), Bytes(), stderr=Text(), variables=variables)


def asked(*arguments: str, stdin: bytes = b"") -> Asking:
    """Return what is asked of the sandbox."""
    return read_asking(values_of("-p", "sandbox", *arguments), environment(stdin))


def request_of(*arguments: str, stdin: bytes = b"") -> Request:
    """Return what is asked of the sandbox, beside the word "hi"."""
    request = asked(*arguments, "hi", stdin=stdin).request
    assert request is not None
    return request


def prepared(*arguments: str, stdin: bytes = b"", streams: bool = False) -> Prepared:
    """Return what would be sent to the sandbox."""
    asking = asked(*arguments, stdin=stdin)
    return asking.prepared(create_provider(asking.profile, variables={}), streams=streams)


def written(folder: Path, name: str, content: JSON | bytes) -> str:
    """Write a file, JSON if it is not bytes, and return its name."""
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return str(file)
