"""No credential comes out of a capture, wherever it stands in it; and what is none stays."""

from __future__ import annotations

import json
from base64 import b64encode
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from dragoman.schemas.captures import Captured, Received, Sent
from dragoman.schemas.captures.credentials import carries_credential, without_credentials
from dragoman.schemas.captures.formats import Format, formats
from tests.schemas.captures.netstrings import netstring
from tests.schemas.captures.samples import read, read_in_pieces, written

KEY = "sk-Canary/4711+x=="  # with what JSON and URLs escape
PLAIN = "canary0815canary0815"
URL = "https://api.openai.com/v1/chat/completions"
ASK = '{"model":"m","messages":[{"role":"user","content":"Hi"}]}'
CARRIERS = (
    "Authorization",
    "Proxy-Authorization",
    "X-Forwarded-Authorization",
    "x-api-key",
    "api-key",
    "apikey",
    "x-goog-api-key",
    "x-amz-security-token",
    "Ocp-Apim-Subscription-Key",
    "Cf-Access-Client-Secret",
    "Helicone-Auth",
    "x-goog-iap-jwt-assertion",
    "Cookie",
    "Set-Cookie",
)
PARAMETERS = (
    *("key", "api_key", "apiKey", "api-key", "access_token", "accessToken", "sig", "Signature", "client_secret"),
    *("X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token", "X-Goog-Signature", "AWSAccessKeyId"),
    *("amp;key", "api%5Fkey", "x[token]"),
)
HARMLESS = (
    *("openai-organization", "OpenAI-Project", "max_tokens", "x-ratelimit-remaining-tokens", "Idempotency-Key"),
    *("sec-websocket-key", "surrogate-key", "content-type", "anthropic-version", "x-request-id", "alt", "monkey"),
    *("author", "keyword", "www-authenticate", "design", "X-Amz-SignedHeaders", "tokenizer", "secretary"),
)


def cleaned(url: str = URL, *, headers: tuple[tuple[str, str], ...] = (), answer: str = "", ask: str = ASK) -> Captured:
    sent = Sent(url=url, headers=headers, body=ask.encode())
    return without_credentials(Captured(request=sent, response=Received(body=answer.encode())))


def url_of(url: str) -> str:
    request = cleaned(url).request
    assert request is not None
    return request.url


def answer_of(answer: str, *headers: tuple[str, str], url: str = URL) -> str:
    response = cleaned(url, headers=headers, answer=answer).response
    assert response is not None
    return response.body.decode()


# ---- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in (*CARRIERS, *PARAMETERS) if "%" not in name])
def test_names_of_credentials_are_known(name: str) -> None:
    assert carries_credential(name)


@pytest.mark.parametrize("name", HARMLESS)
def test_other_names_are_none(name: str) -> None:
    assert not carries_credential(name)


@settings(deadline=None, derandomize=True)
@given(st.sampled_from(CARRIERS), st.data())
def test_a_header_goes_in_whatever_case_it_is_spelled(name: str, data: st.DataObject) -> None:
    spelled = "".join(data.draw(st.sampled_from([letter.lower(), letter.upper()])) for letter in name)
    found = cleaned(headers=((spelled, PLAIN), ("x-other", "1")))
    assert found.request is not None
    assert found.request.headers == (("x-other", "1"),)


# ---- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize("where", ["?{}", "?a=1&{}", "?{}&b=2", "?a=1;{}", "?a=1?{}", "#{}", "#/x?{}&c=3"])
def test_a_parameter_goes_from_an_address(name: str, where: str) -> None:
    assert PLAIN not in url_of(URL + where.format(f"{name}={PLAIN}"))


def test_the_other_parameters_stay_as_they_are_spelled() -> None:
    assert url_of(f"{URL}?alt=sse&key={PLAIN}&x=%7E+1&y#top") == f"{URL}?alt=sse&x=%7E+1&y#top"
    assert url_of(f"{URL}?key={PLAIN}") == URL


@pytest.mark.parametrize(
    "url", ["", "/v1/messages?beta=true", f"{URL}?a=b;c=d&&e=%zz#f=1", "http://[::1", "?#", "\ud800?x"]
)
def test_an_address_without_credentials_is_left_alone(url: str) -> None:
    assert url_of(url) == url


