"""--session, --continue, --previous-response-id and --store: what a request goes on from, and what is kept of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from dragoman.cli.ask.settings import optional
from dragoman.cli.options import Option, Values
from dragoman.cli.status import Usage
from dragoman.schemas.errors import CallerError, ProfileFault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dragoman.providers.recalled import Recalled
    from dragoman.providers.settings import Profile
    from dragoman.providers.threads import Threads

__all__ = ["OPTIONS", "Following", "read_following", "refuse_stateless"]

OPTIONS = (
    Option("session", ("--session",), "Go on with this conversation, or begin it.", "NAME"),
    Option("goes_on", ("--continue",), "Go on with the last session.", "", False),
    Option("previous", ("--previous-response-id",), "Go on from this answer, whoever gave it.", "ID"),
    Option("store", ("--store",), "Keep the answer: others can go on from it.", "", False),
)


class Following(msgspec.Struct, frozen=True, kw_only=True):
    """`is_last`: with the session that was spoken in last."""

    session: str | None = None
    previous: str | None = None
    is_last: bool = False

    @property
    def is_named(self) -> bool:
        """Tell whether a name stands for the answer."""
        return self.is_last or self.session is not None

    async def recalled(self, threads: Threads, profiles: Sequence[Profile]) -> Recalled:
        """Return what the next request goes on from, whichever of these profiles answers it."""
        session = await _last(threads) if self.is_last else self.session
        return await threads.recall(profiles, session=session, previous=self.previous, keeps=True)


def read_following(values: Values) -> Following | None:
    """Return what to go on from; None where nothing is, and nothing is kept. Raises Usage."""
    session, previous = optional(values, "session"), optional(values, "previous")
    is_last = bool(values.get("goes_on"))
    if not (session is not None or previous is not None or is_last or values.get("store")):
        return None
    if is_last and (session is not None or previous is not None):
        raise Usage("--continue goes on with the last session", "--session NAME goes on with another one")
    if values.get("no_state"):
        raise Usage("--no-state keeps nothing, and conversations are kept", "leave one of them out")
    return Following(session=session, previous=previous, is_last=is_last)


def refuse_stateless(following: Following | None, profiles: Sequence[Profile]) -> None:
    """Raise ProfileFault where profiles say that nothing is to be kept: it would be gone with this command."""
    states = [profile.state for profile in profiles]
    if following is None or any(isinstance(state, str) for state in states) or False not in states:
        return
    name = next(profile.name for profile in profiles if profile.state is False)
    hint = "state: true, or a file of its own, in the profile"
    raise ProfileFault("state: false keeps nothing, and conversations are kept", place=f"profiles.{name}", hint=hint)


async def _last(threads: Threads) -> str:
    session = await threads.archive.latest_session()
    if session is None:
        error = CallerError("there is no session to go on with")
        error.hint = "--session NAME begins one"
        raise error
    return session
