"""Replies that are no success → errors."""

from __future__ import annotations

import gzip
import json
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.providers.replies.failures import rejection
from dragoman.schemas.errors import ProtocolFault, Rejected
from dragoman.schemas.ir import JSON

TODAY = 1_790_000_000.0
DIALECTS = ("openai-chat", "openai-responses", "anthropic", "gemini", "ollama")
PAGE = b"""<!DOCTYPE html>
<html><head><style>body { color: red }</style><title>502 Bad
 Gateway &amp; more</title></head><body><h1>Bad</h1><script>alert("<p>")</script></body></html>"""

# What one error is in each dialect: a key that is wrong.
BODIES: dict[str, JSON] = {
    "openai-chat": {"error": {"message": "Wrong key", "type": "invalid_request_error", "param": None, "code": "bad"}},
    "openai-responses": {"error": {"message": "Wrong key", "type": "invalid_request_error", "code": "bad"}},
    "anthropic": {"type": "error", "error": {"type": "authentication_error", "message": "Wrong key"}},
    "gemini": {"error": {"code": 401, "message": "Wrong key", "status": "UNAUTHENTICATED"}},
    "ollama": {"error": "Wrong key"},
}


def reject(
    status: int, body: JSON = None, *, headers: dict[str, str] | None = None, dialect: str = "openai-chat"
) -> Rejected:
    raw = body.encode() if isinstance(body, str) else b"" if body is None else json.dumps(body).encode()
    return reject_raw(status, raw, headers=headers, dialect=dialect)


def reject_raw(
    status: int, raw: bytes, *, headers: dict[str, str] | None = None, dialect: str = "openai-chat"
) -> Rejected:
    error = rejection(dialect, status, headers or {}, raw, TODAY)
    assert isinstance(error, Rejected)
    return error


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_providers_own_words_are_told(dialect: str) -> None:
    error = reject(401, BODIES[dialect], headers={"request-id": "req_1"}, dialect=dialect)
    assert str(error) == "401 Wrong key (request id req_1)"
    assert (error.kind, error.error.status, error.request_id) == ("authentication", 401, "req_1")


def test_code_and_param_are_kept() -> None:
    body: JSON = {"error": {"message": "No", "type": "t", "param": "max_tokens", "code": "too_big"}}
    error = reject(400, body).error
    assert (error.native, error.param, error.code, error.kind) == ("t", "max_tokens", "too_big", "invalid_request")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request"),
        (401, "authentication"),
        (402, "billing"),
        (403, "permission"),
        (404, "not_found"),
        (409, "conflict"),
        (413, "too_large"),
        (422, "invalid_request"),
        (429, "rate_limit"),
        (500, "server"),
        (502, "server"),
        (503, "overloaded"),
        (504, "timeout"),
        (529, "overloaded"),
    ],
)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_status_says_of_which_kind_it_is(dialect: str, status: int, kind: str) -> None:
    assert reject(status, {"error": {"message": "No"}}, dialect=dialect).kind == kind


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("status", "phrase"),
    [(429, "Too Many Requests"), (529, "Overloaded"), (599, "no reason given"), (503, "Service Unavailable")],
)
@pytest.mark.parametrize("body", [b"", b"  \n", b"{}", b"[]", b"null", b'{"error": {}}'])
def test_a_body_that_says_nothing_leaves_the_words_of_the_status(
    dialect: str, status: int, phrase: str, body: bytes
) -> None:
    assert str(reject_raw(status, body, dialect=dialect)) == f"{status} {phrase}"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_page_is_told_by_its_title(dialect: str) -> None:
    error = reject_raw(502, PAGE, headers={"content-type": "text/html"}, dialect=dialect)
    assert error.error.message == "502 Bad Gateway & more"


def test_a_page_without_title_is_told_by_its_text() -> None:
    page = b"<html><style>p {}</style><body><h1>Blocked</h1> by &lt;policy&gt;<script>evil()</script></body></html>"
    assert reject_raw(403, page).error.message == "Blocked by <policy>"


def test_plain_text_is_told_in_one_short_line() -> None:
    assert (
        reject(503, "upstream connect error\n  or disconnect").error.message == "upstream connect error or disconnect"
    )
    assert len(reject(503, "word " * 5000).error.message) == 300


def test_text_cannot_move_the_cursor() -> None:
    assert reject(500, "a\x1b[2Jb\x07").error.message == "a [2Jb"


@pytest.mark.parametrize(
    ("charset", "codec"),
    [("utf-8", "utf-8"), ("ISO-8859-1", "latin-1"), ('"windows-1252"', "cp1252"), ("utf-16", "utf-16"), ("gbk", "gbk")],
)
def test_text_is_read_in_its_charset(charset: str, codec: str) -> None:
    headers = {"content-type": f"text/plain; charset={charset}"}
    assert reject_raw(500, "Café".encode(codec), headers=headers).error.message == "Café"


