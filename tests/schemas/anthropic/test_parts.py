"""Blocks of Claude's ↔ parts: texts and citations, thoughts, calls, results, tools that run elsewhere."""

from __future__ import annotations

import pytest

from dragoman.schemas.anthropic.request import decode_request, encode_request
from dragoman.schemas.ir import (
    JSON,
    BuiltinCall,
    BuiltinResult,
    Cache,
    Citation,
    Media,
    Native,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Request,
    Text,
    ToolCall,
    ToolResult,
    Value,
    Wire,
)
from dragoman.schemas.losses import Losses
from tests.schemas.anthropic.speaking import PNG, asked, asking, called, result_of, say, user

EPHEMERAL: Wire = {"type": "ephemeral"}
CALL: Wire = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"q": 1}}
IMAGE: Wire = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}


def blocks(role: str, *content: JSON) -> Wire:
    """Return a request in which these blocks are said, its calls answered."""
    messages: list[JSON] = [{"role": "user", "content": "Hello"}]
    if role == "result":
        messages.append({"role": "assistant", "content": [CALL]})
        result: Wire = {"type": "tool_result", "tool_use_id": "toolu_1", "content": list(content)}
        messages.append({"role": "user", "content": [result]})
    elif role == "user":
        messages = [{"role": "user", "content": list(content)}]
    else:
        messages += [{"role": "assistant", "content": list(content)}, {"role": "user", "content": "Go on"}]
    return asking(messages=messages)


def part_of(role: str, block: JSON) -> Part:
    request = decode_request(blocks(role, block))
    message = request.messages[{"user": 0, "assistant": 1, "result": 2}[role]]
    part = message.parts[0]
    return part.content[0] if isinstance(part, ToolResult) and role == "result" else part


