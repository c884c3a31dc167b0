"""Who is asked, at which URL, and where a key goes."""

from __future__ import annotations

import asyncio
import json

import pytest
from msgspec.structs import replace

from dragoman.cli.environment import Environment
from dragoman.cli.replaying.changes import Changes
from dragoman.cli.replaying.jobs import Job
from dragoman.cli.replaying.notices import MAX_TOLD, Notices
from dragoman.cli.replaying.original import is_loopback, origin_of
from dragoman.cli.replaying.results import Source
from dragoman.cli.replaying.sending import Manner, prepared_job
from dragoman.cli.replaying.whom import NamedProfile, Original, TheRecording
from dragoman.providers.profile import load_profile
from dragoman.providers.settings import Group, Profile
from dragoman.schemas.captures import Captured, Sent
from dragoman.schemas.captures.recognition import recognized
from dragoman.schemas.errors import InvalidInput, MissingKey
from dragoman.schemas.ir import JSON
from tests.cli.harness import Text
from tests.cli.replaying.recordings import asked, exchange

KEY = "sk-secret-of-the-profile"
BODIES: dict[str, JSON] = {
    "openai-chat": asked(),
    "openai-responses": {"model": "m", "input": "Hi"},
    "anthropic": {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]},
    "ollama": {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": False},
}


def captured(dialect: str, url: str) -> Captured:
    sent = Sent(url=url, body=json.dumps(BODIES[dialect]).encode())
    found = recognized(Captured(dialect=dialect, request=sent))
    assert isinstance(found, Captured)
    return found


def loaded(name: str, **more: str) -> Profile:
    return load_profile(name, variables=more)


def original(profile: Profile, *, key: str = KEY, notices: Notices | None = None, model: str | None = None) -> Original:
    variables = dict.fromkeys(profile.key_env, key) if key else {}
    whom = Original(profile, 1, variables, notices=notices, names_model=model is not None)
    whom.open()
    return whom


def called(
    url: str, dialect: str, name: str = "openai", *, model: str | None = None, streams: bool | None = None
) -> tuple[str, dict[str, str]]:
    """Return the URL and the headers with which the recorded host is asked."""
    exchange = captured(dialect, url)
    whom = original(loaded(name), model=model)
    provider = whom.provider_for(exchange)
    job = Job(key="k", source=Source(file="f", entry=1), captured=exchange)
    manner = Manner(changes=Changes(model=model, streams=streams), allows_loss=True)
    call = prepared_job(job, provider.profile, provider, manner).call
    return call.url, dict(call.headers)


# ---- the URL ---------------------------------------------------------------------------------------------------------

AZURE = "https://me.openai.azure.com/openai/deployments/mine/chat/completions?api-version=2024-02-01"
GEMINI = "https://generativelanguage.googleapis.com/v1beta/models/gemini-x"
VERTEX = "https://eu-aiplatform.googleapis.com/v1/projects/p/locations/eu/publishers"


@pytest.mark.parametrize(
    ("dialect", "url"),
    [
        ("openai-chat", "https://api.openai.com/v1/chat/completions"),
        ("openai-chat", "http://127.0.0.1:8000/chat/completions?a=1&b=%20c"),
        ("openai-chat", "https://host/gateway/llm"),
        ("openai-chat", "https://host/"),
        ("openai-chat", "https://host/a%7Bmodel%7D/chat/completions"),
        ("openai-chat", AZURE),
        ("openai-responses", "https://api.openai.com/v1/responses"),
        ("openai-responses", "https://me.openai.azure.com/openai/v1/responses?api-version=preview"),
        ("anthropic", "https://api.anthropic.com/v1/messages?beta=true"),
        ("anthropic", "https://host/anthropic/messages"),
        ("anthropic", VERTEX + "/anthropic/models/claude-x:rawPredict"),
        ("gemini", GEMINI + ":generateContent"),
        ("gemini", GEMINI + ":generateContent?trace=1"),
        ("gemini", "https://host/v1beta/tunedModels/mine:generateContent"),
        ("gemini", VERTEX + "/google/models/gemini-x:generateContent"),
        ("ollama", "http://127.0.0.1:11434/api/chat"),
        ("ollama", "http://localhost/ollama/api/chat"),
    ],
)
def test_a_recorded_url_is_asked_as_it_was(dialect: str, url: str) -> None:
    assert called(url, dialect, streams=False)[0] == url


def test_gemini_streams_and_names_its_model_in_the_url() -> None:
    stream = GEMINI + ":streamGenerateContent?alt=sse"
    assert called(GEMINI + ":generateContent", "gemini", streams=True)[0] == stream
    assert called(stream, "gemini", streams=False)[0] == GEMINI + ":generateContent"
    assert called(stream, "gemini", streams=True)[0] == stream
    assert called(GEMINI + ":streamGenerateContent", "gemini", streams=True)[0] == stream
    other = called(GEMINI + ":generateContent?trace=1", "gemini", model="gemini-y", streams=False)[0]
    assert other == GEMINI.replace("gemini-x", "gemini-y") + ":generateContent?trace=1"


def test_claude_on_vertex_streams_at_a_url_of_its_own() -> None:
    url = VERTEX + "/anthropic/models/claude-x:rawPredict"
    assert called(url, "anthropic", streams=True)[0] == url.replace(":raw", ":streamRaw")


def test_a_deployment_is_kept_unless_a_model_is_named() -> None:
    assert called(AZURE, "openai-chat", "openai")[0] == AZURE
    assert called(AZURE, "openai-chat", model="other")[0] == AZURE.replace("mine", "other")


