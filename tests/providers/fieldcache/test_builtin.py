"""What vendors are known to want back comes back to them: to whom it is from, where it was, and to nobody else."""

from __future__ import annotations

import msgspec
import pytest

from dragoman.providers.fieldcache.builtin import RULES, builtin_rules
from dragoman.providers.fieldcache.cached import Cached
from dragoman.providers.fieldcache.calls import read_call_path
from dragoman.schemas.dialect import find
from dragoman.schemas.ir import JSON, Continuation, Opaque, Reasoning, Request, Response, Text, ToolCall, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.paths import read_path, value_at
from tests.providers.fieldcache.talking import PLACE, Talker, asking, call, encoded, history, saying


def talker(dialect: str, vendor: str = "", *, keeps: bool = True) -> Talker:
    return Talker(*builtin_rules(vendor, dialect, keeps_responses=keeps), dialect=dialect)


def names(vendor: str, dialect: str, *, keeps: bool = False) -> list[str]:
    return [rule.name for rule in builtin_rules(vendor, dialect, keeps_responses=keeps)]


def from_chat(*calls: ToolCall, content: str | None = None) -> Request:
    """Return what a client says back that speaks Chat Completions: nobody has signatures there."""
    request = history([*((Text(text=content),) if content else ()), *calls])
    wire = find("openai-chat").requests.encode_request(request, Losses())
    return find("openai-chat").requests.decode_request(wire)


def sent(client: Talker, request: Request) -> Wire:
    full = msgspec.structs.replace(client.sent(request), model="m")
    return client.sent_wire(find(client.dialect).requests.encode_request(full, Losses()))


def listed(wire: Wire, *path: str | int) -> list[JSON]:
    value = value_at(wire, path)
    assert isinstance(value, list)
    return value


def kinds(items: list[JSON]) -> list[JSON]:
    return [item.get("type") for item in items if isinstance(item, dict)]


# --------------------------------------------------------------------------------------------------------------- whose
def test_each_vendor_has_its_own() -> None:
    assert names("gemini", "gemini") == ["gemini-signatures"]
    assert names("anthropic", "anthropic") == ["anthropic-thinking"]
    assert names("deepseek", "openai-chat") == ["reasoning-content", "prompt-cache-key"]
    assert names("openai", "openai-chat") == ["prompt-cache-key"]
    assert names("openai-responses", "openai-responses") == ["responses-reasoning", "prompt-cache-key"]
    assert names("openai-responses", "openai-responses", keeps=True)[1] == "response-ids"
    assert names("ollama", "ollama") == []


@pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
def test_all_are_rules_and_stay_in_their_conversation(rule: object) -> None:
    assert any(rule is one for one in RULES)
    one = next(one for one in RULES if one is rule)
    assert read_path(one.path).steps
    assert read_call_path(one.inject.path)
    assert {"provider", "conversation"} <= set(one.scope)
    assert one.dialects


# -------------------------------------------------------------------------------------------------------------- Gemini
def test_gemini_gets_the_signature_on_the_call_that_had_it() -> None:
    client = talker("gemini")
    signed = msgspec.structs.replace(call(1), signature=Opaque("gemini", "c2ln"))
    client.answered(saying(signed, call(2)))
    parts = listed(sent(client, from_chat(call(1), call(2))), "contents", 1, "parts")
    assert [part.get("thoughtSignature") for part in parts if isinstance(part, dict)] == ["c2ln", None]


def test_another_model_of_gemini_gets_no_signature() -> None:
    client = talker("gemini")
    client.answered(saying(msgspec.structs.replace(call(1), signature=Opaque("gemini", "c2ln"))))
    other = msgspec.structs.replace(PLACE, model="other")
    assert not Cached(client.rules, other, client.store.records)


# -------------------------------------------------------------------------------------------------------------- Claude
THINKING = Reasoning(text="hm", dialect="anthropic", signature=Opaque("anthropic", "c2ln"))
REDACTED = Reasoning(redacted=True, dialect="anthropic", signature=Opaque("anthropic", "ZGF0YQ=="))
UNSIGNED = Reasoning(text="aside", dialect="anthropic")


def test_claude_gets_its_signed_thinking_before_the_call() -> None:
    client = talker("anthropic")
    client.answered(saying(THINKING, REDACTED, UNSIGNED, Text(text="Let me look."), call(1), call(2)))
    content = listed(sent(client, from_chat(call(1), call(2), content="Let me look.")), "messages", 1, "content")
    assert kinds(content) == ["thinking", "redacted_thinking", "text", "tool_use", "tool_use"]


def test_claude_gets_none_of_it_twice() -> None:
    client = talker("anthropic")
    client.answered(saying(THINKING, call(1)))
    request = history([THINKING, call(1)])
    assert client.sent(request) is request


def test_claude_gets_no_thinking_without_calls() -> None:
    client = talker("anthropic")
    client.answered(saying(THINKING, Text(text="done")))
    assert not client.cached()


