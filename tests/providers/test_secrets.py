"""Secrets: found however they are written and wherever they are cut, and what is none is left alone."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from html import escape
from itertools import pairwise
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.providers.auth import Key
from dragoman.providers.exchange import Call
from dragoman.providers.secrets import REDACTED, SecretFilter, Secrets, TextFilter, secrets_of
from dragoman.providers.settings import Profile

KEY = "sk-Canary/7+a_Z~9"
SECRETS = Secrets([KEY])
LAW = settings(max_examples=100, derandomize=True, database=None, deadline=None)
WAYS = {
    "plain": KEY,
    "percent": quote(KEY, safe=""),
    "percent, lower": quote(KEY, safe="").lower().replace("sk-canary", "sk-Canary").replace("a_z", "a_Z"),
    "percent, all": "".join(f"%{ord(c):02X}" for c in KEY),
    "percent, all, lower": "".join(f"%{ord(c):02x}" for c in KEY),
    "percent, twice": "".join(f"%25{ord(c):02x}" for c in KEY),
    "JSON slash": KEY.replace("/", "\\/"),
    "JSON, all": "".join(f"\\u{ord(c):04x}" for c in KEY),
    "JSON, all, upper": "".join(f"\\u{ord(c):04X}" for c in KEY),
    "JSON in JSON": "".join(f"\\\\u{ord(c):04x}" for c in KEY),
    "as a program prints bytes": "".join(f"\\x{ord(c):02x}" for c in KEY),
    "HTML, decimal": "".join(f"&#{ord(c)};" for c in KEY),
    "HTML, hex": "".join(f"&#x{ord(c):X};" for c in KEY),
    "HTML, twice": "".join(f"&amp;#{ord(c):03d};" for c in KEY),
}


@pytest.mark.parametrize("way", WAYS)
def test_key_is_found_as_it_is_written(way: str) -> None:
    assert SECRETS.redact(f'{{"error": "no {WAYS[way]} here"}}') == f'{{"error": "no {REDACTED} here"}}'


@pytest.mark.parametrize("before", ["", "u:", "Bearer ", "user:", "x"])
@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
def test_key_is_found_inside_of_longer_base64(before: str, encode: type[bytes]) -> None:
    said = bytes(encode(f"{before}{KEY}:more".encode())).decode()
    clean = SECRETS.redact(f"Basic {said}.")
    assert REDACTED in clean
    assert not any(piece in clean for piece in (said[a:b] for a, b in pairwise(range(8, len(said) - 8, 6))))


@pytest.mark.parametrize("key", ['quo"ted\\key', "amp&<key>'s", "per%41cent%", "schlüssel-ß"])
@pytest.mark.parametrize("say", [str, json.dumps, escape, quote], ids=["plain", "JSON", "HTML", "URL"])
def test_key_of_odd_characters_is_found(key: str, say: type[str]) -> None:
    said = str(say(key)).strip('"')
    assert Secrets([key]).redact(f"<{said}>") == f"<{REDACTED}>"


@pytest.mark.parametrize("levels", range(5))
@pytest.mark.parametrize("ascii_only", [False, True])
def test_odd_key_is_found_in_json_in_json(levels: int, *, ascii_only: bool) -> None:
    key = 'schlüs"sel\\-ß'
    said = key
    for _ in range(levels):
        said = json.dumps(said, ensure_ascii=ascii_only)[1:-1]
    assert Secrets([key]).redact(f"<{said}>") == f"<{REDACTED}>"


@pytest.mark.parametrize("say", [str, json.dumps, quote], ids=["plain", "JSON", "URL"])
def test_key_that_was_read_as_latin_1_is_found(say: type[str]) -> None:
    said = str(say("schlüssel-ß".encode().decode("latin-1"))).strip('"')
    assert Secrets(["schlüssel-ß"]).redact(f"<{said}>") == f"<{REDACTED}>"


def test_key_in_bytes_of_latin_1_is_found() -> None:
    assert Secrets(["schlüssel-ß"]).redact_bytes("<schlüssel-ß>".encode("latin-1")) == f"<{REDACTED}>".encode()


@pytest.mark.parametrize("at", [*range(65_526, 65_538)])
def test_key_is_found_wherever_it_is_in_a_long_text(at: int) -> None:
    text = f"{'%61' * 10}{'x' * (at - 30)}{KEY}{'y' * 70_000}"
    assert SECRETS.redact(text) == text.replace(KEY, REDACTED)


def test_json_stays_json() -> None:
    wire = json.dumps({"a": [KEY, "\\" + KEY, KEY + '"'], "b": json.dumps({"c": json.dumps(KEY)}), KEY: "\n"})
    for written in (wire, wire.replace("/", "\\/"), wire.replace("s", "\\u0073")):
        clean = SECRETS.redact(written)
        assert [said.strip("\\") for said in json.loads(clean)["a"]] == [REDACTED, REDACTED, REDACTED + '"']
        assert KEY not in str(json.loads(json.loads(clean)["b"])["c"])


def test_text_without_secrets_is_the_same_object() -> None:
    text = "100% of \\u00e4 &#8211; nothing"
    assert SECRETS.redact(text) == text
    raw = b"data: nothing\n\n"
    assert SECRETS.redact_bytes(raw) is raw


@pytest.mark.parametrize("value", ["", "short", "ollama", "not-needed", "LM-Studio", "   ab  "])
def test_what_is_no_secret_is_not_redacted(value: str) -> None:
    secrets = Secrets([value])
    assert not secrets
    assert secrets.redact(f"one {value} two") == f"one {value} two"


def test_longest_of_two_secrets_is_redacted_whole() -> None:
    secrets = Secrets(["abcdef", "abcdefghi"])
    assert secrets.redact("abcdefghi abcdef") == f"{REDACTED} {REDACTED}"


def test_secret_can_be_added_late() -> None:
    secrets = Secrets()
    secrets.add("found-late")
    assert secrets.redact("a found-late key") == f"a {REDACTED} key"


def test_repr_tells_how_many_and_no_more() -> None:
    assert repr(SECRETS) == "Secrets(1 of them)"


# -------------------------------------------------------------------------------------------------- headers, calls
def test_headers_that_carry_secrets_are_redacted_whole() -> None:
    names = ["Authorization", "X-API-Key", "api-key", "apikey", "x-goog-api-key", "Set-Cookie", "X-Amz-Security-Token"]
    assert SECRETS.redact_headers(dict.fromkeys(names, "anything")) == dict.fromkeys(names, REDACTED)


def test_other_headers_are_redacted_by_value() -> None:
    headers = {"x-ratelimit-remaining-tokens": "12", "Idempotency-Key": "one", "x-echo": f"was {KEY}"}
    assert SECRETS.redact_headers(headers) == {**headers, "x-echo": f"was {REDACTED}"}


def test_url_of_a_call_says_neither_query_nor_user() -> None:
    call = Call(url=f"https://me:pass@host/v1/{quote(KEY)}?alt=sse&key=unknown&api_key=x#a", body=KEY.encode())
    clean = SECRETS.redact_call(call)
    assert clean.url == f"https://{REDACTED}@host/v1/{REDACTED}?alt=sse&key={REDACTED}&api_key={REDACTED}#a"
    assert clean.body == REDACTED.encode()


PROFILE = Profile(
    name="p",
    vendor="v",
    dialect="openai-chat",
    base_url="https://user:pass%2Bword@host/v1?token=in-the-url&v=version-1",
    proxy="http://who:proxypass@proxy",
    headers={
        "Authorization": "Bearer header-key",
        "Cookie": "session=cookie7secret; lang=english",
        "X-Title": "harmless",
    },
    query={"sig": "query-signature", "v": "version-2"},
)


@pytest.mark.parametrize(
    "secret",
    ["main-key", "pass+word", "in-the-url", "proxypass", "header-key", "cookie7secret", "query-signature"],
)
def test_every_secret_of_a_profile_counts(secret: str) -> None:
    assert secrets_of(PROFILE, Key("main-key", "KEY")).redact(f"it is {secret}.") == f"it is {REDACTED}."


@pytest.mark.parametrize("word", ["harmless", "version-1", "version-2", "english"])
def test_what_else_a_profile_says_does_not(word: str) -> None:
    assert secrets_of(PROFILE, None).redact(word) == word


def test_password_of_a_state_is_a_secret() -> None:
    asked = Profile(
        name="p", vendor="v", dialect="openai-chat", state="redis://me:can%40ary-5ecret@h/0?password=canary-two"
    )
    secrets = secrets_of(asked, None)
    assert secrets.redact("can@ary-5ecret, can%40ary-5ecret, canary-two") == ", ".join([REDACTED] * 3)


@pytest.mark.parametrize("state", [True, False, None, "//[x/state.db"])
def test_state_without_a_server_has_no_secret(state: str | bool | None) -> None:
    assert not secrets_of(Profile(name="p", vendor="v", dialect="openai-chat", state=state), None)


def test_placeholder_that_is_sent_in_place_of_a_key_is_no_secret() -> None:
    profile = Profile(name="p", vendor="v", dialect="openai-chat", key_need="anything-goes")
    assert not secrets_of(profile, Key("anything-goes", "the catalog"))


# --------------------------------------------------------------------------------------------------------------- cuts
def fed(pieces: list[bytes], secrets: Secrets = SECRETS) -> bytes:
    filter_ = secrets.filter()
    return b"".join([*(filter_.feed(piece) for piece in pieces), filter_.close()])


def cut(raw: bytes, places: list[int]) -> list[bytes]:
    ends = [0, *sorted(place % (len(raw) + 1) for place in places), len(raw)]
    return [raw[a:b] for a, b in pairwise(ends)]


_WRITTEN = [*WAYS.values(), b64encode(b"Bearer " + KEY.encode()).decode(), KEY[:9], KEY + KEY]
_CHARACTER = ["{}", "%{0:02x}", "%25{0:02X}", "\\u{0:04x}", "\\\\u{0:04X}", "\\x{0:02x}", "&#{0};", "&amp;#x{0:x};"]
_MIXED = st.tuples(*(st.sampled_from(_CHARACTER) for _ in KEY)).map(
    lambda ways: "".join(c if way == "{}" else way.format(ord(c)) for way, c in zip(ways, KEY, strict=True))
)
_NOISE = st.text(alphabet="sk-C\\u0/%245&#amp;x \n\"'{}7", max_size=12)
_TEXT = st.lists(st.one_of(_NOISE, st.sampled_from(_WRITTEN), _MIXED), max_size=8).map("".join)
_CUTS = st.lists(st.integers(0, 2000), max_size=12)


@LAW
@given(_TEXT, _CUTS)
def test_cuts_make_no_difference(text: str, places: list[int]) -> None:
    raw = text.encode()
    assert fed(cut(raw, places)) == SECRETS.redact_bytes(raw)


@LAW
@given(_TEXT)
def test_nor_do_single_bytes(text: str) -> None:
    raw = text.encode()
    assert fed([raw[at : at + 1] for at in range(len(raw))]) == SECRETS.redact_bytes(raw)


@LAW
@given(st.lists(st.sampled_from(["abc", "ab", "bca", "c", "cab", "aaaa", " "]), max_size=15).map("".join), _CUTS)
def test_nor_where_secrets_overlap(text: str, places: list[int]) -> None:
    secrets = Secrets(["abcabc", "bcabca", "abcabcab", "aaaaaaa", "cabaabc"])
    assert fed(cut(text.encode(), places), secrets) == secrets.redact_bytes(text.encode())


@LAW
@given(_MIXED, _NOISE)
def test_key_is_found_in_any_mix_of_escapes(written: str, noise: str) -> None:
    clean = SECRETS.redact(f"\n{noise}\n{written}\n{noise}\n")
    assert written not in clean
    assert REDACTED in clean


@LAW
@given(_TEXT)
def test_no_more_waits_than_the_longest_spelling(text: str) -> None:
    filter_ = SecretFilter(SECRETS)
    filter_.feed(text.encode())
    assert len(filter_.close()) <= 24 * 2 * len(KEY)


@pytest.mark.parametrize("piece", ["data: hello\n\n", 'data: {"a": "100% \\u00e4"}\n\n', "a word ", "it is. "])
def test_what_cannot_begin_a_secret_does_not_wait(piece: str) -> None:
    assert SECRETS.filter().feed(piece.encode()) == piece.encode()


def test_only_what_may_begin_a_secret_waits() -> None:
    filter_ = SECRETS.filter()
    assert filter_.feed(b"a desk-Can") == b"a de"
    assert filter_.feed(b"dy\n") == b"sk-Candy\n"


def test_empty_pieces_do_no_harm() -> None:
    filter_ = SECRETS.filter()
    assert [filter_.feed(b""), filter_.feed(b"sk-Can"), filter_.feed(b""), filter_.close()] == [
        b"",
        b"",
        b"",
        b"sk-Can",
    ]


def test_text_filter_keeps_characters_whole() -> None:
    filter_ = TextFilter(Secrets(["schlüssel"]))
    assert filter_.feed("ein \ud83d schl") + filter_.feed("üs") == "ein \ud83d "
    assert filter_.feed("sel ü") + filter_.close() == f"{REDACTED} ü"


def test_many_keys_in_one_body_take_no_square_of_time() -> None:
    raw = (KEY.encode() + b" %") * 20_000
    assert SECRETS.redact_bytes(raw).count(REDACTED.encode()) == 20_000
