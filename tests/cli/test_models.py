"""The command line of `models`: which profiles are meant, which options go together, and a real process."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from dragoman.cli.models import LEVELS as TOLD
from dragoman.providers.check import LEVELS
from tests.cli.harness import Result, execute, invoke
from tests.cli.test_startup import SLOW, imported_by

TWO = """
default: one
profiles:
  one: {type: sandbox}
  two: {type: sandbox, dialect: anthropic}
"""
GROUP = f"{TWO}groups:\n  both: {{targets: [two, one/big], policies: {{auth: stop}}}}\n"
KEYED = "profiles:\n  here: {type: sandbox}\n  away: {type: openai, api_key_env: NOWHERE}\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return an empty folder, in which no profile is configured."""
    return tmp_path


def models(home: Path, *arguments: str, profiles: str = "", **variables: str) -> Result:
    """Run the subcommand where these profiles, and no others, are configured."""
    file = home / "dragoman.yaml"
    file.write_text(profiles or "profiles: {}\n")
    return invoke("models", *arguments, variables={"DRAGOMAN_CONFIG": str(file), "HOME": str(home), **variables})


def test_named_profile_is_listed(home: Path) -> None:
    assert models(home, "-p", "sandbox").out.splitlines()[0] == b"sandbox"


def test_all_configured_profiles_are_listed(home: Path) -> None:
    found = models(home, profiles=TWO)
    assert {line.partition(b"/")[0] for line in found.out.splitlines()} == {b"one", b"two"}


def test_profile_that_is_named_twice_is_listed_once(home: Path) -> None:
    assert models(home, "-p", "sandbox", "-p", "sandbox") == models(home, "-p", "sandbox")


def test_without_a_profile_nothing_is_listed(home: Path) -> None:
    found = models(home)
    assert (found.status, found.out) == (78, b"")
    assert "-p sandbox" in found.err


def test_unknown_profile_is_told(home: Path) -> None:
    assert models(home, "-p", "sandbx").status == 78


def test_profile_without_a_key_hides_no_other(home: Path) -> None:
    found = models(home, profiles=KEYED)
    assert (found.status, found.out.splitlines()[0]) == (78, b"here/sandbox")
    assert "NOWHERE" in found.err


def test_file_that_is_broken_is_told_before_anything_is_asked(home: Path) -> None:
    found = models(home, "--check", "--all", profiles="profiles: {here: {typ: sandbox}}\n")
    assert (found.status, found.out) == (78, b"")
    assert "dragoman.yaml:1" in found.err


def test_profile_that_lacks_a_variable_hides_no_other(home: Path) -> None:
    lacking = 'profiles:\n  here: {type: sandbox}\n  odd: {type: sandbox, base_url: "${NOWHERE}"}\n'
    listed, checked = models(home, profiles=lacking), models(home, "--check", "--all", profiles=lacking)
    assert (listed.status, listed.out.splitlines()[0]) == (78, b"here/sandbox")
    assert [line.split(b"\t")[:2] for line in checked.out.splitlines()] == [[b"here", b"ok"], [b"odd", b"bad-profile"]]


def test_check_is_of_the_default_profile(home: Path) -> None:
    found = models(home, "--check", profiles=TWO)
    assert (found.status, found.out.split(b"\t")[:3]) == (0, [b"one", b"ok", b"auth"])


def test_check_of_all_skips_what_has_no_key(home: Path) -> None:
    found = models(home, "--check", "--all", profiles=KEYED)
    assert found.status == 0
    assert [line.split(b"\t")[:2] for line in found.out.splitlines()] == [[b"here", b"ok"], [b"away", b"skipped"]]


def test_check_of_a_named_profile_without_a_key_fails(home: Path) -> None:
    found = models(home, "--check", "-p", "away", profiles=KEYED)
    assert (found.status, found.out.split(b"\t")[1]) == (1, b"missing-key")


@pytest.mark.parametrize("placeholder", ["your-api-key", "changeme"])
def test_placeholder_is_said_to_be_one(home: Path, placeholder: str) -> None:
    found = models(home, "--check", "-p", "away", profiles=KEYED, NOWHERE=placeholder)
    assert found.out.split(b"\t")[1] == b"missing-key"
    assert b"stands for" in found.out


def test_check_of_all_where_there_is_nothing_fails(home: Path) -> None:
    found = models(home, "--check", "--all")
    assert (found.status, found.err) == (1, "dragoman: error: no profile was checked: there is none\n")


def test_model_may_be_told(home: Path) -> None:
    found = models(home, "--check", "-p", "sandbox", "-m", "sandbox-large", "--level", "model", "--json")
    assert json.loads(found.out)["profiles"][0]["model"] == "sandbox-large"


def test_check_goes_as_far_as_it_is_told(home: Path) -> None:
    found = models(home, "--check", "-p", "sandbox", "--level=tools", "-v")
    assert [line.split(b"\t")[2].decode() for line in found.out.splitlines()] == list(LEVELS)


