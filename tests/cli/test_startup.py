"""Start-up: what a quick command must not import, since imports are all that it takes time for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.harness import EXAMPLE, environment_of_process

SLOW = {"httpx", "rich", "jsonschema", "yaml", "pydantic", "asyncio", "ssl", "socket", "email", "multiprocessing"}
CONVERT = ["convert", "--from", "openai-chat", "--to", "anthropic", str(EXAMPLE)]
PROGRAM = """
import sys
before = set(sys.modules)
from dragoman.cli.main import main
status = main()
print(*sorted(set(sys.modules) - before), file=sys.stderr)
sys.exit(status)
"""


# What comes with asyncio, which has to be there where something is asked; not beyond it, and none of these at all.
ASYNCIO = "import sys; before = set(sys.modules); import asyncio; print(*set(sys.modules) - before, file=sys.stderr)"
ASKED = (SLOW | {"typer", "subprocess", "tempfile", "http", "certifi", "jsonschema_specifications"}) - {"asyncio"}


def imported_by(*arguments: str, program: str = PROGRAM) -> set[str]:
    """Return the modules that a command line imports beyond those of Python's own start."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=environment_of_process(),
        timeout=60,
        check=True,
    )
    return set(done.stderr.decode().splitlines()[-1].split())


def test_version_imports_nothing_but_itself() -> None:
    assert imported_by("--version") <= {
        "__future__",
        "dragoman",
        "dragoman.cli",
        "dragoman.cli.main",
        "dragoman.providers",
        "dragoman.providers.version",
    }


@pytest.mark.parametrize("more", [[], ["-q", "-vv", "--on-loss=ignore", "-o", "/dev/null"], ["--kind", "request"]])
def test_conversion_imports_nothing_slow_and_no_typer(more: list[str]) -> None:
    roots = {name.partition(".")[0] for name in imported_by(*CONVERT, *more)}
    assert not roots & (SLOW | {"typer", "tempfile", "concurrent", "importlib_metadata"})


def test_conversion_imports_only_the_dialects_it_is_about() -> None:
    modules = imported_by(*CONVERT)
    assert "dragoman.schemas.anthropic.request" in modules
    assert not {"dragoman.schemas.gemini.request", "dragoman.schemas.ollama.request"} & modules


def test_dialect_that_is_told_is_not_detected() -> None:
    assert "dragoman.schemas.clues" not in imported_by(*CONVERT, "--kind", "request")


def test_help_imports_nothing_slow() -> None:
    roots = {name.partition(".")[0] for name in imported_by("convert", "--help")}
    assert "typer" in roots
    assert not roots & SLOW


def test_validation_is_what_imports_jsonschema() -> None:
    assert "jsonschema" in imported_by(*CONVERT, "--validate")


@pytest.mark.parametrize("name", ["complete", "stream"])
@pytest.mark.parametrize("more", [[], ["-s", "Be brief.", "--temperature", "0.5", "--timeout=5", "--option", "a=1"]])
def test_asking_imports_nothing_slow_beyond_asyncio(name: str, more: list[str]) -> None:
    modules = imported_by(name, "-p", "sandbox", *more, "hello") - imported_by(program=ASYNCIO)
    assert not {module.partition(".")[0] for module in modules} & ASKED
    assert not {"dragoman.schemas.detection", "dragoman.schemas.clues", "dragoman.providers.transport"} & modules


@pytest.mark.parametrize("name", ["complete", "stream"])
def test_asking_imports_only_the_rooms_of_the_dialect_that_is_spoken(name: str) -> None:
    modules = imported_by(name, "-p", "sandbox", "--dialect", "anthropic", "hello")
    assert "dragoman.schemas.anthropic.request" in modules
    assert not {"dragoman.schemas.openai_chat.request", "dragoman.schemas.gemini.request"} & modules


def test_asking_imports_only_what_is_asked_with() -> None:
    rooms = {
        f"dragoman.cli.ask.{name}" for name in ("attachments", "toolfile", "schemafile", "requestfile", "dry", "curl")
    }
    assert not rooms & imported_by("complete", "-p", "sandbox", "hello")


@pytest.mark.parametrize("name", ["complete", "stream"])
def test_help_for_asking_imports_nothing_slow(name: str) -> None:
    assert not {module.partition(".")[0] for module in imported_by(name, "--help")} & SLOW


def test_schema_is_what_imports_jsonschema() -> None:
    line = ["complete", "-p", "sandbox", "--dry-run", "hello"]
    assert "jsonschema" not in imported_by(*line)
    assert "jsonschema" in imported_by(*line, "--schema", "{}")


def test_request_whose_dialect_is_told_is_not_detected() -> None:
    line = ["complete", "-p", "sandbox", "-n", "--request", str(EXAMPLE)]
    assert "dragoman.schemas.clues" in imported_by(*line)
    assert "dragoman.schemas.clues" not in imported_by(*line, "--from", "openai-chat")
