"""The smoke test of keys, from the outside: what a provider answers, and what a report says of it."""

from __future__ import annotations

from pathlib import Path

import httpx
import msgspec
import pytest
from pytest_httpx import HTTPXMock

from dragoman.providers.check import LEVELS, Plan, Report, report_of_fault
from dragoman.providers.settings import Credential, Limit, Limits, Retry
from dragoman.schemas.errors import ProfileFault
from dragoman.schemas.ir import JSON, Wire
from tests.providers.checking import BASE, CANARY, LISTING, PROFILE, SANDBOX, changed, error, report, reports

NAMED, EVERYTHING = Plan(), Plan(skips_keyless=True)


def last(found: Report) -> tuple[str, str]:
    return found.last.level, found.last.verdict


@pytest.mark.parametrize("dialect", ["openai-chat", "openai-responses", "anthropic", "gemini", "ollama"])
def test_sandbox_is_well_up_to_the_last_level(dialect: str) -> None:
    found = report(msgspec.structs.replace(SANDBOX, dialect=dialect), "tools")
    assert [(step.level, step.verdict) for step in found.steps] == [(level, "ok") for level in LEVELS]


def test_good_key_costs_one_listing(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(url=f"{BASE}/models", json=LISTING)
    found = report()
    assert last(found) == ("auth", "ok")
    assert found.last.detail == "2 models listed"
    assert len(httpx_mock.get_requests()) == 1


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (401, error("Incorrect API key provided"), "bad-key"),
        (403, error("Country not supported"), "forbidden"),
        (402, error("Insufficient Balance"), "no-quota"),
        (429, error("You exceeded your current quota", code="insufficient_quota"), "no-quota"),
        (429, error("Rate limit reached"), "rate-limited"),
        (503, error("The server is overloaded"), "overloaded"),
        (500, error("oops"), "overloaded"),
        (200, {"hello": "world"}, "protocol-mismatch"),
        (200, error("Bad key", code="invalid_api_key"), "bad-key"),
        (200, {"error": "Unexpected endpoint"}, "protocol-mismatch"),
    ],
)
def test_answer_has_its_class(httpx_mock: HTTPXMock, status: int, body: Wire, verdict: str) -> None:
    httpx_mock.add_response(status_code=status, json=body)
    assert last(report()) == ("auth", verdict)