def test_explanation_names_origins(home: Path) -> None:
    found = models(home, "--explain", profiles=TWO)
    rows = [line.split("\t") for line in found.out.decode().splitlines()]
    assert ["name", "one", ""] in rows
    assert next(row[2] for row in rows if row[0] == "type").endswith("dragoman.yaml:4")


def test_explanation_of_several_names_the_profile(home: Path) -> None:
    found = models(home, "--explain", "-p", "one", "-p", "two", profiles=TWO)
    assert {line.split(b"\t")[0] for line in found.out.splitlines()} == {b"one", b"two"}


def test_explanation_on_a_terminal_is_a_table(home: Path) -> None:
    file = home / "dragoman.yaml"
    file.write_text(TWO)
    variables = {"DRAGOMAN_CONFIG": str(file), "NO_COLOR": "1"}
    found = invoke("models", "--explain", terminals=["stdout"], variables=variables)
    assert found.out.decode().splitlines()[0].split() == ["profile", "field", "value", "from"]


def test_explanation_in_json(home: Path) -> None:
    document = json.loads(models(home, "--explain", "--json", profiles=TWO).out)
    assert (document["schema_version"], document["profiles"][0]["profile"]) == (1, "one")
    assert document["profiles"][0]["fields"][0] == {"field": "name", "value": "one", "origin": None}


def test_group_is_explained_by_its_targets(home: Path) -> None:
    found = models(home, "--explain", "-p", "both", profiles=GROUP)
    rows = [line.split("\t") for line in found.out.decode().splitlines()]
    assert [row[:2] for row in rows] == [
        ["name", "both"],
        ["target 1", "two/sandbox"],
        ["target 2", "one/big"],
        ["policies.auth", "stop"],
    ]
    assert all(row[2].endswith("dragoman.yaml:7") for row in rows)


def test_explanation_of_a_group_warns_of_its_targets_once(home: Path) -> None:
    twice = f"{TWO}groups:\n  both: [two, one, two]\n"
    found = models(home, "--explain", "-p", "both", profiles=twice)
    assert found.err.count("two is named before, and asked once") == found.err.count("warning") == 1
    assert models(home, "--explain", "-q", "-p", "both", profiles=twice).err == ""


def test_groups_and_profiles_are_explained_together(home: Path) -> None:
    document = json.loads(models(home, "--explain", "--json", "-p", "both", "-p", "one", profiles=GROUP).out)
    assert [group["group"] for group in document["groups"]] == ["both"]
    assert [profile["profile"] for profile in document["profiles"]] == ["one"]


def test_default_that_is_a_group_is_explained(home: Path) -> None:
    found = models(home, "--explain", profiles=GROUP, DRAGOMAN_PROFILE="both")
    assert found.out.startswith(b"name\tboth\t")


def test_targets_of_a_group_are_checked(home: Path) -> None:
    found = models(home, "--check", "-p", "both", profiles=GROUP)
    assert [line.split(b"\t")[0] for line in found.out.splitlines()] == [b"two", b"one"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--all"], "--all is for a check"),
        (["--level", "auth"], "--level is for a check"),
        (["--junit", "x"], "--junit is for a check"),
        (["--total-timeout", "1"], "--total-timeout is for a check"),
        (["--check", "--all", "-p", "x"], "--all and -p"),
        (["--check", "--explain"], "--check and --explain"),
        (["--check", "--filter", "x"], "--filter is for a list"),
        (["--check", "--jsonl"], "--jsonl is for a list"),
        (["--json", "--jsonl"], "--json and --jsonl"),
        (["--check", "--level", "auht"], "did you mean 'auth'?"),
        (["--timeout", "soon"], "--timeout: expected seconds"),
        (["--timeout", "0"], "--timeout: expected seconds"),
        (["--timeout", "nan"], "--timeout: expected seconds"),
        (["--check", "--total-timeout", "-1"], "--total-timeout: expected seconds"),
        (["--check", "--junit", "x", "-o", "./x"], "--junit and -o"),
        (["stray"], "unexpected extra argument"),
    ],
)
def test_command_line_that_makes_no_sense_is_refused(home: Path, arguments: list[str], said: str) -> None:
    found = models(home, *arguments)
    assert found.status == 2
    assert said in found.err


def test_levels_are_those_of_the_check() -> None:
    assert TOLD == LEVELS


def test_real_process_checks_and_writes(home: Path) -> None:
    junit = home / "keys.xml"
    found = execute("models", "--check", "-p", "sandbox", "--level", "stream", "--json", "--junit", str(junit))
    assert (found.status, json.loads(found.out)["ok"]) == (0, True)
    assert fromstring(junit.read_bytes()).get("tests") == "5"


def test_list_of_the_sandbox_imports_nothing_slow() -> None:
    roots = {name.partition(".")[0] for name in imported_by("models", "-p", "sandbox")}
    assert not roots & (SLOW - {"asyncio", "ssl", "socket"} | {"typer"})
