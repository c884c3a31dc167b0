"""A listing of models: the form of every vendor, what is odd in it, and page after page."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpx import HTTPXMock

from dragoman.providers.client import WireProvider
from dragoman.providers.exchange import Call
from dragoman.providers.factory import transport_of
from dragoman.providers.listing import MAX_PAGES, Listing, Model, is_free, read_models
from dragoman.providers.settings import Profile
from dragoman.schemas.errors import ProtocolFault, Rejected
from dragoman.schemas.ir import JSON, Wire

PROFILE = Profile(name="p", vendor="v", dialect="openai-chat")
GEMINI = Profile(name="g", vendor="gemini", dialect="gemini")
CALL = Call(url="http://127.0.0.1/v1/models?limit=1000", method="GET")
FUNCTIONS: Wire = {"completion_chat": True, "function_calling": True, "vision": False}
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def one(entry: JSON, profile: Profile = PROFILE) -> Model:
    (model,) = read_models(profile, {"data": [entry]})
    return model


def test_openai_form() -> None:
    model = one({"id": "gpt-4o", "object": "model", "created": 1715367049, "owned_by": "system"})
    assert model == Model(id="gpt-4o", profile="p", created=1715367049, owner="system")


def test_openrouter_prices_become_dollars_a_million() -> None:
    model = one({"id": "a/b", "pricing": {"prompt": "0.000003", "completion": "0.0000003"}})
    assert (model.price_input, model.price_output) == (3.0, 0.3)


def test_openrouter_limits_modalities_and_parameters() -> None:
    architecture: Wire = {"input_modalities": ["text", "image"], "output_modalities": ["text"]}
    entry: Wire = {"id": "a/b", "name": "A: B", "context_length": 200000, "architecture": architecture}
    model = one(
        {**entry, "top_provider": {"max_completion_tokens": 8192}, "supported_parameters": ["tools", "reasoning"]}
    )
    assert (model.name, model.context, model.max_output) == ("A: B", 200000, 8192)
    assert (model.modalities, model.outputs) == (("text", "image"), ("text",))
    assert (model.tools, model.vision, model.reasoning) == (True, True, True)


def test_openrouter_model_without_tools_is_said_to_have_none() -> None:
    assert one({"id": "a", "supported_parameters": ["temperature"]}).tools is False


def test_openrouter_tells_what_else_costs_something() -> None:
    told: Wire = {"prompt": "0.000003", "input_cache_read": "0.0000003", "input_cache_write": "0.00000375"}
    more: Wire = {"input_cache_write_1h": "0.000006", "audio": "0.00004", "audio_output": "0.00008", "request": "0.005"}
    model = one({"id": "a/b", "pricing": {**told, **more, "web_search": "0.01", "image_token": "0.000001"}})
    cached: Wire = {"cache_read": 0.3, "cache_write": 3.75, "cache_write_1h": 6.0}
    media: Wire = {"input_audio": 40.0, "output_audio": 80.0, "input_image": 1.0}
    assert model.prices == {**cached, **media, "request": 0.005, "tools": {"web_search": 0.01}}


def test_price_of_a_part_that_is_nothing_is_not_said() -> None:
    pricing: Wire = {
        "prompt": "0.000003",
        "internal_reasoning": "0",
        "request": "0",
        "web_search": "0",
        "image": "0.01",
    }
    assert one({"id": "a/b", "pricing": {**pricing, "input_cache_read": "-1", "audio": "dear"}}).prices == {}


def test_litellm_tells_what_else_costs_something() -> None:
    search: Wire = {"search_context_size_low": 0.03, "search_context_size_medium": 0.035}
    info: Wire = {"cache_read_input_token_cost": 3e-7, "output_cost_per_reasoning_token": 1.2e-5}
    dearer: Wire = {"cache_creation_input_token_cost_above_1hr": 6e-6, "search_context_cost_per_query": search}
    model = one({"model_name": "m", "model_info": {**info, **dearer, "cache_creation_input_token_cost": 3.75e-6}})
    cached: Wire = {"cache_read": 0.3, "cache_write": 3.75, "cache_write_1h": 6.0}
    assert model.prices == {**cached, "reasoning": 12.0, "tools": {"web_search": 0.035}}


def test_price_that_depends_is_not_said() -> None:
    assert one({"id": "openrouter/auto", "pricing": {"prompt": "-1", "completion": "-1"}}).price_input is None


def test_free_is_what_costs_nothing_both_ways() -> None:
    assert is_free(one({"id": "a:free", "pricing": {"prompt": "0", "completion": "0"}}))
    assert not is_free(one({"id": "a", "pricing": {"prompt": "0", "completion": "0.1"}}))
    assert not is_free(one({"id": "a"}))


def test_old_modality_text_is_read() -> None:
    model = one({"id": "a", "architecture": {"modality": "text+image->text"}})
    assert (model.modalities, model.outputs) == (("text", "image"), ("text",))


def test_anthropic_form() -> None:
    capabilities: Wire = {"image_input": {"supported": True}, "thinking": {"supported": False}}
    entry: Wire = {"type": "model", "id": "claude-x", "display_name": "Claude X", "created_at": "2025-02-19T00:00:00Z"}
    model = one({**entry, "max_input_tokens": 200000, "max_tokens": 64000, "capabilities": capabilities})
    assert (model.name, model.created) == ("Claude X", 1739923200)
    assert (model.context, model.max_output) == (200000, 64000)
    assert (model.tools, model.vision, model.reasoning) == (None, True, False)


def test_gemini_form_loses_the_prefix_of_the_name() -> None:
    entry: Wire = {"name": "models/gemini-x", "displayName": "Gemini X", "thinking": True}
    methods: list[JSON] = ["generateContent", "countTokens"]
    limits: Wire = {"inputTokenLimit": 1048576, "outputTokenLimit": 8192, "supportedGenerationMethods": methods}
    (model,) = read_models(GEMINI, {"models": [{**entry, **limits}]})
    assert (model.id, model.name, model.context, model.max_output) == ("gemini-x", "Gemini X", 1048576, 8192)
    assert model.reasoning is True
    assert model.extra == {"supportedGenerationMethods": methods}


def test_ollama_form_keeps_the_details() -> None:
    details: Wire = {"family": "llama", "parameter_size": "3.2B"}
    entry: Wire = {"name": "llama3.2:latest", "model": "llama3.2:latest", "size": 2019393189, "details": details}
    (model,) = read_models(PROFILE, {"models": [entry]})
    assert (model.id, model.name) == ("llama3.2:latest", None)
    assert model.extra == {"size": 2019393189, "details": details}


def test_ollama_capabilities() -> None:
    model = one({"name": "q", "capabilities": ["completion", "tools", "thinking", "vision"]})
    assert (model.tools, model.vision, model.reasoning) == (True, True, True)


def test_vllm_form() -> None:
    assert one({"id": "m", "max_model_len": 32768, "root": "m"}).context == 32768


def test_lm_studio_forms() -> None:
    old = one({"id": "m", "type": "vlm", "max_context_length": 131072, "capabilities": ["tool_use"]})
    assert (old.context, old.tools, old.vision) == (131072, True, True)
    (new,) = read_models(
        PROFILE, {"models": [{"key": "m", "capabilities": {"vision": False, "trained_for_tool_use": True}}]}
    )
    assert (new.id, new.tools, new.vision) == ("m", True, False)


def test_llamacpp_says_a_model_twice() -> None:
    twin: Wire = {"name": "m.gguf", "model": "m.gguf", "capabilities": ["completion", "multimodal"]}
    wire: Wire = {"data": [{"id": "m.gguf", "meta": {"n_ctx_train": 8192}}], "models": [twin]}
    (model,) = read_models(PROFILE, wire)
    assert (model.id, model.context, model.vision) == ("m.gguf", 8192, True)


def test_together_lists_barely_and_prices_by_the_million() -> None:
    wire: JSON = [
        {"id": "a/b", "organization": "A", "context_length": 8192, "pricing": {"input": 0.18, "output": 0.59}}
    ]
    (model,) = read_models(PROFILE, wire)
    assert (model.price_input, model.price_output, model.owner) == (0.18, 0.59, "A")


def test_mistral_capabilities() -> None:
    model = one({"id": "m", "max_context_length": 32768, "capabilities": FUNCTIONS})
    assert (model.context, model.tools, model.vision, model.reasoning) == (32768, True, False, None)


def test_groq_form() -> None:
    model = one({"id": "m", "active": True, "context_window": 131072, "max_completion_tokens": 32768})
    assert (model.context, model.max_output, model.extra) == (131072, 32768, {"active": True})


def test_github_catalog_is_a_bare_list() -> None:
    limits: Wire = {"max_input_tokens": 1048576, "max_output_tokens": 32768}
    entry: Wire = {"id": "openai/gpt-4.1", "name": "GPT", "publisher": "OpenAI", "capabilities": ["tool-calling"]}
    (model,) = read_models(PROFILE, [{**entry, "limits": limits, "supported_input_modalities": ["text", "image"]}])
    assert (model.owner, model.context, model.max_output) == ("OpenAI", 1048576, 32768)
    assert (model.tools, model.vision) == (True, True)


def test_xai_prices_are_cents_for_a_hundred_million() -> None:
    entry: Wire = {"id": "grok", "prompt_text_token_price": 20000, "completion_text_token_price": 100000}
    (model,) = read_models(PROFILE, {"models": [{**entry, "input_modalities": ["text"]}]})
    assert (model.price_input, model.price_output, model.vision) == (2.0, 10.0, False)


def test_xai_tells_prices_of_the_cache_and_of_images() -> None:
    entry: Wire = {"id": "grok", "cached_prompt_text_token_price": 7500, "prompt_image_token_price": 20000}
    assert one({**entry, "search_price": 250000000}).prices == {"cache_read": 0.75, "input_image": 2.0}


def test_huggingface_tells_of_the_providers_behind() -> None:
    down: Wire = {"provider": "x", "status": "staging", "context_length": 1}
    up: Wire = {"provider": "y", "status": "live", "context_length": 131072, "pricing": {"input": 0.29, "output": 0.59}}
    model = one({"id": "a/b", "providers": [down, {**up, "supports_tools": True}]})
    assert (model.context, model.price_input, model.tools) == (131072, 0.29, True)


def test_litellm_forms() -> None:
    info: Wire = {"max_input_tokens": 128000, "input_cost_per_token": 2.5e-06, "supports_function_calling": True}
    model = one({"model_name": "fast", "model_info": {**info, "supports_vision": None, "litellm_provider": "openai"}})
    assert (model.id, model.context, model.price_input) == ("fast", 128000, 2.5)
    assert (model.tools, model.vision, model.owner) == (True, None, "openai")


def test_fireworks_form() -> None:
    model = one(
        {"id": "accounts/f/models/m", "context_length": 4096, "supports_tools": False, "supports_image_input": True}
    )
    assert (model.context, model.tools, model.vision) == (4096, False, True)


def test_what_has_no_field_is_kept() -> None:
    assert one({"id": "m", "rate_limit_tier": "high", "deprecated": None}).extra == {"rate_limit_tier": "high"}


def test_value_of_an_odd_type_is_kept_and_not_believed() -> None:
    model = one({"id": "m", "context_length": "many", "owned_by": 7, "created": True})
    assert (model.context, model.owner, model.created) == (None, None, None)
    assert model.extra == {"context_length": "many", "owned_by": 7, "created": True}


def test_names_alone_are_models() -> None:
    assert [model.id for model in read_models(PROFILE, ["a", "b"])] == ["a", "b"]


def test_entries_that_are_none_are_passed_over() -> None:
    wire: JSON = {"data": [None, 3, {}, {"id": ""}, {"id": 7}, [], {"id": "m"}]}
    assert [model.id for model in read_models(PROFILE, wire)] == ["m"]


@pytest.mark.parametrize("wire", [{}, {"data": {}}, {"error": None}, "x", None, 7])
def test_what_is_no_listing_is_refused(wire: JSON) -> None:
    with pytest.raises(ProtocolFault, match="no list of models"):
        read_models(PROFILE, wire)


def test_error_in_place_of_a_listing_is_told() -> None:
    with pytest.raises(Rejected, match="Unexpected endpoint"):
        read_models(PROFILE, {"error": "Unexpected endpoint"})


def test_page_that_is_no_json_is_refused() -> None:
    with pytest.raises(ProtocolFault, match="no list of models"):
        Listing(PROFILE, CALL).add(b"<html>")


@pytest.mark.parametrize("price", ["cheap", "1" * 99, "nan", "inf", 10**400, True, [], {}])
def test_price_that_is_none_is_not_said(price: JSON) -> None:
    assert one({"id": "m", "pricing": {"prompt": price}}).price_input is None


@pytest.mark.parametrize(
    ("date", "seconds"), [("yesterday", None), ("1970-01-01T00:01:00", 60), ("1970-01-01T00:00:00Z", None)]
)
def test_date_becomes_seconds_wherever_this_runs(date: str, seconds: int | None) -> None:
    model = one({"id": "m", "created_at": date})
    assert (model.created, model.extra) == (seconds, {"created_at": date})


@given(
    values, st.sampled_from(["context_length", "pricing", "capabilities", "architecture", "created_at", "providers"])
)
def test_no_value_anywhere_makes_it_fall(value: JSON, field: str) -> None:
    assert one({"id": "m", field: value}).id == "m"


def test_anthropic_pages_are_followed() -> None:
    listing = Listing(PROFILE, CALL)
    listing.add(json.dumps({"data": [{"id": "a"}], "has_more": True, "last_id": "a"}).encode())
    assert listing.next is not None
    assert listing.next.url == "http://127.0.0.1/v1/models?limit=1000&after_id=a"
    listing.add(json.dumps({"data": [{"id": "b"}], "has_more": False, "last_id": "b"}).encode())
    assert listing.next is None
    assert [model.id for model in listing.models] == ["a", "b"]


def test_gemini_pages_are_followed() -> None:
    listing = Listing(GEMINI, Call(url="http://127.0.0.1/models"))
    listing.add(json.dumps({"models": [{"name": "models/a"}], "nextPageToken": "t&1"}).encode())
    assert listing.next is not None
    assert listing.next.url == "http://127.0.0.1/models?pageToken=t%261"


def test_pages_that_lead_in_circles_are_left() -> None:
    listing = Listing(GEMINI, CALL)
    for _ in range(2):
        listing.add(b'{"models": [{"name": "a"}], "nextPageToken": "same"}')
    assert listing.next is None
    assert len(listing.models) == 1


def test_pages_without_end_are_left() -> None:
    listing, pages = Listing(GEMINI, CALL), 0
    while listing.next is not None:
        listing.add(json.dumps({"models": [f"m{pages}"], "nextPageToken": f"t{pages}"}).encode())
        pages += 1
    assert pages == MAX_PAGES


def test_provider_follows_pages(httpx_mock: HTTPXMock) -> None:
    first, second = {"data": [{"id": "a"}], "has_more": True, "last_id": "a"}, {"data": [{"id": "b"}]}
    httpx_mock.add_response(url="http://127.0.0.1/v1/models?limit=1000", json=first)
    httpx_mock.add_response(url="http://127.0.0.1/v1/models?limit=1000&after_id=a", json=second)
    profile = Profile(
        name="c", vendor="anthropic", dialect="anthropic", base_url="http://127.0.0.1", auth_method="none"
    )

    async def listed() -> tuple[Model, ...]:
        async with WireProvider.of(profile, transport_of(profile)) as provider:
            return await provider.models()

    assert [model.id for model in asyncio.run(listed())] == ["a", "b"]