@pytest.mark.parametrize("charset", ["none-such", "utf-99", "hex", "unicode_escape", "idna", "zlib", ""])
def test_a_charset_that_there_is_not_is_utf8(charset: str) -> None:
    headers = {"content-type": f"text/plain; charset={charset}"}
    assert reject_raw(500, "Café \\q".encode(), headers=headers).error.message == "Café \\q"


def test_bytes_in_the_wrong_charset_are_still_told() -> None:
    assert reject_raw(500, b"caf\xe9").error.message == "caf\ufffd"


def test_json_in_another_charset_is_json() -> None:
    raw = json.dumps({"error": {"message": "Käse"}}, ensure_ascii=False).encode("utf-16")
    headers = {"content-type": "application/json; charset=utf-16"}
    assert reject_raw(500, raw, headers=headers).error.message == "Käse"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("end", ["\n\ndata: [DONE]\n\n", "\r\n\r\n", ""])
@pytest.mark.parametrize("start", ["data: ", ": ping\n\nevent: error\ndata: ", "data: [DONE]\n\ndata:"])
def test_an_error_in_the_form_of_a_stream_is_read(dialect: str, start: str, end: str) -> None:
    raw = f"{start}{json.dumps(BODIES[dialect])}{end}".encode()
    error = reject_raw(500, raw, headers={"content-type": "text/event-stream"}, dialect=dialect)
    assert str(error) == "500 Wrong key"


@pytest.mark.parametrize("raw", [b"data: loss\n\n", b": nothing", b"data: [1]\n\n", b"event: " + b"a" * (33 << 20)])
def test_a_stream_that_tells_no_object_is_text(raw: bytes) -> None:
    told = reject_raw(500, raw).error.message
    assert told[:5] == raw[:5].decode()
    assert len(told) <= 300


@pytest.mark.parametrize("raw", [b'{"error": {"mess', b"[1, 2", b"{no json}"])
def test_json_that_is_cut_off_is_text(raw: bytes) -> None:
    assert reject_raw(500, raw).error.message == raw.decode()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_body_of_any_depth_is_an_error(dialect: str) -> None:
    limit = sys.getrecursionlimit()
    for depth in (*range(limit - 150, limit, 2), 100_000):  # what can just be read cannot always be written
        raw = b'{"error":{"message":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}}"
        assert reject_raw(500, raw, dialect=dialect).error.status == 500


@pytest.mark.parametrize(
    "raw", [b"<html>" + b"<script>" * 200_000, b"<html>" + b"<" * 1_000_000, b"<html><title" * 90_000]
)
def test_a_hostile_page_takes_no_time(raw: bytes) -> None:
    start = time.perf_counter()
    assert len(reject_raw(500, raw).error.message) <= 300
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, {"error": {"message": "You exceeded", "type": "insufficient_quota", "code": "insufficient_quota"}}),
        (400, {"error": {"message": "Hard limit", "code": "billing_hard_limit_reached"}}),
        (400, {"type": "error", "error": {"message": "Your credit balance is too low to access the API."}}),
        (400, {"error": {"message": "You have reached your specified API usage limits. You will regain access"}}),
        (402, {"error": {"message": "Insufficient Balance"}}),
        (402, {"error": {"message": "This request requires more credits"}}),
        (403, {"code": "denied", "error": "Your team has either used all available credits or reached its monthly …"}),
        (403, {"error": {"message": "Key limit exceeded (total limit)"}}),
        (429, {"error": {"message": "Rate limit exceeded: free-models-per-day. Add 10 credits"}}),
        (429, {"error": {"type": "exceeded_current_quota_error", "message": "suspended"}}),
    ],
)
@pytest.mark.parametrize("dialect", ["openai-chat", "anthropic"])
def test_an_account_that_is_spent_is_told_from_a_rate(dialect: str, status: int, body: JSON) -> None:
    assert reject(status, body, dialect=dialect).kind == "billing"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (
            429,
            {"error": {"message": "Rate limit reached for gpt-x on requests per min", "code": "rate_limit_exceeded"}},
        ),
        (
            429,
            {"error": {"message": "exceeded token rate limit of your current OpenAI S0 pricing tier", "code": "429"}},
        ),
        (429, {"error": {"message": "Rate limit exceeded: free-models-per-min"}}),
        (429, "slow down"),
        (400, {"error": {"message": "messages.0: unknown field 'billing'"}}),
        (500, {"error": {"message": "insufficient balance of the load"}}),
    ],
)
def test_a_rate_is_no_spent_account(status: int, body: JSON) -> None:
    assert reject(status, body).kind != "billing"


def quota(*ids: str, delay: str | None = None) -> JSON:
    violations: list[JSON] = [{"quotaId": name} for name in ids]
    details: list[JSON] = [{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": violations}]
    if delay:
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay})
    return {"error": {"code": 429, "message": "You exceeded", "status": "RESOURCE_EXHAUSTED", "details": details}}


