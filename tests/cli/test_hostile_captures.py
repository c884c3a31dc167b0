"""Captures that are made to do harm, given to the real command line, which may have 1 GiB of memory and no more."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from dragoman.cli.status import Status
from tests.cli.harness import Result, shell
from tests.schemas.captures.netstrings import netstring

MEMORY = f"ulimit -v {1 << 20}"  # KiB
URL = "https://api.openai.com/v1/chat/completions"
BODY = '{"model":"m","messages":[{"role":"user","content":"Hi"}]}'
ONE = f"- request: {{method: POST, uri: '{URL}', body: '{BODY}'}}\n  response: null\n"
LAUGHS = (
    'version: 1\na: &a ["lol","lol","lol","lol","lol","lol","lol","lol","lol","lol"]\n'
    + "".join(
        f"{name}: &{name} [{','.join(['*' + before] * 10)}]\n"
        for before, name in zip("abcdefghi", "bcdefghij", strict=True)
    )
    + f"interactions:\n- request: {{method: POST, uri: '{URL}', body: *j}}\n"
)
NULLS = (
    '{"log":{"version":null,"entries":[null,{"request":null,"response":null},{"request":{"method":null}},'
    f'{{"startedDateTime":null,"time":null,"request":{{"method":"POST","url":"{URL}","headers":null,"postData":null}},'
    '"response":{"status":null,"content":null}}]}}'
)

pytestmark = pytest.mark.slow


@cache
def bomb() -> bytes:
    """Return 80 MiB in as many KiB: each alone is over the limit of a body."""
    return gzip.compress(bytes(80 << 20))


def har(count: int) -> bytes:
    content = {"encoding": "base64", "text": b64encode(bomb()).decode()}
    answer = {"status": 200, "headers": [{"name": "content-encoding", "value": "gzip"}], "content": content}
    entry = {"request": {"method": "POST", "url": URL, "postData": {"text": BODY}}, "response": answer}
    return json.dumps({"log": {"entries": [entry] * count}}).encode()


def cassette(count: int) -> bytes:
    answer = f"{{headers: {{content-encoding: [gzip]}}, body: {{string: !!binary {b64encode(bomb()).decode()}}}}}"
    entry = f"- request: {{method: POST, uri: '{URL}', body: '{BODY}'}}\n  response: {answer}\n"
    return f"version: 1\ninteractions:\n{entry * count}".encode()


def flows(count: int) -> bytes:
    asked = {"method": b"POST", "scheme": b"https", "host": "api.openai.com", "path": b"/v1/chat/completions"}
    answer = {"status_code": 200, "headers": [[b"content-encoding", b"gzip"]], "content": bomb()}
    return netstring({"type": "http", "request": {**asked, "content": BODY.encode()}, "response": answer}) * count


def recorded(folder: Path, raw: str | bytes, *more: str) -> Result:
    """Convert a file into a recording."""
    file = folder / "capture"
    file.write_bytes(raw.encode() if isinstance(raw, str) else raw)
    return shell(f"{MEMORY}; dragoman convert {file} --write recording {' '.join(more)}")


def test_laughs_by_the_billion_are_not_made(tmp_path: Path) -> None:
    done = recorded(tmp_path, LAUGHS)
    assert (done.status, done.out) == (Status.FAILED, b"")
    assert "aliases stand for more than 16 MiB" in done.err


def test_nothing_is_run_for_a_tag_and_the_next_entry_is_read(tmp_path: Path) -> None:
    owned = tmp_path / "owned"
    run = f"- request: !!python/object/apply:os.system ['touch {owned}']\n  response: null\n"
    done = recorded(tmp_path, f"version: 1\ninteractions:\n{run}{ONE}")
    assert not owned.exists()
    assert "the tag !!python/object/apply:os.system is none that is read here" in done.err
    assert (done.status, len(done.out.splitlines())) == (Status.FAILED, 1)


@pytest.mark.parametrize("make", [har, cassette, flows])
def test_a_bomb_is_refused_with_its_place(tmp_path: Path, make: Callable[[int], bytes]) -> None:
    done = recorded(tmp_path, make(1))
    assert done.status in (Status.FAILED, Status.BAD_INPUT)
    assert "larger than 64 MiB when it is inflated" in done.err
    assert "entry 1: $" in done.err or ":3: $.interactions[0].response.body" in done.err


@pytest.mark.parametrize("make", [har, cassette])
def test_of_many_bombs_only_the_first_are_inflated(tmp_path: Path, make: Callable[[int], bytes]) -> None:
    done = recorded(tmp_path, make(8))
    assert done.err.count("larger than 64 MiB when it is inflated") == 4
    assert done.err.count("all that is compressed is larger than 256 MiB") == 4


@pytest.mark.parametrize("start", ["", '{"a":"', "curl https://x -d ", "1"], ids=["text", "json", "curl", "number"])
def test_a_line_that_never_ends_is_not_held(start: str) -> None:
    done = shell(
        f"{MEMORY}; (printf %s '{start}'; head -c 200M /dev/zero | tr '\\0' a) | dragoman convert --write recording"
    )
    assert done.status in (Status.FAILED, Status.BAD_INPUT)
    assert "larger than 64 MiB" in done.err


@pytest.mark.parametrize("raw", [bytes(1 << 20), BODY.replace("Hi", "H\0i").encode() + b"\n"], ids=["all", "one"])
def test_nul_bytes_are_no_text(tmp_path: Path, raw: bytes) -> None:
    done = recorded(tmp_path, raw)
    assert done.status == Status.BAD_INPUT
    assert "JSON" in done.err
    assert "\0" not in done.err


@pytest.mark.parametrize(
    "raw", [b"[" * 1_000_000, b'{"log":' * 100_000, b"interactions:\n- " + b"[" * 100_000], ids=["json", "har", "yaml"]
)
def test_what_is_nested_without_end_is_refused(tmp_path: Path, raw: bytes) -> None:
    assert "nested" in recorded(tmp_path, raw).err


def test_a_har_of_nulls_is_told_entry_by_entry(tmp_path: Path) -> None:
    done = recorded(tmp_path, NULLS)
    assert [line.partition(": entry ")[2][:1] for line in done.err.splitlines()[:3]] == ["1", "2", "3"]
    assert "passed over 1 of 4: a request that was saved without its body" in done.err
    assert done.status == Status.FAILED


def test_a_path_in_an_id_stays_in_the_folder(tmp_path: Path) -> None:
    ids = ["../../owned", f"{tmp_path}/owned", "..", ".", "a/../../b", "~", "-rf", "", "CON", "x" * 5000]
    lines = [
        {"custom_id": each, "method": "POST", "url": "/v1/chat/completions", "body": json.loads(BODY)} for each in ids
    ]
    file, folder = tmp_path / "batch.jsonl", tmp_path / "deep" / "out"
    file.write_text("\n".join(map(json.dumps, lines)))
    folder.parent.mkdir()
    assert shell(f"dragoman convert {file} --write files -o {folder}").status == Status.DONE
    assert len([each for each in folder.iterdir() if each.is_file()]) == len(ids)
    assert sorted(each.name for each in tmp_path.rglob("*") if each.is_dir()) == ["deep", "out"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["batch.jsonl", "deep"]


def test_a_script_opens_no_file_that_it_names(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(BODY.replace("Hi", "the secret"))
    done = recorded(
        tmp_path, f"curl {URL} -d @{secret}\ncat {secret} | curl {URL} -d @-\ncurl {URL} -d @- < {secret}\n"
    )
    assert (done.status, done.out) == (Status.FAILED, b"")
    assert "the secret" not in done.err