# ------------------------------------------------------------------------------------------------------- there and back
KEPT: dict[str, tuple[str, list[JSON]]] = {
    "marked text": ("user", [{"type": "text", "text": "a", "cache_control": EPHEMERAL}]),
    "texts": ("assistant", [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]),
    "text with odd citations": ("assistant", [{"type": "text", "text": "a", "citations": {"odd": 1}}]),
    "thinking": ("assistant", [{"type": "thinking", "thinking": "hm", "signature": "c2ln"}]),
    "thinking that is not shown": ("assistant", [{"type": "thinking", "thinking": "", "signature": "c2ln"}]),
    "redacted thinking": ("assistant", [{"type": "redacted_thinking", "data": "b3Bh"}]),
    "search": (
        "assistant",
        [
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
            {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
            {"type": "text", "text": "a"},
        ],
    ),
    "MCP": (
        "assistant",
        [
            {"type": "mcp_tool_use", "id": "m", "name": "x", "server_name": "s", "input": {}},
            {"type": "mcp_tool_result", "tool_use_id": "m", "content": [], "is_error": False},
        ],
    ),
    "upload": ("user", [{"type": "container_upload", "file_id": "file_1"}]),
    "compaction": ("assistant", [{"type": "compaction", "content": "So far."}]),
    "block of tomorrow": ("user", [{"type": "hologram", "beam": 7}]),
    "references in a result": ("result", [{"type": "tool_reference", "tool_name": "x"}]),
    "image and text in a result": ("result", [IMAGE, {"type": "text", "text": "a", "cache_control": EPHEMERAL}]),
}


@pytest.mark.parametrize(("role", "content"), KEPT.values(), ids=KEPT.keys())
def test_block_comes_back_as_it_was(role: str, content: list[JSON]) -> None:
    wire, losses = blocks(role, *content), Losses()
    assert encode_request(decode_request(wire), losses) == wire
    assert losses.found == []


CITATIONS: dict[str, tuple[Wire, str | None, str | None]] = {
    "characters": ({"type": "char_location", "document_title": "T", "start_char_index": 0}, None, "T"),
    "pages": ({"type": "page_location", "document_title": "T", "start_page_number": 1}, None, "T"),
    "blocks": ({"type": "content_block_location", "document_title": "T", "start_block_index": 0}, None, "T"),
    "web": ({"type": "web_search_result_location", "url": "https://a.b", "encrypted_index": "x"}, "https://a.b", None),
    "search": ({"type": "search_result_location", "source": "https://a.b", "title": "T"}, "https://a.b", "T"),
    "search of a store": ({"type": "search_result_location", "source": "shelf 3"}, None, "shelf 3"),
}


@pytest.mark.parametrize(("wire", "url", "title"), CITATIONS.values(), ids=CITATIONS.keys())
def test_citation_says_what_others_understand_and_comes_back_whole(
    wire: Wire, url: str | None, title: str | None
) -> None:
    cited: Wire = {"type": "text", "text": "a", "citations": [{**wire, "cited_text": "words"}]}
    part = part_of("assistant", cited)
    assert isinstance(part, Text)
    (citation,) = part.citations
    assert (citation.url, citation.title, citation.cited_text) == (url, title, "words")
    assert encode_request(decode_request(blocks("assistant", cited)), Losses()) == blocks("assistant", cited)


def test_citation_of_others_is_not_taken_back() -> None:
    cited = Text(text="a", citations=(Citation(url="https://a.b"),))
    wire, losses = say(Request(model="m", messages=(user("x"), asked(cited), user("y"))))
    assert "citations" not in str(wire)
    assert losses == [("$", "citation", "dropped")]


# ------------------------------------------------------------------------------------------------------------- decoding
def test_direct_caller_is_the_default_and_another_one_is_kept() -> None:
    assert part_of("assistant", {**CALL, "caller": {"type": "direct"}}).extra is None
    caller: Wire = {"type": "code_execution_20250825", "tool_id": "srvtoolu_1"}
    assert part_of("assistant", {**CALL, "caller": caller}).extra == {"anthropic": {"caller": caller}}


def test_call_without_input_has_no_arguments() -> None:
    part = part_of("assistant", {"type": "tool_use", "id": "t", "name": "look", "cache_control": EPHEMERAL})
    assert isinstance(part, ToolCall)
    assert (part.arguments, part.cache) == ({}, Cache())


NATIVE: dict[str, tuple[Wire, str]] = {
    "call without a name": ({"type": "tool_use", "id": "t", "input": {}}, "tool_call"),
    "call with odd input": ({"type": "tool_use", "id": "t", "name": "x", "input": []}, "tool_call"),
    "result without an id": ({"type": "tool_result", "content": "x"}, "tool_result"),
    "text without text": ({"type": "text", "text": 7}, "text"),
    "thinking without text": ({"type": "thinking", "signature": "x"}, "reasoning"),
    "redacted without data": ({"type": "redacted_thinking"}, "reasoning_signature"),
    "image without a source": ({"type": "image"}, "image"),
    "document of an odd source": ({"type": "document", "source": {"type": "crate"}}, "document"),
    "search result without a source": ({"type": "search_result", "title": "T", "content": []}, "document"),
    "block without a type": ({"odd": 1}, "extension"),
    "block of an odd type": ({"type": ["text"]}, "extension"),
}


@pytest.mark.parametrize(("block", "feature"), NATIVE.values(), ids=NATIVE.keys())
def test_block_that_is_not_understood_is_kept_whole(block: Wire, feature: str) -> None:
    assert part_of("user", block) == Native(
        dialect="anthropic", wire=block, feature=feature, at=("messages", 0, "content", 0)
    )


KINDS = {
    "bash_code_execution": "code_execution",
    "text_editor_code_execution": "code_execution",
    "web_fetch": "web_fetch",
    "tool_search_tool_bm25": "tool_search",
    "advisor": "advisor",
}


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_server_tools_are_known_by_what_they_do(name: str, kind: str) -> None:
    call = part_of("assistant", {"type": "server_tool_use", "id": "s", "name": name, "input": {}})
    assert isinstance(call, BuiltinCall)
    assert call.kind == kind
    result = part_of("assistant", {"type": f"{name}_tool_result", "tool_use_id": "s", "content": {}})
    assert isinstance(result, BuiltinResult)
    assert result.kind == kind


def test_result_inside_a_result_is_no_result() -> None:
    inner: Wire = {"type": "tool_result", "tool_use_id": "x", "content": [{"type": "tool_result"}]}
    assert isinstance(part_of("result", inner), BuiltinResult | Native)


# ------------------------------------------------------------------------------------------------------------- encoding
SAID: dict[str, tuple[Part, JSON, list[tuple[str, str]]]] = {
    "value": (Value(value={"a": 1.0}), '{"a":1.0}', []),
    "refusal": (Refusal(text="No."), "No.", [("refusal", "approximated")]),
    "native of another": (Native(dialect="gemini", wire={}, feature="video"), None, [("video", "dropped")]),
    "search of another": (
        BuiltinCall(kind="web_search", dialect="openai-responses", wire={}),
        None,
        [("builtin_call", "dropped")],
    ),
    "thought": (Reasoning(text="hm"), None, [("reasoning", "dropped")]),
    "call": (called(), None, [("tool_call", "dropped")]),
}


@pytest.mark.parametrize(("part", "content", "losses"), SAID.values(), ids=SAID.keys())
def test_part_in_the_users_mouth_is_said_or_reported(part: Part, content: JSON, losses: list[tuple[str, str]]) -> None:
    wire, found = say(Request(model="m", messages=(user(part), user("x"))))
    text: list[JSON] = [] if content is None else [{"type": "text", "text": content}]
    expected: JSON = [*text, {"type": "text", "text": "x"}] if text else "x"
    assert wire["messages"] == [{"role": "user", "content": expected}]
    assert [(feature, action) for _, feature, action in found] == losses


def test_result_in_the_mouth_of_claude_is_dropped() -> None:
    _, losses = say(Request(model="m", messages=(user("a"), asked("b", result_of("c1", "x")), user("c"))))
    assert ("$", "tool_result", "dropped") in losses


ARGUMENTS: dict[str, tuple[JSON, JSON, list[str]]] = {
    "object": ({"a": 1}, {"a": 1}, []),
    "text": ('{"a": 1.0, "b": 12345678901234567890}', {"a": 1.0, "b": 12345678901234567890}, []),
    "nothing": ("", {}, []),
    "null": ("null", {}, []),
    "cut off": ('{"a": ', {"arguments": '{"a": '}, ["tool_call"]),
    "a list": ("[1]", {"arguments": "[1]"}, ["tool_call"]),
}


@pytest.mark.parametrize(("said", "taken", "lost"), ARGUMENTS.values(), ids=ARGUMENTS.keys())
def test_arguments_are_an_object(said: JSON, taken: JSON, lost: list[str]) -> None:
    wire, losses = say(Request(model="m", messages=(user("a"), asked(called(arguments=said)), user(result_of("c1")))))
    assert wire["messages"][1]["content"][0]["input"] == taken  # type: ignore[index,call-overload]
    assert [feature for _, feature, _ in losses] == lost


def test_free_form_call_keeps_its_text_in_one_field() -> None:
    call = called(arguments='{"looks": "like JSON"}', custom=True)
    wire, losses = say(Request(model="m", messages=(user("a"), asked(call), user(result_of("c1", "x", custom=True)))))
    assert wire["messages"][1]["content"][0]["input"] == {"input": '{"looks": "like JSON"}'}  # type: ignore[index,call-overload]
    assert {feature for _, feature, _ in losses} == {"custom_tool"}


def test_name_of_a_call_is_rewritten_where_claude_refuses_it() -> None:
    _, losses = say(Request(model="m", messages=(user("a"), asked(called(name="a.b")), user(result_of("c1", "x")))))
    assert losses == [("$", "tool_call", "approximated")]
    _, losses = say(Request(model="m", messages=(user("a"), asked(called(name="x" * 128)), user(result_of("c1", "x")))))
    assert losses == []


def test_what_a_call_carries_for_others_is_reported() -> None:
    call = called(signature=Opaque("gemini", "c2ln"), namespace="crm")
    wire, losses = say(Request(model="m", messages=(user("a"), asked(call), user(result_of("c1", "x")))))
    assert "c2ln" not in str(wire)
    assert {feature for _, feature, _ in losses} == {"reasoning_signature", "tool_call"}


RESULTS: dict[str, tuple[ToolResult, Wire]] = {
    "text": (result_of("c1", "x"), {"content": "x"}),
    "nothing": (result_of("c1"), {}),
    "empty text": (result_of("c1", ""), {}),
    "failure": (result_of("c1", "x", is_error=True), {"content": "x", "is_error": True}),
    "no failure": (result_of("c1", "x", is_error=False), {"content": "x", "is_error": False}),
    "value": (result_of("c1", Value(value=[1])), {"content": "[1]"}),
    "mark": (result_of("c1", "x", cache=Cache()), {"content": "x", "cache_control": EPHEMERAL}),
    "image": (result_of("c1", Media(kind="image", mime="image/png", data=PNG)), {"content": [IMAGE]}),
}


@pytest.mark.parametrize(("result", "fields"), RESULTS.values(), ids=RESULTS.keys())
def test_result_is_said_whole(result: ToolResult, fields: Wire) -> None:
    wire, losses = say(Request(model="m", messages=(user("a"), asked(called()), user(result))))
    said = wire["messages"][2]["content"][0]  # type: ignore[index,call-overload]
    assert said == {"type": "tool_result", "tool_use_id": "c1", **fields}
    assert losses == []


def thought(part: Reasoning) -> tuple[JSON, list[tuple[str, str]]]:
    wire, losses = say(Request(model="m", messages=(user("a"), asked(part, "b"), user("c"))))
    content = wire["messages"][1]["content"]  # type: ignore[index,call-overload]
    first = content[0] if isinstance(content, list) else None
    return first, [(feature, action) for _, feature, action in losses]


def test_thinking_goes_back_with_its_signature() -> None:
    signed = Reasoning(text="hm", signature=Opaque("anthropic", "c2ln"), dialect="anthropic")
    assert thought(signed) == ({"type": "thinking", "thinking": "hm", "signature": "c2ln"}, [])


@pytest.mark.parametrize(
    ("part", "lost"),
    [
        (Reasoning(text="hm", dialect="anthropic"), {"reasoning"}),
        (Reasoning(text="hm", signature=Opaque("gemini", "x")), {"reasoning", "reasoning_signature"}),
        (Reasoning(summary=("hm",)), {"reasoning"}),
        (Reasoning(redacted=True, signature=Opaque("openai-responses", "x")), {"reasoning_signature"}),
    ],
)
def test_thoughts_that_claude_did_not_sign_are_never_shown_to_it(part: Reasoning, lost: set[str]) -> None:
    said, losses = thought(part)
    assert said is None
    assert {feature for feature, _ in losses} == lost
    assert {action for _, action in losses} == {"dropped"}


def test_signature_on_a_text_is_reported() -> None:
    signed = Text(text="a", signature=Opaque("gemini", "c2ln"))
    wire, losses = say(Request(model="m", messages=(user("x"), asked(signed), user("y"))))
    assert "c2ln" not in str(wire)
    assert losses == [("$", "reasoning_signature", "dropped")]


def test_mark_on_an_empty_text_is_reported() -> None:
    _, losses = say(Request(model="m", messages=(user(Text(text="", cache=Cache()), "x"),)))
    assert losses == [("$", "cache_control", "dropped")]
