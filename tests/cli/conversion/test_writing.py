"""Exchanges → one file of a format, or a folder of files, whatever their ids are."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from dragoman.cli.conversion.writing import MAX_ID, CaptureFile, CaptureFolder
from dragoman.cli.sinks import Sink
from dragoman.cli.status import CannotCreate, IOFailure
from dragoman.schemas.captures import Captured
from dragoman.schemas.captures.formats import WRITABLE, find_format
from tests.cli.replaying.recordings import exchange
from tests.schemas.captures.samples import EXCHANGES, read

HOSTILE = (
    "../../x",
    "/etc/passwd",
    "a\0b",
    "a\nb",
    "\x1b[2J",
    "x" * 10_000,
    "",
    ".",
    "..",
    "CON",
    "\ud800",
    "~",
    "-rf",
    "ä💙",
)


class Kept(Sink):
    def __init__(self) -> None:
        self.raw = b""

    def write(self, data: bytes) -> None:
        self.raw += data


def written(name: str, *exchanges: Captured) -> tuple[bytes, dict[str, int]]:
    sink = Kept()
    file = CaptureFile(find_format(name), sink)
    for each in exchanges:
        file.write(each)
    file.close()
    return sink.raw, file.left_out


# ---- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in WRITABLE if name != "bodies"])
def test_whatever_does_not_fit_is_counted(name: str) -> None:
    raw, left_out = written(name, *EXCHANGES)
    kept = [item for item in read(raw, name) if isinstance(item, Captured)]
    gone = sum(count for reason, count in left_out.items() if "does not hold" in reason or "without" in reason)
    assert len(kept) + gone >= len(EXCHANGES)
    assert len(kept) <= len(EXCHANGES)


@pytest.mark.parametrize("name", [name for name in WRITABLE if name != "bodies"])
def test_nothing_is_a_whole_file_too(name: str) -> None:
    raw, left_out = written(name)
    assert left_out == {}
    assert [item for item in read(raw, name) if isinstance(item, Captured)] == []


def test_a_batch_is_of_one_vendor() -> None:
    raw, left_out = written("anthropic-batch", *EXCHANGES)
    assert len(raw.splitlines()) == 1
    assert left_out["openai-chat, which anthropic-batch does not hold"] == 2


# ---- folders ---------------------------------------------------------------------------------------------------------


def filled(folder: Path, *exchanges: Captured) -> list[str]:
    output = CaptureFolder(str(folder))
    with output:
        for each in exchanges:
            output.write(each)
        output.close()
    return sorted(os.listdir(folder))


def test_each_exchange_is_a_file_for_eyes(tmp_path: Path) -> None:
    names = filled(tmp_path / "new", exchange("one"), exchange("two"))
    assert names == ["000001-one.json", "000002-two.json"]
    raw = (tmp_path / "new" / names[0]).read_bytes()
    assert raw.count(b"\n") > 5
    assert json.loads(raw)["id"] == "one"


def test_a_file_of_the_folder_is_a_recording(tmp_path: Path) -> None:
    (name,) = filled(tmp_path / "new", EXCHANGES[1])
    found = [item for item in read((tmp_path / "new" / name).read_bytes()) if isinstance(item, Captured)]
    assert [each.response and each.response.body for each in found] == [
        EXCHANGES[1].response and EXCHANGES[1].response.body
    ]


def test_no_id_leads_out_of_the_folder(tmp_path: Path) -> None:
    names = filled(tmp_path / "new", *(replace(exchange(), id=told) for told in HOSTILE))
    assert len(names) == len(HOSTILE)
    assert os.listdir(tmp_path) == ["new"]
    assert all(len(name) <= MAX_ID + 12 and name.isascii() and name.isprintable() for name in names)
    assert [name for name in names if "/" in name or ".." in name] == []


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200))
def test_any_id_is_a_name(tmp_path_factory: pytest.TempPathFactory, id: str) -> None:  # noqa: A002
    folder = tmp_path_factory.mktemp("any")
    (name,) = filled(folder, replace(exchange(), id=id))
    assert name.startswith("000001")


def test_the_same_id_twice_is_two_files(tmp_path: Path) -> None:
    assert len(filled(tmp_path / "new", *[exchange("one")] * 3)) == 3


def test_nobody_else_reads_what_was_said(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    (name,) = filled(folder, exchange("one"))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / name).stat().st_mode & 0o777 == 0o600


def test_an_empty_folder_will_do_and_a_full_one_will_not(tmp_path: Path) -> None:
    assert len(filled(tmp_path, exchange("one"))) == 1
    with pytest.raises(CannotCreate, match="it is there, and not empty"):
        CaptureFolder(str(tmp_path))


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotCreate, match="cannot create"):
        CaptureFolder(str(tmp_path / "file"))


def test_a_link_that_waits_there_is_not_followed(tmp_path: Path) -> None:
    folder = CaptureFolder(str(tmp_path / "new"))
    (tmp_path / "new" / "000001-one.json").symlink_to(tmp_path / "victim")
    with pytest.raises(IOFailure, match="File exists"):
        folder.write(exchange("one"))
    assert not (tmp_path / "victim").exists()
