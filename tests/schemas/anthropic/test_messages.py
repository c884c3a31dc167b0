"""Messages of Claude's: who speaks, the system prompt, what stands where, and that each call is answered."""

from __future__ import annotations

import pytest

from dragoman.schemas.anthropic.request import PLACES, decode_request, encode_request
from dragoman.schemas.ir import JSON, Media, Message, Reasoning, Request, Text, Wire
from dragoman.schemas.losses import Losses
from tests.schemas.anthropic.speaking import PNG, asked, asking, called, result_of, say, user

LATER = Message(role="system", parts=(Text(text="Be brief."),))


def talk(*messages: Message, model: str = "m", instructions: tuple[Message, ...] = ()) -> Request:
    return Request(model=model, messages=messages, instructions=instructions)


def turns_of(wire: Wire) -> list[tuple[str, list[str]]]:
    """Return who speaks and which blocks each turn holds."""
    found: list[tuple[str, list[str]]] = []
    messages = wire["messages"]
    assert isinstance(messages, list)
    for message in messages:
        assert isinstance(message, dict)
        content = message["content"]
        blocks = [{"type": "text"}] if isinstance(content, str) else content
        assert isinstance(blocks, list)
        found.append((str(message["role"]), [str(block["type"]) for block in blocks if isinstance(block, dict)]))
    return found


def features(losses: list[tuple[str, str, str]]) -> list[tuple[str, str]]:
    return [(feature, action) for _, feature, action in losses]


# ------------------------------------------------------------------------------------------------------ system prompt
def test_system_prompt_is_an_instruction_before_the_conversation() -> None:
    request = decode_request(asking(system=[{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]))
    assert [(m.role, [p.at for p in m.parts]) for m in request.instructions] == [
        ("system", [("system", 0), ("system", 1)])
    ]


def test_empty_system_prompt_says_nothing() -> None:
    assert decode_request(asking(system=[])).instructions == ()


def test_several_instructions_are_blocks_of_one_prompt() -> None:
    two = (Message(role="system", parts=(Text(text="a"),)), Message(role="developer", parts=(Text(text="b"),)))
    wire, losses = say(talk(user("Hello"), instructions=two))
    assert wire["system"] == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert features(losses) == [("role", "approximated")]


def test_document_among_the_instructions_is_said_as_text() -> None:
    shown = Media(kind="document", mime="text/plain", text="The rules.")
    wire, losses = say(talk(user("Hello"), instructions=(Message(role="system", parts=(shown,)),)))
    assert wire["system"] == "The rules."
    assert features(losses) == [("document", "approximated")]


def test_image_among_the_instructions_is_dropped() -> None:
    shown = Media(kind="image", mime="image/png", data=PNG)
    wire, losses = say(talk(user("Hello"), instructions=(Message(role="system", parts=(shown,)),)))
    assert "system" not in wire
    assert features(losses) == [("image", "dropped")]


def test_instructions_alone_are_said_by_the_user() -> None:
    wire, losses = say(talk(instructions=(LATER,)))
    assert wire["messages"] == [{"role": "user", "content": "Be brief."}]
    assert "system" not in wire
    assert features(losses) == [("instructions", "approximated")]


def test_silence_is_broken_with_a_word() -> None:
    wire, losses = say(talk(user("")))
    assert wire["messages"] == [{"role": "user", "content": "Continue."}]
    assert features(losses) == [("text", "dropped"), ("text", "synthesized")]


# ------------------------------------------------------------------------------------------ instructions amid the talk
def test_system_message_stays_between_the_user_and_claude() -> None:
    wire, losses = say(talk(user("Hello"), LATER, asked("Hi"), user("Go on")))
    assert [role for role, _ in turns_of(wire)] == ["user", "system", "assistant", "user"]
    assert losses == []


def test_system_message_is_read_in_its_place() -> None:
    messages: list[JSON] = [{"role": "user", "content": "a"}, {"role": "system", "content": "b", "clear_at": "never"}]
    request = decode_request(asking(messages=messages))
    assert [message.role for message in request.messages] == ["user", "system"]
    assert request.messages[1].extra == {"anthropic": {"clear_at": "never"}}
    assert encode_request(request, Losses())["messages"] == messages


def test_leading_system_message_is_an_instruction() -> None:
    messages: list[JSON] = [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]
    request = decode_request(asking(system="first", messages=messages))
    assert [message.role for message in request.instructions] == ["system", "system"]


MOVED: dict[str, tuple[tuple[Message, ...], list[str]]] = {
    "before the user": ((user("a"), asked("b"), LATER, user("c")), ["user", "assistant", "user", "system"]),
    "amid the user's turn": ((user("a"), LATER, user("b"), asked("c")), ["user", "system", "assistant"]),
}


@pytest.mark.parametrize(("messages", "roles"), MOVED.values(), ids=MOVED.keys())
def test_system_message_moves_behind_the_user(messages: tuple[Message, ...], roles: list[str]) -> None:
    wire, losses = say(talk(*messages))
    assert [role for role, _ in turns_of(wire)] == roles
    assert features(losses) == [("instructions", "approximated")]


def test_system_message_without_a_user_before_it_is_said_by_the_user() -> None:
    wire, losses = say(talk(user("a"), asked("b"), LATER))
    assert [role for role, _ in turns_of(wire)] == ["user", "assistant", "user"]
    assert features(losses) == [("instructions", "approximated")]


def test_developer_amid_the_talk_is_the_system() -> None:
    later = Message(role="developer", parts=LATER.parts)
    wire, losses = say(talk(user("a"), later))
    assert [role for role, _ in turns_of(wire)] == ["user", "system"]
    assert features(losses) == [("role", "approximated")]


@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "claude-3-opus-latest", "claude-sonnet-5", "claude-opus-4-7"])
def test_models_that_take_no_instructions_amid_the_talk_get_them_before_it(model: str) -> None:
    wire, losses = say(talk(user("a"), LATER, asked("b"), user("c"), model=model))
    assert wire["system"] == "Be brief."
    assert [role for role, _ in turns_of(wire)] == ["user", "assistant", "user"]
    assert features(losses) == [("instructions", "approximated")]


