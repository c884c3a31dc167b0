"""Extraction: the first fenced block as CommonMark has them, or the first JSON."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.cli.answer.extract import extracted


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Here:\n```python\nprint(1)\n```\nDone.", "print(1)"),
        ("```\none\n\ntwo\n```\n```\nthree\n```", "one\n\ntwo"),
        ("~~~~ awk\n~~~\n~~~~", "~~~"),
        ("````md\n```\ninner\n```\n````", "```\ninner\n```"),
        ("  ```\n  a\n    b\n  ```", "a\n  b"),
        ("```\nnever closed\n", "never closed\n"),
        ("```sh\r\nls\r\n```\r\n", "ls\r"),
        ("```\n```", ""),
        ("no `code` at all", None),
        ("``` not a fence ``` here", None),
        ("    ```\n    indented code\n    ```", None),
        ("``two``", None),
    ],
)
def test_first_fenced_block_is_found(text: str, code: str | None) -> None:
    assert extracted(text, "code") == code


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (' {"a": 1}\n', '{"a": 1}'),
        ('Sure:\n```json\n{"a": 1}\n```', '{"a": 1}'),
        ("```sh\nls -l\n```\n```\n[1]\n```", "[1]"),
        ("```json\n{oops\n```", None),
        ("nothing", None),
        ("", None),
    ],
)
def test_json_is_the_whole_text_or_a_block(text: str, found: str | None) -> None:
    assert extracted(text, "json") == found


@given(st.text(alphabet="ab`~ \n"), st.integers(3, 6))
def test_what_is_fenced_comes_out_as_it_went_in(content: str, length: int) -> None:
    fence = "`" * max(length, content.count("`") + 1)
    lines = "\n".join(line for line in content.split("\n"))
    assert extracted(f"Text\n{fence}x\n{lines}\n{fence}\n", "code") == lines
