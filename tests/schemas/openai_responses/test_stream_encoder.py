"""Streams of Responses: how events are said, item by item, and what only a stream loses."""

from __future__ import annotations

import pytest

from dragoman.schemas.accumulate import explode
from dragoman.schemas.events import (
    ArgumentsDelta,
    BlockEnded,
    BlockStarted,
    BuiltinProgress,
    CitationAdded,
    ContentDelta,
    Event,
    Heartbeat,
    ReasoningDelta,
    StreamComplete,
    StreamFailed,
    StreamStarted,
    ToolCallStarted,
)
from dragoman.schemas.ir import (
    JSON,
    BuiltinCall,
    Candidate,
    Citation,
    Error,
    Media,
    Native,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Response,
    Stop,
    Text,
    TokenLogprob,
    ToolCall,
    ToolResult,
    Value,
    Wire,
)
from dragoman.schemas.narrow import as_object, objects
from tests.schemas.openai_responses.speaking import NAME, PNG
from tests.schemas.openai_responses.telling import exploded, items, kinds, spoken
from tests.schemas.streaming import encoded

START = StreamStarted(Response(id="r", model="m", created=7, candidates=()))
PAGE = Citation(url="https://a.example", title="A", start=0, end=2)


def said(*parts: Part) -> list[Wire]:
    return spoken(exploded(*parts))[0]


def ending(*parts: Part, stop: Stop | None = "stop") -> StreamComplete:
    return StreamComplete(Response(id="r", model="m", created=7, candidates=(Candidate(parts=parts, stop=stop),)))


def failing(**fields: JSON) -> StreamFailed:
    error = Error(message="Oh.", kind="server", **fields)  # type: ignore[arg-type]
    return StreamFailed(error, Response(id="r", model="m", created=7, candidates=(Candidate(parts=()),)))


def last(found: list[Wire]) -> Wire:
    return as_object(found[-1]["response"], ())


def types(found: list[Wire]) -> list[JSON]:
    return [item["type"] for item in items(found)]


def one(found: list[Wire], kind: str) -> Wire:
    (wire,) = [wire for wire in found if wire["type"] == f"response.{kind}"]
    return wire


# -------------------------------------------------------------------------------------------------------------- words
def test_text_is_said_in_the_order_of_the_api() -> None:
    assert kinds(said(Text(text="Hi"))) == [
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
    ]


def test_response_begins_without_an_answer() -> None:
    created, progress, *_ = said(Text(text="Hi"))
    whole = as_object(created["response"], ())
    assert progress["response"] == whole
    assert (whole["id"], whole["status"], whole["output"], whole["usage"]) == ("r", "in_progress", [], None)


def test_words_are_passed_on_at_once() -> None:
    found, _ = spoken([START, BlockStarted(0, Text(text="")), ContentDelta("Hi")])
    assert found[-1]["delta"] == "Hi"
    assert found[-1]["item_id"] == as_object(found[2]["item"], ())["id"]


def test_texts_share_a_message_that_anything_else_ends() -> None:
    call = ToolCall(id="c", name="f", arguments="{}")
    found = said(Text(text="a"), Text(text="b"), call, Text(text="c"))
    assert types(found) == ["message", "function_call", "message"]
    assert [len(objects(item.get("content"))) for item in items(found)] == [2, 0, 1]


def test_texts_of_two_items_stay_two() -> None:
    first, second = (Text(text="a", extra={NAME: {"id": name, "phase": "commentary"}}) for name in "xy")
    assert [(item["id"], item["phase"]) for item in items(said(first, second))] == [
        ("x", "commentary"),
        ("y", "commentary"),
    ]


def test_refusal_is_said_as_such() -> None:
    found = said(Refusal(text="No."))
    assert one(found, "refusal.delta")["delta"] == one(found, "refusal.done")["refusal"] == "No."


def test_empty_text_beside_a_call_says_nothing() -> None:
    assert types(said(Text(text=""), ToolCall(id="c", name="f", arguments="{}"))) == ["function_call"]


def test_empty_text_that_is_all_is_said() -> None:
    assert types(said(Text(text=""))) == ["message"]