def test_what_the_profile_says_of_the_query_is_said_once() -> None:
    profile = replace(loaded("openai"), query={"beta": "false"})
    whom = original(profile)
    provider = whom.provider_for(captured("anthropic", "https://api.anthropic.com/v1/messages?beta=true&x=1"))
    job = Job(
        key="k",
        source=Source(file="f", entry=1),
        captured=captured("anthropic", "https://api.anthropic.com/v1/messages?beta=true&x=1"),
    )
    call = prepared_job(job, provider.profile, provider, Manner(allows_loss=True)).call
    assert call.url == "https://api.anthropic.com/v1/messages?x=1&beta=false"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("/v1/chat/completions", "no host was recorded"),
        ("", "no host was recorded"),
        ("ftp://host/v1/chat/completions", "no http or https URL"),
        ("file:///etc/passwd", "no host was recorded"),
        ("https://[::1/v1", "no URL"),
        ("https://host:99999/v1", "no http or https URL"),
        ("https://:80/v1", "no http or https URL"),
    ],
)
def test_a_url_that_leads_nowhere_is_refused(url: str, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        original(loaded("openai")).profile_for(exchange_at(url))


def exchange_at(url: str) -> Captured:
    found = exchange()
    assert found.request is not None
    return replace(found, request=replace(found.request, url=url))


# ---- the key ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "dialect", "header"),
    [
        ("openai", "openai-chat", "Authorization"),
        ("anthropic", "anthropic", "x-api-key"),
        ("azure", "openai-chat", "api-key"),
    ],
)
def test_the_key_is_that_of_the_profile(name: str, dialect: str, header: str) -> None:
    url = (
        "https://api.anthropic.com/v1/messages"
        if dialect == "anthropic"
        else "https://api.openai.com/v1/chat/completions"
    )
    _, headers = called(url, dialect, name)
    assert headers[header].endswith(KEY)


def alone(profile: Profile) -> Group:
    return Group(name=profile.name, targets=(profile,))


def test_a_profile_without_its_key_is_told_when_it_is_opened() -> None:
    for whom in (NamedProfile(alone(loaded("openai")), 1, {}), Original(loaded("openai"), 1, {})):
        with pytest.raises(MissingKey):
            whom.open()


def told(whom_at: str, *urls: str, key: str = KEY, base_url: str | None = None) -> list[str]:
    err = Text()
    profile = loaded("openai") if base_url is None else replace(loaded("openai-compatible"), base_url=base_url)
    whom = original(profile, key=key, notices=Notices(Environment(stderr=err)))
    for url in (whom_at, *urls):
        whom.profile_for(exchange_at(url))
    return err.getvalue().splitlines()


def test_a_key_that_goes_elsewhere_is_told_once_a_host() -> None:
    found = told(
        "https://a.example/v1/x", "https://a.example/v1/y", "https://b.example/v1/x", "https://api.openai.com/v1"
    )
    assert found == [
        "dragoman: warning: the key of openai goes to https://a.example, the recorded host; its own is "
        "https://api.openai.com/v1",
        "dragoman: warning: the key of openai goes to https://b.example, the recorded host; its own is "
        "https://api.openai.com/v1",
    ]


@pytest.mark.parametrize("url", ["https://api.openai.com/x", "https://API.openai.com:443/y?z=1"])
def test_its_own_host_is_no_matter(url: str) -> None:
    assert told(url) == []


def test_another_port_or_scheme_is_another_host() -> None:
    assert len(told("https://api.openai.com:8443/v1")) == 1
    assert ["plain http" in line for line in told("http://api.openai.com/v1")] == [False, True]


def test_plain_http_is_told_but_of_loopback() -> None:
    assert told("http://a.example/v1", key="", base_url="http://x/v1") == [
        "dragoman: warning: http://a.example is plain http: what goes there can be read on its way"
    ]
    for host in ("127.0.0.1:8000", "localhost", "[::1]:80", "me.localhost"):
        assert told(f"http://{host}/v1", key="", base_url="http://x/v1") == []


def test_hosts_without_number_are_not_told_without_end() -> None:
    urls = [f"https://h{number}.example/v1" for number in range(200)]
    assert len(told(*urls)) == MAX_TOLD


def test_quiet_says_nothing() -> None:
    err = Text()
    whom = original(loaded("openai"), notices=Notices(Environment(stderr=err), quiet=True))
    whom.profile_for(exchange_at("http://a.example/v1"))
    assert err.getvalue() == ""


# ---- connections -----------------------------------------------------------------------------------------------------


def test_one_provider_an_address_and_one_transport_for_all() -> None:
    async def run() -> None:
        async with original(loaded("openai")) as whom:
            first = whom.provider_for(exchange_at("https://a.example/v1/chat/completions"))
            assert whom.provider_for(exchange_at("https://a.example/v1/chat/completions")) is first
            for number in range(600):
                assert whom.provider_for(exchange_at(f"https://h{number}.example/v1/chat/completions")) is not first

    asyncio.run(run())


def test_room_is_made_for_as_many_connections_as_are_wanted() -> None:
    assert NamedProfile(alone(loaded("openai")), 500, {}).profile_for(exchange()).pool.connections == 500


def test_a_recording_answers_for_models_that_nobody_named() -> None:
    nameless = replace(captured("gemini", GEMINI + ":generateContent"), model=None)
    assert TheRecording(None).profile_for(nameless).model == "recording"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Host/x", ("https", "host", 443)),
        ("http://host:81", ("http", "host", 81)),
        ("nothing", ("", "", None)),
        ("http://host:x", ("", "", None)),
    ],
)
def test_origin(url: str, origin: tuple[str, str, int | None]) -> None:
    assert origin_of(url) == origin


def test_loopback() -> None:
    assert [is_loopback(host) for host in ("127.1.2.3", "::1", "localhost", "10.0.0.1", "localhost.example")] == [
        True,
        True,
        True,
        False,
        False,
    ]
