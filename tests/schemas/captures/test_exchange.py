"""The headers of an exchange."""

from __future__ import annotations

from dragoman.schemas.captures.exchange import OF_TRANSFER, header, without_headers

HEADERS = (("Content-Type", "text/plain"), ("Content-Encoding", "gzip"), ("content-type", "other"))


def test_a_header_is_found_however_its_name_is_written_and_the_first_one_counts() -> None:
    assert header(HEADERS, "content-type") == "text/plain"


def test_a_header_that_is_not_there_says_nothing() -> None:
    assert header(HEADERS, "date") == header((), "date") == ""


def test_headers_are_left_out_by_name_and_the_others_keep_their_order() -> None:
    assert without_headers(HEADERS, OF_TRANSFER) == (HEADERS[0], HEADERS[2])
    assert without_headers(HEADERS, ("content-type",)) == (HEADERS[1],)
    assert without_headers(HEADERS, ()) == HEADERS