def test_empty_block_is_said_when_a_later_one_speaks() -> None:
    texts = (Text(text=""), Text(text="b"))
    starts: list[Event] = [BlockStarted(number, Text(text="")) for number in (0, 1)]
    ends: list[Event] = [BlockEnded(number, text) for number, text in enumerate(texts)]
    found, _ = spoken([START, *starts, ContentDelta("b", 1), *ends, ending(*texts)])
    (item,) = items(found)
    assert [part["text"] for part in objects(item["content"])] == ["", "b"]


@pytest.mark.parametrize("part", [Text(text="a"), Refusal(text="a"), Reasoning(text="a", summary=("s",))])
def test_words_that_a_block_starts_with_are_said(part: Part) -> None:
    found, _ = spoken([START, BlockStarted(0, part), BlockEnded(0, part), ending(part)])
    assert [wire["delta"] for wire in found if str(wire["type"]).endswith("delta")][-1] == "a"


def test_log_probabilities_stand_on_the_deltas_and_the_text() -> None:
    token = TokenLogprob(token="Hi", logprob=-0.5)
    response = Response(id="r", created=7, candidates=(Candidate(parts=(Text(text="Hi"),), logprobs=(token,)),))
    found, _ = spoken(explode(response))
    deltas = [wire["logprobs"] for wire in found if wire["type"] == "response.output_text.delta"]
    (part,) = objects(items(found)[0]["content"])
    assert deltas == [[], part["logprobs"]]


# ------------------------------------------------------------------------------------------------------------ sources
def test_source_is_said_as_an_annotation() -> None:
    found = said(Text(text="Hi", citations=(PAGE,)))
    (part,) = objects(items(found)[0]["content"])
    assert part["annotations"] == [one(found, "output_text.annotation.added")["annotation"]]


def test_late_source_joins_a_message_that_is_not_done() -> None:
    text = Text(text="Hi")
    events: list[Event] = [START, BlockStarted(0, Text(text="")), ContentDelta("Hi"), BlockEnded(0, text)]
    found, losses = spoken([*events, CitationAdded(PAGE), ending(text)])
    (part,) = objects(items(found)[0]["content"])
    assert [note["url"] for note in objects(part["annotations"])] == ["https://a.example"]
    assert "citation" not in [loss.feature for loss in losses.found]


def test_source_that_comes_after_its_message_is_lost() -> None:
    text = Text(text="Hi")
    call: list[Event] = [ToolCallStarted(1, "c", "f"), BlockEnded(1, ToolCall(id="c", name="f", arguments=""))]
    events: list[Event] = [START, BlockStarted(0, Text(text="")), ContentDelta("Hi"), BlockEnded(0, text)]
    _, losses = spoken([*events, *call, CitationAdded(PAGE), ending(text)])
    assert "citation" in [loss.feature for loss in losses.found]


# ---------------------------------------------------------------------------------------------------------- reasoning
def test_reasoning_is_said_as_summary_and_content() -> None:
    found = said(Reasoning(text="Hm", summary=("a", "b"), dialect="anthropic"))
    assert [kind for kind in kinds(found) if kind.endswith("added")] == [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_part.added",
        "content_part.added",
    ]
    (item,) = items(found)
    assert [piece["text"] for piece in objects(item["summary"])] == ["a", "b"]
    assert [piece["text"] for piece in objects(item["content"])] == ["Hm"]


def test_pieces_of_a_summary_are_numbered_from_nought() -> None:
    thought = Reasoning(summary=("a", "b"))
    deltas: list[Event] = [ReasoningDelta("a", summary=3), ReasoningDelta("b", summary=7)]
    found, _ = spoken([START, BlockStarted(0, Reasoning()), *deltas, BlockEnded(0, thought), ending(thought)])
    told = [wire["summary_index"] for wire in found if wire["type"] == "response.reasoning_summary_text.done"]
    assert told == [0, 1]


@pytest.mark.parametrize(("dialect", "expected"), [(NAME, ["reasoning"]), ("anthropic", [])])
def test_sealed_reasoning_is_said_to_its_own_vendor_only(dialect: str, expected: list[str]) -> None:
    thought = Reasoning(signature=Opaque(dialect, "x"), redacted=True, dialect=dialect)
    assert types(said(thought, Text(text="Hi")))[:-1] == expected


