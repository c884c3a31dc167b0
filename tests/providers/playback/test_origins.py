"""Which pages of a browser may ask, and what they are told."""

from __future__ import annotations

import pytest

from dragoman.providers.playback.origins import is_foreign, permission, preflight

PAGE = "http://localhost:3000"


@pytest.mark.parametrize("origin", [PAGE, "http://127.0.0.1:8080", "http://[::1]:1", "https://app.localhost"])
def test_pages_of_this_machine_may_read(origin: str) -> None:
    assert not is_foreign(origin)
    assert permission(origin)["access-control-allow-origin"] == origin


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.evil.example", "null", "http://[", ""])
def test_pages_of_other_machines_may_not(origin: str) -> None:
    assert is_foreign(origin)
    assert permission(origin) == {}


@pytest.mark.parametrize("origin", ["http://x\r\n.localhost", "http://é.localhost"])
def test_origin_that_is_no_header_is_not_repeated(origin: str) -> None:
    assert permission(origin) == {}


def test_program_that_is_no_page_is_told_nothing_of_pages() -> None:
    assert not is_foreign(None)
    assert permission(None) == {}
    assert preflight({}) == {"allow": "GET, HEAD, POST, OPTIONS"}


def test_preflight_allows_what_a_page_wants_to_send() -> None:
    asked = {"origin": PAGE, "access-control-request-headers": "authorization, x-api-key"}
    told = preflight({**asked, "access-control-request-private-network": "true"})
    assert told["access-control-allow-headers"] == "authorization, x-api-key"
    assert told["access-control-allow-private-network"] == "true"
    assert "POST" in told["access-control-allow-methods"]


@pytest.mark.parametrize("wanted", ["", "x\r\nset-cookie: a", "é", "x" * 3000])
def test_names_of_headers_that_are_none_are_not_repeated(wanted: str) -> None:
    asked = {"origin": PAGE, "access-control-request-headers": wanted}
    assert "access-control-allow-headers" not in preflight(asked)
