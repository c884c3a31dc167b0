"""--session, --continue, --previous-response-id and --store: what commands that come after one another go on from."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from dragoman.schemas.ir import JSON
from tests.cli.harness import Result, invoke, running
from tests.cli.server import Server
from tests.cli.test_json_schemas import checker
from tests.providers.oddities import ODDITIES

Variables = dict[str, str]
BOTH = pytest.mark.parametrize("command", ["complete", "stream"])
PROFILES = """
  gemini: {type: sandbox, dialect: gemini, model: g}
  short: {extends: say, context_window: 60}
  nowhere: {extends: say, state: false}
  native: {extends: claude, dialect: openai-responses, continuation: native}
  keyed: {extends: native, auth_method: bearer, api_key_env: MY_KEY, api_key_need: required}
groups:
  both: ['503/m', say/m]
"""


@pytest.fixture
def variables(variables: Variables, tmp_path: Path) -> Variables:
    with open(variables["DRAGOMAN_CONFIG"], "a") as file:
        file.write(PROFILES)
    return {**variables, "XDG_STATE_HOME": str(tmp_path / "state")}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state" / "dragoman" / "state.sqlite3"


def ask(variables: Variables, *arguments: str, command: str = "complete", profile: str = "say") -> Result:
    return invoke(command, "-p", profile, "--no-stdin", *arguments, variables=variables)


def document(done: Result) -> dict[str, Any]:
    assert done.status == 0, done
    found: dict[str, Any] = json.loads(done.out)
    return found


def said(server: Server, number: int = -1) -> list[JSON]:
    """Return the words of a request that the server was sent."""
    messages: Any = server.asked[number]["messages"]
    return [message["content"] for message in messages]


def rehearsed(variables: Variables, *arguments: str, profile: str = "say") -> dict[str, Any]:
    return document(ask(variables, "-n", "--json", *arguments, profile=profile))


# ----------------------------------------------------------------------------------------------------------- --session
@BOTH
def test_session_goes_on_in_the_next_command(variables: Variables, server: Server, command: str) -> None:
    first = ask(variables, "--session", "trip", "One?", command=command)
    assert (first.status, first.out, first.err) == (0, b"One?\n", "")
    ask(variables, "--session", "trip", "Two?", command=command)
    assert said(server) == ["One?", "One?", "Two?"]


def test_sessions_know_nothing_of_each_other(variables: Variables, server: Server) -> None:
    for session, prompt in (("a", "One?"), ("b", "Two?"), ("a", "Three?")):
        ask(variables, "--session", session, prompt)
    assert said(server, 1) == ["Two?"]
    assert said(server) == ["One?", "One?", "Three?"]


def test_session_goes_on_at_another_provider(variables: Variables, server: Server) -> None:
    ask(variables, "--session", "trip", "One?", profile="gemini")
    ask(variables, "--session", "trip", "Two?")
    assert said(server) == ["One?", "Sandbox: One?", "Two?"]


def test_instructions_go_on_and_can_change(variables: Variables, server: Server) -> None:
    ask(variables, "--session", "trip", "-s", "Be brief.", "One?")
    ask(variables, "--session", "trip", "Two?")
    ask(variables, "--session", "trip", "-s", "Be long.", "Three?")
    assert said(server, 1)[0] == "Be brief."
    assert [text for text in said(server) if str(text).startswith("Be")] == ["Be long."]


def test_whole_request_that_holds_what_is_new_goes_on(variables: Variables, server: Server, tmp_path: Path) -> None:
    file = tmp_path / "turn.json"
    ask(variables, "--session", "trip", "One?")
    file.write_text(json.dumps({"messages": [{"role": "user", "content": "Two?"}], "logit_bias": {"1": 2}}))
    ask(variables, "--session", "trip", "--request", str(file))
    assert said(server) == ["One?", "One?", "Two?"]
    assert server.asked[-1]["logit_bias"] == {"1": 2}


def test_session_of_a_group_goes_on_from_whoever_answered(variables: Variables, server: Server) -> None:
    for prompt in ("One?", "Two?"):
        assert ask(variables, "--session", "trip", "-q", prompt, profile="both").status == 0
    assert said(server) == ["One?", "One?", "Two?"]


def test_request_without_a_session_keeps_nothing(variables: Variables, state: Path) -> None:
    ask(variables, "One?")
    assert not state.exists()


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 300])
def test_name_that_is_none_is_refused(variables: Variables, server: Server, name: str) -> None:
    done = ask(variables, "--session", name, "One?")
    assert done.status == 2, done
    assert "session" in done.err
    assert not server.asked


def test_what_a_vendor_ran_itself_keeps_nobody_from_going_on(
    variables: Variables, server: Server, tmp_path: Path
) -> None:
    name, rules = tmp_path / "search.json", [{"raw": {"body": ODDITIES["claude-search"][1]}}]
    name.write_text(json.dumps(rules))
    ask({**variables, "DRAGOMAN_SANDBOX": str(name)}, "--session", "trip", "One?", profile="claude")
    done = ask(variables, "--session", "trip", "Two?")
    assert (done.status, done.err) == (0, "")
    assert said(server) == ["One?", "Found.", "Two?"]


def gemini_says(tmp_path: Path, part: JSON) -> dict[str, str]:
    """Return variables with which the sandbox says this part in the dialect gemini."""
    said = {"candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}], "responseId": "g1"}
    (tmp_path / "says.json").write_text(json.dumps([{"raw": {"body": said}}]))
    return {"DRAGOMAN_SANDBOX": str(tmp_path / "says.json")}


def test_picture_of_an_answer_goes_on_with_the_user(variables: Variables, server: Server, tmp_path: Path) -> None:
    picture = gemini_says(tmp_path, {"inlineData": {"mimeType": "image/png", "data": "aGk="}})
    ask({**variables, **picture}, "--session", "trip", "Draw.", profile="gemini")
    done = ask(variables, "--session", "trip", "Darker.")
    assert (done.status, done.err) == (0, "")
    shown: JSON = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
    assert said(server) == ["Draw.", [shown, {"type": "text", "text": "Darker."}]]


def test_what_nobody_else_takes_of_an_answer_is_told_and_refuses_nothing(
    variables: Variables, server: Server, tmp_path: Path
) -> None:
    film = gemini_says(tmp_path, {"inlineData": {"mimeType": "video/mp4", "data": "aGk="}})
    ask({**variables, **film}, "--session", "trip", "Film.", profile="gemini")
    done = ask(variables, "--session", "trip", "Longer.")
    assert (done.status, said(server)) == (0, ["Film.", "Longer."])
    assert "$.turns[0].response.parts[0]: video is left out" in done.err


def test_what_the_user_attached_before_still_refuses(variables: Variables, tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"\0\0\0\x18ftypmp42\0\0\0\0")
    film = str(tmp_path / "film.mp4")
    assert ask(variables, "--session", "trip", "--attach", film, "See.", profile="gemini").status == 0
    done = ask(variables, "--session", "trip", "And?", profile="claude")
    assert done.status == 65, done
    assert "$.turns[0].request.messages[0].parts[0]" in done.err


# ---------------------------------------------------------------------------------------------------------- --continue
def test_continue_goes_on_with_the_last_session(variables: Variables, server: Server) -> None:
    for session in ("a", "b"):
        ask(variables, "--session", session, f"{session}?")
    ask(variables, "--continue", "And?")
    assert said(server) == ["b?", "b?", "And?"]


def test_continue_where_there_is_no_session_tells_how_to_begin(variables: Variables, server: Server) -> None:
    done = ask(variables, "--continue", "And?")
    assert done.status == 2
    assert done.err.splitlines()[0] == "dragoman: error: there is no session to go on with"
    assert "--session NAME" in done.err
    assert not server.asked


# ----------------------------------------------------------------------------------------------- --store and its ids
def test_stored_answer_tells_its_id(variables: Variables, server: Server) -> None:
    done = ask(variables, "--store", "One?")
    assert done == (0, b"One?\n", "dragoman: kept as c-1\n")
    ask(variables, "--previous-response-id", "c-1", "Two?")
    assert said(server) == ["One?", "One?", "Two?"]


@BOTH
def test_quiet_tells_no_id(variables: Variables, command: str) -> None:
    assert ask(variables, "--store", "-q", "One?", command=command) == (0, b"One?\n", "")


def test_json_holds_the_id(variables: Variables) -> None:
    found = document(ask(variables, "--store", "--json", "One?"))
    checker("completion").validate(found)
    assert found["kept"] == "c-1"
    again = document(ask(variables, "--store", "--json", "One?"))
    assert again["kept"].startswith("resp_")  # the provider says the same id each time
    assert "kept" not in document(ask(variables, "--json", "One?"))


def test_last_event_holds_the_id(variables: Variables) -> None:
    done = ask(variables, "--session", "trip", "--events", "One?", command="stream")
    *_, last = [json.loads(line) for line in done.out.splitlines()]
    checker("event").validate(last)
    assert (last["type"], last["kept"]) == ("done", "c-1")


def test_answer_is_gone_on_from_twice(variables: Variables, server: Server) -> None:
    ask(variables, "--store", "One?")
    for prompt in ("Two?", "Instead?"):
        ask(variables, "--previous-response-id", "c-1", prompt)
        assert said(server) == ["One?", "One?", prompt]


def test_session_can_begin_anew_at_an_answer(variables: Variables, server: Server) -> None:
    ask(variables, "--session", "trip", "One?")
    ask(variables, "--session", "trip", "Two?")
    ask(variables, "--session", "trip", "--previous-response-id", "c-1", "Instead?")
    ask(variables, "--session", "trip", "Three?")
    assert said(server)[::2] == ["One?", "Instead?", "Three?"]


@BOTH
def test_answer_as_responses_has_the_id_by_which_it_is_gone_on_from(variables: Variables, command: str) -> None:
    asked = ("--store", "--as", "openai-responses", "One?")
    ask(variables, *asked, command=command, profile="gemini")
    done = ask(variables, *asked, command=command, profile="gemini")  # which says the same id: it is taken
    kept = done.err.strip().removeprefix("dragoman: kept as ")
    ids = set(re.findall(r'"response":{"id":"(.*?)"|^{"id":"(.*?)"', done.out.decode()))
    assert {one or other for one, other in ids} == {kept}


@BOTH
def test_unknown_id_is_refused_before_anything_is_sent(variables: Variables, server: Server, command: str) -> None:
    done = ask(variables, "--previous-response-id", "resp_nobody", "Two?", command=command)
    assert (done.status, done.out) == (66, b"")
    assert "resp_nobody" in done.err
    assert not server.asked


# ------------------------------------------------------------------------------------------------- what does not go
@pytest.mark.parametrize("asked", [("--session", "a"), ("--continue",), ("--store",), ("--previous-response-id", "x")])
def test_no_state_goes_with_none_of_them(variables: Variables, server: Server, asked: tuple[str, ...]) -> None:
    done = ask(variables, "--no-state", *asked, "One?")
    assert done.status == 2
    assert "--no-state" in done.err
    assert not server.asked


@pytest.mark.parametrize("other", [("--session", "a"), ("--previous-response-id", "c-1")])
def test_continue_goes_with_no_name(variables: Variables, other: tuple[str, ...]) -> None:
    assert ask(variables, "--continue", *other, "One?").status == 2


def test_profile_that_keeps_nothing_has_no_sessions(variables: Variables, server: Server) -> None:
    done = ask(variables, "--session", "trip", "One?", profile="nowhere")
    assert done.status == 78, done
    assert "state: false" in done.err
    assert not server.asked


@BOTH
@pytest.mark.parametrize("profile", ["cut", "reset", "malformed", "reported", "503", "slow"])
def test_session_goes_on_from_its_last_whole_answer(
    variables: Variables, server: Server, command: str, profile: str
) -> None:
    ask(variables, "--session", "trip", "One?")
    broken = ask(variables, "--session", "trip", "--timeout", "0.1", "Two?", profile=profile, command=command)
    assert broken.status != 0
    ask(variables, "--session", "trip", "Three?")
    assert said(server) == ["One?", "One?", "Three?"]


def test_answer_that_was_cut_off_is_kept_and_not_gone_on_from(variables: Variables) -> None:
    ask(variables, "--store", "One?", profile="cut", command="stream")
    done = ask(variables, "--previous-response-id", "c-1", "Two?")
    assert done.status == 2
    assert done.err.startswith("dragoman: error: the answer c-1 was cut off")


# ----------------------------------------------------------------------------------------------------------- --dry-run
def test_dry_run_shows_the_turns_before(variables: Variables, server: Server) -> None:
    ask(variables, "--session", "trip", "One?")
    body = rehearsed(variables, "--session", "trip", "Two?")["body"]
    assert [message["content"] for message in body["messages"]] == ["One?", "One?", "Two?"]
    assert len(server.asked) == 1


def test_dry_run_keeps_nothing(variables: Variables, state: Path) -> None:
    rehearsed(variables, "--session", "trip", "One?")
    assert not state.exists()
    ask(variables, "--session", "trip", "One?")
    rehearsed(variables, "--session", "trip", "Two?")
    body = rehearsed(variables, "--continue", "Three?")["body"]
    assert [message["content"] for message in body["messages"]] == ["One?", "One?", "Three?"]


def test_dry_run_names_the_answer_that_the_provider_keeps(variables: Variables) -> None:
    kept = document(ask(variables, "--session", "trip", "--json", "One?", profile="native"))["kept"]
    body = rehearsed(variables, "--session", "trip", "Two?", profile="native")["body"]
    assert body["previous_response_id"] == kept


def test_dry_run_with_a_key_names_the_answer_that_the_provider_keeps(variables: Variables) -> None:
    secret = {**variables, "MY_KEY": "sk-secret-key-4711"}
    kept = document(ask(secret, "--session", "trip", "--json", "One?", profile="keyed"))["kept"]
    shown = ask(secret, "-n", "--json", "--session", "trip", "Two?", profile="keyed")
    assert document(shown)["body"]["previous_response_id"] == kept
    assert b"sk-secret" not in shown.out


def test_dry_run_of_an_unknown_id_is_refused(variables: Variables) -> None:
    assert ask(variables, "-n", "--previous-response-id", "resp_nobody", "Two?").status == 66


# ------------------------------------------------------------------------------------------------------ context_window
def test_turns_that_do_not_fit_are_told_of(variables: Variables, server: Server) -> None:
    ask(variables, "--session", "trip", "word " * 100)
    done = ask(variables, "--session", "trip", "Two?", profile="short")
    assert said(server) == ["Two?"]
    assert "the oldest turn" in done.err
    assert ask(variables, "--session", "trip", "-q", "Three?", profile="short").err == ""


@pytest.mark.parametrize("rehearses", [(), ("-n",)])
def test_turns_that_do_not_fit_are_losses(variables: Variables, rehearses: tuple[str, ...]) -> None:
    ask(variables, "--session", "trip", "word " * 100)
    found = document(ask(variables, "--session", "trip", *rehearses, "--json", "Two?", profile="short"))
    (loss,) = [loss for loss in found["losses"] if loss["feature"] == "history"]
    assert (loss["action"], loss["severity"]) == ("dropped", "advisory")
    assert "context window of 60 tokens" in loss["reason"]


# ------------------------------------------------------------------------------------------------------ real processes
@pytest.mark.slow
def test_two_at_once_have_both_their_answers_kept(variables: Variables, server: Server) -> None:
    ask(variables, "--session", "trip", "One?")
    line = ("complete", "-p", "late", "--no-stdin", "--session", "trip", "--json")
    processes = [running(*line, f"Number {number}?", variables=variables) for number in range(4)]
    outs = [process.communicate(timeout=30) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, outs
    kept = {json.loads(out)["kept"] for out, _ in outs}
    assert len(kept) == 4
    ask(variables, "--session", "trip", "And?")
    first, answered, second, *_, last = said(server)
    assert (first, answered, last) == ("One?", "One?", "And?")
    assert str(second).startswith("Number")
    for name in kept:
        assert ask(variables, "--previous-response-id", name, "Go on.").status == 0


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_stream_leaves_the_session_at_its_last_whole_answer(
    variables: Variables, server: Server, number: signal.Signals
) -> None:
    ask(variables, "--session", "trip", "One?")
    line = ("stream", "-p", "slow", "--no-stdin", "--session", "trip", "Two?")
    with running(*line, variables=variables) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"The sky\n"
        process.send_signal(number)
        process.communicate(timeout=20)
    assert process.returncode == 128 + number
    ask(variables, "--session", "trip", "Three?")
    assert said(server) == ["One?", "One?", "Three?"]
