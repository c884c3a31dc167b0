"""Install what the end-to-end tests run under build/e2e: aimock by npm, the litellm proxy and mitmproxy by pip.

What drives Chromium comes with aimock; the browser itself is installed by nobody here.

Each has an environment of its own, which is kept until what it is installed from changes. What is asked for is in
`package.json`, `requirements.txt` and `mitmproxy.txt` beside this file.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

__all__ = ["AIMOCK", "HERE", "LITELLM", "MITMDUMP", "NODE", "PLAYWRIGHT", "install", "node_problem"]

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "build" / "e2e"
AIMOCK = BUILD / "aimock" / "node_modules" / "@copilotkit" / "aimock" / "dist" / "index.js"
PLAYWRIGHT = BUILD / "aimock" / "node_modules" / "playwright-core" / "index.mjs"
LITELLM = BUILD / "litellm" / "bin" / "litellm"
MITMDUMP = BUILD / "mitmproxy" / "bin" / "mitmdump"
NODE = "node"
OLDEST_NODE = 20


def install() -> None:
    """Install what is not there yet."""
    _keep(BUILD / "aimock", HERE / "package.json", _npm)
    _keep(BUILD / "litellm", HERE / "requirements.txt", _pip)
    _keep(BUILD / "mitmproxy", HERE / "mitmproxy.txt", _pip)


def node_problem() -> str | None:
    """Return why aimock cannot be run here, or None."""
    for program in (NODE, "npm"):
        if shutil.which(program) is None:
            return f"there is no {program} on the PATH; aimock needs Node.js {OLDEST_NODE} or newer, and npm"
    version = subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        return f"aimock needs Node.js {OLDEST_NODE} or newer; {NODE} is {version}"
    return None


def _keep(folder: Path, pins: Path, make: Callable[[Path, Path], None]) -> None:
    """Make a folder of what `pins` asks for, unless it was made of exactly that."""
    stamp = folder / ".installed"
    if stamp.exists() and stamp.read_bytes() == pins.read_bytes():
        return
    sys.stderr.write(f"installing {folder.name} into {folder.relative_to(BUILD.parents[1])}\n")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    make(folder, pins)
    shutil.copyfile(pins, stamp)


def _npm(folder: Path, pins: Path) -> None:
    shutil.copy(pins, folder)
    quietly = ("--silent", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts")
    subprocess.run(["npm", "install", *quietly], cwd=folder, check=True)


def _pip(folder: Path, pins: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    subprocess.run([*pip, "--requirement", str(pins)], check=True)
