"""What is shown of a value: no secret, nothing too large, and the value as it was."""

from __future__ import annotations

import copy
import hashlib
import io
import json
from base64 import b64encode
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.exchange import Call, Exchange
from dragoman.providers.secrets import Secrets
from dragoman.providers.tracing import Tracer
from dragoman.providers.tracing.payloads import MAX_DEPTH, MAX_ITEMS, MAX_TEXT, Payloads, size_of
from dragoman.schemas.ir import JSON, Message, Request, Text
from dragoman.schemas.losses import Loss

CANARY = "sk-canary/7+secret"
ECHOES = (
    CANARY,
    quote(CANARY, safe=""),
    b64encode(f"Bearer {CANARY}".encode()).decode(),
    json.dumps(json.dumps({"k": CANARY.replace("/", "\\/")})),
)
EXCHANGE = Exchange(operation="stream", profile="p", vendor="v", dialect="openai-chat", model="m")


def shown(value: object, *redact: str, secret: str = CANARY) -> Any:
    return Payloads(Secrets([secret]), redact).of(value)


# ── secrets ──────────────────────────────────────────────────────────────────────────────────────────────────────────


PLACES = st.recursive(
    st.sampled_from(ECHOES),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=2)
        | st.dictionaries(st.sampled_from(["a", "input", *ECHOES]), inner, min_size=1, max_size=2)
    ),
    max_leaves=6,
)


@given(PLACES)
def test_known_secret_is_in_no_line(value: JSON) -> None:
    out = io.BytesIO()
    trace = Tracer(out).begin(EXCHANGE, secrets=Secrets([CANARY]))
    asked = Request(messages=(Message(role="user", parts=(Text(text=str(value)),)),))
    trace.on_pass("request", "client_request", json.dumps(value).encode())
    trace.on_pass("request", "parsed", asked, [Loss(f"$.{CANARY}", "n", "meaning", "dropped", f"of {value}")])
    url = f"https://me:{CANARY}@here/v1?key={quote(CANARY)}"
    trace.on_pass("request", "provider_request", Call(url=url, headers={"X": CANARY}, body=json.dumps(value).encode()))
    trace.on_event(1, "provider_event", value)
    trace.on_failure("response", ValueError(str(value)))
    trace.close()
    assert not [echo for echo in (*ECHOES, "canary") if echo in out.getvalue().decode()]


@pytest.mark.parametrize("name", ["api_key", "apiKey", "Authorization", "x-goog-api-key", "password", "client_secret",
                                  "clientSecret", "accessToken", "cookie", "key"])  # fmt: skip
def test_secret_is_known_by_the_name_of_its_key(name: str) -> None:
    assert shown({"a": [{name: "hunter22"}]}) == {"a": [{name: "[redacted]"}]}
    assert shown({name: ["hunter22", 7]}) == {name: ["[redacted]", "[redacted]"]}
    assert shown(f'data: {{"{name}": "hunter\\"22"}}') == f'data: {{"{name}": "[redacted]"}}'


def test_what_only_looks_like_the_name_of_a_secret_is_shown() -> None:
    harmless: JSON = {
        "max_tokens": 5,
        "prompt_cache_key": "conversation-4",
        "promptTokenCount": 7,
        "logprobs": {"content": [{"token": "Hello", "logprob": -0.5}]},
        "properties": {"password": {"type": "string"}, "token": {"type": ["string", "null"]}},
        "api_key": None,
        "secret": True,
        "token": "",
    }
    assert shown(harmless) == harmless


def test_url_does_not_show_what_stands_where_secrets_do() -> None:
    call = Call(url="https://u:pw@here/v1?key=abc&a=b", headers={"Authorization": "Bearer abc", "X": "y"}, body=b"{}")
    assert shown(call) == {
        "method": "POST",
        "url": "https://[redacted]@here/v1?key=[redacted]&a=b",
        "headers": {"Authorization": "[redacted]", "X": "y"},
        "body": {},
    }
    assert shown(["https://here/x.png?sig=abc"]) == ["https://here/x.png?sig=[redacted]"]


@pytest.mark.parametrize(
    ("path", "redacted"),
    [
        ("$", "[redacted]"),
        ("user", {"user": "[redacted]", "list": [{"id": "a", "v": "one"}, {"id": "b", "v": "two"}]}),
        ("list[*].v", {"user": "me", "list": [{"id": "a", "v": "[redacted]"}, {"id": "b", "v": "[redacted]"}]}),
        ("list[-1]", {"user": "me", "list": [{"id": "a", "v": "one"}, "[redacted]"]}),
        ("list[id=b].v", {"user": "me", "list": [{"id": "a", "v": "one"}, {"id": "b", "v": "[redacted]"}]}),
        ("list[7].v", {"user": "me", "list": [{"id": "a", "v": "one"}, {"id": "b", "v": "two"}]}),
    ],
)
def test_secret_is_at_a_declared_path(path: str, redacted: JSON) -> None:
    value = {"user": "me", "list": [{"id": "a", "v": "one"}, {"id": "b", "v": "two"}]}
    assert shown(value, path) == redacted
    assert shown(json.dumps(value).encode(), path) == redacted


