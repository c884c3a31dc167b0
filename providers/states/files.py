"""The file of a state: where it is, whose it is, and how it is put aside when it is broken.

What is done to the file by its name is done under `alone`, a lock on its folder, so that of many processes that come at
once one makes it, and one puts it aside. No file is opened here that may be open already: closing it would take
SQLite's locks away.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from dragoman.schemas.errors import ProfileFault, StateFault

__all__ = [
    "APPLICATION",
    "alone",
    "default_path",
    "identity",
    "make_folder",
    "make_private",
    "may_be_moved",
    "put_aside",
]

APPLICATION = 0x44524147  # "DRAG", in the head of the file: says that it is ours
USUAL_NAME = "state.sqlite3"
_PATIENCE = 10.0  # seconds
_SIDES = ("-wal", "-shm", "-journal")  # the files that SQLite keeps beside one


def default_path(variables: Mapping[str, str]) -> Path:
    """Return where the usual file is. Only absolute folders count, says XDG."""
    base = variables.get("XDG_STATE_HOME", "")
    if os.path.isabs(base):
        return Path(base, "dragoman", USUAL_NAME)
    home = variables.get("HOME", "")
    if not os.path.isabs(home):
        raise ProfileFault(
            "there is no place to keep the state: neither XDG_STATE_HOME nor HOME is set",
            hint="state: FILE in the profile names one; --no-state does without it, and without conversations",
        )
    return Path(home, ".local", "state", "dragoman", USUAL_NAME)


def make_folder(path: Path) -> None:
    """Make the folder of a file, for the user alone; one that is there stays as it is."""
    folder = path.parent
    folder.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)


@contextmanager
def alone(path: Path) -> Generator[None]:
    """Keep all others out who want to make or move a file of this folder."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    deadline = time.monotonic() + _PATIENCE
    try:
        while not _is_locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
            if time.monotonic() > deadline:
                raise StateFault(f"{path}: another process has held the folder for {_PATIENCE:g} s")
            time.sleep(0.01)
        yield
    finally:
        os.close(folder)  # which lets go of the lock


def make_private(path: Path) -> None:
    """See to it that the file is there, is the user's own, and nobody else can read it."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    found = os.lstat(path)
    if not stat.S_ISREG(found.st_mode):
        raise StateFault(f"{path}: is a link or no file at all: name the file itself")
    if found.st_uid != os.geteuid():
        raise StateFault(f"{path}: belongs to another user", hint="state: FILE in the profile names another one")
    if stat.S_IMODE(found.st_mode) != 0o600 and (not found.st_size or may_be_moved(path)):
        os.chmod(path, 0o600)


def identity(path: Path) -> tuple[int, int]:
    """Return what tells this file from one that takes its name later."""
    found = os.lstat(path)
    return found.st_dev, found.st_ino


def may_be_moved(path: Path) -> bool:
    """Tell whether a file that is broken is one of ours: it was begun as one, or has the usual name. A profile may name
    any file."""
    if path.name == USUAL_NAME:
        return True
    with open(path, "rb") as file:
        head = file.read(72)
    return head.startswith(b"SQLite format 3\0") and head[68:] == APPLICATION.to_bytes(4, "big")


def put_aside(path: Path) -> Path:
    """Move a broken file to NAME.broken, where one from before gives way; what SQLite kept beside it is of no use."""
    aside = path.with_name(f"{path.name}.broken")
    for side in _SIDES:
        path.with_name(path.name + side).unlink(missing_ok=True)
    os.replace(path, aside)
    return aside


def _is_locked(folder: int, operation: int) -> bool:
    try:
        fcntl.flock(folder, operation)
    except BlockingIOError:
        return False
    return True
