"""Where a key is found, what is no key, and that none is ever shown."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from dragoman.providers import auth, keysources
from dragoman.providers.auth import (
    Key,
    Keyring,
    credential_id,
    credentials,
    find_key,
    find_keys,
    look_for_keys,
    one_by_one,
    with_credential,
)
from dragoman.providers.settings import AUTH_METHODS, Credential, Profile
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
    monkeypatch.setattr(keysources, "SECONDS", 0.1)
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


# ------------------------------------------------------------------------------------------------------------- several
def several(*held: Credential, method: str = "bearer", untrusted: str = "") -> Profile:
    return Profile(
        name="p",
        vendor="v",
        dialect="openai-chat",
        auth_method=method,
        key_env=("VENDORS",),
        credentials=held,
        untrusted_command=untrusted,
    )


def by_env(name: str, *, priority: int = 1) -> Credential:
    return Credential(name=name.lower(), key_env=(name,), priority=priority)


def named(ring: Keyring) -> list[tuple[str, str]]:
    return [(one.credential.name if one.credential else "", one.key.secret if one.key else "") for one in ring.held]


def test_each_credential_has_its_key_in_the_order_of_the_file(key_file: Path) -> None:
    asked = several(
        by_env("B", priority=2), Credential(name="f", key_file=str(key_file)), Credential(name="c", key_command=PRINTS)
    )
    ring = look_for_keys(several(*asked.credentials[:2], by_env("A")), {"A": "a", "B": "b", "VENDORS": "x"})
    assert named(ring) == [("b", "b"), ("f", SECRET), ("a", "a")]
    assert ring.warnings == ()
    assert [one.credential for one in find_keys(asked, {"B": "b"})] == [asked.credentials[0], asked.credentials[1]]


def test_profile_without_credentials_has_one_key() -> None:
    (held,) = find_keys(profile(env=("A",)), {"A": "a"})
    assert (held.key.secret if held.key else "", held.credential) == ("a", None)


def test_where_no_key_is_sent_none_is_looked_for() -> None:
    asked = several(by_env("A"), by_env("B"), method="none")
    assert [(one.key, one.credential) for one in find_keys(asked, {})] == [(None, None)]
    assert find_key(asked, {}) is None


def test_credential_without_a_key_is_left_out_and_told() -> None:
    ring = look_for_keys(several(by_env("A"), by_env("B"), Credential(name="c", key_file="/none")), {"B": "b"})
    assert named(ring) == [("b", "b")]
    assert ring.warnings == ("p: a: no key: A is not set", "p: c: no key: /none: No such file or directory")


def test_without_any_key_all_places_are_told() -> None:
    asked = several(by_env("A"), Credential(name="c", key_file="/none"))
    for look in (find_key, find_keys):
        with pytest.raises(MissingKey) as caught:
            look(asked, {"VENDORS": "x"})
        assert str(caught.value) == "p: no key: a: A is not set; c: /none: No such file or directory"
        assert caught.value.hint == "export A=…; credentials say where keys are: env, file or command"


def test_without_any_variable_the_fields_are_told() -> None:
    with pytest.raises(MissingKey) as caught:
        find_keys(several(Credential(name="c", key_file="/none")), {})
    assert caught.value.hint == "credentials say where keys are: env, file or command"


def test_placeholders_alone_are_told_as_such() -> None:
    with pytest.raises(MissingKey) as caught:
        find_keys(several(by_env("A"), by_env("B")), {"A": "<your key>", "B": "xxx"})
    assert caught.value.is_placeholder


def test_key_of_two_credentials_is_one_accounts() -> None:
    ring = look_for_keys(several(by_env("A"), by_env("B"), by_env("C")), {"A": SECRET, "B": "b", "C": f" {SECRET}"})
    assert named(ring) == [("a", SECRET), ("b", "b")]
    assert ring.warnings == ("p: c is not used: it is the same key as a",)


def test_first_key_by_priority_is_the_key_of_a_profile(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    never = Credential(name="c", key_command=(sys.executable, "-c", f"open({str(mark)!r}, 'w')"), priority=3)
    asked = several(never, by_env("B", priority=2), by_env("A"))
    assert found(asked, A="a", B="b") == ("a", "A")
    assert found(asked, B="b") == ("b", "B")
    assert not mark.exists()


def test_command_of_a_credential_in_a_found_file_is_not_run(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    command = Credential(name="c", key_command=(sys.executable, "-c", f"open({str(mark)!r}, 'w')"))
    place = "dragoman.yaml:6: profiles.p.credentials[0].command"
    asked = several(command, by_env("A"), untrusted=place)
    assert look_for_keys(asked, {"A": "a"}).warnings == (f"{place}: a command in a project's file is not run",)
    with pytest.raises(ProfileFault, match="a command in a project's file is not run") as caught:
        find_keys(asked, {})
    assert "DRAGOMAN_ALLOW_COMMANDS=1" in caught.value.hint
    assert not mark.exists()


def test_of_many_missing_keys_a_few_are_told() -> None:
    asked = several(*(by_env(f"K{number}") for number in range(1000)))
    with pytest.raises(MissingKey, match="K9 is not set; and so on for 990 more"):
        find_keys(asked, {})
    warnings = look_for_keys(asked, {"K999": "a"}).warnings
    assert (len(warnings), warnings[-1]) == (11, "and so on for 989 more")


def test_one_credential_is_a_profile_with_a_single_key() -> None:
    alone = with_credential(several(by_env("A"), by_env("B")), by_env("B"))
    assert (alone.name, alone.key_env, alone.credentials, alone.key_need) == ("p: b", ("B",), (), "required")


def test_credentials_come_one_by_one_by_priority() -> None:
    asked = several(by_env("A", priority=2), by_env("B"))
    assert [alone.key_env for alone in one_by_one(asked)] == [("B",), ("A",)]
    assert one_by_one(profile()) == [profile()]


# ----------------------------------------------------------------------------------------------------- names in records
def test_name_of_a_key_in_records_is_that_of_the_key_and_vendor() -> None:
    asked, other = profile(env=("A",)), several(by_env("A"))
    told = credential_id(asked, Key(SECRET, "A"))
    assert told == credential_id(other, Key(SECRET, "B"))
    assert told != credential_id(asked, Key(f"{SECRET}1", "A"))
    assert told.startswith("v:")
    assert len(told) == 26


def test_name_of_a_key_in_records_does_not_show_it() -> None:
    told = credential_id(profile(), Key(SECRET, "A"))
    assert not any(SECRET[at : at + 4] in told for at in range(len(SECRET) - 3))
    assert credential_id(profile(), None) == "v:no-key"
