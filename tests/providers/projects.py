"""A folder with profile files in it, and what is loaded there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from dragoman.providers.profile import load_profile
from dragoman.providers.settings import Profile
from dragoman.schemas.errors import ProfileFault
from dragoman.schemas.ir import Wire


class Project:
    """A project's folder, and a home beside it. Files are its user's own, and nobody else's."""

    def __init__(self, root: Path) -> None:
        self.folder, self.home = root / "project", root / "home"
        self.folder.mkdir()
        self.variables: dict[str, str] = {"HOME": str(self.home)}

    def write(self, text: str, name: str = "dragoman.yaml") -> Path:
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def write_user(self, text: str) -> Path:
        path = self.home / ".config" / "dragoman" / "profiles.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(text)
        path.chmod(0o600)
        return path

    def load(self, name: str | None = "local", settings: Wire | None = None, **more: str) -> Profile:
        variables: Mapping[str, str] = {**self.variables, **more}
        return load_profile(name, variables=variables, settings=settings, folder=self.folder)

    def profile(self, text: str, settings: Wire | None = None, **more: str) -> Profile:
        """Load a profile of these lines."""
        self.write("profiles:\n  local:\n" + "".join(f"    {line}\n" for line in text.splitlines()))
        return self.load(settings=settings, **more)

    def refusal(self, text: str, settings: Wire | None = None, **more: str) -> ProfileFault:
        with pytest.raises(ProfileFault) as caught:
            self.profile(text, settings, **more)
        return caught.value
