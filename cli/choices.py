"""What an option may say: dialects and profiles by name, for completion and for those who mistype.

Names are all that is looked at here; no dialect is loaded, and no profile is read, until one is used.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from dragoman.cli.status import Usage
from dragoman.schemas.dialect import dialects, find
from dragoman.schemas.errors import ProfileFault, UnknownDialect

__all__ = ["dialect_choices", "dialect_named", "nearest", "profile_choices"]


def dialect_choices() -> Sequence[str]:
    return [dialect.name for dialect in dialects()]


def dialect_named(flag: str, name: str) -> str:
    """Return the name of a dialect that was typed, perhaps by an alias. Raises Usage."""
    try:
        return find(name).name
    except UnknownDialect as error:
        hint = f"did you mean {error.nearest!r}?" if error.nearest else ""
        if error.reason:
            raise Usage(f"{flag}: {error}") from error
        raise Usage(f"{flag}: unknown dialect {name!r}, none of {', '.join(error.known)}", hint) from error


def profile_choices() -> Sequence[str]:
    """Return what may be asked: the profiles and groups that are configured, and every vendor."""
    from dragoman.providers.catalog import vendor_names
    from dragoman.providers.groups import group_names
    from dragoman.providers.profile import profile_names

    try:
        configured = (*profile_names(os.environ), *group_names(os.environ))
    except ProfileFault:  # it is told when the profile is used
        configured = ()
    return list(dict.fromkeys([*configured, *vendor_names()]))


def nearest(said: str, choices: Sequence[str]) -> str:
    """Return a hint that names what was perhaps meant; nothing where nothing is near."""
    from difflib import get_close_matches

    found = get_close_matches(said.lower(), choices, 1)
    return f"did you mean {found[0]!r}?" if found else ""
