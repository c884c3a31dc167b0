"""Requests that are in no recording, passed on to a provider and recorded."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from dragoman.providers.auth import Key
from dragoman.providers.client import WireProvider
from dragoman.providers.playback import passing as passes
from dragoman.providers.playback.book import Book
from dragoman.providers.playback.passing import Passer
from dragoman.providers.record import Recorder
from dragoman.providers.sandbox import SandboxTransport
from dragoman.providers.settings import Timeouts
from dragoman.schemas import find
from dragoman.schemas.captures import Captured, CaptureReader, Sent
from dragoman.schemas.ir import Wire
from dragoman.schemas.jsontext import write_json
from tests.providers.playback.clients import CLIENTS
from tests.providers.playback.recorded import DIALECTS, exchange, serving
from tests.providers.playback.test_app import PATHS, asked_as
from tests.providers.sandbox.asking import profile

pytestmark = pytest.mark.slow

CALLS: Wire = {"text": "Let me see.", "tool_calls": [{"name": "get_weather", "arguments": {"city": "Paris"}}]}

# Every dialect as provider and as client, with itself and with another one.
PAIRS = [*zip(DIALECTS, DIALECTS, strict=True), *zip(DIALECTS, (*DIALECTS[1:], DIALECTS[0]), strict=True)]


class Passed:
    """A server in front of a sandbox, and what it has recorded."""

    def __init__(self, url: str, book: Book, file: Path) -> None:
        self.url, self.book, self.file = url, book, file

    def recorded(self) -> list[Captured]:
        reader = CaptureReader("recording")
        items = [*reader.feed(self.file.read_bytes()), *reader.close()]
        return [item for item in items if isinstance(item, Captured)]


@contextmanager
def passing(
    tmp_path: Path, dialect: str, rules: Sequence[Wire] = (), held: Sequence[Captured] = ()
) -> Iterator[Passed]:
    asked, book, file = profile(dialect), Book(held), tmp_path / "new.jsonl"
    provider = WireProvider.of(asked, SandboxTransport(asked, rules=rules))
    with Recorder(file) as recorder:
        passer = Passer(provider, book, recorder=recorder)
        with serving(book=book, passer=passer) as url:
            yield Passed(url, book, file)


def post(url: str, dialect: str, body: bytes | None = None) -> httpx.Response:
    return httpx.post(url + PATHS[dialect], content=body or asked_as(dialect))


@pytest.mark.parametrize(("provider", "client"), PAIRS)
def test_unknown_request_is_answered_and_from_then_on_known(tmp_path: Path, provider: str, client: str) -> None:
    with passing(tmp_path, provider, [{"reply": "Sunny."}]) as passed:
        first, again = post(passed.url, client), post(passed.url, client)
        assert "Sunny." in first.text
        assert (first.status_code, first.json()) == (200, again.json())
        assert len(passed.book) == 1
        recorded = passed.recorded()
    assert [captured.dialect for captured in recorded] == [client]
    with serving(recorded) as url:
        assert post(url, client).json() == first.json()


@pytest.mark.parametrize(("provider", "client"), PAIRS)
def test_stream_is_passed_on_and_recorded(tmp_path: Path, provider: str, client: str) -> None:
    asked = exchange(client, streams=True).request
    assert asked is not None
    path = PATHS[client].replace(":generate", ":streamGenerate") + "?alt=sse"
    with passing(tmp_path, provider, [{"reply": "Sunny."}]) as passed:
        first = httpx.post(passed.url + path, content=asked.body)
        again = httpx.post(passed.url + path, content=asked.body)
        recorded = passed.recorded()
    assert first.headers["content-type"] == find(client).stream_type
    assert "Sunny" in first.text.replace('"}', "")
    assert first.content == again.content
    assert recorded[0].response is not None
    assert recorded[0].response.body == first.content


def test_gemini_array_is_passed_on(tmp_path: Path) -> None:
    path = PATHS["gemini"].replace(":generate", ":streamGenerate")
    with passing(tmp_path, "openai-chat", [{"reply": "Sunny."}]) as passed:
        replies = [httpx.post(passed.url + path, content=asked_as("gemini")) for _ in range(2)]
    assert isinstance(replies[0].json(), list)
    assert replies[0].json() == replies[1].json()


def test_what_is_known_is_not_passed_on(tmp_path: Path) -> None:
    with passing(tmp_path, "openai-chat", [{"reply": "Sunny."}], [exchange()]) as passed:
        assert "Let me see." in post(passed.url, "anthropic").text
    assert passed.recorded() == []


@pytest.mark.parametrize("client", DIALECTS)
def test_failure_is_passed_on_and_not_recorded(tmp_path: Path, client: str) -> None:
    rule: Wire = {"error": {"kind": "rate_limit", "message": "Slow down", "status": 429, "retry_after": 7}}
    with passing(tmp_path, "anthropic", [rule]) as passed:
        reply = post(passed.url, client)
        assert len(passed.book) == 0
    error = find(client).errors.decode_error(reply.json(), reply.status_code)
    assert (reply.status_code, error.message, error.kind) == (429, "Slow down", "rate_limit")
    assert reply.headers["retry-after"] == "7"
    assert passed.recorded() == []


def test_fault_of_the_network_is_an_error(tmp_path: Path) -> None:
    with passing(tmp_path, "anthropic", [{"reset_after": 0}]) as passed:
        reply = post(passed.url, "openai-chat")
    assert reply.status_code == 502
    assert "reset" in reply.json()["error"]["message"]


def test_stream_that_breaks_off_says_so_and_is_not_recorded(tmp_path: Path) -> None:
    asked = exchange("openai-chat", streams=True).request
    assert asked is not None
    with passing(tmp_path, "anthropic", [{"reply": "one two three four", "reset_after": 2}]) as passed:
        reply = post(passed.url, "openai-chat", asked.body)
        assert len(passed.book) == 0
    assert "error" in reply.text
    assert "[DONE]" not in reply.text
    assert passed.recorded() == []


def test_stream_that_cannot_be_read_is_an_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    asked = exchange("openai-chat", streams=True).request
    assert asked is not None
    rule: Wire = {"raw": {"status": 200, "body": "<html>no stream</html>"}}
    with passing(tmp_path, "anthropic", [rule]) as passed:
        reply = post(passed.url, "openai-chat", asked.body)
    assert reply.status_code == 502
    assert "no anthropic stream" in reply.json()["error"]["message"]
    assert capfd.readouterr().err == ""


def test_client_that_leaves_in_mid_stream_ends_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    asked = exchange("gemini", streams=True).request
    assert asked is not None
    path = PATHS["gemini"].replace(":generate", ":streamGenerate")
    with passing(tmp_path, "openai-chat", [{"reply": "one two three four", "chunk_delay": 0.1}]) as passed:
        with httpx.stream("POST", passed.url + path, content=asked.body) as reply:
            next(reply.iter_raw())
        assert httpx.get(passed.url).status_code == 200
        assert len(passed.book) == 0
    assert capfd.readouterr().err == ""


def test_error_in_place_of_an_answer_is_one(tmp_path: Path) -> None:
    rule: Wire = {"raw": {"status": 200, "body": {"error": {"message": "Out of order", "type": "server_error"}}}}
    with passing(tmp_path, "openai-chat", [rule]) as passed:
        reply = post(passed.url, "anthropic")
    assert reply.status_code >= 500
    assert "Out of order" in reply.text


def test_provider_that_does_not_answer_in_time_is_a_timeout(tmp_path: Path) -> None:
    asked = replace(profile(), timeouts=Timeouts(first_byte=0.05))
    provider = WireProvider.of(asked, SandboxTransport(asked, rules=[{"delay": 20.0}]))
    with serving(book=(book := Book()), passer=Passer(provider, book)) as url:
        reply = post(url, "anthropic")
    assert (reply.status_code, len(book)) == (504, 0)


def test_stream_longer_than_recordings_are_is_not_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "LIMIT", 20)
    asked = exchange("openai-chat", streams=True).request
    assert asked is not None
    with passing(tmp_path, "anthropic", [{"reply": "Sunny."}]) as passed:
        assert "Sunny." in post(passed.url, "openai-chat", asked.body).text
    assert passed.recorded() == []


def test_recording_is_private(tmp_path: Path) -> None:
    with passing(tmp_path, "gemini") as passed:
        post(passed.url, "ollama")
        assert stat.S_IMODE(passed.file.stat().st_mode) == 0o600


def test_key_that_a_client_says_is_not_recorded(tmp_path: Path) -> None:
    asked, book, key = profile("gemini"), Book(), "sk-secret-of-the-provider"
    provider = WireProvider.of(asked, SandboxTransport(asked), key=Key(key, "here"))
    body = write_json({"model": "m", "messages": [{"role": "user", "content": f"My key is {key}"}]})
    with Recorder(tmp_path / "new.jsonl") as recorder:
        passer = Passer(provider, book, recorder=recorder)
        with serving(book=book, passer=passer) as url:
            post(url, "openai-chat", body)
            post(url, "openai-chat", body)
    written = (tmp_path / "new.jsonl").read_text()
    assert written.count("My key is") > 0
    assert key not in written
    assert written.count("\n") == 1


def test_client_that_leaves_ends_what_was_asked_for_it(tmp_path: Path) -> None:
    with passing(tmp_path, "openai-chat", [{"delay": 50.0}]) as passed:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(passed.url + PATHS["ollama"], content=asked_as("ollama"), timeout=0.2)
        assert httpx.get(passed.url).status_code == 200
    assert passed.recorded() == []


def test_answer_is_given_though_it_cannot_be_recorded(capfd: pytest.CaptureFixture[str]) -> None:
    asked, told = profile("gemini"), list[str]()
    provider = WireProvider.of(asked, SandboxTransport(asked, rules=[{"reply": "Sunny."}]))
    with Recorder("/dev/full") as recorder:
        passer = Passer(provider, book := Book(), recorder=recorder, tell=told.append)
        with serving(book=book, passer=passer) as url:
            assert "Sunny." in post(url, "anthropic").text
    assert told[-1] == "an exchange could not be recorded: No space left on device"
    assert capfd.readouterr().err == ""


async def asked_at_once(url: str, dialects: Sequence[str], *, streams: bool = False) -> list[httpx.Response]:
    async with httpx.AsyncClient(base_url=url, timeout=20) as client:
        asked = [(PATHS[dialect], exchange(dialect, streams=streams).request or Sent()) for dialect in dialects]
        return await asyncio.gather(*(client.post(path, content=sent.body) for path, sent in asked))


@pytest.mark.parametrize("streams", [False, True])
def test_same_question_of_several_clients_is_asked_once(tmp_path: Path, streams: bool) -> None:
    asked = ["openai-chat", "openai-chat", "anthropic", "ollama"]
    with passing(tmp_path, "anthropic", [{"reply": "Sunny.", "delay": 0.1}]) as passed:
        replies = asyncio.run(asked_at_once(passed.url, asked, streams=streams))
        assert len(passed.book) == 1
    assert all("Sunny" in reply.text for reply in replies)
    assert len(passed.recorded()) == 1


def test_failure_lets_the_next_one_ask(tmp_path: Path) -> None:
    rule: Wire = {"delay": 0.05, "error": {"kind": "invalid_request", "message": "Not so", "status": 400}}
    with passing(tmp_path, "anthropic", [rule]) as passed:
        replies = asyncio.run(asked_at_once(passed.url, ["openai-chat"] * 3))
    assert ["Not so" in reply.text for reply in replies] == [True] * 3


def test_client_that_leaves_lets_the_next_one_ask(tmp_path: Path) -> None:
    asked = exchange(streams=True).request or Sent()
    with passing(tmp_path, "openai-chat", [{"reply": "one two three four", "chunk_delay": 0.1}]) as passed:
        with httpx.stream("POST", passed.url + PATHS["openai-chat"], content=asked.body) as reply:
            next(reply.iter_raw())
        assert "four" in post(passed.url, "openai-chat", asked.body).text
    assert len(passed.recorded()) == 1


@pytest.mark.parametrize("provider", ["ollama", "gemini"])
@pytest.mark.parametrize("streams", [False, True])
def test_generate_is_passed_on_as_a_chat_and_recorded_as_it_was(tmp_path: Path, provider: str, streams: bool) -> None:
    body: Wire = {"model": "m", "prompt": "Hi", "system": "Be brief.", "stream": streams}
    with passing(tmp_path, provider, [{"match": {"text": "Hi"}, "reply": "Sunny."}]) as passed:
        first, again = (httpx.post(f"{passed.url}/api/generate", json=body) for _ in range(2))
        recorded = passed.recorded()
    assert "".join(json.loads(line)["response"] for line in first.text.splitlines()) == "Sunny."
    assert first.content == again.content
    assert [captured.request and captured.request.url for captured in recorded] == ["/api/generate"]
    with serving(recorded) as url:
        assert httpx.post(f"{url}/api/generate", json=body).content == first.content


@pytest.mark.parametrize("client", DIALECTS)
def test_sdk_is_answered_by_a_provider_of_another_dialect(tmp_path: Path, client: str) -> None:
    other = "gemini" if client == "anthropic" else "anthropic"
    rules: list[Wire] = [
        {"match": {"tool_result": "celsius"}, "reply": "It is warm."},
        {"reply": CALLS},
    ]
    with passing(tmp_path, other, rules) as passed:
        said = CLIENTS[client](passed.url, streams=True)
    assert (said.first, said.tool, said.arguments) == ("Let me see.", "get_weather", {"city": "Paris"})
