"""What was kept is put where it belongs, and nowhere else; the client's own word wins."""

from __future__ import annotations

from time import process_time
from typing import Any

import msgspec
import pytest

from dragoman.providers.fieldcache.cached import Cached
from dragoman.providers.settings import Inject, Mode, Rule
from dragoman.schemas.ir import JSON, Message, Opaque, Parameters, Reasoning, Request, Text, ToolCall, Wire
from tests.providers.fieldcache.talking import PLACE, Talker, asking, call, history, results, rule, saying

SIGNED = Opaque("gemini", "c2ln")


def talker(inject: Inject, *, path: str = "id", mode: Mode = "last", **more: str) -> Talker:
    return Talker(rule(path=path, mode=mode, inject=inject), **more)  # type: ignore[arg-type]  # the dialect


def per_call(inject: Inject, path: str = "candidates[*].parts[type=tool_call].signature") -> Talker:
    return talker(inject, path=path, mode="per_tool_call")


# ------------------------------------------------------------------------------------------------------- single places
def test_nothing_was_kept_so_nothing_is_put() -> None:
    client = talker(Inject(target="metadata", path="kept"))
    request, wire = asking("hi"), {"a": 1}
    assert not client.cached()
    assert client.sent(request) is request
    assert client.sent_wire(dict[str, JSON](wire)) == wire


def test_value_goes_into_metadata() -> None:
    client = talker(Inject(target="metadata", path="a.b"))
    client.answered(saying(Text(text="a")))
    assert client.cached()
    assert client.sent(asking("hi")).metadata == {"a": {"b": "r1"}}


def test_what_the_client_says_wins() -> None:
    client = talker(Inject(target="metadata", path="kept"))
    client.answered(saying(Text(text="a")))
    own = msgspec.structs.replace(asking("hi"), metadata={"kept": "mine"})
    assert client.sent(own) is own


def test_null_is_nothing() -> None:
    client = talker(Inject(target="request", path="a"))
    client.answered(saying(Text(text="a")))
    assert client.sent_wire({"a": None}) == {"a": "r1"}


def test_value_goes_into_the_request_of_the_ir() -> None:
    client = talker(Inject(target="unified_request", path="parameters.user_id"))
    client.answered(saying(Text(text="a")))
    assert client.sent(asking("hi")).parameters == Parameters(user_id="r1")


def test_value_that_does_not_fit_is_not_put() -> None:
    client = talker(Inject(target="unified_request", path="parameters.user_id"), path="candidates")
    client.answered(saying(Text(text="a")))
    request = asking("hi")
    assert client.sent(request) is request


def test_value_goes_into_the_wire_where_there_is_a_way() -> None:
    client = talker(Inject(target="request", path="messages[0].tag"))
    client.answered(saying(Text(text="a")))
    assert client.sent_wire({"messages": [{"role": "user"}]}) == {"messages": [{"role": "user", "tag": "r1"}]}
    assert client.sent_wire({"messages": []}) == {"messages": []}


def test_list_of_all_is_one_value() -> None:
    client = talker(Inject(target="metadata", path="kept"), mode="all")
    for number in range(2):
        client.answered(saying(Text(text="a"), id=f"r{number}"))
    assert client.sent(asking("hi")).metadata == {"kept": ["r0", "r1"]}


@pytest.mark.parametrize(("how", "after"), [("prepend", ["r0", "r1", "x"]), ("append", ["x", "r0", "r1"])])
def test_values_are_put_into_a_list_once(how: str, after: list[JSON]) -> None:
    client = talker(msgspec.convert({"target": "request", "path": "tags", "how": how}, Inject), mode="all")
    for number in range(2):
        client.answered(saying(Text(text="a"), id=f"r{number}"))
    assert client.sent_wire({"tags": ["x"]}) == {"tags": after}
    assert client.sent_wire({"tags": after}) == {"tags": after}
    assert client.sent_wire({}) == {}


def test_rule_of_another_dialect_puts_nothing() -> None:
    client = talker(Inject(target="request", path="a"))
    client.answered(saying(Text(text="a")))
    narrow = [msgspec.structs.replace(client.rules[0], dialects=("gemini",))]
    cached = Cached(narrow, PLACE, client.store.records)
    assert cached.into_wire({}, "gemini") == {"a": "r1"}
    assert cached.into_wire({}, "ollama") == {}


@pytest.mark.parametrize(
    ("said", "sent"), [("abc", {"X-Turn": "abc"}), ("a\r\nb: c", {}), (" a", {}), ("é", {}), ("", {})]
)
def test_header_is_a_text_that_a_header_can_be(said: str, sent: dict[str, str]) -> None:
    client = talker(Inject(target="header", path="X-Turn"))
    client.answered(saying(Text(text="a"), id=said))
    assert client.cached().headers() == sent


def test_header_is_no_number_and_no_novel() -> None:
    client = talker(Inject(target="header", path="X-Turn"), path="created")
    client.answered(msgspec.structs.replace(saying(Text(text="a")), created=3))
    assert client.cached().headers() == {}
    client = talker(Inject(target="header", path="X-Turn"))
    client.answered(saying(Text(text="a"), id="x" * 10_000))
    assert client.cached().headers() == {}