@pytest.mark.parametrize("user", [f"me:{PLAIN}", PLAIN, f"{PLAIN}:", f"a@b:{PLAIN}", f":{PLAIN}"])
@pytest.mark.parametrize(
    "rest", ["h.example/v1/messages", "[::1", "h:99999999/x?key=" + PLAIN, "[/\ud800?api_key=" + PLAIN]
)
def test_a_user_goes_from_an_address_whether_or_not_it_is_one(user: str, rest: str) -> None:
    found = url_of(f"https://{user}@{rest}")
    assert PLAIN not in found
    assert "@" not in found


def test_addresses_in_headers_are_cleaned_too() -> None:
    found = cleaned(headers=(("Referer", f"https://u:{PLAIN}@h/x?key={PLAIN}&a=1"),))
    assert found.request is not None
    assert found.request.headers == (("Referer", "https://h/x?a=1"),)


# ---- what repeats them -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        KEY,
        json.dumps(KEY),
        KEY.replace("/", "\\/"),
        quote(KEY, safe=""),
        f"Incorrect API key provided: {KEY}.",
        f"Bearer {KEY}",
        KEY.rstrip("="),
    ],
)
@pytest.mark.parametrize("header", ["Authorization", "x-api-key"])
def test_an_answer_repeats_no_key_however_it_is_escaped(said: str, header: str) -> None:
    found = answer_of(said, (header, f"Bearer {KEY}"))
    assert "Canary" not in found
    assert "[redacted]" in found


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        (f"{URL}?key={quote(KEY, safe='')}", KEY),
        (f"https://me:{quote(KEY, safe='')}@h/v1/messages", KEY),
        (
            f"{URL}?X-Amz-Credential={PLAIN}%2F20260101%2Feu%2Fbedrock%2Faws4_request&X-Amz-Signature={'ab12' * 16}",
            PLAIN,
        ),
        (f"{URL}?X-Amz-Signature={'ab12' * 16}", "ab12" * 16),
    ],
)
def test_an_answer_repeats_nothing_of_the_address(url: str, secret: str) -> None:
    assert answer_of(f"no such key: {secret}", url=url) == "no such key: [redacted]"


def test_name_and_password_go_together_and_alone() -> None:
    encoded = b64encode(f"me:{KEY}".encode()).decode()
    header = ("Authorization", f"Basic {encoded}")
    assert answer_of(f"{encoded} {KEY} me:{KEY}", header) == "[redacted] [redacted] [redacted]"
    assert answer_of("fine", ("Authorization", "Basic =?no")) == "fine"


def test_a_signature_of_aws_goes_and_its_words_stay() -> None:
    said = (
        f"AWS4-HMAC-SHA256 Credential={PLAIN}/20260101/us-east-1/bedrock/aws4_request, SignedHeaders=host;x-amz-date, "
    )
    header = ("Authorization", f"{said}Signature={'cd34' * 16}")
    words = "Credential and SignedHeaders and Signature of AWS4-HMAC-SHA256"
    assert answer_of(f"{words}: {PLAIN} {'cd34' * 16}", header) == f"{words}: [redacted] [redacted]"


def test_a_cookie_goes_and_what_says_how_it_is_kept_stays() -> None:
    plain = "HttpOnly, SameSite=None and .openai.com are no secrets, nor is darkmode"
    kept = f"__cf_bm={PLAIN}; path=/; domain=.api.openai.com; HttpOnly; Secure; SameSite=None"
    assert answer_of(f"{plain} {PLAIN}", ("Set-Cookie", kept)) == f"{plain} [redacted]"
    assert answer_of(f"{plain} {PLAIN}", ("Cookie", f"theme=darkmode; s={PLAIN}")) == f"{plain} [redacted]"


@pytest.mark.parametrize(
    "value", ["Bearer m", "Bearer short", "Basic", "", "Bearer $OPENAI_API_KEY", "Bearer ********"]
)
def test_what_is_short_or_stands_for_a_key_is_not_taken_out_of_texts(value: str) -> None:
    text = "Bearer m short Basic $OPENAI_API_KEY ********"
    assert answer_of(text, ("Authorization", value)) == text


