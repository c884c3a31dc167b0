"""Vendors and dialects that other packages bring: from the entry point to a call, and on the command line."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dragoman.providers.auth import Key
from dragoman.providers.catalog import vendor, vendor_names
from dragoman.providers.endpoints import url_of
from dragoman.providers.prepare import prepare
from dragoman.providers.profile import load_profile
from dragoman.providers.settings import Profile
from dragoman.schemas.errors import ProfileFault, UnknownProfile
from dragoman.schemas.ir import Message, Request, Text, Wire
from tests.packages import installed, write_package

SOURCE = """
from dragoman.schemas.derived import Derived, derive


class Methods(Derived):
    def encode_request(self, request, losses):
        return {**super().encode_request(request, losses), "house": "acme"}

    def decode_request(self, wire):
        return super().decode_request({key: value for key, value in wire.items() if key != "house"})


TOY = derive("anthropic", name="toy", title="A toy Claude", methods=Methods)
SEEN = derive("gemini", name="toy-gemini", title="A toy Gemini")
ACME = {
    "title": "Acme",
    "dialect": "Toy",
    "base_url": "https://acme.example",
    "model": "acme-1",
    "api_key_env": "ACME_API_KEY",
    "env": {"base_url": "ACME_BASE_URL"},
    "headers": {"X-Team": "${ACME_TEAM:-}"},
    "dialects": {"openai": {"paths": {"complete": "/chat"}}},
    "terms": "Acme's terms\\n apply",
}


def made():
    return {"dialect": "toy", "base_url": "https://made.example", "auth_method": "none"}


def fails():
    raise LookupError("no network")


