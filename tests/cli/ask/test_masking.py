"""Masking: a key is a mark, other secrets are gone, and what is missing is said to be."""

from __future__ import annotations

from pathlib import Path

import pytest

from dragoman.cli.ask.masking import MARK, KeySource, key_source, known_secrets, with_key, without_secrets
from dragoman.providers.exchange import Call
from dragoman.providers.secrets import Secrets
from dragoman.providers.settings import Credential, Profile
from tests.cli.typed import environment

KEY = "sk-canary-0123456789"


def profile(**fields: object) -> Profile:
    return Profile(**{"name": "a", "vendor": "a", "dialect": "openai-chat", **fields})  # type: ignore[arg-type]  # any


def source(made: Profile, **variables: str) -> KeySource | None:
    return key_source(made, environment(variables=variables))


def test_variable_that_is_set_is_the_source() -> None:
    made = profile(key_env=("A_KEY", "B_KEY"), key_file="/gone", key_command=("pass", "a"))
    assert source(made, A_KEY=" ", B_KEY=KEY) == KeySource("env", "B_KEY")
    assert source(made) == KeySource("file", "/gone", is_there=False)
    assert source(made, A_KEY="your-api-key") == KeySource("env", "A_KEY", is_there=False)


def test_file_and_command_come_after_the_variables(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY)
    assert source(profile(key_file=str(file))) == KeySource("file", str(file))
    assert source(profile(key_command=("pass", "a"))) == KeySource("command", "pass", arguments=("pass", "a"))


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"key_env": ("A_KEY",)}, KeySource("env", "A_KEY", is_there=False)),
        ({}, KeySource("env", "API_KEY", is_there=False)),
        ({"key_env": ("A_KEY",), "key_need": "optional"}, None),
        ({"key_env": ("A_KEY",), "key_need": "not-needed"}, KeySource("text", "not-needed")),
        ({"key_env": ("A_KEY",), "auth_method": "none"}, None),
        ({"key_env": ("A_KEY",), "headers": {"Authorization": "Basic abc"}}, None),
        ({"key_env": ("A_KEY",), "auth_method": "query"}, KeySource("env", "A_KEY", is_there=False)),
    ],
)
def test_key_that_is_nowhere_is_missing_where_there_has_to_be_one(
    fields: dict[str, object], wanted: KeySource | None
) -> None:
    assert source(profile(**fields)) == wanted


def test_of_several_credentials_the_first_that_is_there_counts() -> None:
    first, second = Credential(name="a", key_env=("A",), priority=2), Credential(name="b", key_env=("B",))
    made = profile(key_env=("C",), credentials=(first, second))
    assert source(made, A="k", C="k") == KeySource("env", "A")
    assert source(made, A="k", B="k") == KeySource("env", "B")
    assert source(made, C="k") == KeySource("env", "B", is_there=False)


def test_keys_of_all_credentials_are_masked() -> None:
    made = profile(credentials=(Credential(name="a", key_env=("A",)), Credential(name="b", key_env=("B",))))
    secrets = known_secrets(made, environment(variables={"A": "canary-one", "B": "canary-two"}))
    assert "canary" not in secrets.redact("canary-one, canary-two")


def test_headers_and_urls_that_carry_secrets_are_masked() -> None:
    call = Call(
        url="https://user:pass@x/v1?alt=sse&api_key=abcdefgh",
        headers={"Authorization": "Basic abc", "X-Session-Token": "abc", "X-Title": "mine"},
    )
    masked = without_secrets(call, Secrets())
    assert masked.url == "https://[redacted]@x/v1?alt=sse&api_key=[redacted]"
    assert masked.headers == {"Authorization": "[redacted]", "X-Session-Token": "[redacted]", "X-Title": "mine"}


def test_key_in_a_prompt_is_masked() -> None:
    known = known_secrets(profile(key_env=("A_KEY",)), environment(variables={"A_KEY": KEY}))
    masked = without_secrets(Call(url="https://x", body=f'{{"a": "my {KEY}"}}'.encode()), known)
    assert masked.body == b'{"a": "my [redacted]"}'


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        (KeySource("env", "A_KEY"), "[redacted]"),
        (KeySource("env", "A_KEY", is_there=False), "[missing: A_KEY]"),
        (KeySource("text", "not-needed"), "not-needed"),
        (None, "[redacted]"),
    ],
)
def test_mark_stays_until_it_is_shown_as_what_it_stands_for(found: KeySource | None, shown: str) -> None:
    call = Call(url=f"https://x?alt=sse&key={MARK}", headers={"Authorization": f"Bearer {MARK}"})
    masked = without_secrets(call, Secrets())
    assert masked == call
    told = with_key(masked, found)
    assert (told.url, told.headers) == (f"https://x?alt=sse&key={shown}", {"Authorization": f"Bearer {shown}"})
