"""Files of a script: what it writes is what it reads, and nothing else is."""

from __future__ import annotations

import time

import pytest

from dragoman.schemas.captures import Captured, Item, Unreadable
from dragoman.schemas.captures.curl import Reader
from dragoman.schemas.captures.shellfiles import ShellFiles
from dragoman.schemas.captures.shellvariables import Argument
from tests.schemas.captures.samples import read

STUDIO = """#!/bin/bash
set -e -E

GEMINI_API_KEY="$GEMINI_API_KEY"
MODEL_ID="gemini-x"
GENERATE_CONTENT_API="streamGenerateContent"

cat << EOF > request.json
{
  "contents": [{"role": "user", "parts": [{"text": "Hi"}]}]
}
EOF

curl \\
-X POST \\
-H "Content-Type: application/json" \\
"https://generativelanguage.googleapis.com/v1beta/models/${MODEL_ID}:${GENERATE_CONTENT_API}?key=${GEMINI_API_KEY}" \
-d '@request.json'
"""
CURL = "curl https://x/v1/messages --data-binary @f\n"


def items(script: str) -> list[Item]:
    reader = Reader()
    return [*reader.feed(script.encode()), *reader.close()]


def body(script: str) -> bytes:
    (item,) = (item for item in items(script) if isinstance(item, Captured))
    assert item.request is not None
    return item.request.body


def problem(script: str) -> str:
    (item,) = (item for item in items(script) if isinstance(item, Unreadable))
    return item.problem


def test_a_script_of_a_studio_has_its_body_in_a_file() -> None:
    (item,) = (item for item in read(STUDIO.encode()) if isinstance(item, Captured))
    assert item.request is not None
    assert (item.dialect, item.model, item.streams) == ("gemini", "gemini-x", True)
    assert item.request.body == b'{  "contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}'


@pytest.mark.parametrize(
    "written",
    [
        "cat > f <<'EOF'\n{}\nEOF\n",
        "cat <<EOF >./f\n{}\nEOF\n",
        "echo '{}' > f\n",
        "echo '{}' >| f\n",
        "echo '{}' 1> f\n",
        "NAME=f\necho {} 2> log >$NAME\n",
        "echo old > f\necho {} > f\n",
        "printf %s '{' > f; echo '}' >> f\n",
        "echo {} > f 2>> f.log\n",
    ],
)
def test_what_is_written_is_read(written: str) -> None:
    assert body(written + CURL) == b"{}\n"


@pytest.mark.parametrize(
    "written",
    [
        "echo {} > other\n",
        "echo {} 2> f\n",
        "echo {} >> f\n",
        "echo {} > f\njq -n . > f\n",
        "echo {} > f\njq -n . >> f\n",
        "echo {} > f\ncurl https://x/v1/models > f\n",
    ],
)
def test_a_file_that_is_not_known_is_not_opened(written: str) -> None:
    assert "is not opened" in problem(written + CURL)


@pytest.mark.parametrize(
    ("written", "what"), [("cat > f <<EOF\n$(date)\nEOF\n", "$(…)"), ("cat < other > f\n", "the contents of a file")]
)
def test_what_only_a_shell_could_tell_is_told_where_it_is_read(written: str, what: str) -> None:
    assert problem(written + CURL).startswith(f"{what} is never run or read here")


def test_many_requests_cannot_make_a_small_script_large() -> None:
    files = ShellFiles(limit=100)
    files.write("f", Argument("x" * 40))
    assert files.read("f") == Argument("x" * 40)
    assert files.read("f") == Argument("", "files of more than 0 MiB")


def test_what_is_written_bit_by_bit_is_not_copied_again_and_again() -> None:
    files, begun = ShellFiles(), time.perf_counter()
    files.write("f", Argument("x" * 1_000_000))
    for _ in range(10_000):
        files.write("f", Argument("x"), appends=True)
    assert time.perf_counter() - begun < 1  # seconds; with copies it would be 10 GB