def test_rule_for_requests_alone_puts_nothing_beside_a_history() -> None:
    alone: Rule = msgspec.structs.replace(rule(inject=Inject(target="metadata", path="kept")), alone=True)
    client = Talker(alone)
    client.answered(saying(Text(text="a")))
    assert client.sent(asking("hi")).metadata == {"kept": "r1"}
    assert client.sent(history([Text(text="a")])).metadata is None


# --------------------------------------------------------------------------------------------------------- tool by tool
SET = Inject(target="unified_request", path="parts[call].signature")
PREPEND = Inject(target="unified_request", path="parts", how="prepend")
THOUGHTS = "candidates[*].parts[type=reasoning]"
THOUGHT = Reasoning(text="hm", dialect="openai-chat")


def signed(one: ToolCall) -> ToolCall:
    return msgspec.structs.replace(one, signature=SIGNED)


def test_signature_returns_to_its_call() -> None:
    client = per_call(SET)
    client.answered(saying(signed(call(1)), call(2)))
    sent = client.sent(history([Text(text="a"), call(1), call(2)]))
    assert sent.messages[1].parts == (Text(text="a"), signed(call(1)), call(2))


def test_call_that_has_one_keeps_its_own() -> None:
    client = per_call(SET)
    client.answered(saying(signed(call(1))))
    own = msgspec.structs.replace(call(1), signature=Opaque("gemini", "mine"))
    request = history([own])
    assert client.sent(request) is request


def test_call_that_the_client_has_changed_gets_nothing() -> None:
    client = per_call(SET)
    client.answered(saying(signed(call(1, city="Rome"))))
    request = history([call(1, city="Oslo")])
    assert client.sent(request) is request


def test_calls_that_look_the_same_are_told_apart_from_the_end() -> None:
    client = per_call(SET)
    for said in ("a", "b", "c"):
        client.answered(saying(msgspec.structs.replace(call(1), signature=Opaque("gemini", said))))
    sent = client.sent(history([call(1)], [call(1)]))
    found = [
        part.signature.value
        for message in sent.messages
        for part in message.parts
        if isinstance(part, ToolCall) and part.signature
    ]
    assert found == ["b", "c"]


def test_thoughts_go_before_what_the_message_says_once() -> None:
    client = per_call(PREPEND, THOUGHTS)
    client.answered(saying(THOUGHT, Text(text="a"), call(1), call(2)))
    sent = client.sent(history([Text(text="a"), call(1), call(2)]))
    assert sent.messages[1].parts == (THOUGHT, Text(text="a"), call(1), call(2))
    assert client.sent(sent) is sent


def test_turn_in_several_messages_has_its_thoughts_once() -> None:
    client = per_call(PREPEND, THOUGHTS)
    client.answered(saying(THOUGHT, call(1), call(2)))
    turn = [Message(role="assistant", parts=(one,)) for one in (call(1), call(2))]
    sent = client.sent(Request(messages=(*turn, results(call(1), call(2)))))
    assert [message.parts for message in sent.messages[:2]] == [(THOUGHT, call(1)), (call(2),)]
    thinking = Request(messages=(Message(role="assistant", parts=(THOUGHT,)), *turn))
    assert client.sent(thinking) is thinking


def test_client_that_says_thoughts_of_its_own_wins() -> None:
    client = per_call(PREPEND, THOUGHTS)
    client.answered(saying(THOUGHT, call(1)))
    own = history([Reasoning(text="other", dialect="openai-chat"), call(1)])
    assert client.sent(own) is own


def test_signed_thoughts_return_where_the_signature_was_lost() -> None:
    client = per_call(PREPEND, THOUGHTS)
    thought = Reasoning(text="hm", dialect="anthropic", signature=Opaque("anthropic", "c2ln"))
    client.answered(saying(thought, call(1)))
    client = Talker(*client.rules, dialect="anthropic", store=client.store)
    client.answered(saying(thought, call(1)))
    bare = msgspec.structs.replace(thought, signature=None)
    assert client.sent(history([bare, call(1)])).messages[1].parts == (thought, bare, call(1))


def test_history_that_was_cut_gets_what_is_left_of_it() -> None:
    client = per_call(SET)
    client.answered(saying(signed(call(1))))
    request = history([call(2)])
    assert client.sent(request) is request


def chat(*calls: str) -> Wire:
    made: list[JSON] = [
        {"id": one, "type": "function", "function": {"name": "look", "arguments": "{}"}} for one in calls
    ]
    return {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": None, "tool_calls": made}],
    }


def test_value_returns_to_the_message_as_it_is_sent() -> None:
    client = per_call(Inject(target="request", path="reasoning_content"), "candidates[*].parts[type=reasoning].text")
    client.answered(saying(THOUGHT, call(1)))
    sent = client.sent_wire(chat("call_1"))["messages"]
    assert isinstance(sent, list)
    assert isinstance(sent[1], dict)
    assert sent[1]["reasoning_content"] == "hm"