def test_the_whole_exchange_is_cleaned() -> None:
    sent = Sent(url=f"https://h/{PLAIN}/v1/messages", headers=(("x-api-key", PLAIN), ("x-a", f"is {PLAIN}")))
    received = Received(body=f"a {PLAIN} b".encode(), headers=(("x-b", PLAIN),), pace=((1.0, 4), (2.0, 24)))
    captured = Captured(request=sent, response=received, id=PLAIN, model=PLAIN, fault=f"refused {PLAIN}")
    found = without_credentials(captured)
    assert PLAIN not in repr(found)
    assert found.response is not None
    assert found.response.pace == ((1.0, 4), (2.0, len(b"a [redacted] b")))


def test_an_exchange_without_sides_and_one_without_secrets_stay() -> None:
    assert without_credentials(Captured()) == Captured()
    plain = Captured(request=Sent(url=URL, body=ASK.encode(), headers=(("openai-organization", "org-1"),)))
    assert without_credentials(plain) == plain


def test_half_a_letter_in_a_secret_is_no_crash() -> None:
    found = cleaned(f"{URL}?key=\ud83d2345678&x=\udc80", headers=(("x-api-key", "\ud83d/23456789"),))
    assert found.request is not None
    assert found.request.url == f"{URL}?x=\udc80"


def test_ever_so_many_cookies_take_no_time() -> None:
    cookies = "; ".join(f"c{number}={PLAIN}{number}" for number in range(20_000))
    answer = cleaned(headers=(("cookie", cookies), ("x-api-key", KEY)), answer="x" * 100_000 + KEY).response
    assert answer is not None
    assert b"Canary" not in answer.body


# ---- in every format -------------------------------------------------------------------------------------------------

HEADERS = {**dict.fromkeys(CARRIERS[:-2], PLAIN), "Authorization": f"Bearer {PLAIN}", "Cookie": f"a={PLAIN}"}
PLACE = f"https://me:{PLAIN}@api.openai.com/v1/chat/completions?key={PLAIN}&api_key={PLAIN}"
REFUSED = json.dumps({"error": {"message": f"Incorrect API key provided: {PLAIN}", "type": "invalid_request_error"}})
WIRE = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


def har() -> bytes:
    headers = [{"name": name, "value": value} for name, value in HEADERS.items()]
    entry = {
        "startedDateTime": "2026-01-01T00:00:00Z",
        "request": {
            "method": "POST",
            "url": PLACE,
            "headers": headers,
            "postData": {"text": ASK},
            "cookies": [{"name": "a", "value": PLAIN}],
            "queryString": [{"name": "key", "value": PLAIN}],
        },
        "response": {
            "status": 401,
            "headers": [["Set-Cookie", f"s={PLAIN}; HttpOnly"]],
            "content": {"text": REFUSED},
            "cookies": [{"name": "s", "value": PLAIN}],
        },
    }
    listing = {**entry, "request": {"method": "GET", "url": f"https://h/v1/models?key={PLAIN}", "headers": headers}}
    broken = {**entry, "response": {"status": 7}}
    return json.dumps({"log": {"entries": [entry, listing, broken]}}).encode()


def recording() -> bytes:
    request = {"method": "POST", "url": PLACE, "headers": HEADERS, "body": WIRE}
    response = {"status": 401, "headers": {"set-cookie": f"s={PLAIN}"}, "body": json.loads(REFUSED)}
    line = {"schema_version": 1, "type": "exchange", "id": PLAIN, "request": request, "response": response}
    failed = {**line, "response": None, "error": {"kind": "x", "message": f"refused {PLAIN}"}}
    return b"".join(json.dumps(each).encode() + b"\n" for each in (line, failed, {**line, "dialect": "none"}))


def vcr() -> bytes:
    listed = {name: [value] for name, value in HEADERS.items()}
    asked = {"method": "POST", "uri": PLACE, "body": ASK, "headers": listed}
    answered = {"status": {"code": 401}, "headers": {"Set-Cookie": [f"s={PLAIN}"]}, "body": {"string": REFUSED}}
    one = {"request": asked, "response": answered}
    other = {"request": {**asked, "uri": f"https://h/v1/models?key={PLAIN}"}, "response": {**answered, "status": 5}}
    return json.dumps(
        {"version": 1, "interactions": [one, other, {**one, "request": {"body": 5, "headers": 5}}]}
    ).encode()


