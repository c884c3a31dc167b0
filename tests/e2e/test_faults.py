"""What goes wrong at aimock, in every dialect: the status that `dragoman` ends with, and how often it tried."""

from __future__ import annotations

import json
import time

import pytest

from tests.e2e.harness import DIALECTS, TALKERS, Place, error_line

every_profile = pytest.mark.parametrize("profile", TALKERS)
every_dialect = pytest.mark.parametrize("profile", DIALECTS)
either = pytest.mark.parametrize("command", ["complete", "stream"])


def afflict(place: Place, chaos: str) -> None:
    place.write_profiles(headers={f"X-AIMock-Chaos-{chaos}": "1"})


@either
@every_dialect
def test_server_error_is_tried_three_times(place: Place, profile: str, command: str) -> None:
    afflict(place, "Drop")
    result = place.run(command, "-p", profile, "Say hello.")
    assert (result.status, result.out, len(place.asked())) == (69, b"", 3), result
    assert "Chaos: request dropped" in error_line(result)


@either
@every_dialect
def test_malformed_answer_is_against_the_protocol(place: Place, profile: str, command: str) -> None:
    afflict(place, "Malformed")
    result = place.run(command, "-p", profile, "Say hello.")
    assert (result.status, result.out, len(place.asked())) == (76, b"", 1), result
    assert error_line(result).startswith(f"dragoman: error: {profile}: ")


@either
@every_dialect
def test_lost_connection_is_tried_three_times(place: Place, profile: str, command: str) -> None:
    afflict(place, "Disconnect")
    result = place.run(command, "-p", profile, "Say hello.")
    assert (result.status, result.out, len(place.asked())) == (69, b"", 3), result
    assert error_line(result)


@either
@every_dialect
def test_busy_server_is_waited_for(place: Place, profile: str, command: str) -> None:
    begun = time.monotonic()
    result = place.run(command, "-p", profile, "Be busy once.")
    assert (result.status, result.out) == (0, b"Free again.\n"), result
    assert time.monotonic() - begun >= 1
    assert len(place.asked()) == 2


@either
@every_dialect
def test_server_that_stays_busy_is_left_for_later(place: Place, profile: str, command: str) -> None:
    afflict(place, "RateLimit")
    result = place.run(command, "--retries", "1", "-p", profile, "Say hello.")
    assert (result.status, result.out, len(place.asked())) == (75, b"", 2), result
    assert "429" in error_line(result)


@either
@every_dialect
def test_error_that_passes_is_not_noticed(place: Place, profile: str, command: str) -> None:
    result = place.run(command, "-p", profile, "Fail once.")
    assert (result.status, result.out, result.err) == (0, b"Well again.\n", ""), result
    assert len(place.asked()) == 2


@pytest.mark.parametrize("profile", [name for name in DIALECTS if name != "gemini"])  # whose quotas fill up again
def test_empty_account_is_no_rate_limit(place: Place, profile: str) -> None:
    result = place.run("complete", "-p", profile, "Have no money.")
    assert (result.status, result.out, len(place.asked())) == (77, b"", 1), result
    assert "You exceeded your current quota" in error_line(result)


@every_dialect
@pytest.mark.parametrize(
    ("question", "status", "kind"),
    [
        ("Refuse the key.", 77, "authentication"),
        ("Forbid it.", 77, "permission"),
        ("Know no such model.", 65, "not_found"),
        ("Dislike the question.", 65, "invalid_request"),
    ],
)
def test_refusal_is_final(place: Place, profile: str, question: str, status: int, kind: str) -> None:
    result = place.run("complete", "--json", "-p", profile, question)
    assert (result.status, len(place.asked())) == (status, 1), result
    error = json.loads(result.out)["error"]
    assert error["kind"] == kind
    assert error["message"] in error_line(result)


@every_dialect
def test_overloaded_server_is_for_later(place: Place, profile: str) -> None:
    result = place.run("complete", "-p", profile, "Be overloaded.")
    assert (result.status, len(place.asked())) == (75, 3), result
    assert "Overloaded" in error_line(result)


@either
@every_profile
def test_bad_key_is_refused_and_not_shown(place: Place, profile: str, command: str) -> None:
    result = place.run(command, "-p", profile, "Say hello.", variables={"AIMOCK_KEY": "sk-wrong-key-4711-0815"})
    assert (result.status, result.out) == (77, b""), result
    assert "Invalid API key" in error_line(result)
    assert "wrong-key" not in result.err


@every_dialect
def test_error_is_an_event_too(place: Place, profile: str) -> None:
    result = place.run(
        "stream", "--events", "-p", profile, "Say hello.", variables={"AIMOCK_KEY": "sk-wrong-key-4711-0815"}
    )
    (event,) = [json.loads(line) for line in result.out.splitlines()]
    assert (result.status, event["type"], event["error"]["kind"]) == (77, "error", "authentication")
    assert error_line(result)
