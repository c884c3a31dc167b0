"""`dragoman` as a process in a folder of its own, with a profile for every way to reach the two servers.

Nothing of our environment goes along but the PATH: a key that a developer has set is not what these tests are about.
Each test has an id, which aimock counts by, and keeps what it was asked under.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.request import Request

from dragoman.schemas.ir import JSON, Wire
from tests.cli.harness import PROGRAM, Result
from tests.e2e.servers import AIMOCK_KEY, LITELLM_KEY, open_directly

__all__ = ["AIMOCK", "DIALECTS", "HELLO", "LITELLM", "PROXIED", "TALKERS", "TOOLS", "WEATHER", "Place", "error_line"]

AIMOCK: Final = os.environ["E2E_AIMOCK"]
LITELLM: Final = os.environ["E2E_LITELLM"]
VARIABLES: Final = {"AIMOCK_KEY": AIMOCK_KEY, "LITELLM_KEY": LITELLM_KEY}
HELLO: Final = "Hello there, dear reader."

# the profile of each dialect that aimock speaks
DIALECTS: Final[dict[str, Wire]] = {
    "openai-chat": {"type": "openai", "base_url": f"{AIMOCK}/v1"},
    "openai-responses": {"type": "openai-responses", "base_url": f"{AIMOCK}/v1/"},
    "anthropic": {"type": "anthropic", "base_url": AIMOCK},
    "gemini": {"type": "gemini", "base_url": f"{AIMOCK}/v1beta"},
    "ollama": {"type": "ollama", "base_url": f"{AIMOCK}/", "auth_method": "bearer"},
}
# the same, and the vendors that speak one of them in a way of their own
TALKERS: Final[dict[str, Wire]] = {
    **DIALECTS,
    "azure": {"type": "azure", "base_url": AIMOCK, "deployment": "my-deployment", "api_version": "2024-10-21"},
    "openrouter": {"type": "openrouter", "base_url": f"{AIMOCK}/api/v1", "model": "openai/gpt-4o"},
    "compatible": {"type": "openai-compatible", "base_url": f"{AIMOCK}/v1"},
    "ollama-openai": {"type": "ollama-openai", "base_url": f"{AIMOCK}/v1", "auth_method": "bearer"},
}
PROXIED: Final[dict[str, Wire]] = {
    "proxy-chat": {"type": "litellm", "base_url": LITELLM},
    "proxy-messages": {"type": "anthropic", "base_url": LITELLM},
    "proxy-responses": {"type": "openai-responses", "base_url": f"{LITELLM}/v1"},
}
WEATHER: Final[Wire] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
}
TOOLS: Final[list[JSON]] = [
    {
        "type": "function",
        "function": {"name": "get_weather", "description": "Tell the weather.", "parameters": WEATHER},
    }
]


class Place:
    """A folder with a `dragoman.yaml` in it, and the `dragoman` that is run there."""

    key = AIMOCK_KEY

    def __init__(self, folder: Path, test_id: str) -> None:
        self.folder, self.test_id = folder, test_id
        self.write_profiles()

    def write_profiles(self, *, headers: Mapping[str, str] | None = None, **more: JSON) -> None:
        """Write the profiles, all of them with these headers and fields as well."""
        common: Wire = {
            "model": "gpt-4o",
            "retry": {"attempts": 3, "base": 1, "cap": 0.05},
            "headers": {"X-Test-Id": self.test_id, **(headers or {})},
            **more,
        }
        profiles: Wire = {
            **{name: {"api_key_env": "AIMOCK_KEY", **common, **profile} for name, profile in TALKERS.items()},
            **{
                name: {"api_key_env": "LITELLM_KEY", **common, "model": "plain", **profile}
                for name, profile in PROXIED.items()
            },
            **{f"{name}-translating": {"extends": name, "model": "by-chat"} for name in PROXIED},
        }
        self.write("dragoman.yaml", {"profiles": profiles})  # JSON is YAML

    def write(self, name: str, document: JSON) -> str:
        (self.folder / name).write_text(json.dumps(document, indent=1))
        return name

    def command(self, *arguments: str) -> list[str]:
        return [str(PROGRAM), *arguments]

    def environment(self, variables: Mapping[str, str] | None = None) -> dict[str, str]:
        path = f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path, "HOME": str(self.folder), **VARIABLES, **(variables or {})}

    def shell(self, script: str) -> Result:
        """Run a line of bash there."""
        return self._run(["bash", "-c", script], b"", self.environment())

    def run(self, *arguments: str, stdin: bytes = b"", variables: Mapping[str, str] | None = None) -> Result:
        return self._run(self.command(*arguments), stdin, self.environment(variables))

    def answer(self, *arguments: str, variables: Mapping[str, str] | None = None) -> Any:
        """Run what is to succeed, and return the JSON document that it prints."""
        result = self.run(*arguments, variables=variables)
        assert (result.status, result.err) == (0, ""), result
        return json.loads(result.out)

    def events(self, *arguments: str, variables: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """Stream the events of what is to succeed."""
        result = self.run("stream", "--events", *arguments, variables=variables)
        assert (result.status, result.err) == (0, ""), result
        return [json.loads(line) for line in result.out.splitlines()]

    def asked(self) -> list[dict[str, Any]]:
        """Return what aimock was asked by this test: method, path, headers, body, response, …"""
        request = Request(
            f"{AIMOCK}/__aimock/journal?testId={self.test_id}", headers={"Authorization": f"Bearer {AIMOCK_KEY}"}
        )
        with open_directly(request, timeout=10) as reply:
            return list(json.load(reply))

    def _run(self, command: Sequence[str], stdin: bytes, environment: Mapping[str, str]) -> Result:
        done = subprocess.run(
            command, input=stdin, capture_output=True, cwd=self.folder, env=environment, timeout=60, check=False
        )
        return Result(done.returncode, done.stdout, done.stderr.decode())


def error_line(result: Result) -> str:
    """Return the line that says what is wrong; there is one, and at most one hint under it."""
    lines = result.err.splitlines()
    found = [line for line in lines if line.startswith("dragoman: error: ")]
    assert len(found) == 1, result
    assert len(lines) - lines.index(found[0]) <= 2, result
    assert "Traceback" not in result.err, result
    return found[0]
