"""httpx comes without its command line, and nothing else is otherwise: each in a process of its own."""

from __future__ import annotations

import subprocess
import sys

IMPORT = "import sys; import dragoman.providers.transport; "


def said_by(program: str, *arguments: str) -> str:
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout


def test_transport_imports_no_command_line() -> None:
    modules = said_by(IMPORT + "print(*sys.modules)").split()
    assert "httpx" in modules
    assert not {"click", "rich", "pygments", "httpx._main"} & set(modules)


def test_the_command_line_of_httpx_is_there_for_who_imports_it() -> None:
    assert "Command main" in said_by(IMPORT + "import httpx._main; print(httpx._main.main)")


def test_main_of_httpx_is_the_real_one() -> None:
    assert "Usage:" in said_by(IMPORT + "import httpx; httpx.main()", "--help")


def test_httpx_that_is_there_already_is_left_alone() -> None:
    before = "import httpx, sys; before = httpx.main, sys.modules['httpx._main']; "
    after = "print(before == (httpx.main, sys.modules['httpx._main']))"
    assert said_by(before + IMPORT + after) == "True\n"


def test_where_the_import_fails_nothing_stays() -> None:
    blocked = "import sys; sys.modules['httpx._api'] = None\ntry:\n    import dragoman.providers.transport\n"
    assert said_by(blocked + "except ImportError:\n    print('httpx._main' in sys.modules)") == "False\n"
