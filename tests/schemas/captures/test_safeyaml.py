"""Cassettes that are broken or hostile: the entry and the line are told, nothing is run, and nothing grows."""

from __future__ import annotations

from time import perf_counter

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dragoman.schemas.captures import Captured, Received, Sent, Unreadable
from dragoman.schemas.captures import safeyaml as safeyaml_module
from dragoman.schemas.captures import vcr as vcr_module
from dragoman.schemas.captures.vcr import Reader
from tests.schemas.captures.cassettes import captured, items_of, problem
from tests.schemas.captures.samples import written

RUBY = b"""---
http_interactions:
- request:
    method: post
    body: {encoding: UTF-8, string: 'It''s'}
    headers: !ruby/hash:Faraday::Utils::Headers {a: [b]}
  response:
    body:
      encoding: ASCII-8BIT
      string: !binary |-
        /wA=
  recorded_at: Tue, 19 Nov 2024 10:14:20 GMT
"""


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system",
        "!!python/object/apply:builtins.eval",
        "!!python/object/new:os.system",
        "!!python/object:os.system",
        "!!python/name:os.system",
        "!!python/module:os",
        "!ruby/object:Gem::Installer",
        "!unknown",
    ],
)
@pytest.mark.parametrize("value", ["'touch /nowhere'", "['touch /nowhere']", "{a: b}"])
def test_a_tag_that_makes_an_object_is_refused_and_the_rest_goes_on(tag: str, value: str) -> None:
    bad, good = items_of(f"interactions:\n- request:\n    body: [{tag} {value}, x]\n- request: {{body: x}}\n")
    assert isinstance(bad, Unreadable)
    assert bad.problem.startswith(f"the tag {tag} is none")
    assert (bad.path, bad.line) == ("$.interactions[0]", 3)
    assert isinstance(good, Captured)


def laughs(levels: int, entries: int = 1) -> str:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\ninteractions:\n" + f"- request: {{parsed_body: *a{levels - 1}}}\n" * entries


def test_a_billion_laughs_are_refused_at_once() -> None:
    begun = perf_counter()
    found = problem(laughs(60))
    assert "aliases stand for more than 16 MiB" in found.problem
    assert perf_counter() - begun < 2


def test_a_long_text_cannot_be_repeated_without_end() -> None:
    text = f"a: &a {'x' * (1 << 20)}\ninteractions:\n" + "- request: {body: *a}\n" * 100
    *found, last = items_of(text)
    assert len(found) < 20
    assert isinstance(last, Unreadable)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{body: &a [*a]}", "*a stands for itself"),
        ("{body: *nothing}", "*nothing stands for itself, or for nothing"),
        ("{body: a, body: b}", "the key 'body' is there twice"),
        ("{headers: {<<: {a: b}}}", "a merge"),
        ("{? [a] : b}", "a key that is no text"),
        ("{parsed_body: [.nan]}", ".nan is no number"),
        ("{parsed_body: [-.INF]}", "-.INF is no number"),
        ("{body: !!binary 'ä'}", "no !!binary"),
        ("{body: !!int x}", "no !!int"),
        ("{body: !!float x}", "no !!float"),
        ("{body: !!bool x}", "no !!bool"),
        ("{uri: 5}", "expected `str | null`, got `int`"),
        ("[]", "expected `object | null`, got `array`"),
        ("{body: {base64_string: a}}", "not base64"),
    ],
)
def test_what_is_wrong_in_an_entry_spoils_that_entry(entry: str, said: str) -> None:
    bad, good = items_of(f"interactions:\n- request: {entry}\n- request: {{body: x}}\n")
    assert isinstance(bad, Unreadable)
    assert said in bad.problem
    assert (bad.line, bad.path.startswith("$.interactions[0]")) == (2, True)
    assert isinstance(good, Captured)


@pytest.mark.parametrize(
    ("tail", "line"), [("  \tbody: b", 4), ("    - b", 4), ("a: [", 5), ("x: 'a", 5), ("? a: b: c", 4)]
)
def test_what_stands_before_a_broken_tail_is_kept(tail: str, line: int) -> None:
    first, last = items_of(f"interactions:\n- request: {{body: '{'x' * 20}'}}\n- request: {{}}\n  {tail}\n")
    assert isinstance(first, Captured)
    assert isinstance(last, Unreadable)
    assert last.problem.startswith("no YAML: ")
    assert (last.path, last.line) == ("$", line)