# ------------------------------------------------------------------------------------------------------------ DeepSeek
THOUGHT = Reasoning(text="hm", dialect="openai-chat")


def test_deepseek_gets_its_thoughts_with_the_calls() -> None:
    client = talker("openai-chat", "deepseek")
    client.answered_wire(encoded(saying(THOUGHT, call(1)), "openai-chat"))
    said = listed(sent(client, from_chat(call(1))), "messages")[1]
    assert isinstance(said, dict)
    assert said["reasoning_content"] == "hm"


def test_openai_gets_no_thoughts() -> None:
    client = talker("openai-chat", "openai")
    client.answered(saying(THOUGHT, call(1)))
    assert not client.cached()


# ----------------------------------------------------------------------------------------------------------- Responses
SEALED = Reasoning(
    summary=("hm",),
    signature=Opaque("openai-responses", "c2ln"),
    dialect="openai-responses",
    extra={"openai-responses": {"id": "rs_1"}},
)


def test_responses_gets_its_sealed_reasoning_before_the_call() -> None:
    client = talker("openai-responses", keeps=False)
    client.answered(saying(SEALED, call(1), call(2)))
    items = listed(sent(client, from_chat(call(1), call(2))), "input")
    assert kinds(items)[1:] == ["reasoning", "function_call", "function_call", *["function_call_output"] * 2]
    assert isinstance(items[1], dict)
    assert items[1]["encrypted_content"] == "c2ln"


def test_client_of_responses_that_says_it_back_is_left_alone() -> None:
    client = talker("openai-responses", keeps=False)
    client.answered(saying(SEALED, call(1)))
    wire = find("openai-responses").requests.encode_request(history([SEALED, call(1)]), Losses())
    request = find("openai-responses").requests.decode_request(wire)
    assert client.sent(request) is request


def test_reasoning_is_no_other_key_s() -> None:
    client = talker("openai-responses", keeps=False)
    client.answered(saying(SEALED, call(1)))
    assert not Cached(client.rules, msgspec.structs.replace(PLACE, credential="d"), client.store.records)


def test_request_that_is_alone_goes_on_from_the_last_response() -> None:
    client = talker("openai-responses")
    client.answered(saying(Text(text="a"), id="resp_1"))
    assert sent(client, asking("and then?"))["previous_response_id"] == "resp_1"


@pytest.mark.parametrize("answer", [(Text(text="a"),), (call(1),)])
def test_request_with_its_history_goes_on_from_no_response(answer: tuple[Text | ToolCall, ...]) -> None:
    client = talker("openai-responses")
    client.answered(saying(Text(text="a"), id="resp_1"))
    assert "previous_response_id" not in sent(client, history(answer))


@pytest.mark.parametrize("name", ["previous_response_id", "conversation"])
def test_request_that_names_what_it_goes_on_from_is_left_alone(name: str) -> None:
    client = talker("openai-responses")
    client.answered(saying(Text(text="a"), id="resp_1"))
    own = Continuation(dialect="openai-responses", name=name, value="mine")
    wire = sent(client, msgspec.structs.replace(asking("hi"), continuations=(own,)))
    assert (wire[name], wire.get("previous_response_id", "mine")) == ("mine", "mine")


@pytest.mark.parametrize("dialect", ["openai-chat", "openai-responses"])
def test_key_of_the_prompt_cache_is_sent_again(dialect: str) -> None:
    client = talker(dialect, keeps=False)
    client.answered(saying(Text(text="a")), wire={"prompt_cache_key": "k1"})
    assert client.sent_wire({"model": "m"}) == {"model": "m", "prompt_cache_key": "k1"}
    assert client.sent_wire({"prompt_cache_key": "k2"}) == {"prompt_cache_key": "k2"}


# ------------------------------------------------------------------------------------------------------------ together
def test_nothing_of_one_vendor_s_reaches_another() -> None:
    """One conversation, all vendors in turn: each request carries what is its own, and no other signature."""
    answers: dict[str, Response] = {
        "anthropic": saying(THINKING, call(1)),
        "gemini": saying(msgspec.structs.replace(call(2), signature=Opaque("gemini", "Z2Vt"))),
        "openai-responses": saying(SEALED, call(3)),
    }
    store = talker("gemini").store
    clients = {
        name: Talker(
            *builtin_rules("", name, keeps_responses=False),
            place=msgspec.structs.replace(PLACE, provider=name),
            dialect=name,
            store=store,
        )
        for name in answers
    }
    for name, answer in answers.items():
        clients[name].answered(answer)
    said = {name: str(sent(clients[name], history([call(1)], [call(2)], [call(3)]))) for name in answers}
    assert ("c2ln" in said["anthropic"], "Z2Vt" in said["anthropic"]) == (True, False)
    assert ("'c2ln'" in said["gemini"], "Z2Vt" in said["gemini"]) == (False, True)
    assert ("rs_1" in said["openai-responses"], "Z2Vt" in said["openai-responses"]) == (True, False)
