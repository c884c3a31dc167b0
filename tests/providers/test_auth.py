"""Where a key is found, what is no key, and that none is ever shown."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from dragoman.providers import auth
from dragoman.providers.auth import Key, credentials, find_key
from dragoman.providers.settings import AUTH_METHODS, Profile
from dragoman.schemas.errors import MissingKey, ProfileFault

SECRET = "sk-canary-5ecret"
PRINTS = (sys.executable, "-c", "print('sk-canary-5ecret')")


@pytest.fixture(autouse=True)
def no_command_has_run() -> None:
    auth.forget()


def profile(
    *,
    env: tuple[str, ...] = (),
    file: Path | None = None,
    command: tuple[str, ...] = (),
    need: str = "required",
    method: str = "bearer",
    headers: Mapping[str, str] | None = None,
) -> Profile:
    return Profile(
        name="p",
        vendor="v",
        dialect="openai-chat",
        key_env=env,
        key_file=str(file) if file else None,
        key_command=command,
        key_need=need,
        auth_method=method,
        headers=headers or {},
    )


def found(asked: Profile, **variables: str) -> tuple[str, str] | None:
    key = find_key(asked, variables)
    return (key.secret, key.origin) if key else None


def missing(asked: Profile, **variables: str) -> MissingKey:
    with pytest.raises(MissingKey) as caught:
        find_key(asked, variables)
    assert "canary" not in str(caught.value) + caught.value.hint
    return caught.value


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text(f"{SECRET}\n")
    return path


# ------------------------------------------------------------------------------------------------------------- where
def test_first_variable_that_is_set_wins() -> None:
    asked = profile(env=("A", "B"))
    assert found(asked, A=" a ", B="b") == ("a", "A")
    assert found(asked, A=" ", B="b") == ("b", "B")


def test_variable_comes_before_file_before_command(key_file: Path) -> None:
    command = (sys.executable, "-c", "print('other')")
    assert found(profile(env=("A",), file=key_file, command=command), A="a") == ("a", "A")
    assert found(profile(env=("A",), file=key_file, command=command)) == (SECRET, str(key_file))
    assert found(profile(command=command)) == ("other", f"the command {sys.executable}")


def test_file_with_a_byte_order_mark_is_read(key_file: Path) -> None:
    key_file.write_bytes(b"\xef\xbb\xbfabc\r\n")
    assert found(profile(file=key_file)) == ("abc", str(key_file))


def test_command_runs_without_a_shell_and_once(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    program = f"open({str(marks)!r}, 'a').write('x'); print('$HOME;`id`')"
    asked = profile(command=(sys.executable, "-c", program))
    assert found(asked) == found(asked) == ("$HOME;`id`", f"the command {sys.executable}")
    assert marks.read_text() == "x"


def test_command_has_the_variables_and_no_input() -> None:
    program = "import os, sys; print(os.environ['TOKEN'] + sys.stdin.read())"
    assert found(profile(command=(sys.executable, "-c", program)), TOKEN="abc") == ("abc", f"the command {PRINTS[0]}")


# ----------------------------------------------------------------------------------------------------------- missing
def test_missing_key_says_what_to_set() -> None:
    error = missing(profile(env=("A", "B")))
    assert str(error) == "p: no key: A or B is not set"
    assert error.hint.startswith("export A=")
    assert not error.is_placeholder


@pytest.mark.parametrize(
    ("held", "told"),
    [({}, "A or B is not set"), ({"A": ""}, "B is not set, A is empty"), ({"A": " ", "B": ""}, "A and B is empty")],
)
def test_variable_that_is_empty_is_not_called_unset(held: dict[str, str], told: str) -> None:
    assert str(missing(profile(env=("A", "B")), **held)) == f"p: no key: {told}"


def test_empty_key_is_missing(key_file: Path) -> None:
    key_file.write_text(" \n")
    nothing = (sys.executable, "-c", "")
    error = missing(profile(env=("A",), file=key_file, command=nothing), A=" ")
    assert str(error) == f"p: no key: A is empty, {key_file} is empty, {sys.executable} prints nothing"


def test_profile_without_a_place_for_a_key_is_told_so() -> None:
    error = missing(profile())
    assert str(error) == "p: no key: the profile does not say where it is"
    assert "api_key_env" in error.hint


def test_key_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "No such file" in str(missing(profile(file=tmp_path / "none", need="optional")))


def test_command_that_fails_is_told_without_what_it_said() -> None:
    program = f"import sys; print('{SECRET}'); print('{SECRET}', file=sys.stderr); sys.exit(3)"
    error = missing(profile(command=(sys.executable, "-c", program)))
    assert str(error) == f"p: no key: {sys.executable}: ended with status 3"


def test_command_that_is_not_there_is_told() -> None:
    assert "No such file" in str(missing(profile(command=("/nowhere/pass",))))
    assert "cannot be run" in str(missing(profile(command=("a\0b",))))


def test_command_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "SECONDS", 0.1)
    error = missing(profile(command=(sys.executable, "-c", "import time; time.sleep(60)")))
    assert "not done within 0.1 s" in str(error)


def test_failed_command_is_run_again(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    asked = profile(command=(sys.executable, "-c", f"print(open({str(gate)!r}).read())"))
    missing(asked)
    gate.write_text("abc")
    assert found(asked) == ("abc", f"the command {sys.executable}")


@pytest.mark.parametrize("value", ["your-api-key", "sk-xxxx", "changeme", "<KEY>", "TODO"])
def test_placeholder_is_said_to_be_one(value: str) -> None:
    error = missing(profile(env=("A",)), A=value)
    assert error.is_placeholder
    assert str(error) == "p: no key: what is in A stands for one"


@pytest.mark.parametrize(
    ("value", "told"),
    [(f"{SECRET}\nsecond", "more than one line"), (f"{SECRET}\u200b", "letters"), (f"“{SECRET}”", "letters")],
)
def test_key_that_no_header_can_carry_is_refused(value: str, told: str) -> None:
    with pytest.raises(ProfileFault, match=told) as caught:
        find_key(profile(env=("A",)), {"A": value})
    assert "canary" not in str(caught.value)
    assert str(caught.value).startswith("p: A: the key has")


# ---------------------------------------------------------------------------------------------------------- not asked
def test_no_key_is_looked_for_where_none_is_sent() -> None:
    assert found(profile(env=("A",), method="none"), A="a") is None


def test_optional_key_may_be_missing() -> None:
    assert found(profile(env=("A",), need="optional")) is None
    assert found(profile(env=("A",), need="optional"), A="a") == ("a", "A")


def test_stand_in_is_sent_where_a_server_insists() -> None:
    assert found(profile(env=("A",), need="not-needed")) == ("not-needed", "api_key_need")


def test_header_of_the_profile_stands_in_for_a_key() -> None:
    assert found(profile(env=("A",), headers={"Authorization": "Bearer x"}), A="a") is None


# -------------------------------------------------------------------------------------------------------- credentials
@pytest.mark.parametrize("method", AUTH_METHODS)
def test_key_goes_where_the_method_says(method: str) -> None:
    wanted: Mapping[str, tuple[dict[str, str], dict[str, str]]] = {
        "bearer": ({"Authorization": "Bearer s"}, {}),
        "query": ({}, {"key": "s"}),
        "none": ({}, {}),
    }
    assert credentials(profile(method=method), Key("s", "A")) == wanted.get(method, ({method: "s"}, {}))
    assert credentials(profile(method=method), None) == ({}, {})


def test_key_does_not_show_itself() -> None:
    key = Key(SECRET, "A")
    assert SECRET not in f"{key} {key!r} {[key]}"


def test_key_from_a_variable_needs_no_processes() -> None:
    program = "import sys, dragoman.providers.auth; print('subprocess' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