@pytest.mark.parametrize("model", ["claude-opus-4-8", "claude-opus-5", "claude-sonnet-5-5", "claude-fable-5"])
def test_models_that_take_instructions_amid_the_talk_get_them_there(model: str) -> None:
    assert say(talk(user("a"), LATER, model=model))[1] == []


def test_result_comes_before_the_instructions_that_stood_before_it() -> None:
    wire, _ = say(talk(user("a"), asked(called()), LATER, user(result_of("c1", "x"))))
    assert turns_of(wire)[1:] == [("assistant", ["tool_use"]), ("user", ["tool_result"]), ("system", ["text"])]


# -------------------------------------------------------------------------------------------------------------- turns
def test_neighbours_of_one_role_are_one_message() -> None:
    wire, losses = say(talk(user("a"), user("b"), asked("c"), asked("d"), user("e")))
    assert turns_of(wire) == [("user", ["text"] * 2), ("assistant", ["text"] * 2), ("user", ["text"])]
    assert losses == []


def test_one_plain_text_is_a_string() -> None:
    assert say(talk(user("a")))[0]["messages"] == [{"role": "user", "content": "a"}]


@pytest.mark.parametrize("said", ["", " ", "\n\t"])
def test_blank_text_is_left_out(said: str) -> None:
    wire, losses = say(talk(user(said, "a")))
    assert wire["messages"] == [{"role": "user", "content": "a"}]
    assert features(losses) == ([("text", "dropped")] if said else [])


@pytest.mark.parametrize("content", ["", [], [{"type": "text", "text": ""}]])
def test_empty_turn_of_the_users_is_reported_as_it_vanishes(content: JSON) -> None:
    messages: list[JSON] = [{"role": role, "content": "a"} for role in ("user", "assistant")]
    losses = Losses(PLACES)
    wire = encode_request(decode_request(asking(messages=[*messages, {"role": "user", "content": content}])), losses)
    assert [role for role, _ in turns_of(wire)] == ["user", "assistant"]
    found = [(loss.path, loss.feature, loss.action, loss.severity) for loss in losses.found]
    assert found == [("$.messages[2]", "text", "dropped", "advisory")]


def test_blank_answer_is_no_message() -> None:
    wire, _ = say(talk(user("a"), asked(" "), user("b")))
    assert [role for role, _ in turns_of(wire)] == ["user", "user"]


def test_blank_text_beside_a_call_stays() -> None:
    wire, losses = say(talk(user("a"), asked("\n\n", called()), user(result_of("c1", "x"))))
    assert turns_of(wire)[1] == ("assistant", ["text", "tool_use"])
    assert losses == []


@pytest.mark.parametrize("content", ["The best answer is (", "The best answer is ( \n"])
def test_last_words_of_claude_end_without_blanks(content: str) -> None:
    wire, losses = say(talk(user("a"), asked(content)))
    assert wire["messages"] == [{"role": "user", "content": "a"}, {"role": "assistant", "content": content.rstrip()}]
    assert features(losses) == ([] if content == content.rstrip() else [("text", "approximated")])


def test_last_words_among_others_end_without_blanks() -> None:
    wire, _ = say(talk(user("a"), asked("b", "c ")))
    assert "'c'" in str(wire["messages"])
    wire, _ = say(talk(user("a"), asked("b", " ")))
    assert turns_of(wire)[-1] == ("assistant", ["text"])


def test_turn_of_nothing_but_foreign_thoughts_is_left_out() -> None:
    wire, losses = say(talk(user("a"), asked(Reasoning(text="hm", dialect="gemini")), user("b")))
    assert [role for role, _ in turns_of(wire)] == ["user", "user"]
    assert features(losses) == [("reasoning", "dropped")]