# -------------------------------------------------------------------------------------------------------------- calls
def test_arguments_at_the_end_are_those_of_the_deltas() -> None:
    call = ToolCall(id="c", name="f", arguments={"a": 1})
    events: list[Event] = [
        START,
        ToolCallStarted(0, "c", "f"),
        ArgumentsDelta('{"a": '),
        ArgumentsDelta("1}"),
        BlockEnded(0, call),
    ]
    found, _ = spoken([*events, ending(call, stop="tool_use")])
    assert one(found, "function_call_arguments.done")["arguments"] == '{"a": 1}'
    assert items(found)[0]["arguments"] == '{"a": 1}'


def test_call_without_arguments_has_empty_ones() -> None:
    found = said(ToolCall(id="c", name="f", arguments=""))
    assert one(found, "function_call_arguments.delta")["delta"] == items(found)[0]["arguments"] == "{}"


def test_free_form_call_is_said_as_such() -> None:
    found = said(ToolCall(id="c", name="sql", arguments="SELECT 1", custom=True))
    assert one(found, "custom_tool_call_input.done")["input"] == "SELECT 1"
    assert (types(found), "status" in items(found)[0]) == (["custom_tool_call"], False)


def test_calls_of_one_id_become_two() -> None:
    calls = [ToolCall(id="c", name="f", arguments="{}") for _ in "ab"]
    assert [item["call_id"] for item in items(said(*calls))] == ["c", "c_1"]


def test_calls_may_interleave() -> None:
    calls = [ToolCall(id=name, name="f", arguments="{}") for name in "ab"]
    starts: list[Event] = [ToolCallStarted(number, call.id, "f") for number, call in enumerate(calls)]
    deltas: list[Event] = [ArgumentsDelta(piece, number) for piece in "{}" for number in (0, 1)]
    ends: list[Event] = [BlockEnded(number, call) for number, call in enumerate(calls)]
    found, _ = spoken([START, *starts, *deltas, *ends, ending(*calls, stop="tool_use")])
    told = [wire["output_index"] for wire in found if wire["type"] == "response.function_call_arguments.delta"]
    assert told == [0, 1, 0, 1]
    assert [item["arguments"] for item in items(found)] == ["{}", "{}"]


def test_message_waits_for_its_text_though_a_call_begins() -> None:
    text, call = Text(text="ab"), ToolCall(id="c", name="f", arguments="{}")
    begun: list[Event] = [START, BlockStarted(0, Text(text="")), ContentDelta("a"), ToolCallStarted(1, "c", "f")]
    events = [*begun, ContentDelta("b"), ArgumentsDelta("{}", 1), BlockEnded(1, call), BlockEnded(0, text)]
    found, _ = spoken([*events, ending(text, call, stop="tool_use")])
    assert [item["type"] for item in objects(last(found)["output"])] == ["message", "function_call"]


# --------------------------------------------------------------------------------------------------------------- rest
def test_tool_of_our_own_is_said_with_its_progress() -> None:
    wire: Wire = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    call = BuiltinCall(kind="web_search", dialect=NAME, wire=wire)
    working = BuiltinProgress(NAME, {"type": "response.web_search_call.searching", "sequence_number": 99})
    found, _ = spoken([START, BlockStarted(0, call), working, BlockEnded(0, call), ending(call)])
    assert one(found, "web_search_call.searching")["item_id"] == "ws_1"
    assert items(found) == [wire]


def test_tool_of_another_vendor_is_lost() -> None:
    _, losses = spoken(exploded(BuiltinCall(kind="web_search", dialect="anthropic", wire={}), Text(text="Hi")))
    assert "builtin_call" in [loss.feature for loss in losses.found]


def test_image_is_what_the_call_before_it_made() -> None:
    call: Wire = {"type": "image_generation_call", "id": "ig_1", "status": "completed"}
    image = Media(kind="image", mime="image/png", data=PNG)
    (item,) = items(said(BuiltinCall(kind="image_generation", dialect=NAME, wire=call), image))
    assert item == {**call, "result": PNG}


