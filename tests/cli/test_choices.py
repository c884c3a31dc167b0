"""Choices: names for those who complete, and near ones for those who mistype."""

from __future__ import annotations

from pathlib import Path

import pytest

from dragoman.cli.choices import dialect_choices, dialect_named, nearest, profile_choices
from dragoman.cli.status import Usage


def test_dialect_is_found_by_its_alias() -> None:
    assert dialect_named("--to", "claude") == "anthropic"
    assert all(dialect_named("--to", name) == name for name in dialect_choices())


def test_dialect_that_is_near_is_named() -> None:
    with pytest.raises(Usage, match="--dialect: unknown dialect 'antropic'") as caught:
        dialect_named("--dialect", "antropic")
    assert caught.value.hint == "did you mean 'anthropic'?"


def test_profiles_come_before_vendors_and_each_is_there_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "dragoman.yaml"
    file.write_text("profiles:\n  anthropic: {model: m}\n  zebra: {type: openai}\n")
    monkeypatch.setenv("DRAGOMAN_CONFIG", str(file))
    found = profile_choices()
    assert set(found[:2]) == {"anthropic", "zebra"}
    assert found.count("anthropic") == 1
    assert "sandbox" in found


def test_groups_may_be_asked_like_profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "dragoman.yaml"
    file.write_text("profiles:\n  zebra: {type: openai}\ngroups:\n  smart: [zebra, groq]\n")
    monkeypatch.setenv("DRAGOMAN_CONFIG", str(file))
    assert profile_choices()[:2] == ["zebra", "smart"]


def test_file_that_cannot_be_read_leaves_the_vendors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "dragoman.yaml"
    file.write_text("profiles: [")
    monkeypatch.setenv("DRAGOMAN_CONFIG", str(file))
    assert "sandbox" in profile_choices()


@pytest.mark.parametrize(("said", "hint"), [("HIHG", "did you mean 'high'?"), ("zzz", "")])
def test_what_is_near_is_a_hint(said: str, hint: str) -> None:
    assert nearest(said, ("low", "high")) == hint
