"""Adapters that are code: a function of the user's, or an adapter of an installed package."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dragoman.providers.adapters import Chain, chain_of
from dragoman.providers.settings import AdapterUse, Profile, Side
from dragoman.schemas import plugins
from dragoman.schemas.errors import ProfileFault
from dragoman.schemas.events import ContentDelta
from dragoman.schemas.ir import JSON, Candidate, Request, Response, Wire

PLACE = "f.yaml:3: profiles.p.adapters[0]"
CODE = """
import msgspec
def model(value, context): return {**value, "said": [context.profile, context.dialect, context.model, context.streams]}
def renamed(value, context): return msgspec.structs.replace(value, model="new")
def louder(value, context): return msgspec.structs.replace(value, text=value.text.upper())
def same(value, context): return value
def nothing(value, context): pass
def in_place(value, context):
    value["messages"][0]["content"] = "changed"
    value["n"] = 1.0
    return value
def fails(value, context): raise KeyError("of\\nmine" + "x" * 500)
def silent(value, context): raise ValueError
def odd(value, context): return {"a": object()}
def near(value, context): return {"a": (1, 2), 3: 1.0, "big": 2**80}
def circle(value, context):
    value = {}
    value["a"] = value
    return value
class Shop:
    @staticmethod
    def tidy(value, context): return {}
constant = 5
def make(argument): return lambda value, context: {**value, "made": argument}
def made_of_nothing(argument): return None
def broken(argument): raise RuntimeError("no licence")
"""


@pytest.fixture(autouse=True)
def _package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put a module and a package that is installed where Python looks for them."""
    name = f"shop_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(CODE)
    (tmp_path / "broken_shop.py").write_text("raise OSError('the shop is closed')")
    info = tmp_path / "shop-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shop\nVersion: 1.0\n")
    entries = f"tidy = {name}:make\nnone = {name}:made_of_nothing\nlicensed = {name}:broken\ngone = {name}:missing\n"
    (info / "entry_points.txt").write_text(f"[dragoman.adapters]\n{entries}")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr("tests.providers.adapters.test_functions.MODULE", name)
    plugins.forget()
    yield
    plugins.forget()


MODULE = ""


def chain(name: str, argument: JSON, side: Side = "request", *, untrusted: str = "") -> Chain:
    use = AdapterUse(name=name, argument=argument, side=side, place=PLACE)
    profile = Profile(name="p", vendor="v", dialect="gemini", adapters=(use,), untrusted_python=untrusted)
    return chain_of(profile, "m", streams=True)


def python(function: str, side: Side = "request") -> Chain:
    return chain("python", f"{MODULE}:{function}", side)


def refusal(call: Callable[[], Any]) -> ProfileFault:
    with pytest.raises(ProfileFault) as caught:
        call()
    return caught.value


# ----------------------------------------------------------------------------------------------------------- functions
def test_function_gets_the_value_and_what_it_is_about() -> None:
    assert python("model").wire_request({"a": 1}) == {"a": 1, "said": ["p", "gemini", "m", True]}


def test_function_on_a_unified_side_gets_a_value_of_the_ir() -> None:
    request, response = Request(messages=()), Response(candidates=(Candidate(parts=()),))
    assert python("renamed", "unified_request").request(request) == msgspec.structs.replace(request, model="new")
    assert python("renamed", "unified_response").response(response).model == "new"
    assert python("louder", "unified_stream_event").event(ContentDelta(text="a")) == ContentDelta(text="A")


def test_function_may_be_inside_a_class() -> None:
    assert python("Shop.tidy", "response").wire_response({"a": 1}) == {}


def test_function_that_returns_the_value_leaves_it() -> None:
    wire: Wire = {"a": 1}
    assert python("same").wire_request(wire) is wire


def test_function_that_changes_what_it_gets_changes_nobody_elses_document() -> None:
    wire: Wire = {"messages": [{"content": "said"}], "n": 1}
    assert repr(python("in_place").wire_request(wire)) == "{'messages': [{'content': 'changed'}], 'n': 1.0}"
    assert repr(wire) == "{'messages': [{'content': 'said'}], 'n': 1}"


