"""What a program gets that asks for answers as it would ask OpenAI: objects that its SDK takes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from openai import AsyncOpenAI, NotFoundError
from openai.types.responses import Response as OpenAIResponse
from openai.types.responses import ResponseItemList

from dragoman.providers.conversations import Kept
from dragoman.providers.conversations.opening import open_archive
from dragoman.providers.conversations.responses import Responses
from dragoman.providers.settings import Keep
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import CallerError, UnknownResponse
from dragoman.schemas.ir import (
    JSON,
    Candidate,
    Media,
    Message,
    Opaque,
    Parameters,
    Reasoning,
    Request,
    Response,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
    Wire,
)
from dragoman.schemas.jsontext import write_json
from tests.providers.conversations.making import Calendar, answer, ask, say
from tests.providers.server import Connection, Server

Result = TypeVar("Result")
CALL = ToolCall(id="toolu_1", name="weather", arguments={"city": "Rome"})
ASKED = answer(
    "resp_1",
    request=Request(
        instructions=(Message(role="system", parts=(Text(text="Be brief."),)),),
        messages=(
            Message(
                role="user",
                parts=(Text(text="Weather?"), Media(kind="image", mime="image/png", data="aGk=")),
            ),
        ),
        model="claude",
        tools=(Tool(name="weather", schema={"type": "object", "properties": {}}),),
        metadata={"case": "7"},
        parameters=Parameters(temperature=0.5, max_tokens=100),
    ),
    response=Response(
        candidates=(
            Candidate(
                parts=(
                    Reasoning(text="Hm.", signature=Opaque("anthropic", "sig"), dialect="anthropic"),
                    Text(text="I look."),
                    CALL,
                ),
                stop="tool_use",
            ),
        ),
        model="claude-1",
        id="msg_1",
        usage=Usage(input_tokens=10, output_tokens=5, cache_read=3),
    ),
)
TOLD = answer(
    "resp_2",
    ASKED,
    request=Request(
        messages=(Message(role="user", parts=(ToolResult(call_id="toolu_1", content=(Text(text="Sunny"),)),)),)
    ),
    response=say("Sunny in Rome."),
)
THANKED = answer("resp_3", TOLD, request=ask("Thanks!"), response=say("Welcome."))
ALL = (ASKED, TOLD, THANKED)


def on(work: Callable[[Responses], Awaitable[Result]], *kept: Kept) -> Result:
    return asyncio.run(_on(work, kept))


async def _on(work: Callable[[Responses], Awaitable[Result]], kept: Sequence[Kept]) -> Result:
    return await work(await _kept(kept))


async def _kept(kept: Sequence[Kept]) -> Responses:
    archive = open_archive(None, {}, Calendar(), Keep())
    for each in kept:
        await archive.put(each)
    return Responses(archive)


def retrieve(kept: Kept) -> Wire:
    found = on(lambda responses: responses.retrieve(kept.id), kept)
    OpenAIResponse.model_validate(found)
    return found


def items(response_id: str, *kept: Kept, **asked: Any) -> list[Wire]:
    found = on(lambda responses: responses.input_items(response_id, **asked), *(kept or ALL))
    return data(found)


def data(listed: Wire) -> list[Wire]:
    found = listed["data"]
    assert isinstance(found, list)
    return [item for item in found if isinstance(item, dict)]


def kinds(found: Sequence[Wire]) -> list[JSON]:
    return [item["type"] for item in found]


# one answer
def test_an_answer_of_another_dialect_is_a_response_of_this_one() -> None:
    found = retrieve(TOLD)
    assert (found["id"], found["object"], found["status"]) == ("resp_2", "response", "completed")
    assert found["previous_response_id"] == "resp_1"
    assert found["created_at"] == 1_790_000_000
    assert OpenAIResponse.model_validate(found).output_text == "Sunny in Rome."


def test_a_response_repeats_what_was_asked() -> None:
    found = retrieve(ASKED)
    assert (found["model"], found["metadata"], found["temperature"]) == ("claude-1", {"case": "7"}, 0.5)
    assert found["instructions"] == "Be brief."
    assert [tool.type for tool in OpenAIResponse.model_validate(found).tools] == ["function"]
    assert found["usage"] == {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 15,
    }


def test_signatures_of_others_are_not_shown() -> None:
    assert "sig" not in json.dumps(retrieve(ASKED)["output"])


def test_an_answer_that_reached_its_limit_is_incomplete() -> None:
    cut = Response(candidates=(Candidate(parts=(Text(text="Once"),), stop="length"),))
    found = retrieve(answer("a", status="incomplete", response=cut))
    assert found["status"] == "incomplete"
    assert found["incomplete_details"] == {"reason": "max_output_tokens"}
    assert found["error"] is None


def test_an_answer_that_was_cut_off_has_failed_with_what_came() -> None:
    half = Response(candidates=(Candidate(parts=(Text(text="Once"),)),))
    found = retrieve(answer("a", status="cut", response=half, error=("network", "reset by peer")))
    assert found["status"] == "failed"
    assert found["error"] == {"code": "server_error", "message": "reset by peer"}
    assert OpenAIResponse.model_validate(found).output_text == "Once"


@pytest.mark.parametrize("error", [None, ("rate_limit", "slow down")])
def test_a_request_that_failed_is_a_response_without_output(error: tuple[str, str] | None) -> None:
    found = retrieve(answer("a", status="failed", response=None, error=error))
    code, message = ("rate_limit_exceeded", "slow down") if error else ("server_error", "the request failed")
    assert found["output"] == []
    assert found["error"] == {"code": code, "message": message}
    assert found["model"] == "m"


def test_a_response_of_this_dialect_comes_back_as_it_was() -> None:
    wire: Wire = {
        "id": "resp_9",
        "object": "response",
        "created_at": 1_790_000_000,
        "status": "completed",
        "model": "gpt",
        "output": [
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "sealed"},
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": "Hi", "annotations": [], "logprobs": []}],
            },
        ],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }
    response = find("openai-responses").responses.decode_response(wire)
    found = retrieve(answer("resp_9", response=response))
    assert found["output"] == wire["output"]


def test_an_unknown_answer_is_a_fault_of_its_own() -> None:
    for work in (Responses.retrieve, Responses.delete, Responses.input_items):
        with pytest.raises(UnknownResponse) as caught:
            on(lambda responses, work=work: work(responses, "resp_0"))  # type: ignore[misc]  # bound in the loop
        assert caught.value.kind == "unknown-response"
    with pytest.raises(UnknownResponse):
        on(lambda responses: responses.list(after="resp_0"))


# many
def test_answers_are_listed_newest_first_page_by_page() -> None:
    first = on(lambda responses: responses.list(limit=2), *ALL)
    assert [item["id"] for item in data(first)] == ["resp_3", "resp_2"]
    assert (first["object"], first["first_id"], first["last_id"], first["has_more"]) == (
        "list",
        "resp_3",
        "resp_2",
        True,
    )
    rest = on(lambda responses: responses.list(limit=2, after="resp_2"), *ALL)
    assert ([item["id"] for item in data(rest)], rest["has_more"]) == (["resp_1"], False)
    oldest = on(lambda responses: responses.list(order="asc"), *ALL)
    assert [item["id"] for item in data(oldest)] == ["resp_1", "resp_2", "resp_3"]


def test_a_list_of_nothing_has_no_ids() -> None:
    found = on(lambda responses: responses.list())
    assert found == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}


@pytest.mark.parametrize("asked", [{"limit": 0}, {"limit": 101}, {"order": "random"}])
def test_what_makes_no_page_is_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(CallerError, match=f"{next(iter(asked))}: expected"):
        on(lambda responses: responses.list(**asked))
    with pytest.raises(CallerError, match=f"{next(iter(asked))}: expected"):
        items("resp_1", **asked)


def test_an_answer_is_deleted() -> None:
    async def work(responses: Responses) -> Wire:
        gone = await responses.delete("resp_1")
        with pytest.raises(UnknownResponse):
            await responses.retrieve("resp_1")
        return gone

    assert on(work, *ALL) == {"id": "resp_1", "object": "response", "deleted": True}


def test_all_answers_are_cleared() -> None:
    async def work(responses: Responses) -> Wire:
        await responses.flush()
        await responses.clear()
        return await responses.list()

    assert data(on(work, *ALL)) == []


# items
def test_the_items_are_those_of_all_turns_in_order() -> None:
    found = items("resp_3", order="asc")
    assert kinds(found) == [
        "message",
        "reasoning",
        "message",
        "function_call",
        "function_call_output",
        "message",
        "message",
    ]
    assert [item.get("role") for item in found] == ["user", None, "assistant", None, None, "assistant", "user"]
    assert found[3]["call_id"] == found[4]["call_id"] == "toolu_1"


def test_the_sdk_takes_every_item() -> None:
    include = ["message.input_image.image_url"]
    listed = on(lambda responses: responses.input_items("resp_3", include=include), *ALL)
    ResponseItemList.model_validate(listed)


def test_items_have_ids_that_stay_and_differ() -> None:
    first, again = items("resp_3"), items("resp_3")
    assert first == again
    assert len({str(item["id"]) for item in first}) == len(first) == 7


def test_items_of_an_answer_have_the_ids_that_its_response_shows() -> None:
    output = retrieve(ASKED)["output"]
    assert isinstance(output, list)
    shown = [item["id"] for item in output if isinstance(item, dict)]
    assert [item["id"] for item in items("resp_2", order="asc")][1:4] == shown


def test_ids_of_the_source_are_kept_once() -> None:
    wire: Wire = {"input": [{"type": "message", "id": "msg_7", "role": "user", "content": "Hi"}]}
    request = find("openai-responses").requests.decode_request(wire)
    first = answer("resp_1", request=request)
    second = answer("resp_2", first, request=request)
    own = [item["id"] for item in items("resp_2", first, second, order="asc")]
    assert own[0] == "msg_7"
    assert len(set(own)) == 3


def test_an_item_that_only_its_vendor_knows_has_an_id_too() -> None:
    wire: Wire = {"input": [{"type": "web_search_call", "status": "completed", "results": ["large"]}]}
    request = find("openai-responses").requests.decode_request(wire)
    (item,) = items("resp_1", answer("resp_1", request=request))
    assert str(item["id"]).startswith("item_")
    assert item["results"] is None


def test_pictures_and_sealed_thoughts_are_shown_where_they_are_asked_for() -> None:
    sealed = Reasoning(summary=("s",), signature=Opaque("openai-responses", "sealed"), dialect="openai-responses")
    turn = Message(role="assistant", parts=(sealed, Text(text="Hi")))
    kept = answer("resp_4", request=Request(messages=(*ASKED.request.messages, turn, ask("Go on").messages[0])))
    include = ["message.input_image.image_url", "reasoning.encrypted_content"]
    told, hidden = items("resp_4", kept, include=include), items("resp_4", kept)
    assert "sealed" in json.dumps(told)
    assert "aGk=" in json.dumps(told)
    assert "sealed" not in json.dumps(hidden)
    assert "aGk=" not in json.dumps(hidden)


def test_what_cannot_be_included_is_refused() -> None:
    with pytest.raises(CallerError, match="include: expected some of"):
        items("resp_1", include=["passwords"])


def test_items_come_page_by_page_forwards_and_backwards() -> None:
    every = [str(item["id"]) for item in items("resp_3", order="asc")]
    assert [item["id"] for item in items("resp_3", order="asc", limit=3, after=every[1])] == every[2:5]
    assert [item["id"] for item in items("resp_3", order="asc", limit=3, before=every[5])] == every[2:5]
    assert [item["id"] for item in items("resp_3", order="asc", after=every[1], before=every[3])] == every[2:3]
    assert [item["id"] for item in items("resp_3")] == every[::-1]
    with pytest.raises(CallerError, match="no item of this answer has the id 'msg_0'"):
        items("resp_3", after="msg_0")


# the real client, over the loopback
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\n"


class Face:
    """A server that shows answers as the API does."""

    def __init__(self, responses: Responses) -> None:
        self._responses = responses

    async def __call__(self, connection: Connection) -> None:
        method, target = connection.request.split(b" ", 2)[:2]
        parts = urlsplit(target.decode())
        asked = {name: value[0] for name, value in parse_qs(parts.query).items()}
        path = [unquote(step) for step in parts.path.split("/")[3:]]
        try:
            await connection.answer(write_json(await self._found(method.decode(), path, asked)))
        except UnknownResponse as error:
            await connection.answer(write_json({"error": {"message": str(error)}}), head=NOT_FOUND)

    async def _found(self, method: str, path: list[str], asked: dict[str, str]) -> Wire:
        match method, path:
            case "GET", [response_id]:
                return await self._responses.retrieve(response_id)
            case "DELETE", [response_id]:
                return await self._responses.delete(response_id)
            case "GET", [response_id, "input_items"]:
                limit, order = int(asked.get("limit", "20")), asked.get("order", "desc")
                return await self._responses.input_items(
                    response_id, limit=limit, order=order, after=asked.get("after")
                )
            case _:
                raise AssertionError(path)


def over_http(work: Callable[[AsyncOpenAI], Awaitable[Result]]) -> Result:
    return asyncio.run(_over_http(work))


async def _over_http(work: Callable[[AsyncOpenAI], Awaitable[Result]]) -> Result:
    async with (
        Server(Face(await _kept(ALL))) as server,
        AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client,
    ):
        return await work(client)


def test_the_real_client_retrieves_and_deletes() -> None:
    async def work(client: AsyncOpenAI) -> str:
        found = await client.responses.retrieve("resp_3")
        await client.responses.delete("resp_3")
        with pytest.raises(NotFoundError):
            await client.responses.retrieve("resp_3")
        return found.output_text

    assert over_http(work) == "Welcome."


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_the_real_client_walks_through_all_pages_of_items(order: Literal["asc", "desc"]) -> None:
    async def work(client: AsyncOpenAI) -> list[str | None]:
        pages = client.responses.input_items.list("resp_3", limit=2, order=order)
        return [item.id async for item in pages]

    assert over_http(work) == [item["id"] for item in items("resp_3", order=order)]