# -------------------------------------------------------------------------------------------------- calls and results
def test_results_come_first_in_the_users_turn() -> None:
    wire, losses = say(talk(user("a"), asked(called()), user("b", result_of("c1", "x"))))
    assert turns_of(wire)[2] == ("user", ["tool_result", "text"])
    assert features(losses) == [("text", "approximated")]


def test_results_of_several_messages_are_one_turn() -> None:
    wire, losses = say(
        talk(user("a"), asked(called("c1"), called("c2")), user(result_of("c1", "x")), user(result_of("c2", "y")))
    )
    assert turns_of(wire)[2] == ("user", ["tool_result", "tool_result"])
    assert losses == []


def test_call_without_a_result_gets_one_amid_the_talk() -> None:
    wire, losses = say(talk(user("a"), asked(called("c1"), called("c2")), user(result_of("c2", "y"), "b")))
    assert turns_of(wire)[2] == ("user", ["tool_result", "tool_result", "text"])
    assert features(losses) == [("tool_result", "synthesized")]
    assert "'is_error': True" in str(wire["messages"])


def test_call_without_a_result_gets_one_at_the_end() -> None:
    wire, losses = say(talk(user("a"), asked(called())))
    assert turns_of(wire)[-1] == ("user", ["tool_result"])
    assert features(losses) == [("tool_result", "synthesized")]


def test_result_without_a_call_gets_one_in_claudes_turn() -> None:
    wire, losses = say(talk(user("a"), asked("b"), user(result_of("c1", "x", name="look"))))
    assert turns_of(wire)[1] == ("assistant", ["text", "tool_use"])
    assert "'name': 'look'" in str(wire["messages"])
    assert features(losses) == [("tool_call", "synthesized"), ("tool_result", "approximated")]


def test_result_without_a_call_at_the_start_gets_one_before_it() -> None:
    wire, _ = say(talk(user(result_of("c1", "x"))))
    assert turns_of(wire) == [("assistant", ["tool_use"]), ("user", ["tool_result"])]


def test_second_result_of_a_call_joins_the_first() -> None:
    wire, losses = say(talk(user("a"), asked(called()), user(result_of("c1", "x"), result_of("c1", "y"))))
    assert turns_of(wire)[2] == ("user", ["tool_result"])
    assert "'x'" in str(wire["messages"])
    assert "'y'" in str(wire["messages"])
    assert features(losses) == [("tool_result", "approximated")]


def test_two_calls_of_one_id_stay_two_and_pair_in_order() -> None:
    wire, losses = say(
        talk(user("a"), asked(called("c", "f"), called("c", "g")), user(result_of("c", "x"), result_of("c", "y")))
    )
    messages = wire["messages"]
    assert isinstance(messages, list)
    calls, results = (message["content"] for message in messages[1:] if isinstance(message, dict))
    assert isinstance(calls, list)
    assert isinstance(results, list)
    ids = [call["id"] for call in calls if isinstance(call, dict)]
    assert len(set(ids)) == 2
    assert [(r["tool_use_id"], r["content"]) for r in results if isinstance(r, dict)] == [(ids[0], "x"), (ids[1], "y")]
    assert losses == []


def test_id_that_claude_refuses_is_rewritten_on_both_sides() -> None:
    wire, losses = say(talk(user("a"), asked(called("call:1/ü")), user(result_of("call:1/ü", "x"))))
    messages = str(wire["messages"])
    assert "call:1" not in messages
    assert messages.count("call_1___") == 2
    assert losses == []


def test_result_named_unlike_its_call_is_reported() -> None:
    _, losses = say(talk(user("a"), asked(called("c1", "f")), user(result_of("c1", "x", name="g"))))
    assert features(losses) == [("tool_result", "dropped")]


def test_long_conversations_are_joined_in_time() -> None:
    """A thousand calls and results, each a message of its own, in one turn each."""
    calls = [asked(called(f"c{number}")) for number in range(1000)]
    results = [user(result_of(f"c{number}", "x")) for number in range(1000)]
    wire = encode_request(talk(user("a"), *calls, *results), Losses())
    assert [len(blocks) for _, blocks in turns_of(wire)] == [1, 1000, 1000]


def test_fields_of_a_message_that_says_nothing_are_reported_where_they_stood() -> None:
    messages: list[JSON] = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [{"type": "text", "text": ""}], "x": 1},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": ""}], "y": 1},
        {"role": "user", "content": "b"},
    ]
    wire, losses = say(decode_request(asking(messages=messages)))
    assert [role for role, _ in turns_of(wire)] == ["user", "user"]
    assert [path for path, *_ in losses] == ["$.messages[1].x", "$.messages[2].y", "$.messages[2].content[0]"]