NO_MAPPING = 7
NO_DIALECT = {"base_url": "https://x.example"}
STRANGE = {"dialect": "esperanto"}
FOREIGN = {"dialect": "toy", "dialects": {"esperanto": {}}}
ODD_FIELD = {"dialect": "toy", "base_uri": "https://x.example"}
ODD_OVERLAY = {"dialect": "toy", "with_deployment": {"paths": 7}}
ODD_ENV = {"dialect": "toy", "env": {"base_url": 7}}
ODD_VALUE = {"dialect": "toy", "extra_body": {"x": object()}}
EXTENDS = {"dialect": "toy", "extends": "openai"}
"""
USEFUL = {"acme": "ACME", "made": "made"}
USELESS = {
    "fails": ("fails", "its function fails: LookupError: no network"),
    "absent": ("ABSENT", "it cannot be imported: AttributeError"),
    "no-mapping": ("NO_MAPPING", "expected an entry of the catalog's form, got int"),
    "no-dialect": ("NO_DIALECT", "an entry has to name a dialect"),
    "strange": ("STRANGE", "unknown dialect 'esperanto'"),
    "foreign": ("FOREIGN", "unknown dialect 'esperanto'"),
    "odd-field": ("ODD_FIELD", "base_uri"),
    "odd-overlay": ("ODD_OVERLAY", "with_deployment"),
    "odd-env": ("ODD_ENV", "no entry of the catalog's form: Expected `str | array`, got `int`"),
    "odd-value": ("ODD_VALUE", "no entry of the catalog's form"),
    "extends": ("EXTENDS", "extends: an entry stands for itself"),
}
HELLO = Request(messages=(Message(role="user", parts=(Text(text="Hi."),)),))


def write_acme(folder: Path) -> None:
    vendors = {**USEFUL, **{name: attribute for name, (attribute, _) in USELESS.items()}, "groq": "ACME"}
    points = {
        "dragoman.dialects": {"toy": "acme_house:TOY", "toy-gemini": "acme_house:SEEN"},
        "dragoman.vendors": {name: f"acme_house:{attribute}" for name, attribute in vendors.items()},
    }
    write_package(folder, "acme_house", SOURCE, points)


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[Path]:
    write_acme(tmp_path)
    with installed(tmp_path):
        yield tmp_path


def load(name: str, folder: Path | str = "/", **variables: str) -> Profile:
    return load_profile(name, variables=variables, folder=str(folder))


def sent(profile: Profile) -> Wire:
    body: Wire = json.loads(prepare(profile, Key("k", "test"), HELLO).call.body)
    return body


@pytest.mark.usefixtures("acme")
def test_vendor_of_a_package_is_a_profile() -> None:
    profile = load("acme", ACME_TEAM="blue")
    assert (profile.vendor, profile.dialect, profile.title, profile.model) == ("acme", "toy", "Acme", "acme-1")
    assert profile.headers == {"X-Team": "blue", "anthropic-version": "2023-06-01"}
    assert profile.warnings == ("acme: Acme's terms apply",)
    assert url_of(profile, "complete", "m") == "https://acme.example/v1/messages"
    assert load("acme", ACME_BASE_URL="https://b.example").base_url == "https://b.example"


@pytest.mark.usefixtures("acme")
def test_vendor_of_a_package_speaks_its_own_dialect_and_others() -> None:
    assert sent(load("acme"))["house"] == "acme"
    other = load_profile("acme", variables={}, settings={"dialect": "openai-chat"}, folder="/")
    assert url_of(other, "complete", "m") == "https://acme.example/chat"


@pytest.mark.usefixtures("acme")
def test_function_may_stand_for_the_entry() -> None:
    profile = load("made")
    assert (profile.base_url, profile.title, profile.warnings) == ("https://made.example", "made", ())


@pytest.mark.usefixtures("acme")
def test_vendors_of_ours_cannot_be_taken() -> None:
    assert load("groq").base_url == "https://api.groq.com/openai/v1"
    assert vendor_names().count("groq") == 1


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize("name", USELESS)
def test_vendor_that_is_of_no_use_is_told_to_who_asks_for_it(name: str) -> None:
    with pytest.raises(ProfileFault) as caught:
        load(name)
    assert USELESS[name][1] in str(caught.value)
    assert str(caught.value).startswith(f"vendor {name} of the package acme_house")


@pytest.mark.usefixtures("acme")
def test_vendors_that_are_of_no_use_are_left_out_of_the_list_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        names = vendor_names()
    assert names[-2:] == ("acme", "made")
    assert not set(names) & set(USELESS)
    assert sorted(message.partition(",")[0] for message in caplog.messages) == sorted(USELESS)


@pytest.mark.usefixtures("acme")
def test_misspelt_vendor_of_a_package_is_near() -> None:
    with pytest.raises(UnknownProfile) as caught:
        load("acmee")
    assert "acme" in caught.value.hint


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize("name", ["", "acme/m", "../acme", "Acme"])
def test_vendor_of_a_package_has_one_spelling(name: str) -> None:
    assert vendor(name) is None


def test_profile_starts_from_the_vendor_that_it_names(acme: Path) -> None:
    (acme / "dragoman.yaml").write_text(
        "profiles:\n"
        "  mine: {type: acme, model: acme-2}\n"
        "  acme: {extends: acme, model: acme-3}\n"
        "  made: {}\n"
        "  there: {dialect: toy, base_url: 'https://there.example'}\n"
        "  seen: {dialect: toy-gemini}\n"
    )
    assert [load(name, acme).base_url for name in ("mine", "acme", "made", "there")] == [
        "https://acme.example",
        "https://acme.example",
        "https://made.example",
        "https://there.example",
    ]
    assert load("there", acme).vendor == "anthropic"
    assert url_of(load("seen", acme), "stream", "m").endswith("/v1beta/models/m:streamGenerateContent?alt=sse")


# -------------------------------------------------------------------------------------------------- command line
def run(folder: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    known = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, "-c", "import sys; from dragoman.cli.main import main; sys.exit(main())", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        cwd=folder,
        env={**known, "HOME": str(folder), "PYTHONPATH": path},
        timeout=60,
        check=False,
    )


def test_command_line_knows_dialects_and_vendors_of_packages(tmp_path: Path) -> None:
    write_acme(tmp_path)
    asked = '{"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi."}]}'
    done = run(tmp_path, "convert", "--from", "openai-chat", "--to", "toy", "-", stdin=asked)
    assert json.loads(done.stdout)["house"] == "acme", done.stderr
    shown = run(tmp_path, "complete", "-p", "acme", "--dry-run", "Hi.")
    assert "https://acme.example/v1/messages" in shown.stdout, shown.stderr
    assert "warning: acme: Acme's terms apply" in shown.stderr
    assert "terms" not in run(tmp_path, "complete", "-q", "-p", "acme", "--dry-run", "Hi.").stderr
    listed = run(tmp_path, "convert", "--list")
    assert "toy: A toy Claude" in listed.stdout, listed.stderr


def test_command_line_tells_why_a_package_is_of_no_use(tmp_path: Path) -> None:
    write_package(tmp_path, "bad", "import nothing_there", {"dragoman.dialects": {"bad": "bad:D"}})
    done = run(tmp_path, "convert", "--from", "openai-chat", "--to", "bad", "-", stdin="{}")
    assert done.returncode == 2
    assert "--to: dialect 'bad': bad brings it, and it cannot be imported: ModuleNotFoundError" in done.stderr


def test_names_that_are_known_are_not_looked_for_in_packages() -> None:
    program = """
import sys
from dragoman.providers.profile import load_profile
from dragoman.schemas import find
for name in ("openai", "sandbox", "gemini-cli"):
    load_profile(name, variables={}, folder="/")
load_profile("openai", variables={}, settings={"dialect": "claude"}, folder="/")
print("importlib.metadata" in sys.modules, find("claude").name)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "False anthropic\n"
