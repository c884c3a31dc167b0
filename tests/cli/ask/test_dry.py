"""--dry-run, --curl and --explain: everything is shown, nothing is sent, no key is needed and none is seen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dragoman.providers.catalog import vendor_names
from tests.cli.harness import Result, execute, invoke

KEY = "sk-canary-0123456789"
PROFILES = """
profiles:
  local:
    type: openai-compatible
    base_url: https://x.example/v1
    model: m
    api_key_command: [touch, {ran}]
"""


def dry(*arguments: str, name: str = "anthropic", **variables: str) -> Result:
    return invoke("complete", "-p", name, "--no-stdin", *arguments, variables=variables)


def on_terminal(word: str, **variables: str) -> Result:
    line = ("complete", "-p", "anthropic", "--no-stdin", "-n", word)
    return invoke(*line, terminals=("stdout",), variables=variables)


def test_call_is_shown_as_it_would_be_sent() -> None:
    done = dry("-n", "hi", ANTHROPIC_API_KEY=KEY)
    head, _, body = done.out.decode().partition("\n\n")
    assert (done.status, done.err) == (0, "")
    assert head.startswith("POST https://api.anthropic.com/v1/messages\n")
    assert "\nx-api-key: [redacted]" in head
    assert json.loads(body)["messages"] == [{"role": "user", "content": "hi"}]


def test_missing_key_is_said_to_be_missing() -> None:
    done = dry("--dry-run", "hi")
    assert done.status == 0
    assert b"x-api-key: [missing: ANTHROPIC_API_KEY]" in done.out


def test_json_has_the_same_and_the_losses() -> None:
    done = dry("-n", "--json", "--seed", "7", "hi")
    (said,) = done.documents()
    assert isinstance(said, dict)
    assert set(said) == {"schema_version", "method", "url", "headers", "body", "losses", "targets"}
    assert (said["method"], said["url"]) == ("POST", "https://api.anthropic.com/v1/messages")
    assert "sampling" in json.dumps(said["losses"])


@pytest.mark.parametrize("more", [["-n"], ["-n", "--json"], ["--curl"]])
def test_key_is_seen_nowhere(more: list[str]) -> None:
    for name, variable in (
        ("anthropic", "ANTHROPIC_API_KEY"),
        ("gemini", "GEMINI_API_KEY"),
        ("openai", "OPENAI_API_KEY"),
    ):
        done = dry(*more, f"my key is {KEY}", name=name, **{variable: KEY})
        assert done.status == 0
        assert KEY not in done.out.decode() + done.err


def test_terminal_gets_colour_and_nothing_that_acts_on_it() -> None:
    done = on_terminal("\x1b[2J\u202e")
    assert b"\x1b[2J" not in done.out
    assert "\u202e" not in done.out.decode()
    assert on_terminal("hi", NO_COLOR="1").out == dry("-n", "hi").out
    assert b"\x1b[" in on_terminal("hi", TERM="xterm").out


def test_stream_is_asked_for_as_a_stream() -> None:
    done = invoke("stream", "-p", "gemini", "--no-stdin", "-n", "hi", variables={})
    assert b":streamGenerateContent?alt=sse\n" in done.out


def test_curl_is_one_line_with_the_name_of_the_key() -> None:
    done = dry("--curl", "it's")
    assert done.out.count(b"\n") == 1
    assert b"-H 'x-api-key: '\"$ANTHROPIC_API_KEY\"" in done.out


def test_command_for_a_key_is_shown_and_not_run(tmp_path: Path) -> None:
    ran, config = tmp_path / "ran", tmp_path / "dragoman"
    config.mkdir()
    (config / "profiles.yaml").write_text(PROFILES.replace("{ran}", str(ran)))
    done = dry("--curl", "hi", name="local", XDG_CONFIG_HOME=str(tmp_path))
    assert f'"$(touch {ran})"' in done.out.decode()
    assert not ran.exists()


def test_loss_is_told_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("text")
    line = ["-n", "--attach", str(file), "hi"]
    assert "warning: openai: $.attach[0]: document is said otherwise" in dry(*line, name="openai").err
    assert dry(*line, "-q", name="openai").err == ""


def test_loss_that_is_refused_is_refused_here_too() -> None:
    done = dry("-n", "--attach", "https://x.example/a.mp3", "hi")
    assert (done.status, done.out) == (65, b"")


def test_profile_is_explained_without_a_prompt() -> None:
    done = dry("--explain", "-m", "opus")
    assert done.status == 0
    assert b"https://api.anthropic.com" in done.out
    assert b"opus" in done.out


def test_whole_request_is_shown_as_it_would_be_sent() -> None:
    body = b'{"model": "m", "max_tokens": 5, "messages": [], "system": "x"}'
    line = ["complete", "-p", "anthropic", "-n", "--json", "--request", "-", "--from", "anthropic"]
    (said,) = invoke(*line, stdin=body, variables={}).documents()
    assert isinstance(said, dict)
    assert said["body"] == {**json.loads(body), "stream": False}


def test_it_may_be_written_to_a_file(tmp_path: Path) -> None:
    done = dry("-n", "-o", str(tmp_path / "call"), "hi")
    assert (done.status, done.out) == (0, b"")
    assert (tmp_path / "call").read_bytes() == dry("-n", "hi").out


@pytest.mark.parametrize("name", vendor_names())
def test_every_vendor_can_be_rehearsed_without_a_key(name: str) -> None:
    url = "https://x.example"
    done = dry("-n", "-q", "-m", "m", "hi", name=name, AZURE_OPENAI_ENDPOINT=url, OPENAI_COMPATIBLE_BASE_URL=url)
    assert (done.status, done.err) == (0, "")


def test_ways_to_show_do_not_go_together() -> None:
    done = dry("-n", "--curl", "hi")
    assert (done.status, done.out) == (2, b"")
    assert "--dry-run and --curl do not go together" in done.err


def test_process_that_shows_sends_nothing() -> None:
    done = execute("complete", "-p", "openai", "-n", "hi", variables={"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"})
    assert done.status == 0
