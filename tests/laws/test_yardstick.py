"""The yardstick of law one, measured: whatever field of a value is taken away, without a loss, it complains.

`_SILENT` lists the fields that say nothing by themselves, each with the reason.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final, cast

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from dragoman.schemas import ir
from dragoman.schemas.ir import At, Error, Parameters, Refusal, Request, Response, Text, ToolChoice, Wire
from tests.laws.codec import Said, said_by
from tests.laws.excuses import EXCUSES, INVENTIONS, unexcused
from tests.laws.strategies import errors, requests, responses

_SILENT: Final = frozenset(
    {
        "ToolCall.id",  # another vendor wants another one; that results find their calls is said
        "Message.role",  # a turn of nothing but results; elsewhere the speaker is said with the words
        "ToolResult.name",  # its call has it
        "ToolResult.custom",  # the same
        "Reasoning.dialect",  # who thought it; the signature says whose that is
        "Reasoning.redacted",  # that there is nothing but the signature
        "Media.dialect",  # whose file it is; the id is said
        "Candidate.native_stop",  # the vendor's word for what `stop` says
        "Candidate.stop_dialect",
        "Parameters.logprobs",  # to ask for the best ones is to ask
        "Citation.dialect",  # the native form itself is said
        "Error.dialect",
        "Error.kind",  # without a status, some bodies have no word for it
        "Error.native",
        "Error.status",  # HTTP says it, not the body
        "BuiltinCall.kind",
        "BuiltinResult.kind",
        "CustomTool.syntax",  # a grammar is said with it
    }
)

pytestmark = pytest.mark.slow


@given(request=requests(), data=st.data())
def test_no_field_of_a_request_goes_unnoticed(request: Request, data: st.DataObject) -> None:
    _judge_damage(request, data)


@given(response=responses(), data=st.data())
def test_no_field_of_a_response_goes_unnoticed(response: Response, data: st.DataObject) -> None:
    _judge_damage(response, data)


@given(error=errors(), data=st.data())
def test_no_field_of_an_error_goes_unnoticed(error: Error, data: st.DataObject) -> None:
    _judge_damage(error, data)


@given(said=requests() | responses() | errors())
def test_nothing_is_missed_in_the_value_itself(said: Said) -> None:
    assert unexcused(said_by(said), said_by(said), ()) == []


def test_every_saying_has_its_excuses_and_every_invention_its_saying() -> None:
    assert set(INVENTIONS) <= set(EXCUSES)


class _Enough(Exception):
    """Every field of the IR was seen."""


_seen: Final[set[str]] = set()
_STRUCTS: Final = [
    value for value in vars(ir).values() if isinstance(value, type) and issubclass(value, msgspec.Struct)
]
# What has a `wire` holds the fields that only its dialect knows in it.
_HOLDERS: Final = ("Node", "BuiltinCall", "BuiltinResult", "BuiltinTool", "Continuation", "Native")
_UNTRIED: Final = frozenset(
    {"Node.at", "Request.at", "Response.at", "Error.at"} | {f"{name}.extra" for name in _HOLDERS}
)
_TRIED: Final = {f"{struct.__name__}.{name}" for struct in _STRUCTS for name in struct.__struct_fields__} - _UNTRIED


@settings(max_examples=2000, phases=[Phase.generate])
@given(said=st.tuples(requests(), responses(), errors()))
def _look_until_all_is_seen(said: tuple[Said, ...]) -> None:
    _note(said)
    if _seen >= _TRIED:
        raise _Enough


def _note(value: object) -> None:
    if isinstance(value, tuple):
        for item in cast("tuple[object, ...]", value):
            _note(item)
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            held = getattr(value, name)
            if held is not None and held is not False and held not in ((), ""):
                _seen.add(f"{type(value).__name__}.{name}")
            _note(held)


def test_every_field_of_the_ir_is_tried() -> None:
    with contextlib.suppress(_Enough):
        _look_until_all_is_seen()
    assert sorted(_TRIED - _seen) == []


def _judge_damage(said: Said, data: st.DataObject) -> None:
    at = data.draw(st.sampled_from(sorted(_places(said, ()), key=str)))
    assert unexcused(said_by(said), said_by(cast(Said, _damaged(said, at))), ()), f"nobody misses {at}"


def _places(value: object, at: At) -> Iterator[At]:
    """Yield the places of all fields that say something, and of all items of tuples."""
    if isinstance(value, tuple):
        for index, item in enumerate(cast("tuple[object, ...]", value)):
            if not _is_blank(item):
                yield (*at, index)
            yield from _places(item, (*at, index))
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            held, field = getattr(value, name), f"{type(value).__name__}.{name}"
            if field not in _SILENT and name not in ("at", "extra"):
                if _says_something(held):
                    yield (*at, name)
                yield from _places(held, (*at, name))


def _says_something(held: object) -> bool:
    if isinstance(held, ToolChoice):
        return held.mode != "auto"
    return held not in (None, False, 0, "", (), ("text",)) and not isinstance(held, Parameters)


def _is_blank(item: object) -> bool:
    """Tell whether an item is nothing by itself: a text of blanks; to answer in text is what everyone does."""
    return item == "text" or (isinstance(item, (Text, Refusal)) and not item.text.strip())


def _damaged(value: object, at: At) -> object:
    """Return the value with what stands at this place taken away or, where there must be something, changed."""
    step, rest = at[0], at[1:]
    if isinstance(step, int):
        items = cast("tuple[object, ...]", value)
        middle = (_damaged(items[step], rest),) if rest else ()
        return (*items[:step], *middle, *items[step + 1 :])
    assert isinstance(value, msgspec.Struct)
    held = getattr(value, step)
    return msgspec.structs.replace(value, **{step: _damaged(held, rest) if rest else _other(held)})


def _other(held: object) -> object:
    """Return another value of the same type."""
    match held:
        case bool():
            return not held
        case int() | float():
            return held + 1
        case str():
            return f"xxxx{held}"
        case dict():
            return {**cast(Wire, held), "damaged": True}
        case tuple():
            return ()
        case _:
            return None