def test_value_returns_to_the_call_as_it_is_sent() -> None:
    client = per_call(Inject(target="request", path="tool_calls[call].tag"), "candidates[*].parts[*].id")
    client.answered(saying(call(1), call(2)))
    sent = client.sent_wire(chat("call_2", "call_1", "other"))["messages"]
    assert isinstance(sent, list)
    assert isinstance(sent[1], dict)
    assert isinstance(calls := sent[1]["tool_calls"], list)
    assert [one.get("tag") for one in calls if isinstance(one, dict)] == ["call_2", "call_1", None]


def test_request_that_cannot_be_read_is_sent_as_it_is() -> None:
    client = per_call(Inject(target="request", path="a"), "id")
    client.answered(saying(call(1)))
    wire: Wire = {"messages": 3}
    assert client.sent_wire(wire) is wire
    assert client.sent_wire({"messages": []}) == {"messages": []}


def test_call_that_is_no_item_of_a_list_has_no_place_there() -> None:
    client = Talker(
        rule(path="id", mode="per_tool_call", inject=Inject(target="request", path="x[call].y")),
        rule(
            path="id", mode="per_tool_call", inject=Inject(target="request", path="x[call].y", how="append"), name="q"
        ),
        dialect="openai-responses",
    )
    client.answered(saying(call(1)))
    wire: Wire = {"input": [{"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"}]}
    assert client.sent_wire(wire) is wire


def test_nested_too_deeply_is_sent_as_it_is() -> None:
    client = talker(Inject(target="unified_request", path="model"))
    client.answered(saying(Text(text="a")))
    deep: JSON = {}
    for _ in range(100_000):
        deep = {"a": deep}
    request = msgspec.structs.replace(asking("hi"), metadata={"deep": deep})
    assert client.sent(request) is request


def test_values_go_before_what_a_message_says_as_it_is_sent() -> None:
    client = Talker(
        rule(path="id", mode="per_tool_call", inject=Inject(target="request", path="content", how="prepend")),
        dialect="anthropic",
    )
    client.answered(saying(call(1), call(2)))
    made: list[JSON] = [{"type": "tool_use", "id": f"call_{number}", "name": "look", "input": {}} for number in (1, 2)]
    said: JSON = {"role": "assistant", "content": made}
    wire: Wire = {"max_tokens": 9, "messages": [{"role": "user", "content": "hi"}, said]}
    messages = client.sent_wire(wire)["messages"]
    assert messages == [{"role": "user", "content": "hi"}, {"role": "assistant", "content": ["r1", *made]}]


def test_entry_that_is_none_puts_nothing() -> None:
    client = talker(Inject(target="request", path="a"))
    client.answered(saying(Text(text="a")))
    record: dict[str, Wire] = {entry: {"values": None} for entry in client.store.records["conversation:conv"]}
    cached = Cached(client.rules, PLACE, {"conversation:conv": record})
    assert cached.into_wire({}, "openai-chat") == {}
    assert cached.headers() == {}


def test_each_call_has_a_list_of_its_own() -> None:
    append = Inject(target="request", path="tool_calls[call].marks", how="append")
    client = per_call(append, "candidates[*].parts[type=tool_call].name")
    client.answered(saying(call(1), call(2)))
    wire: Any = chat("call_1", "call_2")
    first, second = wire["messages"][1]["tool_calls"]
    first["marks"], second["marks"] = ["look"], []
    sent: Any = client.sent_wire(wire)
    assert [made["marks"] for made in sent["messages"][1]["tool_calls"]] == [["look"], ["look"]]


@pytest.mark.parametrize(("mode", "path"), [("last", "candidates[0]"), ("per_tool_call", "candidates[*].parts[*]")])
def test_secrets_are_all_texts_of_what_secret_rules_have_kept(mode: Mode, path: str) -> None:
    open_rule = rule(path=path, mode=mode, inject=Inject(target="unified_request", path="x"))
    secret = msgspec.structs.replace(open_rule, name="hidden", secret=True)
    for one, shown in ((open_rule, set[str]()), (secret, {"tool_call", "call_1", "look", "Paris"})):
        client = Talker(one)
        client.answered(saying(call(1, city="Paris")))
        assert shown <= set(client.cached().secrets())
        assert shown or not list(client.cached().secrets())


def test_turn_of_ten_times_the_calls_takes_ten_times_as_long() -> None:
    client, calls = per_call(PREPEND, THOUGHTS), [call(number) for number in range(10_000)]
    for number in range(300):
        thought = msgspec.structs.replace(THOUGHT, text=f"of {number}")
        client.answered(saying(thought, calls[number]))
    few, many = (min(seconds(client, calls[:count]) for _ in range(3)) for count in (1_000, 10_000))
    assert many < 40 * few  # a hundred, where each looks at all others


def seconds(client: Talker, calls: list[ToolCall]) -> float:
    """Return the seconds of processor time that it takes to put back what belongs to calls of one turn."""
    request, began = history(calls), process_time()
    assert len(client.sent(request).messages[1].parts) == len(calls) + 300
    return process_time() - began
