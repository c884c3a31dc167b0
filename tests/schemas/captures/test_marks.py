"""The marks by which bytes show what they are."""

from __future__ import annotations

import pytest

from dragoman.schemas.captures.marks import is_list


@pytest.mark.parametrize("raw", [b"[", b" \r\n\t[1]", b"\xef\xbb\xbf[]", b"\xef\xbb\xbf\n[]", b" " * 1000 + b"["])
def test_a_list_may_stand_behind_a_mark_and_blanks(raw: bytes) -> None:
    assert is_list(raw)


@pytest.mark.parametrize("raw", [b"", b"{}", b' {"a": []}', b"\xef\xbb\xbf", b'"["', b"\x00["])
def test_anything_else_is_no_list(raw: bytes) -> None:
    assert not is_list(raw)
