"""The URL of each operation, however the base URL is written."""

from __future__ import annotations

import msgspec
import pytest

from dragoman.providers.endpoints import url_of
from dragoman.providers.settings import Profile
from dragoman.schemas.errors import ProfileFault


def profile(base_url: str, dialect: str = "openai-chat", **paths: str) -> Profile:
    return Profile(name="p", vendor="v", dialect=dialect, base_url=base_url, paths=paths)


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://h/v1", "https://h/v1/chat/completions"),
        ("https://h/v1/", "https://h/v1/chat/completions"),
        (" https://h/v1// ", "https://h/v1/chat/completions"),
        ("https://h", "https://h/chat/completions"),
        ("https://h/v1/chat/completions", "https://h/v1/chat/completions"),
        ("https://h/v1/chat/completions/", "https://h/v1/chat/completions"),
        ("https://h/chat", "https://h/chat/completions"),
        ("https://h:8443/a/b", "https://h:8443/a/b/chat/completions"),
        ("https://h/v1?a=b", "https://h/v1/chat/completions?a=b"),
        ("https://h/v1/?a=b#part", "https://h/v1/chat/completions?a=b"),
        ("http://[::1]:80/v1", "http://[::1]:80/v1/chat/completions"),
        ("https://me:pass@h/v1", "https://me:pass@h/v1/chat/completions"),
    ],
)
def test_base_url_is_taken_however_it_ends(base_url: str, url: str) -> None:
    assert url_of(profile(base_url), "complete") == url


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://h", "https://h/v1/messages"),
        ("https://h/v1", "https://h/v1/messages"),
        ("https://h/v1/messages", "https://h/v1/messages"),
        ("https://h/v2", "https://h/v2/messages"),
        ("https://h/api/v1beta", "https://h/api/v1beta/messages"),
        ("https://h/v1/team", "https://h/v1/team/v1/messages"),
        ("https://h/vendor", "https://h/vendor/v1/messages"),
    ],
)
def test_version_is_not_said_twice(base_url: str, url: str) -> None:
    assert url_of(profile(base_url, "anthropic"), "complete") == url


def test_what_url_and_path_share_is_said_once() -> None:
    azure = profile("https://x/openai/v1/", complete="/openai/v1/chat/completions")
    assert url_of(azure, "complete") == "https://x/openai/v1/chat/completions"
    assert url_of(profile("http://h/api", "ollama"), "complete") == "http://h/api/chat"
    assert url_of(profile("http://h/models"), "models") == "http://h/models/models"


def test_queries_come_together() -> None:
    asked = msgspec.structs.replace(profile("https://h?a=1", "gemini"), query={"b": "2 3"})
    assert url_of(asked, "stream", "models/m", {"key": "k&"}) == (
        "https://h/models/m:streamGenerateContent?a=1&alt=sse&b=2+3&key=k%26"
    )


def test_model_is_escaped_in_a_path() -> None:
    assert url_of(profile("https://h", "gemini"), "complete", "a/b?c") == "https://h/models/a%2Fb%3Fc:generateContent"


def test_stream_is_where_an_answer_is_unless_it_is_told() -> None:
    assert url_of(profile("https://h"), "stream") == "https://h/chat/completions"
    assert url_of(profile("https://h", stream="/s"), "stream") == "https://h/s"


def test_version_of_the_api_is_filled_in() -> None:
    asked = msgspec.structs.replace(profile("https://h", complete="/{api_version}/x"), api_version="v9")
    assert url_of(asked, "complete") == "https://h/v9/x"


@pytest.mark.parametrize(
    "base_url",
    ["h/v1", "ftp://h", "https://", "https://:80", "http://[x", "http://h:99999", "http://h h/", "http://h/\n/v"],
)
def test_what_is_no_url_is_told(base_url: str) -> None:
    with pytest.raises(ProfileFault, match="p: base_url: no http or https URL") as caught:
        url_of(profile(base_url), "complete")
    assert caught.value.hint


def test_password_in_what_is_no_url_is_not_told() -> None:
    with pytest.raises(ProfileFault) as caught:
        url_of(profile("ftp://me:secret@h"), "complete")
    assert "secret" not in str(caught.value)


def test_missing_base_url_is_told() -> None:
    with pytest.raises(ProfileFault, match="p: base_url: there is none"):
        url_of(profile(""), "complete")


def test_missing_model_is_told() -> None:
    with pytest.raises(ProfileFault, match="p: model: there is none, and the URL needs it"):
        url_of(profile("https://h", "gemini"), "complete")


def test_unknown_operation_is_told() -> None:
    with pytest.raises(ProfileFault, match="openai-chat has no 'embed' here"):
        url_of(profile("https://h"), "embed")


def test_url_that_is_none_is_told_with_the_line_that_says_it() -> None:
    asked = Profile(
        name="p", vendor="v", dialect="anthropic", base_url="ftp://h", origins={"base_url": "dragoman.yaml:7"}
    )
    with pytest.raises(ProfileFault, match=r"^p: base_url \(dragoman\.yaml:7\): no http or https URL"):
        url_of(asked, "complete")