@pytest.mark.parametrize("dialect", ["gemini", "openai-chat"])
def test_geminis_quota_of_the_day_is_spent_and_that_of_the_minute_is_a_rate(dialect: str) -> None:
    day = reject(429, quota("RequestsPerMinute-FreeTier", "GenerateRequestsPerDayPerProject"), dialect=dialect)
    minute = reject(429, [quota("GenerateRequestsPerMinutePerProject")], dialect=dialect)
    assert (day.kind, minute.kind) == ("billing", "rate_limit")


def test_a_limit_of_nothing_is_a_plan_without_this_model() -> None:
    headers = {"x-ratelimit-limit-req-minute": "0"}
    assert reject(429, {"message": "Rate limit exceeded"}, headers=headers).kind == "billing"


def test_gemini_says_in_the_body_how_long_to_wait() -> None:
    assert reject(429, quota("PerMinute", delay="34.074824224s"), dialect="gemini").retry_after == 34.074824224


def test_the_header_is_believed_before_the_body() -> None:
    body = quota("PerMinute", delay="34s")
    assert reject(429, body, headers={"retry-after": "7"}, dialect="gemini").retry_after == 7


@pytest.mark.parametrize("details", [None, "x", [1, {"retryDelay": 5}, {"violations": [7]}], {"a": 1}])
def test_odd_details_are_passed_over(details: JSON) -> None:
    error = reject(429, {"error": {"message": "No", "details": details}}, dialect="gemini")
    assert (error.kind, error.retry_after) == ("rate_limit", None)


def test_openrouter_tells_headers_and_the_provider_behind_it_in_the_body() -> None:
    metadata: JSON = {
        "headers": {"X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1790000030500"},
        "raw": "upstream is busy",
        "provider_name": "Acme",
    }
    error = reject(429, {"error": {"message": "Provider returned error", "code": 429, "metadata": metadata}})
    assert (error.retry_after, error.limits["limit_requests"]) == (30.5, "20")
    assert str(error) == "429 Provider returned error: Acme: upstream is busy"


def test_limits_are_told() -> None:
    headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1s", "retry-after": "3"}
    error = reject(429, {"error": {"message": "No"}}, headers=headers)
    assert error.limits == {"remaining_requests": "0", "reset_requests": "1"}
    assert error.retry_after == 3


def test_the_request_id_may_be_in_the_body() -> None:
    body: JSON = {"type": "error", "error": {"type": "api_error", "message": "No"}, "request_id": "req_7"}
    assert reject(500, body, dialect="anthropic").request_id == "req_7"


def test_a_model_that_there_is_not_is_named() -> None:
    error = reject(404, {"error": 'model "llama9" not found, try pulling it first'}, dialect="ollama")
    assert (error.kind, "llama9" in str(error), error.hint) == ("not_found", True, "")


@pytest.mark.parametrize(("status", "body"), [(404, b"404 page not found"), (404, b""), (405, PAGE)])
def test_a_path_that_there_is_not_points_to_the_base_url(status: int, body: bytes) -> None:
    assert "base_url" in reject_raw(status, body).hint


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("https://login.example.com/sso?key=secret", "301: the provider redirects to https://login.example.com,"),
        ("//other.example/x", "301: the provider redirects to other.example,"),
        ("/v2/elsewhere", "301: the provider redirects, and"),
        ("https://[half", "301: the provider redirects, and"),
        ("", "301: the provider redirects, and"),
    ],
)
def test_a_redirect_is_no_answer_and_its_host_is_named(location: str, told: str) -> None:
    error = rejection("openai-chat", 301, {"location": location}, b"", TODAY)
    assert isinstance(error, ProtocolFault)
    assert str(error).startswith(told)
    assert "secret" not in str(error)
    assert "base_url" in error.hint


@given(st.binary(max_size=300), st.sampled_from(DIALECTS), st.integers(300, 599), st.text(max_size=40))
def test_law_any_reply_is_an_error(raw: bytes, dialect: str, status: int, told: str) -> None:
    error = rejection(dialect, status, {"content-type": told, "retry-after": told, "location": told}, raw, TODAY)
    assert isinstance(error, Rejected if status >= 400 else ProtocolFault)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["error", "message", "details", "metadata", "headers", "raw", "violations", "request_id", "code"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    ),
    st.sampled_from(DIALECTS),
    st.sampled_from([400, 404, 429, 500]),
)
def test_law_any_json_is_an_error_with_a_message(wire: JSON, dialect: str, status: int) -> None:
    assert reject(status, wire, dialect=dialect).error.message


def test_bytes_that_are_no_text_are_told_shortly() -> None:
    assert len(reject_raw(500, gzip.compress(b"x" * 5000, mtime=0)).error.message) <= 300