def test_a_nul_byte_is_told_with_its_place() -> None:
    found = problem("interactions:\n- request:\n    body: \x00\n")
    assert found == Unreadable("no YAML: control characters are not allowed (byte 35)", "$", 3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- request: {}\n", "no mapping with interactions or http_interactions at its top"),
        ("a: b\n", "no interactions or http_interactions at its top"),
        ("", "no interactions or http_interactions at its top"),
        ("interactions: {}\n", "interactions is no list"),
        ("{}", "no interactions or http_interactions at its top"),
        ("[null]", "no interactions or http_interactions at its top"),
        ("{", "not JSON"),
        ("interactions:\n- " + "[" * 200, "nested deeper than 100 levels"),
        ("interactions:\n" + "- " * 100_000, "nested deeper than 100 levels"),
        ("interactions:\n- " + "[" * 1_000_000, "nested deeper than 100 levels"),
    ],
)
def test_what_is_no_cassette_is_said(text: str, said: str) -> None:
    assert said in problem(text).problem


def test_a_list_that_is_null_is_empty() -> None:
    assert items_of("interactions:\n") == []
    assert items_of('{"interactions": null}') == []


def test_a_cassette_of_too_many_values_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safeyaml_module, "MAX_VALUES", 1000)
    assert "more than 1000 values" in problem("interactions:\n- [" + "a, " * 2000 + "]").problem


def test_a_cassette_of_too_many_interactions_is_read_as_far_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safeyaml_module, "MAX_ENTRIES", 3)
    *found, last = items_of("interactions:\n" + "- request: {}\n" * 5)
    assert len(found) == 3
    assert last == Unreadable("more than 3 entries: cut the file into several", line=5)


def test_directives_cannot_be_piled_up() -> None:
    text = "".join(f"%TAG !a{number}! b\n" for number in range(20_000)) + "---\ninteractions: []\n"
    begun = perf_counter()
    assert "more than 100 %TAG directives" in problem(text).problem
    assert perf_counter() - begun < 0.5


def test_a_cassette_that_is_too_large_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vcr_module, "MAX_WHOLE", 1 << 20)
    reader = Reader()
    for _ in range(30):
        assert reader.feed(bytes(1 << 16)) == []
    (item,) = reader.close()
    assert isinstance(item, Unreadable)
    assert "larger than 1 MiB, and it has to be read whole: cut it" in item.problem


@pytest.mark.parametrize("side", ['"body":{"string":', '"body":', '"headers":{"a":', '"parsed_body":'])
def test_deep_json_is_no_trouble(side: str) -> None:
    for opening, closing in (("[", "]"), ('{"string":', "}")):
        deep = opening * 900 + "1" + closing * 900
        close = "}" * (side.count("{") + 3)
        (item,) = items_of(f'{{"interactions":[{{"request":{{{side}{deep}{close[:-2]}}}]}}')
        assert isinstance(item, (Captured, Unreadable))


def test_a_kind_that_is_none_is_found_anew() -> None:
    found = captured("interactions:\n- response: {body: {string: a}}\n  dragoman: {kind: x, pace: [[1, 99]]}\n")
    assert found.response == Received(body=b"a", pace=((1.0, 1),))


def test_nulls_everywhere_are_no_trouble() -> None:
    sides = "{body: null, headers: null, method: null, uri: null, url: null, parsed_body: null, status: null}"
    found = captured(f"version: null\ninteractions:\n- request: {sides}\n  response: {sides}\n")
    assert (found.request, found.response) == (Sent(), Received())


def test_pyyaml_alone_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = written("vcr") + RUBY
    expected = items_of(raw)
    monkeypatch.delattr(yaml, "CSafeLoader")
    assert items_of(raw) == expected
    assert problem("interactions: \x00").problem.startswith("no YAML: ")


@given(st.data())
def test_no_file_makes_the_reader_raise(data: st.DataObject) -> None:
    raw = bytearray(written("vcr") + RUBY)
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=12))
    items_of(bytes(raw))


@given(st.text("abc:-[]{}&*!|>'\"#%@? \n\t~<", max_size=60))
def test_no_text_makes_the_reader_raise(text: str) -> None:
    items_of("interactions:\n- request: " + text)