def test_page_in_place_of_json_is_a_mismatch(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(html="<html>Welcome</html>")
    assert last(report()) == ("auth", "protocol-mismatch")


def test_key_in_a_header_of_the_profile_is_one(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(status_code=401, json=error(f"bad key: {CANARY[:12]}***{CANARY[-4:]}"))
    found = report(changed(headers={"Authorization": f"Bearer {CANARY}"}, vendor="nvidia"), key="")
    assert last(found) == ("auth", "bad-key")
    assert CANARY[-4:] not in found.last.detail


def test_nobody_there_is_a_network_fault() -> None:
    # Nothing listens on port 1 of the loopback.
    assert last(report(changed(base_url="http://127.0.0.1:1/v1"))) == ("auth", "network")


def test_nothing_is_tried_twice(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(status_code=503)
    report(changed(retry=Retry(attempts=5)))
    assert len(httpx_mock.get_requests()) == 1


def test_levels_end_at_the_first_that_is_not_well(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(status_code=401)
    assert [step.level for step in report(level="tools").steps] == ["config", "auth"]


def test_key_that_is_missing_fails_where_the_profile_was_named() -> None:
    (found,) = reports(PROFILE, plan=NAMED, variables={})
    assert (*last(found), found.fails) == ("config", "missing-key", True)


def test_empty_key_is_a_missing_one() -> None:
    assert last(report(key="")) == ("config", "missing-key")


def test_key_that_is_missing_is_skipped_among_all() -> None:
    (found,) = reports(PROFILE, plan=EVERYTHING, variables={})
    assert (*last(found), found.fails) == ("config", "skipped", False)


def test_profile_that_is_broken_is_told() -> None:
    assert last(report(changed(base_url="nowhere"))) == ("auth", "bad-profile")


def test_profile_that_cannot_be_read_is_told() -> None:
    found = report_of_fault("x", ProfileFault("expected seconds", place="dragoman.yaml:3", hint="write 5"))
    assert (*last(found), found.last.hint) == ("config", "bad-profile", "write 5")
    assert found.last.detail == "dragoman.yaml:3: expected seconds"


def test_probe_has_its_time(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_callback(_never, is_optional=True)
    found = report(timeout=0.05)
    assert last(found) == ("auth", "timeout")
    assert found.last.detail == "not done within 0.05 s"


def test_all_together_have_their_time(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_callback(_never, is_optional=True)
    plan = Plan(total=0.05, level="model")
    stalled, good = reports(PROFILE, SANDBOX, plan=plan, variables={"KEY": CANARY})
    assert last(stalled) == ("auth", "timeout")
    assert last(good) == ("model", "ok")


def test_profiles_are_told_in_their_order(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(status_code=401)
    found = reports(SANDBOX, PROFILE, plan=NAMED, variables={"KEY": CANARY})
    assert [one.profile for one in found] == ["s", "p"]


def test_no_profiles_are_no_reports() -> None:
    assert reports(plan=NAMED, variables={}) == ()


@pytest.mark.parametrize(
    "said",
    [
        f"Incorrect API key provided: {CANARY}",
        "Incorrect API key provided: sk-proj-******WXYZ",
        "Incorrect API key provided: sk-p...WXYZ",
        "The key that ends with WXYZ is gone",
        f"half of it is {CANARY[:20]}",
    ],
)
def test_no_part_of_the_key_is_told(httpx_mock: HTTPXMock, said: str) -> None:
    httpx_mock.add_response(status_code=401, json=error(said), headers={"x-request-id": CANARY})
    told = str(msgspec.to_builtins(report()))
    assert not [part for part in ("Canary", "WXYZ", "0123456789") if part in told]


def test_place_of_a_provider_is_told_without_a_password() -> None:
    found = report(msgspec.structs.replace(SANDBOX, base_url="sandbox://user:hush@here/v1?key=hush"), "config")
    assert found.last.detail == "openai-chat at here"


async def _never(_: httpx.Request) -> httpx.Response:
    import asyncio

    await asyncio.sleep(60)
    raise AssertionError


def test_a_body_of_the_key_call_is_not_believed_blindly(httpx_mock: HTTPXMock) -> None:
    bodies: list[JSON] = [{"data": []}, {"data": None}]
    for body in bodies:
        httpx_mock.add_response(json=body)
        assert last(report(changed(paths={"key": "/key"}))) == ("auth", "protocol-mismatch")


def test_each_key_of_several_is_checked(httpx_mock: HTTPXMock) -> None:
    keys = (Credential(name="first", key_env=("A",)), Credential(name="second", key_env=("B",), priority=2))
    httpx_mock.add_response(match_headers={"Authorization": "Bearer key-a-0123"}, json=LISTING)
    httpx_mock.add_response(match_headers={"Authorization": "Bearer key-b-0123"}, status_code=401)
    found = reports(changed(credentials=keys), plan=NAMED, variables={"A": "key-a-0123", "B": "key-b-0123"})
    assert [(each.profile, each.last.verdict) for each in found] == [
        (f"{PROFILE.name}: first", "ok"),
        (f"{PROFILE.name}: second", "bad-key"),
    ]


def test_key_of_several_that_is_missing_is_told_by_its_name() -> None:
    keys = (Credential(name="first", key_env=("A",)), Credential(name="second", key_env=("B",)))
    found = reports(changed(credentials=keys), plan=EVERYTHING, variables={})
    assert [each.last.verdict for each in found] == ["skipped", "skipped"]


def test_check_waits_for_no_quota_and_keeps_nothing(httpx_mock: HTTPXMock, tmp_path: Path) -> None:
    httpx_mock.add_response(json=LISTING)
    state = tmp_path / "state.sqlite"
    limits = Limits(windows=(Limit(of="requests", cap=0.0),))
    assert last(report(changed(limits=limits, state=str(state)))) == ("auth", "ok")
    assert not state.exists()