def mitmproxy() -> bytes:
    headers = [[name.encode(), value.encode()] for name, value in HEADERS.items()]
    asked = {
        "headers": headers,
        "content": ASK.encode(),
        "method": b"POST",
        "scheme": b"https",
        "host": "api.openai.com",
        "port": 443,
        "path": f"/v1/chat/completions?key={PLAIN}".encode(),
        "authority": b"",
    }
    answered = {"headers": [[b"set-cookie", f"s={PLAIN}".encode()]], "content": REFUSED.encode(), "status_code": 401}
    whole = netstring({"type": "http", "id": "f", "request": asked, "response": answered})
    return whole + netstring({"type": "http", "id": "g", "request": asked, "error": {"msg": f"no answer to {PLAIN}"}})


def curl() -> bytes:
    headers = " ".join(f"-H '{name}: {value}'" for name, value in HEADERS.items())
    whole = f"curl '{PLACE}' {headers} -u 'me:{PLAIN}' -b 'a={PLAIN}' --oauth2-bearer {PLAIN} --data-raw '{ASK}'\n"
    return (
        whole + f"curl 'https://h/v1/models?key={PLAIN}'\nexport OPENAI_API_KEY={PLAIN}\ncurl -F x={PLAIN} h\n"
    ).encode()


def batch(request: dict[str, object]) -> bytes:
    return json.dumps(request).encode() + b"\n"


def helicone() -> bytes:
    entry = {"request_body": WIRE, "response_body": json.loads(REFUSED), "response_status": 401, "target_url": PLACE}
    return json.dumps({**entry, "request_path": PLACE, "request_created_at": "2026-01-01T00:00:00Z"}).encode()


def litellm() -> bytes:
    said = {"call_type": "completion", "messages": WIRE["messages"], "model": "m", "status": "failure", "id": "l"}
    more = {"api_base": PLACE, "model_parameters": {"api_key": PLAIN, "extra_headers": HEADERS, "api_base": PLACE}}
    return json.dumps({**said, **more, "metadata": {"headers": HEADERS, "user_api_key": PLAIN}}).encode()


def langfuse() -> bytes:
    said = {"id": "o", "type": "GENERATION", "traceId": "t", "input": WIRE["messages"], "output": "Yo", "model": "m"}
    more = {"modelParameters": {"api_key": PLAIN, "extra_headers": HEADERS, "base_url": PLACE}}
    return json.dumps({**said, **more, "metadata": {"headers": HEADERS}}).encode()


FILES = {
    "har": har(),
    "recording": recording(),
    "vcr": vcr(),
    "mitmproxy": mitmproxy(),
    "curl": curl(),
    "openai-batch": batch({"custom_id": "a", "method": "POST", "url": PLACE, "body": WIRE}),
    "helicone": helicone(),
    "litellm": litellm(),
    "langfuse": langfuse(),
}
# Formats that have no place for a header or an address.
NO_PLACE = frozenset({"bodies", "events", "anthropic-batch", "gemini-batch"})


@pytest.mark.parametrize("format", formats(), ids=lambda each: each.name)
def test_no_format_lets_a_credential_through(format: Format) -> None:  # noqa: A002
    if format.name in NO_PLACE:
        assert format.name not in FILES
        return
    raw = FILES[format.name]
    items = read(raw, format.name)
    assert PLAIN.encode() in raw
    assert any(isinstance(item, Captured) for item in items), items
    assert PLAIN not in repr(items)
    assert PLAIN not in repr(read_in_pieces(raw, 7, format.name))


@pytest.mark.parametrize("format", [each for each in formats() if each.writes], ids=lambda each: each.name)
def test_what_was_read_is_written_without_a_credential(format: Format) -> None:  # noqa: A002
    exchanges = tuple(item for raw in FILES.values() for item in read(raw) if isinstance(item, Captured))
    assert len(exchanges) >= 9
    for each in exchanges:
        request_alone = replace(each, response=None)
        assert PLAIN.encode() not in written(format.name, (each, request_alone))
