"""Price files: read, refused, written, and which of their entries is that of a model."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.listing import Model
from dragoman.providers.prices import encode_prices, price_in, price_of, read_price_file, write_price_file
from dragoman.providers.settings import Prices, Profile
from dragoman.schemas.errors import ProfileFault

CHEAP, DEAR, ODD = Prices(input=1, output=2), Prices(input=10, output=20), Prices(input=7, output=7)
SONNET = Model(id="a/sonnet", profile="p", price_input=3.0, price_output=15.0, prices={"cache_read": 0.3})


def written(folder: Path, text: str) -> str:
    file = folder / "prices.yaml"
    file.write_text(text)
    return str(file)


def refused(folder: Path, text: str) -> str:
    with pytest.raises(ProfileFault) as raised:
        read_price_file(written(folder, text))
    return f"{raised.value} {raised.value.hint}".removeprefix(f"{folder}{os.sep}")


def problem_of(file: str) -> str:
    try:
        read_price_file(file)
    except ProfileFault as fault:
        return str(fault)
    return "none"


def test_file_is_read(tmp_path: Path) -> None:
    file = written(tmp_path, "prices:\n  m: {input: 1, output: 2.5, tools: {web_search: 0.01}}\n  free: {input: 0}\n")
    found = read_price_file(file)
    assert found == {"m": Prices(input=1, output=2.5, tools={"web_search": 0.01}), "free": Prices(input=0)}


def test_json_is_read(tmp_path: Path) -> None:
    assert read_price_file(written(tmp_path, '{"prices": {"m": {"input": 1}}}')) == {"m": Prices(input=1)}


@pytest.mark.parametrize("text", ["", "prices:\n", "$schema: x\n", "prices: {m: null}\n"])
def test_file_that_says_nothing_has_no_prices(tmp_path: Path, text: str) -> None:
    assert read_price_file(written(tmp_path, text)) == {}


def test_price_that_is_null_is_not_said(tmp_path: Path) -> None:
    found = read_price_file(written(tmp_path, "prices: {m: {input: 1, output: null, tools: {x: null, y: 1}}}"))
    assert found == {"m": Prices(input=1, tools={"y": 1})}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("prices:\n  m: {input: cheap}\n", 'prices.yaml:2: prices.m.input: expected dollars, 0 or more, got "cheap"'),
        ("prices:\n  m: {output: -1}\n", "prices.yaml:2: prices.m.output: expected dollars, 0 or more, got -1"),
        ("prices:\n\n  m: {inptu: 1}\n", "prices.yaml:3: prices.m.inptu: unknown key did you mean input?"),
        ("prices: {m: 3}", "prices.yaml:1: prices.m: expected an object of prices, got 3"),
        ("m: {input: 1}", "prices.yaml:1: m: unknown key"),
        ("[1]", "prices.yaml:1: expected an object with `prices`, got a list of 1"),
        ("prices: {m: {tools: {x: .nan}}}", "prices.m.tools.x: expected dollars, 0 or more"),
        ("prices: {m: {input: 1, input: 2}}", "is there twice"),
        ("prices: {m: !!python/none x}", "a tag"),
        ("prices: {m: {input: 1e999}}", "expected dollars"),
        ("prices: {", "no YAML"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    assert told in refused(tmp_path, text)


def test_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    assert "larger than 1 MiB" in refused(tmp_path, "#" * (1 << 20) + "\n")


def test_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProfileFault, match="cannot be read: No such file") as raised:
        read_price_file(str(tmp_path / "nowhere.yaml"))
    assert "price_file" in raised.value.hint


def test_folder_is_no_price_file(tmp_path: Path) -> None:
    with pytest.raises(ProfileFault, match="cannot be read: it is no file"):
        read_price_file(str(tmp_path))


def test_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ProfileFault, match="cannot be read: it is no file"):
        read_price_file(str(tmp_path / "pipe"))


def test_name_that_no_file_has_is_told() -> None:
    with pytest.raises(ProfileFault, match="cannot be read: embedded null byte"):
        read_price_file("a\0b")


def test_model_is_looked_for_anew_when_the_file_has_changed(tmp_path: Path) -> None:
    profile = Profile(name="p", vendor="v", dialect="openai-chat", price_file=written(tmp_path, "prices: {}"))
    assert price_of(profile, "m") is None
    written(tmp_path, "prices: {m: {input: 7, output: 7}}")
    assert price_of(profile, "m") == (ODD, "prices.yaml, m")


def test_file_that_has_changed_is_read_anew(tmp_path: Path) -> None:
    file = written(tmp_path, "prices: {m: {input: 1}}")
    read_price_file(file)
    assert read_price_file(written(tmp_path, "prices: {m: {input: 20}}")) == {"m": Prices(input=20)}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-1, 3) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["m", "input", "tools", ""]), inner),
    max_leaves=5,
)


@given(json_values)
def test_quick_check_and_schema_agree(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    """What the quick check refuses, the schema has words for: else an InternalFault comes out."""
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_text(json.dumps({"prices": value}, ensure_ascii=False))
    assert any(word in problem_of(str(file)) for word in ("none", "expected", "unknown key", "no YAML"))


# ---- which entry -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "vendor", "key"),
    [
        ("gpt-5-mini", "openai", "gpt-5-mini"),
        ("gpt-5-mini-2025-08-07", "openai", "gpt-5-mini"),
        ("gpt-5-mini-2025-08-07", "azure", "gpt-5-mini"),
        ("gpt-5", "openai", "openai/gpt-5"),
        ("openai/gpt-5-mini", "openrouter", "gpt-5-mini"),
        ("openrouter/openai/gpt-5", "litellm", "openai/gpt-5"),
        ("claude-haiku-4-5-20251001", "anthropic", "anthropic/claude-haiku-4.5"),
        ("claude-haiku-4-5@20251001", "vertex", "anthropic/claude-haiku-4.5"),
        ("claude-haiku-4-5-latest", "", "anthropic/claude-haiku-4.5"),
        ("gpt-5-nano", "openai", "gpt-5*"),
        ("gpt-5-codex-max", "openai", "gpt-5-codex*"),
        ("openai/gpt-5.4", "openrouter", "gpt-5*"),
        ("what", "openai", None),
        ("both", "", None),
        ("a[b]c", "", "a[b]*"),
        ("", "", None),
        ("x" * 300, "", None),
        ("/" * 200, "v", None),
    ],
)
def test_model_is_found(model: str, vendor: str, key: str | None) -> None:
    keys = ["gpt-5-mini", "openai/gpt-5", "gpt-5*", "gpt-5-codex*", "anthropic/claude-haiku-4.5", "x/both", "y/both"]
    found = price_in(dict.fromkeys([*keys, "a[b]*", "x*y?"], CHEAP), model, vendor)
    assert (found and found[0]) == key


def test_free_variant_is_not_priced_like_the_other() -> None:
    assert price_in({"a/m": DEAR}, "a/m:free") is None


def test_name_itself_goes_before_everything() -> None:
    table = {"v/m": CHEAP, "m*": CHEAP, "m-2025-01-01": DEAR, "m": CHEAP}
    assert price_in(table, "m-2025-01-01", "v") == ("m-2025-01-01", DEAR)


def test_profile_goes_before_the_price_file(tmp_path: Path) -> None:
    file = written(tmp_path, "prices: {m: {input: 7, output: 7}, n: {input: 7, output: 7}}")
    profile = Profile(name="p", vendor="v", dialect="openai-chat", prices={"m*": CHEAP}, price_file=file)
    assert price_of(profile, "m") == (CHEAP, "profile p, m*")
    assert price_of(profile, "n") == (ODD, "prices.yaml, n")
    assert price_of(profile, "o") is None


def test_profile_without_prices_has_none() -> None:
    assert price_of(Profile(name="p", vendor="v", dialect="openai-chat"), "m") is None


@given(st.dictionaries(st.text("ab/*[]?.-", min_size=1, max_size=6), st.just(CHEAP)), st.text("ab/*[]?.-", max_size=8))
def test_any_name_may_be_looked_for(table: dict[str, Prices], model: str) -> None:
    found = price_in(table, model, "a")
    assert found is None or found[0] in table


# ---- writing ---------------------------------------------------------------------------------------------------------


def test_listing_becomes_a_price_file_that_can_be_read(tmp_path: Path) -> None:
    free = Model(id="b/fr\u00e9e", profile="p", price_input=0.0, price_output=0.0)
    tools = Model(id="0", profile="p", price_input=1.0, price_output=2.0, prices={"tools": {"web search": 0.01}})
    file = tmp_path / "out.yaml"
    assert write_price_file([free, SONNET, tools], str(file), "openrouter", "2026-11-21") == 3
    assert file.read_text().startswith("# What openrouter told on 2026-11-21, in US dollars for a million tokens")
    assert read_price_file(str(file)) == {
        "0": Prices(input=1, output=2, tools={"web search": 0.01}),
        "a/sonnet": Prices(input=3, output=15, cache_read=0.3),
        "b/fr\u00e9e": Prices(input=0, output=0),
    }


def test_names_are_sorted() -> None:
    raw = encode_prices([msgspec.structs.replace(SONNET, id=name) for name in "cab"], "p", "today")
    assert [line.split(b":")[0] for line in raw.splitlines()[2:]] == [b'  "a"', b'  "b"', b'  "c"']


def test_source_stays_in_its_line() -> None:
    assert encode_prices([SONNET], "p\nprices: {}\n#", "today").splitlines()[1] == b"prices:"


def test_model_without_a_price_is_left_out() -> None:
    silent, odd = Model(id="m", profile="p"), msgspec.structs.replace(SONNET, id="a\x7f*")
    assert encode_prices([silent, odd], "p", "today") == b""


def test_where_no_price_is_told_nothing_is_written(tmp_path: Path) -> None:
    file = tmp_path / "out.yaml"
    assert write_price_file([Model(id="m", profile="p")], str(file), "p", "today") == 0
    assert not file.exists()


def test_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "out.yaml").mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        write_price_file([SONNET], str(tmp_path / "out.yaml"), "p", "today")
    assert [file.name for file in tmp_path.iterdir()] == ["out.yaml"]


def test_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_price_file([SONNET], str(tmp_path / "nowhere" / "out.yaml"), "p", "today")


def test_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_price_file([SONNET], str(tmp_path / "link"), "p", "today")
    assert (tmp_path / "link").is_symlink()
    assert stat.S_ISREG((tmp_path / "real").stat().st_mode)


@given(st.lists(st.text(max_size=5), max_size=4), st.floats(0, 1e8))
def test_whatever_a_listing_says_the_file_can_be_read(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], price: float
) -> None:
    file = tmp_path_factory.getbasetemp() / "listed.yaml"
    models = [msgspec.structs.replace(SONNET, id=name, price_input=price) for name in names if name]
    number = write_price_file(models, str(file), "p", "today")
    assert number == (len(read_price_file(str(file))) if number else 0)