def test_paths_are_those_of_bodies_too() -> None:
    assert shown(Call(url="u", body=b'{"user": "someone"}'), "user")["body"] == {"user": "[redacted]"}
    answer = {"status": 200, "headers": {}, "body": {"user": "someone"}}
    assert shown(answer, "user")["body"] == {"user": "[redacted]"}


def test_what_was_found_at_a_path_is_not_shown_elsewhere_from_then_on() -> None:
    payloads = Payloads(Secrets(), ["user"])
    assert payloads.of({"user": "john.doe@example", "x": 1}) == {"user": "[redacted]", "x": 1}
    assert payloads.of({"metadata": {"user_id": "john.doe@example"}}) == {"metadata": {"user_id": "[redacted]"}}
    assert payloads.text("john.doe@example is not known") == "[redacted] is not known"


def test_secret_that_is_found_late_is_taken_out_of_texts_that_were_shown_before() -> None:
    secrets = Secrets()
    payloads, text = Payloads(secrets), CANARY + "x" * MAX_TEXT
    assert CANARY in str(payloads.of(text))
    secrets.add(CANARY)
    assert CANARY not in str(payloads.of(text))


# ── what is large ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_long_text_is_cut_with_its_length_and_hash() -> None:
    text = "ü" * (MAX_TEXT + 1)
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert shown({"a": text}) == {"a": f"{text[:1024]}… [cut: {len(text)} characters, sha256 {digest}]"}
    assert shown(text[1:]) == text[1:]


def test_long_text_is_cut_alike_wherever_it_stands() -> None:
    payloads, text = Payloads(Secrets()), "x" * 100_000
    cut = payloads.of(text)
    assert payloads.of({"a": [text, ""]}) == {"a": [cut, ""]}


def test_secret_is_taken_out_before_a_text_is_cut() -> None:
    text = "x" * 1015 + CANARY + "y" * MAX_TEXT
    clean = text.replace(CANARY, "[redacted]")
    assert shown(text).startswith(clean[:1024])
    assert hashlib.sha256(clean.encode()).hexdigest() in shown(text)


def test_long_lists_and_objects_are_cut() -> None:
    assert shown([0] * (MAX_ITEMS + 5))[MAX_ITEMS:] == [f"[cut: {MAX_ITEMS + 5} items]"]
    fields = shown({str(number): 0 for number in range(MAX_ITEMS + 5)})
    assert (len(fields), fields["[cut]"]) == (MAX_ITEMS + 1, f"{MAX_ITEMS + 5} fields")


def test_payload_as_a_whole_is_bounded() -> None:
    assert len(json.dumps(shown([[0] * 9000] * 9000))) < 1 << 20
    assert len(json.dumps(shown(["x" * 4000 + str(number) for number in range(9000)]))) < 20 << 20


def test_deep_nesting_is_cut() -> None:
    value: Any = "end"
    for _ in range(5000):
        value = [value]
    text = json.dumps(shown(value))
    assert text.count("[[") <= MAX_DEPTH + 1
    assert "[cut: nested too deeply]" in text
    assert "[cut" in json.dumps(shown(Request(messages=(), metadata={"x": value})))


# ── what values are ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_bytes_are_shown_as_what_they_can_be_said() -> None:
    assert shown(b' {"a": 1.0}') == {"a": 1.0}
    assert shown(bytearray(b'data: {"a": 1}\n\n')) == 'data: {"a": 1}\n\n'
    assert shown(b"{broken") == "{broken"
    assert shown(b"\xff\xfe") == {"base64": "//4="}
    assert shown({"status": 200, "body": b"[1]"}) == {"status": 200, "body": [1]}
    assert shown({"a": object()}) == {"a": "a object"}


def test_size_is_that_of_bytes() -> None:
    values: list[Any] = [b"abc", Call(url="", body=b"ab"), {"body": b"a"}, {"body": {}}, "abc"]
    sizes = [size_of(value) for value in values]
    assert sizes == [3, 2, 1, None, None]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("api_key"), inner),
    )
)
def test_no_value_is_changed(value: Any) -> None:
    before = copy.deepcopy(value)
    shown(value, "a[*]", "[0]")
    assert value == before


@given(st.binary() | st.binary().map(lambda raw: b"{" + raw + b"}"))
def test_no_bytes_are_too_odd_to_be_shown(raw: bytes) -> None:
    json.dumps(shown(raw))
