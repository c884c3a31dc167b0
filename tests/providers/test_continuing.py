"""What a request goes on from: natively, or said again; whose signatures go back; calls and results; the window."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.auth import Key, credential_id
from dragoman.providers.continuing import Thread, continued, fitted, kept_by, place_of, provider_id
from dragoman.providers.conversations import Kept, Origin
from dragoman.providers.placed import is_of_answer, placed
from dragoman.providers.settings import Credential, Profile
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import CallerError
from dragoman.schemas.ir import (
    Candidate,
    Media,
    Message,
    Opaque,
    Parameters,
    Part,
    Reasoning,
    Request,
    Response,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from dragoman.schemas.losses import Losses, path_of
from dragoman.schemas.unified import as_kept

ANTHROPIC = Profile(name="a", vendor="anthropic", dialect="anthropic", base_url="https://api.anthropic.com")
OTHER = Profile(name="d", vendor="deepseek", dialect="anthropic", base_url="https://api.deepseek.com/anthropic")
GEMINI = Profile(name="g", vendor="gemini", dialect="gemini", base_url="https://gemini.test")
NATIVE = Profile(
    name="r", vendor="openai", dialect="openai-responses", base_url="https://api.openai.com/v1", continuation="native"
)
SIGNED = Reasoning(text="hm", signature=Opaque("anthropic", "sig-a"), dialect="anthropic")


def user(*parts: Part | str) -> Message:
    return Message(role="user", parts=tuple(Text(text=part) if isinstance(part, str) else part for part in parts))


def kept(profile: Profile, question: Message, *answer: Part, number: int = 1, native: str | None = None) -> Kept:
    origin = Origin(
        profile=profile.name,
        provider=provider_id(profile),
        dialect=profile.dialect,
        credential=credential_id(profile, None),
        native_id=native,
    )
    return Kept(
        id=f"resp_{number}",
        created=0.0,
        status="completed",
        conversation="conv_1",
        request=Request(messages=(question,)),
        origin=origin,
        turn=number,
        response=Response(candidates=(Candidate(parts=answer, stop="stop"),)),
    )


def thread(*lineage: Kept, carries: bool = False, named: str | None = None) -> Thread:
    return Thread(conversation="conv_1", lineage=lineage, carries=carries, named=named)


def ask(profile: Profile, of: Thread, request: Request | None = None) -> tuple[Request, Losses]:
    losses = Losses()
    asked = request or Request(messages=(user("next"),))
    return continued(profile, credential_id(profile, None), asked, of, losses), losses


def texts(request: Request) -> list[str]:
    return [part.text for message in request.messages for part in message.parts if isinstance(part, Text)]


def test_lineage_is_said_again_in_order() -> None:
    first = kept(ANTHROPIC, user("one"), Text(text="1"))
    second = kept(GEMINI, user("two"), Text(text="2"), number=2)
    request, losses = ask(OTHER, thread(first, second))
    assert texts(request) == ["one", "1", "two", "2", "next"]
    assert [message.role for message in request.messages] == ["user", "assistant", "user", "assistant", "user"]
    assert not losses.found


def test_request_that_goes_on_from_nothing_is_left_alone() -> None:
    asked = Request(messages=(user("hi"),))
    assert ask(ANTHROPIC, thread(), asked)[0] is asked


def test_provider_that_keeps_the_answer_is_told_its_id_alone() -> None:
    before = kept(NATIVE, user("one"), Text(text="1"), native="resp_theirs")
    request, _ = ask(NATIVE, thread(before))
    assert texts(request) == ["next"]
    assert [state.value for state in request.continuations] == ["resp_theirs"]


@pytest.mark.parametrize(
    "profile",
    [
        msgspec.structs.replace(NATIVE, continuation="replay"),
        msgspec.structs.replace(NATIVE, base_url="https://elsewhere.test/v1"),
        msgspec.structs.replace(NATIVE, vendor="azure"),
        msgspec.structs.replace(NATIVE, credentials=(Credential(name="x", key_env=("X",)),)),
    ],
    ids=["not-native", "other-host", "other-vendor", "several-keys"],
)
def test_answer_that_somebody_else_keeps_is_said_again(profile: Profile) -> None:
    before = kept(NATIVE, user("one"), Text(text="1"), native="resp_theirs")
    request, _ = ask(profile, thread(before))
    assert texts(request) == ["one", "1", "next"]
    assert not request.continuations


def test_answer_kept_for_another_key_is_said_again() -> None:
    before = kept(NATIVE, user("one"), Text(text="1"), native="resp_theirs")
    assert kept_by(NATIVE, credential_id(NATIVE, Key("sk-other-key", "X")), before) is None
    assert kept_by(NATIVE, credential_id(NATIVE, None), before) == "resp_theirs"


def test_id_that_only_the_provider_may_know_is_passed_on() -> None:
    request, _ = ask(NATIVE, thread(named="resp_unknown"))
    assert [(state.dialect, state.value) for state in request.continuations] == [("openai-responses", "resp_unknown")]


def test_signatures_go_back_to_where_they_are_from() -> None:
    request, losses = ask(ANTHROPIC, thread(kept(ANTHROPIC, user("one"), SIGNED, Text(text="1"))))
    assert as_kept(request.messages[1].parts[0]) == as_kept(SIGNED)
    assert not losses.found


def test_signatures_go_to_no_other_vendor_of_the_same_dialect() -> None:
    redacted = Reasoning(signature=Opaque("anthropic", "secret"), redacted=True, dialect="anthropic")
    request, losses = ask(OTHER, thread(kept(ANTHROPIC, user("one"), SIGNED, redacted, Text(text="1"))))
    assert [type(part).__name__ for part in request.messages[1].parts] == ["Reasoning", "Text"]
    assert "sig-a" not in repr(request)
    assert "secret" not in repr(request)
    assert [loss.feature for loss in losses.found] == ["reasoning_signature"]


def test_signatures_on_calls_and_texts_stay_at_home_too() -> None:
    mark = Opaque("gemini", "sig-g")
    call = ToolCall(id="c1", name="f", arguments="{}", signature=mark)
    result = ToolResult(call_id="c1", content=(Text(text="r"),))
    before = kept(GEMINI, user("one"), Text(text="1", signature=mark), call)
    elsewhere = msgspec.structs.replace(GEMINI, base_url="https://proxy.test")
    request, _ = ask(elsewhere, thread(before), Request(messages=(user(result),)))
    assert "sig-g" not in repr(request)
    home, _ = ask(GEMINI, thread(before), Request(messages=(user(result),)))
    assert repr(home).count("sig-g") == 2


def test_answer_of_nothing_is_no_turn() -> None:
    request, _ = ask(ANTHROPIC, thread(kept(ANTHROPIC, user("one"))))
    assert [message.role for message in request.messages] == ["user", "user"]


def test_session_carries_instructions_and_tools_and_an_id_alone_does_not() -> None:
    system = (Message(role="system", parts=(Text(text="be brief"),)),)
    before = kept(ANTHROPIC, user("one"), Text(text="1"))
    before = msgspec.structs.replace(
        before, request=msgspec.structs.replace(before.request, instructions=system, tools=(Tool(name="f"),))
    )
    carried, _ = ask(GEMINI, thread(before, carries=True))
    assert [as_kept(node) for node in (*carried.instructions, *carried.tools)] == [
        as_kept(system[0]),
        as_kept(Tool(name="f")),
    ]
    bare, _ = ask(GEMINI, thread(before))
    assert (bare.instructions, bare.tools) == ((), ())


def test_new_instructions_stand_in_place_of_those_before() -> None:
    old, new = ((Message(role="system", parts=(Text(text=text),)),) for text in ("be brief", "be long"))
    before = kept(ANTHROPIC, user("one"), Text(text="1"))
    before = msgspec.structs.replace(before, request=msgspec.structs.replace(before.request, instructions=old))
    request, _ = ask(ANTHROPIC, thread(before, carries=True), Request(messages=(user("x"),), instructions=new))
    assert request.instructions == new


# ------------------------------------------------------------------------------------------------------------- pairing
def call(name: str) -> ToolCall:
    return ToolCall(id=name, name="f", arguments="{}")


def result(name: str) -> ToolResult:
    return ToolResult(call_id=name, content=(Text(text=f"result of {name}"),))


def test_call_that_nobody_answered_is_left_out_and_told() -> None:
    request, losses = ask(
        ANTHROPIC,
        thread(kept(ANTHROPIC, user("one"), Text(text="1"), call("c1"), call("c2"))),
        Request(messages=(user(result("c1"), "and then"),)),
    )
    assert [part.id for message in request.messages for part in message.parts if isinstance(part, ToolCall)] == ["c1"]
    assert [(loss.feature, loss.severity) for loss in losses.found] == [("tool_call", "advisory")]


def test_result_without_its_call_is_left_out_and_told() -> None:
    request, losses = ask(
        ANTHROPIC,
        thread(kept(ANTHROPIC, user("one"), Text(text="1"))),
        Request(messages=(user(result("c9"), "go on"),)),
    )
    assert "result of c9" not in repr(request)
    assert len(losses.found) == 1


def test_calls_of_one_id_are_told_apart_with_their_results() -> None:
    first = kept(GEMINI, user("one"), call("call_0"))
    second = kept(GEMINI, user(result("call_0")), call("call_0"), number=2)
    request, losses = ask(ANTHROPIC, thread(first, second), Request(messages=(user(result("call_0")),)))
    calls = [part.id for message in request.messages for part in message.parts if isinstance(part, ToolCall)]
    results = [part.call_id for message in request.messages for part in message.parts if isinstance(part, ToolResult)]
    assert calls == results == ["call_0", "call_0_2"]
    assert not losses.found


# ------------------------------------------------------------------------------------------------------------- fitting
def long(words: int) -> str:
    return "word " * words


def test_many_calls_of_one_id_are_told_apart_in_time_that_grows_with_them() -> None:
    turns = [kept(GEMINI, user(result("c")) if n else user("one"), call("c"), number=n + 1) for n in range(5_000)]
    request, _ = ask(ANTHROPIC, thread(*turns), Request(messages=(user(result("c")),)))
    made = [part.id for message in request.messages for part in message.parts if isinstance(part, ToolCall)]
    answered = [part.call_id for message in request.messages for part in message.parts if isinstance(part, ToolResult)]
    assert made == answered == ["c", *(f"c_{number}" for number in range(2, 5_001))]


def test_conversation_that_fits_is_left_alone() -> None:
    request = Request(messages=(user("a"), user("b")))
    assert fitted(request, 1000, Losses()) is request


def test_oldest_turns_go_first_and_that_is_told() -> None:
    request = Request(messages=tuple(user(f"{number} {long(100)}") for number in range(10)))
    losses = Losses()
    short = fitted(request, 500, losses)
    assert 0 < len(short.messages) < 10
    assert short.messages == request.messages[-len(short.messages) :]
    assert [(loss.feature, loss.action) for loss in losses.found] == [("history", "dropped")]


def test_last_turn_stays_whatever_its_length() -> None:
    request = Request(messages=(user("old"), user(long(10_000))))
    assert fitted(request, 10, Losses()).messages == request.messages[-1:]


def test_room_for_the_answer_and_for_tools_counts() -> None:
    messages = tuple(user(long(100)) for _ in range(4))
    request = Request(messages=messages, parameters=Parameters(max_tokens=700))
    assert len(fitted(request, 1000, Losses()).messages) < 4
    assert len(fitted(Request(messages=messages), 1000, Losses()).messages) == 4


def test_picture_takes_no_room_by_its_bytes() -> None:
    picture = Media(kind="image", mime="image/png", data="A" * 1_000_000)
    request = Request(messages=(user(picture, "what?"), user("and?")))
    assert fitted(request, 5_000, Losses()) is request


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 400)), min_size=1, max_size=20), st.integers(1, 3000))
def test_calls_and_results_stay_together_however_little_room_there_is(
    said: list[tuple[bool, int]], window: int
) -> None:
    messages: list[Message] = []
    for number, (calls, words) in enumerate(said):
        messages.append(user(f"{number} {long(words)}"))
        if calls:
            messages += [
                Message(role="assistant", parts=(call(f"c{number}"),)),
                user(result(f"c{number}")),
            ]
        messages.append(Message(role="assistant", parts=(Text(text="done"),)))
    short = fitted(Request(messages=tuple(messages)), window, Losses()).messages
    assert short == tuple(messages[-len(short) :])
    made = {part.id for message in short for part in message.parts if isinstance(part, ToolCall)}
    answered = {part.call_id for message in short for part in message.parts if isinstance(part, ToolResult)}
    assert made == answered
    assert short[0].role == "user"


def test_place_knows_what_the_thread_knows() -> None:
    of = Thread(conversation="conv_1", session="trip")
    place = place_of(GEMINI, None, "m", of)
    assert (place.provider, place.model, place.session, place.conversation) == (
        "gemini@gemini.test",
        "m",
        "trip",
        "conv_1",
    )
    assert place_of(GEMINI, None, "m", None).conversation is None


def test_provider_id_has_no_password() -> None:
    profile = msgspec.structs.replace(GEMINI, base_url="https://user:secret@host.test:8443/v1")
    assert provider_id(profile) == "gemini@host.test:8443"


# ------------------------------------------------------------------------------------------------------------ in places
def test_losses_tell_the_turn_that_they_are_of() -> None:
    film = Media(kind="video", data="aGk=")
    first = kept(GEMINI, user("one"), Text(text="1"))
    second = kept(GEMINI, user(film, result("c0")), Text(text="2"), call("c1"), film, number=2)
    request, losses = ask(ANTHROPIC, thread(first, second))
    find("anthropic").requests.encode_request(request, losses)
    assert {loss.path for loss in losses.found} >= {
        "$.turns[1].request.messages[0]",
        "$.turns[1].request.messages[0].parts[0]",
        "$.turns[1].response",
        "$.turns[1].response.parts[2]",
    }


def test_what_is_inside_a_result_has_a_place() -> None:
    said = placed(kept(GEMINI, user(result("c1")), Text(text="1")), 3).request.messages[0].parts[0]
    assert isinstance(said, ToolResult)
    assert path_of(said.content[0].at) == "$.turns[3].request.messages[0].parts[0].content[0]"


def test_losses_of_answers_are_told_from_those_of_questions() -> None:
    losses = Losses()
    for path in (("turns", 12, "response", "parts", 0), ("turns", 0, "request", "messages", 0), ("messages", 0)):
        losses.dropped(path, "image", "")
    assert [is_of_answer(loss) for loss in losses.found] == [True, False, False]


@pytest.mark.parametrize("native", [None, "resp_native"])
def test_answer_that_ended_early_is_not_gone_on_from_in_silence(native: str | None) -> None:
    short = msgspec.structs.replace(kept(NATIVE, user("one"), Text(text="1"), native=native), status="incomplete")
    _, losses = ask(NATIVE, thread(short))
    assert [(loss.path, loss.feature) for loss in losses.found] == [("$.turns[0].response", "history")]
    whole = kept(NATIVE, user("two"), Text(text="2"), number=2)
    assert not ask(NATIVE, thread(short, whole))[1].found


def test_conversation_whose_beginning_only_its_provider_keeps_goes_on_there_alone() -> None:
    headless = msgspec.structs.replace(kept(NATIVE, user("two"), Text(text="2"), native="resp_n"), previous="resp_0")
    assert ask(NATIVE, thread(headless))[0].continuations[0].value == "resp_n"
    with pytest.raises(CallerError, match="resp_0"):
        ask(ANTHROPIC, thread(headless))


def test_turn_without_an_answer_has_a_place_too() -> None:
    failed = msgspec.structs.replace(kept(GEMINI, user("one")), response=None)
    assert placed(failed, 0).request.messages[0].parts[0].at[:2] == ("turns", 0)
