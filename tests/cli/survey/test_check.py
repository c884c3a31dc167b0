"""`models --check`: what is told of it, to whom, and the status."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from xml.etree.ElementTree import fromstring

import msgspec
import pytest
from pytest_httpx import HTTPXMock

from dragoman.cli.environment import Environment
from dragoman.cli.survey.check import Forms, check
from dragoman.providers.check import Plan, report_of_fault
from dragoman.providers.settings import Credential, Profile
from dragoman.schemas.errors import ProfileFault
from tests.cli.harness import Bytes, Result, Text
from tests.providers.checking import CANARY, LISTING, PROFILE, SANDBOX, error

FAULTY = report_of_fault("broken", ProfileFault("expected seconds"))


def told(
    *profiles: Profile,
    plan: Plan | None = None,
    forms: Forms | None = None,
    terminal: bool = False,
    variables: Mapping[str, str] | None = None,
    faulty: bool = False,
) -> Result:
    out, err = Bytes(terminal=terminal), Text()
    environment = Environment(None, out, stderr=err, variables={"KEY": CANARY, "COLUMNS": "100", **(variables or {})})
    faults = [FAULTY] if faulty else []
    status = check(profiles, plan or Plan(), forms or Forms(), environment, faults)
    return Result(status, out.getvalue(), err.getvalue())


def rejecting(httpx_mock: HTTPXMock, said: str = "Incorrect API key provided") -> None:
    httpx_mock.add_response(status_code=401, json=error(said))


def test_all_is_well() -> None:
    found = told(SANDBOX)
    fields = found.out.decode().rstrip("\n").split("\t")
    assert (found.status, fields[:3], found.err) == (0, ["s", "ok", "auth"], "dragoman: 1 profile checked: 1 ok\n")


def test_one_that_fails_makes_it_fail(httpx_mock: HTTPXMock) -> None:
    rejecting(httpx_mock)
    found = told(SANDBOX, PROFILE)
    assert (found.status, found.err) == (1, "dragoman: 2 profiles checked: 1 ok, 1 bad-key\n")
    assert [line.split("\t")[:3] for line in found.out.decode().splitlines()] == [
        ["s", "ok", "auth"],
        ["p", "bad-key", "auth"],
    ]


def test_rate_limit_is_no_failure(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(status_code=429, json=error("Rate limit reached"))
    assert told(PROFILE).status == 0


def test_one_that_is_skipped_is_no_failure() -> None:
    found = told(SANDBOX, PROFILE, plan=Plan(skips_keyless=True), variables={"KEY": ""})
    assert (found.status, found.err) == (0, "dragoman: 2 profiles checked: 1 ok, 1 skipped\n")


def test_check_of_nothing_but_skipped_ones_fails() -> None:
    found = told(PROFILE, plan=Plan(skips_keyless=True), variables={"KEY": ""})
    assert (found.status, found.err) == (1, "dragoman: error: no profile was checked: no key for p\n")


def test_check_of_no_profile_fails() -> None:
    found = told()
    assert (found.status, found.out) == (1, b"")
    assert found.err == "dragoman: error: no profile was checked: there is none\n"


def test_profile_that_cannot_be_read_fails() -> None:
    found = told(SANDBOX, faulty=True)
    assert found.status == 1
    assert b"broken\tbad-profile\tconfig\t0.00\texpected seconds" in found.out


def test_quiet_says_nothing_that_is_well() -> None:
    assert told(SANDBOX, forms=Forms(quiet=True)).err == ""


def test_verbose_tells_every_level() -> None:
    found = told(SANDBOX, plan=Plan(level="tools"), forms=Forms(verbose=True))
    assert len(found.out.splitlines()) == 6


def test_terminal_gets_a_table() -> None:
    found = told(SANDBOX, terminal=True, variables={"NO_COLOR": "1"})
    assert found.out.decode().splitlines()[0].split() == ["profile", "class", "level", "seconds"]
    assert b"\x1b" not in found.out


def test_terminal_gets_colours() -> None:
    assert b"\x1b[32mok" in told(SANDBOX, terminal=True).out


def test_json_says_all(httpx_mock: HTTPXMock) -> None:
    rejecting(httpx_mock)
    document = json.loads(told(SANDBOX, PROFILE, forms=Forms(is_json=True)).out)
    assert (document["schema_version"], document["ok"], document["level"]) == (1, False, "auth")
    assert document["counts"] == {"ok": 1, "bad-key": 1}
    assert [(one["profile"], one["class"], one["standing"]) for one in document["profiles"]] == [
        ("s", "ok", "passed"),
        ("p", "bad-key", "failed"),
    ]
    assert [step["level"] for step in document["profiles"][1]["steps"]] == ["config", "auth"]


def test_json_of_nothing_is_not_ok() -> None:
    document = json.loads(told(forms=Forms(is_json=True)).out)
    assert (document["ok"], document["profiles"]) == (False, [])


def test_results_go_to_a_file(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    assert told(SANDBOX, forms=Forms(is_json=True, output=str(file))).out == b""
    assert json.loads(file.read_text())["ok"] is True
    assert file.stat().st_mode & 0o777 == 0o600


def test_junit_is_written_beside(tmp_path: Path, httpx_mock: HTTPXMock) -> None:
    rejecting(httpx_mock)
    file = tmp_path / "keys.xml"
    assert told(PROFILE, forms=Forms(junit=str(file))).out
    assert fromstring(file.read_bytes()).get("failures") == "1"


def test_github_gets_annotations_and_a_summary(tmp_path: Path, httpx_mock: HTTPXMock) -> None:
    rejecting(httpx_mock)
    file = tmp_path / "summary.md"
    found = told(PROFILE, variables={"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(file)})
    assert "::error title=p%3A bad-key::auth: 401 Incorrect API key provided" in found.err.splitlines()
    assert "| p | bad-key | auth |" in file.read_text()


def test_summary_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    found = told(SANDBOX, variables={"GITHUB_STEP_SUMMARY": str(tmp_path / "no" / "file")})
    assert found.status == 0
    assert "dragoman: warning: cannot write $GITHUB_STEP_SUMMARY" in found.err


def test_nobody_else_gets_annotations(httpx_mock: HTTPXMock) -> None:
    rejecting(httpx_mock)
    assert "::" not in told(PROFILE).err


@pytest.mark.parametrize(
    "echo",
    [
        CANARY,
        "sk-proj-****WXYZ",
        "sk-...WXYZ",
        "sk-proj-Canary%30123456789abcdefWXYZ",
        "c2stcHJvai1DYW5hcnkwMTIzNDU2Nzg5YWJjZGVmV1hZWg==",
        "sk\\u002dproj-Canary0123456789abcdefWXYZ",
        "it ends with WXYZ",
    ],
)
def test_canary_is_found_nowhere(tmp_path: Path, httpx_mock: HTTPXMock, echo: str) -> None:
    body = '{"error": {"message": "bad key: ' + echo + '", "code": "' + echo + '"}}'
    httpx_mock.add_response(status_code=401, text=body, headers={"x-request-id": echo}, is_reusable=True)
    junit, summary = tmp_path / "keys.xml", tmp_path / "summary.md"
    variables = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    for is_json in (False, True):
        found = told(PROFILE, forms=Forms(junit=str(junit), is_json=is_json, verbose=True), variables=variables)
        everything = f"{found.out.decode()}{found.err}{junit.read_text()}{summary.read_text()}"
        parts = ("Canary", "WXYZ", "0123456789", "c2stcHJvai1D", "DYW5hcnkw")
        assert not [part for part in parts if part in everything]


def test_profile_names_cannot_move_the_cursor() -> None:
    odd = msgspec.structs.replace(SANDBOX, name="a\x1b[2Jb\tc")
    assert b"\x1b" not in told(odd).out


def test_each_key_of_a_profile_has_its_row_also_those_of_commands(httpx_mock: HTTPXMock) -> None:
    keys = (
        Credential(name="first", key_env=("KEY",)),
        Credential(name="second", key_command=("printf", "key-of-a-command")),
    )
    httpx_mock.add_response(match_headers={"Authorization": f"Bearer {CANARY}"}, status_code=401)
    httpx_mock.add_response(match_headers={"Authorization": "Bearer key-of-a-command"}, json=LISTING)
    done = told(msgspec.structs.replace(PROFILE, credentials=keys))
    assert [line.split(b"\t")[:2] for line in done.out.splitlines()] == [
        [b"p: first", b"bad-key"],
        [b"p: second", b"ok"],
    ]
    assert done.status == 1
