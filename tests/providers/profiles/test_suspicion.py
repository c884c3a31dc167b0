"""What looks like a key, and what stands for one."""

from __future__ import annotations

import pytest

from dragoman.providers.profiles.suspicion import has_password, is_placeholder, looks_like_key, names_secret, shown

STAND_INS = [
    "your-api-key",
    "YOUR_API_KEY",
    "sk-your-key-here",
    "sk-xxxx",
    "sk-proj-xxxxxxxx",
    "sk-...",
    "sk-ant-...",
    "sk-or-…",
    "changeme",
    "change_me",
    "CHANGEME!",
    "replace-me",
    "<KEY>",
    "<your-key>",
    "TODO",
    "FIXME",
    "tbd",
    "${KEY}",
    "{{api_key}}",
    "$OPENAI_API_KEY",
    "[KEY]",
    "xxx",
    "****",
    "...",
    "insert-key-here",
    "put_your_token_here",
    "paste-it-here",
    "placeholder",
    "null",
    "undefined",
    "sk-proj-****",
]
KEYS = [
    "sk-proj-4f9a8b7c6d5e4f3a2b1c",
    "sk-ant-api03-AbC-123_x",
    "gsk_abc123def456",
    "AIzaSyABCDEF1234567890",
    "sk-1234",
    "sk-test",
    "test",
    "dummy",
    "EMPTY",
    "none",
    "mock",
    "test-key",
    "not-needed",
    "ollama",
    "my-secret-canary-0123",
    "sk-fake-key",
    "0123456789abcdef",
]


@pytest.mark.parametrize("value", STAND_INS)
def test_what_asks_to_be_replaced_is_no_key(value: str) -> None:
    assert is_placeholder(value)


@pytest.mark.parametrize("value", KEYS)
def test_what_a_server_may_take_is_a_key(value: str) -> None:
    assert not is_placeholder(value)


@pytest.mark.parametrize("piece", ["a", "ab-", "your-", "your key ", "xxxxxa", "key-", "-here", "<", "sk-"])
def test_long_texts_are_judged_in_time(piece: str) -> None:
    text = piece * 10_000
    is_placeholder(text[:99])
    assert not is_placeholder(text)
    looks_like_key(text)


@pytest.mark.parametrize("value", ["sk-proj-4f9a8b7c6d5e4f3a2b1c", "Bearer hf_Abcdefgh1234", "aB3" * 12])
def test_key_is_seen_by_its_shape(value: str) -> None:
    assert looks_like_key(value)


@pytest.mark.parametrize("value", ["OPENAI_API_KEY", "https://api.openai.com/v1", "gpt-5.4-mini", "fast", "x" * 40])
def test_names_and_urls_are_no_keys(value: str) -> None:
    assert not looks_like_key(value)


@pytest.mark.parametrize("name", ["Authorization", "x-api-key", "api_key", "apikey", "X-Auth-Token", "Cookie", "key"])
def test_name_of_a_secret(name: str) -> None:
    assert names_secret(name)


@pytest.mark.parametrize("name", ["api_key_env", "api_key_file", "max_tokens", "keyboard", "HTTP-Referer", "monkey"])
def test_name_of_no_secret(name: str) -> None:
    assert not names_secret(name)


def test_password_in_a_url_is_seen() -> None:
    assert has_password("http://me:secret@proxy:3128")
    assert not has_password("http://proxy:3128")
    assert not has_password("http://[broken")


def test_what_may_be_secret_is_not_shown() -> None:
    assert shown("temperature", "hot") == '"hot"'
    for name, value in (("api_key", "abc"), ("type", "sk-proj-4f9a8b7c6d5e"), ("proxy", "http://a:b@c")):
        assert value not in shown(name, value)
