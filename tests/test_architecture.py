"""The house: which way imports point, who may open a socket, and how large a thing may grow."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path
from statistics import median, quantiles

import pytest

ROOT = Path(__file__).parents[1]
PARTS = ("cli", "providers", "schemas")
FILES = sorted(file for part in PARTS for file in (ROOT / part).rglob("*.py"))
# The one file that is allowed to open sockets.
TRANSPORT = "dragoman.providers.transport"
WORLDLY = {
    "asyncio",
    "http",
    "httpx",
    "random",
    "requests",
    "socket",
    "ssl",
    "subprocess",
    "threading",
    "time",
}
FACES = {
    "dragoman.providers": {
        "Attempted",
        "Call",
        "Completion",
        "Cost",
        "ExchangeLog",
        "ExchangeLogs",
        "Group",
        "Model",
        "ParsedCall",
        "Profile",
        "Provider",
        "RawLog",
        "Recorder",
        "Reply",
        "Stream",
        "Timeouts",
        "Transport",
        "as_request",
        "assistant_message",
        "create_provider",
        "group_names",
        "load_group",
        "load_profile",
        "profile_names",
        "tool_message",
        "with_answer",
        "with_result",
    },
    "dragoman.schemas.captures": {
        "Bare",
        "CaptureReader",
        "Captured",
        "ConvertedCapture",
        "Format",
        "Item",
        "Received",
        "Sent",
        "Skipped",
        "Unreadable",
        "convert_captured",
        "find_format",
        "settled",
    },
    "dragoman.schemas": {
        "StreamConverter",
        "StreamReader",
        "accumulate",
        "assemble_stream",
        "explode",
        "explode_response",
        "Converted",
        "Detection",
        "Dialect",
        "Loss",
        "NaturalLoss",
        "convert_error",
        "convert_error_bytes",
        "convert_request",
        "convert_request_bytes",
        "convert_response",
        "convert_response_bytes",
        "detect",
        "dialects",
        "find",
        "natural_losses",
        "register",
    },
}


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(("dragoman", *(parts[:-1] if parts[-1] == "__init__" else parts)))


@cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


def imports_of(tree: ast.AST) -> Iterator[str]:
    """Yield the modules that a file names in its imports; of `from a import b`, both a and a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports_at_start(file: Path) -> set[str]:
    """Return what is imported when the file is: not what functions import, nor what only type checkers see."""
    body = [node for node in tree_of(file).body if isinstance(node, (ast.Import, ast.ImportFrom))]
    return set(imports_of(ast.Module(body=list(body), type_ignores=[])))


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    for file in FILES:
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.FunctionDef):
                yield f"{module_of(file)}.{node.name}", node


def length(node: ast.FunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def part_of(module: str) -> str:
    return module.split(".")[1] if module.startswith("dragoman.") else ""


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_imports_point_from_cli_to_providers_to_schemas(file: Path) -> None:
    here = PARTS.index(part_of(module_of(file)))
    there = {part_of(module) for module in imports_of(tree_of(file))} & set(PARTS)
    assert all(PARTS.index(part) >= here for part in there)


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_only_the_transport_imports_httpx(file: Path) -> None:
    if module_of(file) != TRANSPORT:
        assert "httpx" not in {module.partition(".")[0] for module in imports_of(tree_of(file))}


@pytest.mark.parametrize("file", [file for file in FILES if file.is_relative_to(ROOT / "schemas")], ids=module_of)
def test_schemas_know_nothing_of_the_world(file: Path) -> None:
    assert not WORLDLY & {module.partition(".")[0] for module in imports_of(tree_of(file))}


@pytest.mark.parametrize("file", [file for file in FILES if file.is_relative_to(ROOT / "schemas")], ids=module_of)
def test_schemas_have_no_clock(file: Path) -> None:
    asked = {node.attr for node in ast.walk(tree_of(file)) if isinstance(node, ast.Attribute)}
    assert not {"now", "utcnow", "today"} & asked


def test_no_dialect_knows_another() -> None:
    folders = [folder for folder in (ROOT / "schemas").iterdir() if (folder / "__init__.py").exists()]
    for folder in folders:
        others = {f"dragoman.schemas.{other.name}" for other in folders if other != folder}
        for file in folder.rglob("*.py"):
            assert not others & set(imports_of(tree_of(file))), f"{file} imports another dialect"


def test_no_import_goes_in_circles() -> None:
    modules = {module_of(file): file for file in FILES}
    graph = {name: (imports_at_start(file) & set(modules)) - {name} for name, file in modules.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


@pytest.mark.parametrize("name", FACES)
def test_face_is_closed(name: str) -> None:
    module = import_module(name)
    assert set(module.__all__) == FACES[name]
    for exported in module.__all__:
        assert getattr(module, exported) is not None


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_file_says_what_it_is_and_is_not_too_long(file: Path) -> None:
    docstring = ast.get_docstring(tree_of(file), clean=True)
    assert docstring
    assert len(docstring.splitlines()) <= 15
    assert len(file.read_text().splitlines()) <= 500


def test_functions_are_short() -> None:
    lengths = {name: length(node) for name, node in functions()}
    assert {name: found for name, found in lengths.items() if found > 50} == {}
    assert median(lengths.values()) <= 8
    assert quantiles(lengths.values(), n=10)[-1] <= 30


def test_functions_do_not_hold_functions() -> None:
    for name, node in functions():
        inner = [child for child in ast.walk(node) if isinstance(child, ast.FunctionDef) and child is not node]
        assert not inner, f"{name} holds {inner[0].name}"
