"""Objects that come in pieces: texts are joined, lists go on, entries are put together by their index."""

from __future__ import annotations

import time
from typing import Any

from dragoman.schemas.folding import Folding, joined_base64
from dragoman.schemas.ir import JSON, Wire


def folded(*pieces: Any, whole: bool = True) -> Wire:
    folding = Folding(whole=whole)
    for piece in pieces:
        folding.add(piece)
    return folding.wire()


def test_texts_are_joined_and_words_are_said_anew() -> None:
    assert folded({"text": "a", "id": "1", "n": 1}, {"text": "b", "id": "1", "n": 2}) == {
        "text": "ab",
        "id": "1",
        "n": 2,
    }


def test_entries_are_put_together_by_index_and_type() -> None:
    pieces: list[Wire] = [{"type": "t", "index": 0, "text": "a"}, {"type": "t", "index": 0, "text": "b"}]
    other: Wire = {"type": "t", "index": 1, "text": "c"}
    plain: JSON = {"text": "d"}
    found = folded(*({"list": [piece]} for piece in pieces), {"list": [other, plain, 7]})
    assert found == {"list": [{"type": "t", "index": 0, "text": "ab"}, other, plain, 7]}


def test_what_is_not_kept_whole_has_its_first_pieces() -> None:
    assert folded({"text": "a", "list": [1]}, {"text": "b", "list": [2]}, whole=False) == {"text": "a", "list": [1]}


def test_sounds_that_were_encoded_piece_by_piece_are_one() -> None:
    assert [joined_base64(["YQ==", "Yg=="]), joined_base64(["YWJj", "ZA=="])] == ["YWI=", "YWJjZA=="]


def test_many_pieces_of_one_entry_are_put_together_in_time() -> None:
    entry: Wire = {"type": "t", "index": 0, "text": "word "}
    start = time.process_time()
    found = folded(*({"details": list[JSON]([entry])} for _ in range(50_000)))
    assert found == {"details": [{**entry, "text": "word " * 50_000}]}
    assert time.process_time() - start < 5  # joined anew for every piece, they would take several times as long
