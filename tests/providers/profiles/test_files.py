"""Where profile files are looked for, and which of them count."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dragoman.providers.profile import load_profile
from dragoman.providers.profiles import files
from dragoman.providers.profiles.files import others_can_read, read_sources
from dragoman.schemas.errors import ProfileFault
from tests.providers.projects import Project

FILE = "profiles:\n  local: {type: groq}\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def names(project: Project, folder: Path | None = None, **more: str) -> list[str]:
    sources, _ = read_sources({**project.variables, **more}, str(folder or project.folder))
    return [source.page.file for source in sources]


def test_without_files_there_are_none(project: Project) -> None:
    assert names(project) == []


def test_project_file_is_found_upwards(project: Project) -> None:
    path = project.write(FILE)
    deep = project.folder / "a" / "b"
    deep.mkdir(parents=True)
    assert names(project, deep) == [str(path)]
    assert names(project) == ["dragoman.yaml"]


def test_nearest_project_file_is_the_one(project: Project) -> None:
    project.write(FILE)
    inner = project.folder / "inner"
    inner.mkdir()
    (inner / "dragoman.yaml").write_text(FILE)
    assert names(project, inner) == ["dragoman.yaml"]


def test_folder_of_that_name_is_no_file(project: Project) -> None:
    (project.folder / "dragoman.yaml").mkdir()
    assert names(project) == []


def test_users_file_comes_after_the_projects(project: Project) -> None:
    user = project.write_user(FILE)
    project.write(FILE)
    assert names(project) == ["dragoman.yaml", str(user)]


def test_users_folder_is_that_of_xdg(project: Project, tmp_path: Path) -> None:
    user = project.write_user(FILE)
    assert names(project, HOME="", XDG_CONFIG_HOME=str(user.parents[1])) == [str(user)]
    assert names(project, XDG_CONFIG_HOME="relative") == [str(user)]


def test_without_a_home_there_is_no_users_file(project: Project) -> None:
    assert read_sources({}, str(project.folder)) == ((), ())


def test_variable_names_a_file_in_place_of_all(project: Project) -> None:
    project.write_user(FILE)
    project.write(FILE)
    other = project.write(FILE, "other.yaml")
    assert names(project, DRAGOMAN_CONFIG="other.yaml") == ["other.yaml"]
    assert names(project, DRAGOMAN_CONFIG=str(other)) == ["other.yaml"]


def test_file_that_is_named_must_be_there(project: Project) -> None:
    with pytest.raises(ProfileFault, match=r"none\.yaml: cannot be read: No such file") as caught:
        names(project, DRAGOMAN_CONFIG="none.yaml")
    assert caught.value.hint == "DRAGOMAN_CONFIG names it"


def test_empty_file_is_a_file_without_profiles(project: Project) -> None:
    project.write("")
    (source,) = read_sources({}, str(project.folder))[0]
    assert (source.profiles, source.default) == ({}, None)


def test_strangers_file_in_a_folder_for_all_is_left_alone(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write(FILE)
    project.folder.chmod(0o777)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    monkeypatch.setattr(files, "ROOT", -1)
    sources, warnings = read_sources({}, str(project.folder))
    assert sources == ()
    assert "another user's" in warnings[0]


def test_strangers_file_in_a_folder_of_ones_own_counts(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write(FILE)
    project.folder.chmod(0o755)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    monkeypatch.setattr(files, "ROOT", -1)
    assert names(project) == ["dragoman.yaml"]


def test_own_file_counts_wherever_it_is(project: Project) -> None:
    project.write(FILE)
    project.folder.chmod(0o777)
    assert names(project) == ["dragoman.yaml"]


def test_file_that_others_can_read_is_known(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("")
    path.chmod(0o640)
    assert others_can_read(str(path))
    path.chmod(0o600)
    assert not others_can_read(str(path))
    assert not others_can_read(str(tmp_path / "none"))


def test_search_goes_on_where_the_working_folder_is_gone(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert read_sources({}, None) == ((), ())


def test_folder_with_the_name_of_the_file_is_passed_over_with_a_warning(project: Project) -> None:
    project.write("profiles: {local: {type: groq}}")
    below = project.folder / "below"
    (below / "dragoman.yaml").mkdir(parents=True)
    profile = load_profile("local", variables=project.variables, folder=below)
    assert profile.vendor == "groq"
    assert profile.warnings == (f"{below / 'dragoman.yaml'} is not read: it is no file, or a link to none",)


def test_link_to_nothing_is_told(project: Project) -> None:
    project.write_user("")
    user = project.home / ".config" / "dragoman" / "profiles.yaml"
    user.unlink()
    user.symlink_to("nowhere")
    assert project.load("groq").warnings == (f"{user} is not read: it is no file, or a link to none",)


def test_link_to_a_file_is_followed(project: Project) -> None:
    (project.folder / "dragoman.yaml").symlink_to(project.write("profiles: {local: {type: groq}}", "other.yaml"))
    assert project.load().vendor == "groq"


def test_blank_variables_name_nothing(project: Project) -> None:
    project.write("default: local\nprofiles: {local: {type: groq}}")
    assert project.load(None, DRAGOMAN_CONFIG=" ", DRAGOMAN_PROFILE=" ").name == "local"
