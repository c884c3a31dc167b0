"""What the tests of checks share: profiles, and providers that answer as they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec

from dragoman.providers.check import Plan, Report, check_profiles
from dragoman.providers.settings import Profile
from dragoman.schemas.ir import JSON, Wire

CANARY = "sk-proj-Canary0123456789abcdefWXYZ"
BASE = "http://127.0.0.1/v1"
PROFILE = Profile(
    name="p", vendor="openai", dialect="openai-chat", base_url=BASE, model="gpt-x", key_env=("KEY",), title="P"
)
SANDBOX = Profile(
    name="s", vendor="sandbox", dialect="openai-chat", base_url="sandbox://here", model="sandbox", auth_method="none"
)
LISTING: Wire = {"data": [{"id": "gpt-x"}, {"id": "gpt-y"}]}


class Still:
    """A clock by which no time passes, and with a chance that is known: the word of a check is zebra250000."""

    def now(self) -> float:
        return 0.0

    def today(self) -> float:
        return 0.0

    def chance(self) -> float:
        return 0.25

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


def reports(*profiles: Profile, plan: Plan, variables: Mapping[str, str]) -> tuple[Report, ...]:
    return asyncio.run(check_profiles(profiles, plan, variables=variables, clock=Still()))


def report(
    profile: Profile = PROFILE,
    level: str = "auth",
    *,
    key: str = CANARY,
    timeout: float = 5.0,
    total: float | None = None,
) -> Report:
    """Check one profile."""
    (found,) = reports(profile, plan=Plan(level=level, timeout=timeout, total=total), variables={"KEY": key})
    return found


def answer(text: str, *, stop: str = "stop") -> Wire:
    """Return a completion of OpenAI's chat."""
    choice: Wire = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": stop}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "gpt-x", "choices": [choice]}


def calling(name: str, arguments: str) -> Wire:
    call: Wire = {"id": "t", "type": "function", "function": {"name": name, "arguments": arguments}}
    message: Wire = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice: Wire = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "gpt-x", "choices": [choice]}


def error(message: str, **more: JSON) -> Wire:
    return {"error": {"message": message, **more}}


def changed(**fields: object) -> Profile:
    return msgspec.structs.replace(PROFILE, **fields)
