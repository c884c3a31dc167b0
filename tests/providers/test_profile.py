"""Which profile is meant, what it inherits, and what wins."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dragoman.providers.auth import find_key
from dragoman.providers.profile import load_profile, profile_names
from dragoman.schemas.errors import ProfileFault, UnknownProfile
from dragoman.schemas.ir import Wire
from tests.providers.projects import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


# ------------------------------------------------------------------------------------------------------ which profile
def test_vendor_is_a_profile_without_any_file(project: Project) -> None:
    profile = project.load("anthropic")
    assert (profile.name, profile.vendor, profile.dialect) == ("anthropic", "anthropic", "anthropic")
    assert profile.key_env == ("ANTHROPIC_API_KEY",)
    assert profile.origins["base_url"] == "catalog"


def test_default_is_the_profile_where_none_is_named(project: Project) -> None:
    project.write("default: mine\nprofiles:\n  mine: {type: groq}\n")
    assert project.load(None).name == "mine"


def test_variable_names_the_default_before_the_file(project: Project) -> None:
    project.write("default: mine\nprofiles:\n  mine: {type: groq}\n")
    assert project.load(None, DRAGOMAN_PROFILE="mistral").vendor == "mistral"


def test_without_a_default_the_way_out_is_told(project: Project) -> None:
    with pytest.raises(ProfileFault) as caught:
        project.load(None, ANTHROPIC_API_KEY="k", XAI_API_KEY="k")
    assert "-p anthropic, -p xai (the key is set)" in caught.value.hint
    assert "-p sandbox" in caught.value.hint


def test_without_default_or_key_the_sandbox_is_told_and_not_chosen(project: Project) -> None:
    with pytest.raises(ProfileFault, match="no profile is named") as caught:
        project.load(None)
    assert "-p NAME names a profile or a vendor" in caught.value.hint
    assert "-p sandbox" in caught.value.hint


def test_configured_profiles_are_told_where_none_is_the_default(project: Project) -> None:
    project.write("profiles:\n  mine: {type: groq}\n")
    with pytest.raises(ProfileFault) as caught:
        project.load(None)
    assert caught.value.hint.startswith("-p mine (configured)")


def test_unknown_name_is_told_with_the_nearest(project: Project) -> None:
    with pytest.raises(UnknownProfile, match='no profile and no vendor "antropic"') as caught:
        project.load("antropic")
    assert caught.value.hint == "did you mean anthropic?"


def test_unknown_name_like_no_other_is_told_with_all(project: Project) -> None:
    project.write("profiles:\n  mine: {type: groq}\n")
    with pytest.raises(UnknownProfile) as caught:
        project.load("zzzz")
    assert caught.value.hint.startswith("profiles: mine; vendors: openai")


def test_names_of_profiles_begin_with_the_default(project: Project) -> None:
    project.write("default: b\nprofiles:\n  a: {type: groq}\n  b: {type: groq}\n")
    assert profile_names({}, str(project.folder)) == ("b", "a")


def test_without_profiles_the_vendors_with_a_key_are_configured(project: Project) -> None:
    names = profile_names({"OPENAI_API_KEY": "k", "HF_TOKEN": "k", "GROQ_API_KEY": " "}, str(project.folder))
    assert names == ("openai", "huggingface")


def test_broken_file_is_told_whoever_is_asked_for(project: Project) -> None:
    project.write("profiles:\n  local:\n    timeouts:\n      connect: fast\n")
    with pytest.raises(ProfileFault) as caught:
        project.load("anthropic")
    assert str(caught.value) == 'dragoman.yaml:4: profiles.local.timeouts.connect: expected seconds, got "fast"'


# ------------------------------------------------------------------------------------------------------- inheritance
def test_profile_inherits_from_profiles_and_vendor(project: Project) -> None:
    project.write(
        "profiles:\n  base: {type: openai, model: m, timeouts: {idle: 5, total: 9}}\n"
        "  middle: {extends: base, temperature: 0}\n  local: {extends: middle, timeouts: {total: null}}\n"
    )
    profile = project.load()
    assert (profile.vendor, profile.model, profile.parameters.temperature) == ("openai", "m", 0)
    assert (profile.timeouts.idle, profile.timeouts.total, profile.timeouts.connect) == (5, None, 10)


def test_profile_may_extend_a_vendor(project: Project) -> None:
    assert project.profile("extends: gemini\nmodel: m").base_url.startswith("https://generativelanguage")


def test_profile_with_the_name_of_a_vendor_is_that_vendors(project: Project) -> None:
    project.write("profiles:\n  anthropic: {model: mine}\n  groq: {extends: groq, model: mine}\n")
    assert [(project.load(name).vendor, project.load(name).model) for name in ("anthropic", "groq")] == [
        ("anthropic", "mine"),
        ("groq", "mine"),
    ]


def test_project_profile_wins_whole_over_the_users(project: Project) -> None:
    project.write_user("profiles:\n  local: {type: groq, model: users, temperature: 1}\n")
    project.write("profiles:\n  local: {type: groq}\n")
    profile = project.load()
    assert (profile.model, profile.parameters.temperature) == ("openai/gpt-oss-20b", None)


def test_project_profile_may_extend_the_users_of_the_same_name(project: Project) -> None:
    project.write_user("profiles:\n  local: {type: groq, model: users, temperature: 1}\n")
    project.write("profiles:\n  local: {extends: local, model: ours}\n")
    profile = project.load()
    assert (profile.vendor, profile.model, profile.parameters.temperature) == ("groq", "ours", 1)


def test_cycle_is_shown(project: Project) -> None:
    project.write("profiles:\n  a: {extends: b}\n  b: {extends: c}\n  c:\n    extends: a\n")
    with pytest.raises(ProfileFault) as caught:
        project.load("a")
    assert str(caught.value) == "dragoman.yaml:5: profiles.c.extends: it extends itself: a → b → c → a"


def test_unknown_parent_is_told_where_it_is_named(project: Project) -> None:
    told = project.refusal("extends: opnai")
    assert str(told) == 'dragoman.yaml:3: profiles.local.extends: there is no profile and no vendor "opnai"'
    assert told.hint == "did you mean openai?"


def test_unknown_vendor_is_told_where_it_is_named(project: Project) -> None:
    told = project.refusal("model: m\ntype: mistrall")
    assert str(told) == 'dragoman.yaml:4: profiles.local.type: no vendor has the name "mistrall"'
    assert told.hint == "did you mean mistral?"
    assert project.refusal("type: zzzz").hint.startswith("one of openai, ")


@pytest.mark.parametrize(
    ("text", "vendor", "dialect"),
    [
        ("dialect: openai-chat\nbase_url: http://h/v1", "openai-compatible", "openai-chat"),
        ("dialect: responses\nbase_url: http://h/v1", "openai-compatible", "openai-responses"),
        ("dialect: claude\nbase_url: https://h", "anthropic", "anthropic"),
        ("dialect: gemini", "gemini", "gemini"),
        ("dialect: ollama", "ollama", "ollama"),
        ("base_url: http://h/v1", "openai-compatible", "openai-chat"),
    ],
)
def test_without_a_type_the_dialect_says_which_vendor(project: Project, text: str, vendor: str, dialect: str) -> None:
    profile = project.profile(text)
    assert (profile.vendor, profile.dialect) == (vendor, dialect)


def test_profile_that_says_neither_is_refused(project: Project) -> None:
    assert "which vendor" in str(project.refusal("model: m"))


def test_unknown_dialect_is_told_where_it_is_named(project: Project) -> None:
    told = project.refusal("type: openai\ndialect: antropic")
    assert str(told) == "dragoman.yaml:4: profiles.local.dialect: unknown dialect 'antropic'"
    assert "anthropic" in told.hint


# -------------------------------------------------------------------------------------------------------- precedence
def test_settings_win_over_files(project: Project) -> None:
    settings: Wire = {"model": "flag", "timeouts": {"idle": 1}, "top_p": None}
    profile = project.profile("type: openai\nmodel: file\ntop_p: 0.5\ntimeouts: {idle: 2, total: 3}", settings)
    assert (profile.model, profile.timeouts.idle, profile.timeouts.total) == ("flag", 1, 3)
    assert profile.parameters.top_p == 0.5
    assert (profile.origins["model"], profile.origins["timeouts.total"]) == ("flag", "dragoman.yaml:6")


def test_settings_may_change_vendor_and_dialect(project: Project) -> None:
    profile = project.profile("type: openai", {"dialect": "responses"})
    assert (profile.dialect, profile.paths) == ("openai-responses", {})


def test_settings_are_checked_like_a_file(project: Project) -> None:
    assert str(project.refusal("type: openai", {"temperature": "hot"})).startswith("settings: temperature: expected")
    assert project.refusal("type: openai", {"modle": "m"}).hint == "did you mean model?"


def test_text_of_a_setting_is_taken_as_it_is(project: Project) -> None:
    assert project.profile("type: openai", {"user_id": "${HOME}"}).parameters.user_id == "${HOME}"


def test_variable_of_the_vendor_is_between_catalog_and_file(project: Project) -> None:
    profile = project.profile("type: openai", OPENAI_BASE_URL="http://env/v1")
    assert (profile.base_url, profile.origins["base_url"]) == ("http://env/v1", "environment: OPENAI_BASE_URL")
    assert project.profile("type: openai\nbase_url: http://file/v1", OPENAI_BASE_URL="x").base_url == "http://file/v1"


def test_our_variables_outdo_files(project: Project) -> None:
    profile = project.profile("type: sandbox\nrules: a.yaml", DRAGOMAN_SANDBOX="/b.yaml")
    assert (profile.rules, profile.origins["rules"]) == ("/b.yaml", "environment: DRAGOMAN_SANDBOX")


def test_sandbox_takes_any_dialect_and_rules_beside_its_file(project: Project) -> None:
    profile = project.profile("type: sandbox\ndialect: claude\nrules: rules.yaml")
    assert (profile.dialect, profile.model, profile.auth_method) == ("anthropic", "sandbox", "none")
    assert profile.rules == str(project.folder / "rules.yaml")


def test_deployment_changes_the_paths_of_azure(project: Project) -> None:
    text = "type: azure\nbase_url: https://x.openai.azure.com"
    assert project.profile(text).paths["complete"] == "/openai/v1/chat/completions"
    deployed = project.profile(f"{text}\ndeployment: d")
    assert deployed.paths["complete"].startswith("/openai/deployments/{deployment}/")
    assert project.profile(text, AZURE_OPENAI_DEPLOYMENT="d").deployment == "d"
    responses = project.profile(f"{text}\ndeployment: d\ndialect: responses")
    assert responses.paths["complete"] == "/openai/v1/responses"


def test_other_dialect_of_a_vendor_has_its_own_place(project: Project) -> None:
    deepseek = project.profile("type: deepseek\ndialect: anthropic")
    assert (deepseek.base_url, deepseek.auth_method) == ("https://api.deepseek.com/anthropic", "x-api-key")
    assert project.profile("type: openrouter\ndialect: anthropic").auth_method == "bearer"
    assert "stream" not in project.profile("type: gemini\ndialect: openai-chat").paths


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("gpu", "http://gpu:11434"),
        ("gpu:1", "http://gpu:1"),
        (":9", "http://127.0.0.1:9"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:80", "http://127.0.0.1:80"),
        ("[::]:80", "http://[::1]:80"),
        ("https://ollama.com", "https://ollama.com"),
        ("http://gpu:1/sub/", "http://gpu:1/sub"),
    ],
)
def test_host_of_ollama_has_many_forms(project: Project, host: str, url: str) -> None:
    assert project.load("ollama", OLLAMA_HOST=host).base_url == url


def test_host_of_ollama_keeps_the_path_of_the_other_api(project: Project) -> None:
    assert project.load("ollama-openai", OLLAMA_HOST="gpu").base_url == "http://gpu:11434/v1"


def test_host_of_ollama_without_a_sound_port_is_refused(project: Project) -> None:
    with pytest.raises(ProfileFault, match="OLLAMA_HOST: no port"):
        project.load("ollama", OLLAMA_HOST="gpu:x")


# ---------------------------------------------------------------------------------------------------------- start-up
def test_sandbox_without_files_imports_nothing_slow(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom dragoman.providers.profile import load_profile\n"
        "load_profile('sandbox', variables={}, folder='/')\n"
        "print({'yaml', 'jsonschema', 'httpx', 'subprocess', 'asyncio'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout == "set()\n"


def test_good_file_needs_no_jsonschema(project: Project) -> None:
    project.write("profiles:\n  local: {type: openai, headers: {X: y}}\n")
    program = (
        "import sys\nfrom dragoman.providers.profile import load_profile\n"
        "load_profile('local', variables={}, settings={'model': 'm'})\n"
        "print('yaml' in sys.modules, 'jsonschema' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=project.folder, check=True
    )
    assert done.stdout == "True False\n"


def test_working_folder_is_where_the_search_begins(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("profiles:\n  local: {type: groq}\n")
    monkeypatch.chdir(project.folder)
    assert load_profile("local", variables={}).vendor == "groq"


COMMAND = "profiles: {local: {type: openai, api_key_command: [echo, sk-canary-0123]}}\n"


def test_command_in_a_file_that_happens_to_be_here_is_not_run(project: Project) -> None:
    project.write(COMMAND)
    with pytest.raises(ProfileFault, match=r"dragoman.yaml:1: .*a command in a project's file is not run") as caught:
        find_key(project.load(), {})
    assert "DRAGOMAN_ALLOW_COMMANDS=1" in caught.value.hint


def test_command_in_a_projects_file_is_run_for_whoever_allows_it(project: Project) -> None:
    project.write(COMMAND)
    key = find_key(project.load(DRAGOMAN_ALLOW_COMMANDS="1"), os.environ)
    assert key is not None
    assert key.secret == "sk-canary-0123"


@pytest.mark.parametrize("named", [True, False])
def test_command_in_a_file_that_the_user_chose_is_run(project: Project, named: bool) -> None:
    chosen = str(project.write(COMMAND, "other.yaml")) if named else ""
    if not named:
        project.write_user(COMMAND)
    assert project.load(DRAGOMAN_CONFIG=chosen).untrusted_command == ""


def test_key_of_a_variable_needs_no_command(project: Project) -> None:
    project.write(COMMAND)
    key = find_key(project.load(), {"OPENAI_API_KEY": "sk-other-4567"})
    assert key is not None
    assert key.origin == "OPENAI_API_KEY"


# -------------------------------------------------------------------------------------------- whether a key is needed
@pytest.mark.parametrize("place", ["api_key_env: X", "api_key_file: x", "api_key_command: [x]"])
def test_profile_that_says_where_its_key_is_needs_it(project: Project, place: str) -> None:
    assert project.profile(f"type: litellm\n{place}").key_need == "required"
    assert project.profile(f"type: litellm\n{place}\napi_key_need: optional").key_need == "optional"
    assert project.profile(f"type: litellm\n{place}\napi_key_need: sk-none").key_need == "sk-none"


def test_need_of_a_key_is_inherited(project: Project) -> None:
    project.write("profiles: {base: {type: vllm, api_key_env: X}, local: {extends: base}, free: {type: vllm}}")
    assert (project.load().key_need, project.load("free").key_need) == ("required", "optional")
    assert project.load("free", {"api_key_env": "X"}).key_need == "required"
    assert project.load(settings={"api_key_need": "optional"}).key_need == "optional"


def test_profile_that_takes_the_key_away_needs_none(project: Project) -> None:
    assert project.profile("type: litellm\napi_key_env: null").key_need == "optional"


# ------------------------------------------------------------------------------------------------------------- places
def test_variables_are_filled_in_where_they_decide(project: Project) -> None:
    project.write(
        "default: ${P:-local}\nprofiles:\n  local: {extends: '${B:-base}'}\n"
        "  base: {type: '${T:-groq}', dialect: '${D:-responses}'}\n"
    )
    profile = project.load(None)
    assert (profile.name, profile.vendor, profile.dialect) == ("local", "groq", "openai-responses")
    assert project.load(None, T="xai", D="chat").vendor == "xai"


def test_variable_that_is_not_set_is_told_where_it_decides(project: Project) -> None:
    told = project.refusal("extends: ${NO}")
    assert str(told) == "dragoman.yaml:3: profiles.local.extends: the variable NO is not set"


def test_parent_that_comes_out_empty_is_none(project: Project) -> None:
    assert project.profile("extends: ${NO:-}\ntype: ${NO:-openai}").vendor == "openai"


def test_default_that_is_not_there_is_told_where_it_is_named(project: Project) -> None:
    project.write("profiles: {}\ndefault: opnai")
    with pytest.raises(UnknownProfile, match=r'^dragoman\.yaml:2: default: there is no profile and no vendor "opnai"$'):
        project.load(None)
    with pytest.raises(UnknownProfile, match=r"^DRAGOMAN_PROFILE: there is no profile"):
        project.load(None, DRAGOMAN_PROFILE="zzz")


def test_profile_that_extends_an_outer_one_that_is_not_there_is_not_what_was_meant(project: Project) -> None:
    project.write("profiles: {local: {extends: local}, locale: {type: groq}}")
    with pytest.raises(UnknownProfile) as caught:
        project.load()
    assert str(caught.value).endswith('extends: there is no other profile and no vendor "local"')
    assert caught.value.hint == "did you mean locale?"


def test_settings_extend_nothing(project: Project) -> None:
    with pytest.raises(ProfileFault, match=r"^settings: extends: "):
        project.load("groq", {"extends": "openai"})


def test_vendor_that_is_gone_is_told(project: Project) -> None:
    assert project.load("github-models").warnings == ("github-models: GitHub Models was shut down on 2026-07-30",)
    assert project.load("github-models", {"base_url": "https://h"}).warnings == ()
