"""Packaging: the wheel holds all of `dragoman` and nothing else, and works in an environment of its own."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tomllib
import venv
from importlib.metadata import version
from pathlib import Path
from zipfile import ZipFile

import pytest

from dragoman.providers.version import VERSION

ROOT = Path(__file__).parents[1]
PARTS = ("cli", "providers", "schemas")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DATA = ("py.typed", ".json", ".yaml")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", *PARTS):  # what is made meanwhile stays out of the checkout
        (source / name).symlink_to(ROOT / name)
    pip("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder), str(source))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel where nothing of the checkout is; what it needs is lent by the environment of the tests."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    pip("--python", str(python), "install", "--quiet", "--no-deps", "--no-index", str(wheel))
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin" / "dragoman"


def pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments], check=True, timeout=300)


def sources() -> set[str]:
    """Return every file that belongs into the wheel, as its name there."""
    files = (file for part in PARTS for file in (ROOT / part).rglob("*") if "__pycache__" not in file.parts)
    return {f"dragoman/{file.relative_to(ROOT)}" for file in files if file.name.endswith((".py", *DATA))}


def test_every_package_is_listed() -> None:
    folders = {file.parent.relative_to(ROOT) for part in PARTS for file in (ROOT / part).rglob("__init__.py")}
    assert {f"dragoman.{'.'.join(folder.parts)}" for folder in folders} == set(
        PROJECT["tool"]["setuptools"]["packages"]
    )


@pytest.mark.parametrize("part", PARTS)
def test_every_part_says_that_it_is_typed(part: str) -> None:
    assert (ROOT / part / "py.typed").is_file()


def test_version_is_said_once() -> None:
    assert version("dragoman") == VERSION


def test_changelog_knows_the_version() -> None:
    assert f"## {VERSION}" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.slow
def test_wheel_holds_all_files_and_nothing_else(wheel: Path) -> None:
    names = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == sources()


@pytest.mark.slow
def test_installed_wheel_runs(installed: Path) -> None:
    done = subprocess.run([installed, "--version"], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == f"dragoman {VERSION}\n"


@pytest.mark.slow
@pytest.mark.parametrize("target", ["anthropic", "gemini", "ollama", "openai-chat", "openai-responses"])
def test_installed_wheel_converts_and_validates(installed: Path, target: str) -> None:
    example = ROOT / "tests" / "cases" / "example-request.json"
    command = [str(installed), "convert", str(example), "--to", target, "--validate"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, cwd=installed.parent)
    assert done.stdout.startswith("{")
