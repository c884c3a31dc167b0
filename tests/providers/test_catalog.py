"""The catalog: every vendor is whole, and what is said of it makes sense."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from dragoman.providers.catalog import vendor, vendor_names, vendors_with_key
from dragoman.providers.endpoints import url_of
from dragoman.providers.profile import load_profile
from dragoman.providers.profiles.building import is_loopback
from dragoman.providers.profiles.form import ProfileForm, passes
from dragoman.providers.profiles.places import read_yaml
from dragoman.providers.settings import Profile
from dragoman.schemas.dialect import dialects
from dragoman.schemas.ir import Wire

FILE = Path(__file__).parents[2] / "providers" / "catalog.yaml"
WHOLE = cast("dict[str, Wire]", read_yaml(FILE.read_bytes(), "catalog.yaml").value)
HOSTED = [
    "openai",
    "openai-responses",
    "azure",
    "anthropic",
    "gemini",
    "openrouter",
    "groq",
    "mistral",
    "deepseek",
    "xai",
]
HOSTED += ["together", "fireworks", "cerebras", "nvidia", "huggingface", "github-models"]
AGENTS = ["claude-code", "codex", "copilot", "gemini-cli", "antigravity"]
OWN = ["ollama", "ollama-openai", "vllm", "openai-compatible", "llamacpp", "lmstudio", "litellm"]
VENDORS = [*HOSTED, *OWN, *AGENTS]
NEEDED = {"AZURE_OPENAI_ENDPOINT": "https://x.openai.azure.com/", "OPENAI_COMPATIBLE_BASE_URL": "http://127.0.0.1:9/v1"}


def load(name: str, **settings: str) -> Profile:
    return load_profile(name, variables=NEEDED, settings={**settings}, folder="/")


def test_catalog_has_every_vendor() -> None:
    assert sorted(WHOLE) == sorted(VENDORS)
    assert vendor_names() == (*WHOLE, "sandbox", "litellm-sdk")


@pytest.mark.parametrize("name", VENDORS)
def test_entry_that_is_read_alone_is_the_one_of_the_whole(name: str) -> None:
    entry = vendor(name)
    assert entry is not None
    own = {field: value for field, value in WHOLE[name].items() if field in entry.fields}
    assert entry.fields == own
    assert set(WHOLE[name]) - set(own) <= {"env", "host_env", "dialects", "with_deployment", "retired", "terms"}


@pytest.mark.parametrize("name", VENDORS)
def test_entry_has_the_form_of_a_profile(name: str) -> None:
    entry = vendor(name)
    assert entry is not None
    for fields in (entry.fields, entry.deployed, *entry.dialects.values()):
        assert passes(fields, ProfileForm)
    assert set(entry.env) <= set(ProfileForm.__struct_fields__)
    assert set(entry.dialects) <= {dialect.name for dialect in dialects()} - {entry.fields["dialect"]}


@pytest.mark.parametrize("name", vendor_names())
def test_every_vendor_makes_a_profile_with_urls(name: str) -> None:
    profile, entry = load(name), vendor(name)
    assert profile.title
    for operation in ("complete", "stream", "models"):
        url = url_of(profile, operation, "m")
        assert url.startswith(("https://", "sandbox://", "litellm://")) or is_loopback(url)
        assert "{" not in url
    assert entry is not None
    assert bool(profile.warnings) is (entry.retired is not None or bool(entry.terms))


@pytest.mark.parametrize("name", VENDORS)
def test_every_vendor_makes_a_profile_in_its_other_dialects(name: str) -> None:
    entry = vendor(name)
    assert entry is not None
    for dialect in entry.dialects:
        assert "{" not in url_of(load(name, dialect=dialect), "complete", "m")


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("openai", "https://api.openai.com/v1/chat/completions"),
        ("openai-responses", "https://api.openai.com/v1/responses"),
        ("anthropic", "https://api.anthropic.com/v1/messages"),
        ("gemini", "https://generativelanguage.googleapis.com/v1beta/models/m:generateContent"),
        ("openrouter", "https://openrouter.ai/api/v1/chat/completions"),
        ("ollama", "http://127.0.0.1:11434/api/chat"),
        ("groq", "https://api.groq.com/openai/v1/chat/completions"),
        ("fireworks", "https://api.fireworks.ai/inference/v1/chat/completions"),
        ("github-models", "https://models.github.ai/inference/chat/completions"),
        ("azure", "https://x.openai.azure.com/openai/v1/chat/completions"),
    ],
)
def test_urls_are_those_of_the_vendors(name: str, url: str) -> None:
    assert url_of(load(name), "complete", "m") == url


def test_deployment_of_azure_is_in_its_url() -> None:
    profile = load("azure", deployment="my own", api_version="2025-01-01")
    assert url_of(profile, "stream", "m") == (
        "https://x.openai.azure.com/openai/deployments/my%20own/chat/completions?api-version=2025-01-01"
    )


@pytest.mark.parametrize("name", [*HOSTED, *AGENTS])
def test_hosted_vendors_want_a_key(name: str) -> None:
    profile = load(name)
    assert (profile.key_need, bool(profile.key_env)) == ("required", True)
    assert profile.base_url.startswith("https://")


@pytest.mark.parametrize("name", OWN)
def test_servers_of_ones_own_want_none(name: str) -> None:
    assert load(name).key_need == "optional"
    assert is_loopback(load(name).base_url)


def test_vendor_that_is_not_there_is_none() -> None:
    assert vendor("nobody") is None


def test_vendors_with_a_key_are_each_told_once() -> None:
    variables = {"OPENAI_API_KEY": "k", "GOOGLE_API_KEY": "k", "OLLAMA_API_KEY": "k", "GROQ_API_KEY": ""}
    assert vendors_with_key(variables) == ("openai", "gemini", "ollama")


def test_vendor_that_is_gone_is_none_of_those_with_a_key() -> None:
    assert vendors_with_key({"GITHUB_TOKEN": "k"}) == ()


def test_vendors_with_terms_are_asked_by_name_alone() -> None:
    variables = {name: "k" for entry in map(vendor, AGENTS) if entry for name in entry.key_env}
    assert len(variables) >= len(AGENTS)
    assert vendors_with_key(variables) == ()


@pytest.mark.parametrize("name", AGENTS)
def test_terms_are_told_of_the_vendor_and_of_no_other_server(name: str) -> None:
    profile = load(name)
    assert "terms apply" in profile.terms
    assert profile.warnings == (f"{name}: {profile.terms}",)
    assert load(name, base_url="http://127.0.0.1:9").warnings == ()


def test_vendor_without_terms_has_none() -> None:
    assert load("openai").terms == ""
