"""What a script writes into files → what it reads from them later. No file is opened: only what is written is known.

A file that another program writes is not known any more. How much files may add to a script is limited, as that of
variables is: one line can read again what many have written.
"""

from __future__ import annotations

from dragoman.schemas.captures.lines import MAX_LINE
from dragoman.schemas.captures.shellvariables import Argument

__all__ = ["ShellFiles"]


class ShellFiles:
    def __init__(self, limit: int = MAX_LINE) -> None:
        self._pieces: dict[str, list[Argument]] = {}
        self._limit = limit
        self._left = limit  # characters that may still be written or read

    def write(self, name: str, text: Argument | None, *, appends: bool = False) -> None:
        """Take what a command writes. None: that cannot be known, nor can what is in the file from now on."""
        name = _plain(name)
        before = self._pieces.pop(name, None)
        if text is None or (appends and before is None):
            return
        held = before if before is not None and appends else []
        held.append(self._counted(text, len(name)))
        self._pieces[name] = held

    def read(self, name: str) -> Argument | None:
        """Return what is in a file, if the script wrote it."""
        pieces = self._pieces.get(_plain(name))
        if pieces is None:
            return None
        refused = next((piece.refused for piece in pieces if piece.refused), "")
        return self._counted(Argument("" if refused else "".join(piece.text for piece in pieces), refused))

    def _counted(self, text: Argument, more: int = 0) -> Argument:
        self._left -= len(text.text) + more
        return text if self._left >= 0 else Argument("", f"files of more than {self._limit >> 20} MiB")


def _plain(name: str) -> str:
    return name.removeprefix("./")
