"""`models`: what several providers offer, as lines, a table and JSON; and those that fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import httpx
import msgspec
import pytest
from pytest_httpx import HTTPXMock

from dragoman.cli.environment import Environment
from dragoman.cli.status import FailedExchange
from dragoman.cli.survey.catalogue import View, show_models
from dragoman.providers.settings import Profile
from dragoman.schemas.errors import ProfileFault
from dragoman.schemas.ir import JSON
from tests.cli.harness import Bytes, Result, Text
from tests.providers.checking import CANARY, PROFILE, SANDBOX, changed, error

MODELS: list[JSON] = [
    {
        "id": "a/able",
        "context_length": 200000,
        "pricing": {"prompt": "0.000003", "completion": "0.000015"},
        "architecture": {"input_modalities": ["text", "image"]},
        "supported_parameters": ["tools", "reasoning"],
    },
    {"id": "b/free", "name": "Bee", "pricing": {"prompt": "0", "completion": "0"}, "supported_parameters": ["tools"]},
    {"id": "c/silent"},
]
OTHER = changed(name="q", base_url="http://127.0.0.1/q")


def told(
    *profiles: Profile,
    filters: Sequence[str] = (),
    form: str = "lines",
    terminal: bool = False,
    output: str = "-",
    quiet: bool = False,
    timeout: float = 5.0,
    faulty: Sequence[FailedExchange] = (),
) -> Result:
    out, err = Bytes(terminal=terminal), Text()
    variables = {"KEY": CANARY, "COLUMNS": "100", "NO_COLOR": "1"}
    environment = Environment(None, out, stderr=err, variables=variables)
    view = View(form=form, output=output, filters=tuple(filters), timeout=timeout, quiet=quiet)
    status = show_models(profiles, view, environment, faulty)
    return Result(status, out.getvalue(), err.getvalue())


@pytest.fixture
def offers(httpx_mock: HTTPXMock) -> HTTPXMock:
    httpx_mock.add_response(url="http://127.0.0.1/v1/models", json={"data": MODELS})
    return httpx_mock


@pytest.mark.usefixtures("offers")
def test_one_profile_is_a_model_a_line() -> None:
    assert told(PROFILE) == Result(0, b"a/able\nb/free\nc/silent\n", "")


@pytest.mark.usefixtures("offers")
def test_several_profiles_are_told_with_the_models() -> None:
    assert told(SANDBOX, PROFILE).out.splitlines()[-1] == b"p/c/silent"


@pytest.mark.usefixtures("offers")
@pytest.mark.parametrize(
    ("filters", "left"),
    [
        (["tools"], ["a/able", "b/free"]),
        (["vision"], ["a/able"]),
        (["reasoning"], ["a/able"]),
        (["free"], ["b/free"]),
        (["tools", "free"], ["b/free"]),
        (["BEE"], ["b/free"]),
        (["/S"], ["c/silent"]),
        (["tools", "silent"], []),
    ],
)
def test_filters_must_all_hold(filters: list[str], left: list[str]) -> None:
    assert told(PROFILE, filters=filters).out.decode().splitlines() == left


@pytest.mark.usefixtures("offers")
def test_nothing_that_passes_is_no_failure_and_is_said() -> None:
    found = told(PROFILE, filters=["nothing"])
    assert (found.status, found.out) == (0, b"")
    assert found.err == "dragoman: no model that passes: what a provider does not say is not so\n"


@pytest.mark.usefixtures("offers")
def test_quiet_does_not_say_so() -> None:
    assert told(PROFILE, filters=["nothing"], quiet=True).err == ""


@pytest.mark.usefixtures("offers")
def test_terminal_gets_a_table() -> None:
    first, able, bee, _ = told(PROFILE, terminal=True).out.decode().splitlines()
    assert first.split() == ["model", "context", "$/M", "in", "$/M", "out", "reads", "can"]
    assert able.split("  ")[0] == "a/able"
    assert able.endswith("tools, vision, reasoning")
    assert [word for word in ("200,000", "3", "15", "text, image") if word in able] == [
        "200,000",
        "3",
        "15",
        "text, image",
    ]
    assert bee.split()[1:3] == ["free", "free"]


@pytest.mark.usefixtures("offers")
def test_table_of_several_names_the_profile() -> None:
    lines = told(PROFILE, SANDBOX, terminal=True).out.decode().splitlines()
    assert (lines[0].split()[0], lines[1].split()[0]) == ("profile", "p")


@pytest.mark.usefixtures("offers")
def test_json_is_one_document() -> None:
    document = json.loads(told(PROFILE, form="json").out)
    assert (document["schema_version"], document["errors"]) == (1, [])
    able = document["models"][0]
    assert (able["id"], able["profile"], able["context"]) == ("a/able", "p", 200000)
    assert (able["price_input"], able["tools"], able["modalities"]) == (3.0, True, ["text", "image"])


@pytest.mark.usefixtures("offers")
def test_json_lines_are_one_model_each() -> None:
    lines = [json.loads(line) for line in told(PROFILE, form="jsonl").out.splitlines()]
    assert [(line["type"], line["id"]) for line in lines] == [
        ("model", "a/able"),
        ("model", "b/free"),
        ("model", "c/silent"),
    ]


@pytest.mark.usefixtures("offers")
def test_json_on_a_terminal_is_laid_out() -> None:
    assert told(PROFILE, form="json", terminal=True).out.startswith(b'{\n  "schema_version": 1')


@pytest.mark.usefixtures("offers")
def test_list_goes_to_a_file(tmp_path: Path) -> None:
    file = tmp_path / "models.txt"
    assert told(PROFILE, output=str(file)).out == b""
    assert file.read_text() == "a/able\nb/free\nc/silent\n"


@pytest.mark.usefixtures("offers")
def test_provider_that_fails_hides_no_other(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(url="http://127.0.0.1/q/models", status_code=401, json=error("bad key"))
    found = told(OTHER, PROFILE)
    assert (found.status, found.out.splitlines()[0]) == (77, b"p/a/able")
    assert found.err == "dragoman: error: q: 401 bad key\n  hint: the key is looked for in KEY\n"


def test_failure_is_in_json(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(status_code=429, json=error("slow down"), is_reusable=True)
    profile = msgspec.structs.replace(PROFILE, retry=msgspec.structs.replace(PROFILE.retry, attempts=1))
    (failure,) = json.loads(told(profile, form="json").out)["errors"]
    assert (failure["profile"], failure["kind"], failure["status"]) == ("p", "rate_limit", 75)
    line = json.loads(told(profile, form="jsonl").out)
    assert (line["type"], line["error"]["http_status"]) == ("error", 429)


def test_first_failure_gives_the_status(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(url="http://127.0.0.1/v1/models", status_code=403)
    found = told(PROFILE, faulty=[FailedExchange("x", ProfileFault("broken", hint="mend it"))])
    assert found.status == 77
    assert found.err.splitlines()[2:] == ["dragoman: error: x: broken", "  hint: mend it"]


def test_provider_that_takes_too_long_has_timed_out(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_callback(_never, is_optional=True)
    found = told(PROFILE, timeout=0.05)
    assert (found.status, found.err.splitlines()[0]) == (124, "dragoman: error: p: not done within 0.05 s")


@pytest.mark.parametrize("echo", [CANARY, "sk-proj-***WXYZ", "sk-...WXYZ"])
def test_key_that_is_echoed_is_told_nowhere(httpx_mock: HTTPXMock, echo: str) -> None:
    httpx_mock.add_response(status_code=401, json=error(f"Incorrect API key: {echo}", code=echo), is_reusable=True)
    for form in ("lines", "json", "jsonl"):
        found = told(PROFILE, form=form)
        assert "WXYZ" not in f"{found.out.decode()}{found.err}"


def test_model_cannot_move_the_cursor(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json={"data": [{"id": "a\x1b[2J\nb"}]})
    assert told(PROFILE).out == b"a\\u001b[2J\\u000ab\n"


@pytest.mark.usefixtures("offers")
def test_listing_that_is_public_needs_no_key() -> None:
    public = changed(vendor="openrouter", key_env=("NOWHERE",))
    assert told(public).out.splitlines()[0] == b"a/able"


def test_listing_that_is_not_public_needs_one() -> None:
    assert told(changed(key_env=("NOWHERE",))).status == 78


async def _never(_: httpx.Request) -> httpx.Response:
    await asyncio.sleep(60)
    raise AssertionError
