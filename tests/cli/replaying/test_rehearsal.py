"""--dry-run: what would be sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.cli.replaying.rehearsal import estimated_tokens
from dragoman.schemas.ir import Media, Message, Request, Text, Tool
from tests.cli.harness import Result, invoke
from tests.cli.replaying.recordings import asked, exchange, write

KEY = "sk-secret-of-the-environment"


@pytest.fixture
def three(tmp_path: Path) -> str:
    return write(tmp_path, [exchange("one"), exchange("two", asked("x", n=3)), exchange("three")])


def rehearse(*arguments: str, terminals: tuple[str, ...] = ()) -> Result:
    variables = {"ANTHROPIC_API_KEY": KEY, "COLUMNS": "80"}
    return invoke("replay", *arguments, "-n", variables=variables, terminals=terminals)


def request(*texts: str) -> Request:
    return Request(messages=tuple(Message(role="user", parts=(Text(text=text),)) for text in texts))


def test_a_call_is_shown_without_its_key(three: str) -> None:
    done = rehearse(three, "-p", "anthropic", "--limit", "1")
    assert done.status == 0
    shown = done.out.decode()
    assert shown.startswith("# entry 1: about ")
    assert "POST https://api.anthropic.com/v1/messages\n" in shown
    assert "x-api-key: [redacted]\n" in shown
    assert KEY not in shown + done.err


def test_what_cannot_be_sent_is_told_and_counted(three: str) -> None:
    done = rehearse(three, "-p", "anthropic")
    assert done.status == 1
    assert "dragoman: error: entry 2: " in done.err
    assert "would send 2 requests to anthropic, 1 cannot be sent" in done.err


def test_lines_have_requests_and_refusals_and_an_end(three: str) -> None:
    lines = [json.loads(line) for line in rehearse(three, "-p", "anthropic", "--jsonl").out.splitlines()]
    assert [line["type"] for line in lines] == ["request", "refused", "request", "rehearsal"]
    assert lines[1]["error"]["kind"] == "refused-loss"
    assert lines[-1]["summary"]["count"] == 3


def test_a_document_has_the_same(three: str) -> None:
    found = json.loads(rehearse(three, "-p", "anthropic", "--json").out)
    assert [line["type"] for line in found["requests"]] == ["request", "refused", "request"]


def test_a_change_of_the_model_is_told(three: str) -> None:
    assert "note: m → claude-haiku-4-5: anthropic speaks another dialect" in rehearse(three, "-p", "anthropic").err
    assert "note: m →" not in rehearse(three, "-p", "anthropic", "-m", "recorded").err
    assert "note: m →" not in rehearse(three, "-p", "anthropic", "-q").err


def test_where_a_key_would_go_is_told(three: str) -> None:
    done = rehearse(three, "-p", "anthropic", "--original", "--limit", "1")
    assert "the key of anthropic goes to http://127.0.0.1:9, the recorded host" in done.err
    assert "POST http://127.0.0.1:9/v1/chat/completions" in done.out.decode()


def test_repeats_are_told_apart(three: str) -> None:
    shown = rehearse(three, "-p", "sandbox", "--repeat", "2", "--limit", "1").out.decode()
    assert "# entry 1, repeat 2: " in shown


def test_a_terminal_gets_nothing_that_it_acts_upon(tmp_path: Path) -> None:
    file = write(tmp_path, [exchange("one", asked("\x1b[2J\u202e"), response=None)])
    done = invoke("replay", file, "-p", "sandbox", "-n", terminals=("stdout",), variables={"NO_COLOR": "1"})
    assert not {"\x1b", "\u202e"} & set(done.out.decode())


# ---- tokens ----------------------------------------------------------------------------------------------------------


def test_longer_texts_are_more_tokens() -> None:
    assert 5 < estimated_tokens(request("Hi")) < estimated_tokens(request("Hi" * 100)) < 200


def test_a_letter_that_is_not_ascii_is_more_of_a_token() -> None:
    assert estimated_tokens(request("色" * 100)) > estimated_tokens(request("a" * 100)) + 30


def test_tools_count_and_media_do_not() -> None:
    tool = Tool(name="look", schema={"type": "object"})
    picture = Media(kind="image", mime="image/png", data="A" * 100_000)
    plain = estimated_tokens(request("Hi"))
    assert estimated_tokens(Request(messages=request("Hi").messages, tools=(tool,))) > plain
    seen = Request(messages=(Message(role="user", parts=(Text(text="Hi"), picture)),))
    assert estimated_tokens(seen) == plain


@given(st.lists(st.text()))
def test_any_text_can_be_estimated(texts: list[str]) -> None:
    assert estimated_tokens(request(*texts)) >= 4 * len(texts)
