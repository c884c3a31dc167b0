"""States that are asked for what was spent: each once, none made by asking, one that fails hides no other."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from dragoman.cli.survey.usage_states import Kept, read_states, states_of
from dragoman.providers.settings import Profile
from tests.cli.survey.spending import DAY, NOON, keep, spent


def profile(state: str | bool | None) -> Profile:
    return Profile(name="p", vendor="v", dialect="openai-chat", state=state)


def read(*places: str, since: float = 0.0) -> list[Kept]:
    return asyncio.run(read_states(places, since, {}))


def test_usual_state_is_always_among_them(tmp_path: Path) -> None:
    usual = str(tmp_path / "dragoman" / "state.sqlite3")
    assert states_of([], {"XDG_STATE_HOME": str(tmp_path)}) == [usual]
    assert states_of([profile(True), profile(False), profile(None)], {"XDG_STATE_HOME": str(tmp_path)}) == [usual]


def test_without_a_home_there_is_no_usual_state() -> None:
    assert states_of([], {}) == []


def test_states_of_profiles_are_each_asked_once(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "a")
    names = [str(tmp_path / "a"), str(tmp_path / "link"), "~/a", "redis://h/0", "redis://h/0"]
    found = states_of([profile(name) for name in names], {"HOME": str(tmp_path)})
    assert found[1:] == [str(tmp_path / "a"), "redis://h/0"]


def test_what_was_spent_is_read(tmp_path: Path) -> None:
    keep(tmp_path / "s", [spent(at=NOON), spent(at=NOON + DAY)])
    (found,) = read(str(tmp_path / "s"), since=NOON + 1)
    assert (found.name, [each.at for each in found.spents], found.error) == (str(tmp_path / "s"), [NOON + DAY], None)


def test_file_that_is_not_there_is_empty_and_not_made(tmp_path: Path) -> None:
    (found,) = read(str(tmp_path / "nowhere" / "s"))
    assert (list(found.spents), found.error) == ([], None)
    assert not list(tmp_path.iterdir())


def test_state_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    keep(tmp_path / "s", [spent()])
    (tmp_path / "folder").mkdir()
    broken, whole = read(str(tmp_path / "folder"), str(tmp_path / "s"))
    assert broken.error is not None
    assert len(whole.spents) == 1


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("odd://:secret@host:1/0", "odd://host:1/0"),
        ("odd://user:p@ss@host", "odd://host"),
        ("odd://[secret", "odd://…"),
    ],
)
def test_password_of_a_server_is_not_shown(place: str, shown: str) -> None:
    (found,) = read(place)
    assert found.name == shown
    assert found.error is not None
    assert "secret" not in str(found.error)