def test_call_that_showed_nothing_is_done_by_what_follows() -> None:
    call: Wire = {"type": "image_generation_call", "id": "ig_1", "status": "failed"}
    found = said(BuiltinCall(kind="image_generation", dialect=NAME, wire=call), Text(text="Hi"))
    assert types(found) == ["image_generation_call", "message"]


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        (Media(kind="image", mime="image/png", data=PNG), "image_generation_call"),
        (Value(value={"a": 1}), "message"),
        (ToolResult(call_id="c", content=(Text(text="1"),)), "function_call_output"),
        (Native(dialect=NAME, wire={"type": "compaction", "id": "x"}, feature="continuation"), "compaction"),
        (Native(dialect=NAME, wire={"type": "output_audio", "id": "x"}), "message"),
    ],
)
def test_what_comes_in_one_piece_is_an_item(part: Part, kind: str) -> None:
    assert types(said(part)) == [kind]


def test_further_answers_are_lost() -> None:
    answers = tuple(Candidate(parts=(Text(text=words),), stop="stop") for words in "ab")
    found, losses = spoken(explode(Response(id="r", created=7, candidates=answers)))
    assert len(items(found)) == 1
    assert "n" in [loss.feature for loss in losses.found]


def test_sign_of_life_is_a_comment() -> None:
    assert encoded(NAME, [Heartbeat("hold on")])[0] == b": hold on\n\n"


# ------------------------------------------------------------------------------------------------------------ endings
@pytest.mark.parametrize(
    ("stop", "kind", "status"),
    [
        ("stop", "response.completed", "completed"),
        ("length", "response.incomplete", "incomplete"),
        ("error", "response.failed", "failed"),
    ],
)
def test_end_is_told_by_its_status(stop: Stop, kind: str, status: str) -> None:
    found, _ = spoken([START, ending(stop=stop)])
    assert (found[-1]["type"], last(found)["status"]) == (kind, status)


def test_message_of_an_incomplete_answer_is_incomplete() -> None:
    text = Text(text="Hi")
    begun: list[Event] = [START, BlockStarted(0, Text(text="")), ContentDelta("Hi"), BlockEnded(0, text)]
    assert items(spoken([*begun, ending(text, stop="length")])[0])[0]["status"] == "incomplete"


def test_end_that_nobody_explained_is_made_up() -> None:
    found, losses = spoken([START, ending(stop=None)])
    assert last(found)["status"] == "completed"
    assert ("finish_reason", "synthesized") in [(loss.feature, loss.action) for loss in losses.found]


def test_failure_keeps_the_items_that_are_done() -> None:
    done = ToolCall(id="c", name="f", arguments="{}")
    begun: list[Event] = [
        START,
        ToolCallStarted(0, "c", "f"),
        BlockEnded(0, done),
        BlockStarted(1, Text(text="")),
        ContentDelta("H", 1),
    ]
    found, _ = spoken([*begun, failing()])
    assert last(found)["error"] == {"code": "server_error", "message": "Oh."}
    assert [item["type"] for item in objects(last(found)["output"])] == ["function_call"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"code": "vector_store_timeout", "dialect": NAME}, "vector_store_timeout"),
        ({"code": "context_length_exceeded"}, "server_error"),
        ({"native": "overloaded_error", "dialect": "anthropic"}, "server_error"),
    ],
)
def test_failure_has_a_code_that_the_api_knows(fields: Wire, code: str) -> None:
    found, _ = spoken([START, failing(**fields)])
    assert as_object(last(found)["error"], ())["code"] == code


def test_code_that_the_api_does_not_know_is_reported() -> None:
    _, losses = spoken([START, failing(code="context_length_exceeded")])
    assert "$.code" in [loss.path for loss in losses.found]


def test_failure_before_anything_is_an_error_event() -> None:
    error = Error(message="Oh.", kind="server", code=500)
    raw, _ = encoded(NAME, [StreamFailed(error, Response(candidates=()))])
    assert raw.startswith(b'event: error\ndata: {"type":"error","code":"500","message":"Oh."')