def test_what_is_nearly_json_is_json_then() -> None:
    assert python("near").wire_request({}) == {"a": [1, 2], "3": 1.0, "big": 2**80}


@pytest.mark.parametrize(
    ("function", "side", "told"),
    [
        ("nothing", "request", "it is to return an object, and returns null"),
        ("nothing", "unified_request", "it is to return a Request, and returns null"),
        ("model_of", "request", "has no model_of"),
        ("constant", "request", "it is no function: int"),
        ("odd", "request", "what it returns is no JSON: not JSON"),
        ("circle", "request", "what it returns is no JSON: nested too deeply"),
        ("silent", "request", "it fails: ValueError"),
    ],
)
def test_what_comes_of_a_function_is_looked_at(function: str, side: Side, told: str) -> None:
    fault = refusal(
        lambda: (python(function, side).wire_request({}), python(function, side).request(Request(messages=())))
    )
    assert str(fault).startswith(f"{PLACE}.python: ")
    assert told in str(fault)


def test_value_of_another_kind_is_refused() -> None:
    told = refusal(lambda: python("near", "unified_stream_event").event(ContentDelta(text="a")))
    assert told.problem == "it is to return an Event, and returns an object with 3 fields"
    assert told.hint == "a function returns the value, changed or not"


def test_what_a_function_raises_is_told_with_its_class_on_one_short_line() -> None:
    fault = refusal(lambda: python("fails").wire_request({}))
    assert str(fault).startswith(f"{PLACE}.python: it fails: KeyError: 'of\\nmine")
    assert len(str(fault)) < 400
    assert "\n" not in str(fault)
    assert isinstance(fault.__cause__, KeyError)


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (
            "nowhere_at_all:f",
            "nowhere_at_all cannot be imported: ModuleNotFoundError: No module named 'nowhere_at_all'",
        ),
        ("broken_shop:f", "broken_shop cannot be imported: OSError: the shop is closed"),
        ("no function", 'expected the name of a function, package.module:function, got "no function"'),
    ],
)
def test_function_that_cannot_be_had_is_told_before_anything_is_sent(target: str, told: str) -> None:
    assert str(refusal(lambda: chain("python", target))) == f"{PLACE}.python: {told}"


def test_function_in_a_file_that_happens_to_be_here_is_not_run() -> None:
    fault = refusal(
        lambda: chain("python", "broken_shop:f", untrusted="dragoman.yaml:5: profiles.p.adapters[0].python")
    )
    assert str(fault) == "dragoman.yaml:5: profiles.p.adapters[0].python: a function in a project's file is not run"
    assert "DRAGOMAN_ALLOW_COMMANDS=1" in fault.hint


def test_adapters_without_code_are_applied_all_the_same() -> None:
    assert chain("set", {"a": 1}, untrusted="f").wire_request({}) == {"a": 1}
    assert chain("tidy", 1, untrusted="f").wire_request({}) == {"made": 1}


# ------------------------------------------------------------------------------------------------------------ packages
def test_package_brings_an_adapter() -> None:
    assert chain("tidy", {"deep": [1]}).wire_request({"a": 1}) == {"a": 1, "made": {"deep": [1]}}


def test_unknown_adapter_is_told_the_nearest() -> None:
    fault = refusal(lambda: chain("tidi", None))
    assert (fault.problem, fault.hint) == ('no adapter has the name "tidi"', "did you mean tidy?")
    hint = refusal(lambda: chain("qqq", None)).hint
    assert hint.startswith("known: python, rename, set,")
    assert "tidy" in hint


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("none", "it is no function: NoneType"),
        ("licensed", "licensed of shop cannot be used: RuntimeError: no licence"),
        ("gone", "it cannot be imported: AttributeError: "),
    ],
)
def test_package_that_brings_no_adapter_is_told(name: str, told: str) -> None:
    fault = refusal(lambda: chain(name, None))
    assert str(fault).startswith(f"{PLACE}.{name}: ")
    assert told in str(fault)
