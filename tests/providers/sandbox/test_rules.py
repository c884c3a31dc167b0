"""Rules: how they are read and refused, and which of them answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dragoman.providers.sandbox.questions import Question
from dragoman.providers.sandbox.rules import as_rules, load_rules
from dragoman.providers.sandbox.script import Rule, Script, ScriptedError, ScriptedReply
from dragoman.schemas.errors import ProfileFault
from dragoman.schemas.ir import JSON, Wire

GOOD = """\
- match: {model: "gpt-*", text: weather, dialect: anthropic, stream: true, times: 2}
  reply:
    text: Let me look.
    tool_calls:
      - {name: look, arguments: {place: Rome}}
    usage: {input_tokens: 5}
- match: {tool_result: sunny}
  reply: It is sunny.
  chunk_size: 3
- match: {operation: models}
  error: {status: 401, message: No.}
- raw: {status: 502, headers: {content-type: text/html}, body: "<p>"}
  delay: 0.5
"""


def load(tmp_path: Path, text: str) -> tuple[Rule, ...]:
    file = tmp_path / "rules.yaml"
    file.write_text(text)
    return load_rules(str(file))


def fault(tmp_path: Path, text: str) -> ProfileFault:
    with pytest.raises(ProfileFault) as raised:
        load(tmp_path, text)
    return raised.value


def asked(text: str = "Hello", **fields: Any) -> Question:
    known = {"operation": "complete", "dialect": "openai-chat", "model": "m", "identity": "1"}
    return Question(text=text, **{**known, **fields})


def matches(match: Wire, question: Question) -> bool:
    return Script(as_rules([{"match": match, "reply": "Yes"}])).rule_for(question).reply == "Yes"


# --------------------------------------------------------------------------------------------------------- reading
def test_file_of_rules_is_read(tmp_path: Path) -> None:
    first, second, third, last = load(tmp_path, GOOD)
    assert isinstance(first.reply, ScriptedReply)
    assert first.reply.tool_calls[0].arguments == {"place": "Rome"}
    assert (second.reply, second.chunk_size) == ("It is sunny.", 3)
    assert third.error == ScriptedError(status=401, message="No.")
    assert (last.delay, last.raw and last.raw.status) == (0.5, 502)


@pytest.mark.parametrize(
    ("text", "told", "hint"),
    [
        ("- reply: Hi\n- replay: Hi\n", "2: [1].replay: there is no such field", "did you mean reply?"),
        ("- match:\n    textt: a\n", "2: [0].match.textt: there is no such field", "did you mean text?"),
        ("- reply: 7\n", "1: [0].reply: expected a text, or text, reasoning", ""),
        ("- delay: fast\n", '1: [0].delay: expected seconds, 0 or more, got "fast"', ""),
        ("- chunk_size: 1.0\n", "1: [0].chunk_size: expected a number of characters, 1 or more, got 1.0", ""),
        ("- match: {times: 2.0}\n", "1: [0].match.times: expected a number of times, 1 or more, got 2.0", ""),
        ("- delay: -1\n", "1: [0].delay: expected seconds, 0 or more, got -1", ""),
        ("- error: {kind: rate_limits}\n", "1: [0].error.kind: expected one of", "did you mean rate_limit?"),
        ("- error: {status: 99}\n", "1: [0].error.status: expected an HTTP status, got 99", ""),
        ("- reply: {tool_calls: [{arguments: {}}]}\n", "1: [0].reply.tool_calls[0]: name is missing", ""),
        ("- match: {text_regex: '('}\n", "1: [0].match.text_regex: no regular expression: missing )", ""),
        ("- match: {dialect: antropic}\n", "1: [0].match.dialect: unknown dialect", "did you mean 'anthropic'?"),
        ("- reply: Hi\n  raw: {}\n", "2: [0].raw: a rule has one answer, and this one has reply and raw", ""),
        ("- reply: Hi\n  error: {}\n", "2: [0].error: a rule has one answer", "error_after: N lets"),
        ("reply: Hi\n", "1: expected a list of rules, got an object", ""),
        ("", "rules.yaml: expected a list of rules, got null", ""),
        ("- reply: [\n", "no YAML", ""),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, text: str, told: str, hint: str) -> None:
    error = fault(tmp_path, text)
    assert f"rules.yaml:{told}" in str(error) if told[0].isdigit() else told in str(error)
    assert error.hint.startswith(hint)


def test_first_fault_is_told_first(tmp_path: Path) -> None:
    text = "".join(f"- {{reply: {number}}}\n" for number in ("Hi", 1, 2)) + "- {x: 1}\n" * 10
    assert "[1].reply" in str(fault(tmp_path, text))


def test_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        ProfileFault, match=r"none\.yaml: the rules of the sandbox cannot be read: No such file"
    ) as told:
        load_rules(str(tmp_path / "none.yaml"))
    assert "DRAGOMAN_SANDBOX" in told.value.hint


def test_error_may_come_amid_a_reply() -> None:
    (rule,) = as_rules([{"reply": "Hi", "error": {"kind": "overloaded"}, "error_after": 2}])
    assert rule.error_after == 2


def test_rules_of_a_program_may_be_mixed() -> None:
    rules = as_rules([{"reply": "a"}, Rule(reply="b"), {"reply": "c"}])
    assert [rule.reply for rule in rules] == ["a", "b", "c"]


def test_fault_in_the_rules_of_a_program_names_the_rule() -> None:
    with pytest.raises(ProfileFault, match=r"rules\[1\]\.repli: there is no such field"):
        as_rules([{"reply": "a"}, {"repli": "b"}])


# -------------------------------------------------------------------------------------------------------- matching
@pytest.mark.parametrize(
    ("match", "is_one"),
    [
        ({}, True),
        ({"model": "m"}, True),
        ({"model": "M"}, False),
        ({"model": "*"}, True),
        ({"model": "m*x"}, False),
        ({"text": "ell"}, True),
        ({"text": "hell"}, False),
        ({"text_regex": "^H.*o$"}, True),
        ({"text_regex": "^o"}, False),
        ({"dialect": "openai"}, True),
        ({"dialect": "claude"}, False),
        ({"stream": False}, True),
        ({"stream": True}, False),
        ({"operation": "complete"}, True),
        ({"operation": "stream"}, False),
        ({"tool_result": "x"}, False),
        ({"text": "ell", "model": "other"}, False),
    ],
)
def test_all_that_a_match_says_must_hold(match: Wire, is_one: bool) -> None:
    assert matches(match, asked()) is is_one


def test_any_result_of_a_tool_may_match() -> None:
    assert matches({"tool_result": "our"}, asked(results=("six", "four")))


def test_listings_are_for_the_rules_that_say_so() -> None:
    listing = asked(operation="models")
    assert not matches({}, listing)
    assert matches({"operation": "models"}, listing)


def test_first_rule_that_matches_answers() -> None:
    script = Script(as_rules([{"match": {"text": "x"}, "reply": "a"}, {"reply": "b"}, {"reply": "c"}]))
    assert script.rule_for(asked()).reply == "b"


def test_times_count_the_answers_of_a_rule() -> None:
    script = Script(as_rules([{"match": {"times": 2, "text": "H"}, "reply": "a"}]))
    assert [script.rule_for(asked(text)).reply for text in ("Hi", "x", "Hi", "Hi")] == ["a", None, "a", None]


# ---------------------------------------------------------------------------------------------------------- errors
@pytest.mark.parametrize(
    ("said", "status", "kind"),
    [
        ({"status": 402}, 402, "billing"),
        ({"kind": "overloaded"}, 503, "overloaded"),
        ({"status": 400, "kind": "billing"}, 400, "billing"),
        ({}, 500, "server"),
    ],
)
def test_status_and_kind_of_an_error_fill_in_each_other(said: Wire, status: int, kind: str) -> None:
    (rule,) = as_rules([{"error": said}])
    assert rule.error is not None
    told = rule.error.told()
    assert (told.status, told.kind) == (status, kind)


def test_schema_and_structs_have_the_same_fields() -> None:
    every: JSON = {
        "status": 429,
        "kind": "rate_limit",
        "message": "m",
        "code": 7,
        "headers": {"a": "b"},
        "retry_after": 1,
    }
    (rule,) = as_rules([{"error": every, "chunk_delay": 1, "cut_after": 1, "reset_after": 1, "malformed_after": 1}])
    assert rule.error == ScriptedError(
        status=429, kind="rate_limit", message="m", code=7, headers={"a": "b"}, retry_after=1
    )
