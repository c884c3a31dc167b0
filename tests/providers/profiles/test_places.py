"""YAML is read with its lines, and less of it than YAML has."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.profiles.places import MAX_BYTES, Page, dotted, read_yaml
from dragoman.schemas.errors import ProfileFault
from dragoman.schemas.ir import JSON

TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0x24F, exclude_characters="\x7f\x85"), max_size=8)
# YAML 1.1, of which the writer is, takes 1e3 for a text and leaves it bare.
TEXT = TEXT.filter(lambda text: not re.fullmatch(r"-?\d+[eE]\d+", text))
ATOMS = st.none() | st.booleans() | st.integers(-(10**12), 10**12) | TEXT
VALUES = st.recursive(
    ATOMS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=12
)


def read(text: str) -> Page:
    return read_yaml(text.encode(), "f.yaml")


def refusal(raw: str | bytes) -> str:
    with pytest.raises(ProfileFault) as caught:
        read_yaml(raw if isinstance(raw, bytes) else raw.encode(), "f.yaml")
    return str(caught.value)


@given(VALUES)
def test_json_is_read_as_json(value: JSON) -> None:
    assert read(json.dumps(value)).value == value


@given(VALUES)
def test_what_yaml_writes_is_read_back(value: JSON) -> None:
    written: str = yaml.safe_dump(value, allow_unicode=True)
    assert read(written).value == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("off", False),
        ("On", True),
        ("yes", True),
        ("~", None),
        ("NULL", None),
        ("2024-10-21", "2024-10-21"),
        ("010", "010"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("-7", -7),
        ("1e3", 1000.0),
        ("1e999", "1e999"),
        (".inf", ".inf"),
        ("oFf", "oFf"),
        ("'off'", "off"),
        ("!!str 5", "5"),
        ("9" * 19, "9" * 19),
    ],
)
def test_plain_words_and_numbers(text: str, value: JSON) -> None:
    said = read(f"a: {text}").value
    assert said == {"a": value}
    assert isinstance(said, dict)
    assert type(said["a"]) is type(value)


def test_empty_file_is_null() -> None:
    assert read("# nothing\n").value is None


def test_byte_order_mark_is_none_of_it() -> None:
    assert read_yaml(b"\xef\xbb\xbfa: 1", "f.yaml").value == {"a": 1}


def test_every_key_and_item_has_its_line() -> None:
    page = read("a:\n  - b: 1\n    c: 2\n  - 3\n")
    assert page.lines == {("a",): 1, ("a", 0): 2, ("a", 0, "b"): 2, ("a", 0, "c"): 3, ("a", 1): 4}


def test_place_of_what_is_not_there_is_that_of_what_is_around_it() -> None:
    page = read("x: 1\na:\n  b: 1")
    assert page.place(("a", "z")) == "f.yaml:2: a.z"
    assert page.place(("q",)) == "f.yaml:1: q"


def test_place_on_a_page_without_lines_has_no_line() -> None:
    assert Page("settings", {}).place(("a",)) == "settings: a"
    assert Page("settings", {}).place(()) == "settings"


def test_place_is_written_with_dots_and_without_control_characters() -> None:
    assert dotted(("profiles", "my-own", "stop", 0)) == "profiles.my-own.stop[0]"
    assert dotted(("a\x1b[31m",)) == "'a\\x1b[31m'"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\nb: 2\na: 3", 'f.yaml:3: "a" is there twice, first on line 1'),
        ("a: &x 1", "f.yaml:1: an anchor (&): profiles share by `extends`"),
        ("b:\n  *x", "f.yaml:2: an alias (*): profiles share by `extends`"),
        ("a: !!python/object/apply:os.system [ls]", "f.yaml:1: a tag"),
        ("? [a]\n: b", "f.yaml:1: a key that is no text"),
        ("--- 1\n--- 2", "f.yaml:2: a second document: one is read"),
        ("a: [", "f.yaml:2: no YAML: "),
        ("a: b: c", "f.yaml:1: no YAML: mapping values are not allowed"),
        ("a: é\r\nb: \x01", "f.yaml:2: no YAML: unacceptable character #x0001"),
        ("é: 1\n# \x00", "f.yaml:2: no YAML: unacceptable character #x0000"),
        (b"\xff\xfe\xff", "f.yaml: not UTF-8 (byte 0)"),
        ("[" * 100_000, "f.yaml:1: nested deeper than 32 levels"),
        (b"#" * (MAX_BYTES + 1), "f.yaml: larger than 1 MiB"),
    ],
)
def test_what_is_refused_is_told_with_its_line(text: str | bytes, told: str) -> None:
    assert refusal(text).startswith(told)
