"""curl command lines: as browsers, vendors' documentation and shell scripts have them; and the script that we write."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dragoman.schemas.captures import Captured, Item, Received, Sent, Skipped, Unreadable
from dragoman.schemas.captures.curl import Reader
from dragoman.schemas.captures.curloptions import FLAGS, LETTERS, VALUES
from dragoman.schemas.captures.sniffing import sniff
from dragoman.schemas.errors import InvalidInput
from tests.schemas.captures.samples import EXCHANGES, comparable, read, read_in_pieces, written

CHAT = "https://api.openai.com/v1/chat/completions"
BODY = '{"model":"m","messages":[{"role":"user","content":"Hi"}]}'
BROWSER = r"""
curl 'https://chat.example/v1/chat/completions' \
  -H 'accept: */*' \
  -H 'accept-language: de;q=0.9' \
  -H 'authorization: Bearer sk-secret-secret' \
  -H 'content-type: application/json' \
  -b 'session=secret; other=1' \
  -H 'sec-ch-ua: "Chromium";v="152"' \
  --data-raw $'{"model":"m","messages":[{"role":"user","content":"It\'s\u0021 \\"ä\\"\\n"}]}' ;
curl 'https://chat.example/v1/models' -H 'accept: */*'
""".lstrip()
BODY_OF_BROWSER = '{"model":"m","messages":[{"role":"user","content":"It\'s! \\"ä\\"\\n"}]}'.encode()
DOCUMENTATION = r"""#!/bin/bash
set -euo pipefail
export MODEL=gemini-x ANTHROPIC_API_KEY="sk-ant-secret"
# the first
curl https://api.anthropic.com/v1/messages \
    --header "x-api-key: $ANTHROPIC_API_KEY" --header "anthropic-version: 2023-06-01" \
    --data \
'{
    "model": "claude-x",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "Hi"}]
}' | jq -r '.content[0].text'

response=$(curl https://hidden.example)
echo "$response" > out.json

$ curl "https://generativelanguage.googleapis.com/v1beta/models/$MODEL:streamGenerateContent?alt=sse&key=$GEMINI_KEY" \
  -H 'Content-Type: application/json' -X POST --no-buffer -d @- <<EOF 2> /dev/null
{"contents": [{"parts": [{"text": "I am $MODEL"}]}]}
EOF
user@host:~/dir$ curl localhost:11434/api/chat -d '{"model": "m", "messages": []}' && wget https://x
http POST https://x
"""
SIGNS = st.text("curl -dHX'\"\\$`\n #;&|<>(){}=@x:^0\x00ä", max_size=60)


def sent_by(script: str | bytes) -> Sent:
    (item,) = items_of(script)
    assert isinstance(item, Captured), item
    assert item.request is not None
    return item.request


def items_of(script: str | bytes) -> list[Item]:
    reader = Reader()
    return [*reader.feed(script if isinstance(script, bytes) else script.encode()), *reader.close()]


def problem_of(script: str) -> Unreadable:
    (item,) = items_of(script)
    assert isinstance(item, Unreadable), item
    return item


def test_what_a_browser_copies_is_read() -> None:
    found, models = read(BROWSER.encode())
    assert isinstance(found, Captured)
    assert found.request is not None
    assert found.request.body == BODY_OF_BROWSER
    assert dict(found.request.headers)["sec-ch-ua"] == '"Chromium";v="152"'
    assert "secret" not in repr(found)
    assert (found.dialect, found.line) == ("openai-chat", 1)
    assert models == Skipped("a list of models", "GET https://chat.example/v1/models", 9)


def test_documentation_and_scripts_are_read() -> None:
    items = read(DOCUMENTATION.encode())
    found = [item for item in items if isinstance(item, Captured)]
    assert [(item.dialect, item.model, item.line) for item in found] == [
        ("anthropic", None, 5),
        ("gemini", "gemini-x", 17),
        ("ollama", None, 21),
    ]
    assert [item.request.url for item in found[1:] if item.request] == [
        "https://generativelanguage.googleapis.com/v1beta/models/gemini-x:streamGenerateContent?alt=sse",
        "http://localhost:11434/api/chat",
    ]
    assert found[1].request is not None
    assert found[1].request.body == b'{"contents": [{"parts": [{"text": "I am gemini-x"}]}]}'
    assert [item for item in items if isinstance(item, Skipped)] == [
        Skipped("a command in $(…)", "response", 14),
        Skipped("a command other than curl", "wget", 21),
        Skipped("a command other than curl", "http", 22),
    ]
    assert len(items) == 6


def test_a_line_for_windows_is_read() -> None:
    script = (
        f'curl ^"{CHAT}^" ^\r\n  -H ^"Content-Type: application/json^" ^\r\n  --data-raw ^"^{{^\\^"a^\\^":1^}}^"\r\n'
    )
    assert sent_by(script) == Sent(url=CHAT, headers=(("Content-Type", "application/json"),), body=b'{"a":1}')


def test_lines_that_end_as_on_windows_are_lines() -> None:
    assert sent_by("\ufeffcurl x \\\r\n  -d 'a\r\nb'\r\n").body == b"a\nb"


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_file_may_be_cut_anywhere(size: int) -> None:
    for raw in (BROWSER.encode(), DOCUMENTATION.encode(), written("curl")):
        assert read_in_pieces(raw, size) == read(raw)


@given(SIGNS, st.integers(1, 5))
def test_any_script_is_read_wherever_it_is_cut(script: str, size: int) -> None:
    raw = f"curl {script}".encode()
    assert read_in_pieces(raw, size, "curl") == read(raw, "curl")


@given(st.binary(max_size=100))
def test_any_bytes_are_read(raw: bytes) -> None:
    items_of(raw)
    items_of(b"curl x -d " + raw)


@given(st.integers(0, len(DOCUMENTATION)), st.integers(0, 20), SIGNS)
def test_a_script_that_is_damaged_is_read(at: int, size: int, put_in: str) -> None:
    read((DOCUMENTATION[:at] + put_in + DOCUMENTATION[at + size :]).encode(), "curl")


# ---- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "path", "problem"),
    [
        ("-d @body.json", "-d", "a file that a document names is not opened: put the body into the line"),
        ("--data-binary @/etc/passwd", "--data-binary", "is not opened"),
        ("--json @x", "--json", "is not opened"),
        ("--data-urlencode a@x", "--data-urlencode", "is not opened"),
        ("-H @headers", "-H", "put the header into the line"),
        ("-T file", "-T", "is not opened"),
        ("-K file", "-K", "put its options into the line"),
        ("-F a=b", "-F", "a form in parts"),
        ("--form-string a=b", "--form-string", "a form in parts"),
        ("--variable a=b", "--variable", "curl's own variables"),
        ("--expand-data {{a}}", "--expand-data", "no option of curl"),
        ("-d @-", "-d", "nothing here says what standard input is"),
        ("-d @- < body.json", "-d", "the contents of a file is never run or read here"),
        ('-d "$(cat x)"', "-d", "$(…) is never run or read here: put what it stands for into the line"),
        ('-d "`cat x`"', "-d", "`…` is never run"),
        ('-H "X-Id: $(uuidgen)"', "-H", "$(…) is never run"),
        ('-H "$(cat header)"', "-H", "$(…) is never run"),
        ('"$(url)"', "--url", "$(…) is never run"),
        ("--no-such-thing", "--no-such-thing", "no option of curl"),
        ("--silent=yes", "--silent", "no option of curl"),
        ("-sEé?", "", ""),
        ("-sé", "-é", "no option of curl"),
        ("-s$(x)", "-", "no option of curl"),
        ("-", "-", "no option of curl"),
        ("-d", "-d", "the last word, where its value is missing"),
        ("--json", "--json", "the last word, where its value is missing"),
        ("--next -d x", "curl", "without an address"),
        ("x " * 100, "curl", "more than 100 addresses"),
    ],
)
def test_what_cannot_be_known_is_refused_by_name(options: str, path: str, problem: str) -> None:
    if not path:
        assert sent_by(f"curl {CHAT} {options}")
        return
    found = problem_of(f"\ncurl {CHAT} {options}")
    assert problem in found.problem
    assert (found.path, found.line) == (path, 2)


def test_a_command_without_an_address_is_refused() -> None:
    assert problem_of("curl -sS") == Unreadable("without an address", "curl", 1)


@pytest.mark.parametrize("note", ['exchange "a', 'exchange "\\q"', "exchange a", 'exchange "a" b'])
def test_a_comment_that_is_not_ours_is_no_id(note: str) -> None:
    (found,) = items_of(f"# {note}\ncurl x -d y")
    assert isinstance(found, Captured)
    assert (found.id, found.dialect) == ("", "")


def test_one_bad_command_leaves_the_others() -> None:
    items = items_of(f"curl {CHAT} -d @x\ncurl {CHAT} -d y\ncurl --what\ncurl {CHAT} -d 'z")
    assert [type(item) for item in items] == [Unreadable, Captured, Unreadable, Unreadable]
    assert [getattr(item, "line", 0) for item in items] == [1, 2, 3, 4]


def test_a_blank_behind_the_backslash_is_told() -> None:
    first, found = items_of(f"curl {CHAT} \\ \n  -d x")
    assert isinstance(first, Unreadable)
    assert isinstance(found, Unreadable)
    assert "is there a blank behind the \\" in first.problem
    assert "does the one before it end with \\ and a blank?" in found.problem


@pytest.mark.parametrize("header", ["Authorization: Bearer $(get-token)", "x-api-key: `cat key`", "Cookie: $(x)"])
def test_a_credential_may_come_from_a_command(header: str) -> None:
    assert sent_by(f'curl {CHAT} -d x -H "{header}" -u "$(id):x" -b "$(c)" -o "$(date).json"').headers == (
        ("content-type", "application/x-www-form-urlencoded"),
    )


def test_a_body_that_names_a_key_keeps_the_name() -> None:
    script = f"""curl {CHAT} -H "Authorization: Bearer $OPENAI_API_KEY" -d '{BODY.replace("Hi", "$OPENAI_API_KEY")}'"""
    (found,) = read(script.encode())
    assert isinstance(found, Captured)
    assert found.request is not None
    assert b"$OPENAI_API_KEY" in found.request.body


def test_a_value_in_an_unknown_option_is_not_shown() -> None:
    for script in ("curl x --apikey=sk-secret", "curl x -\u00e9sk-secret", "-usk-secret", "--user=sk-secret"):
        assert "sk-secret" not in repr(items_of(script))


def test_values_may_be_joined_to_long_options() -> None:
    assert sent_by("curl --url=x --data=y").body == b"y"


def test_every_option_is_known_once() -> None:
    assert not VALUES & FLAGS
    assert set(LETTERS.values()) <= VALUES | FLAGS


def test_values_of_options_are_no_addresses() -> None:
    words = " ".join(f"--{name} value" for name in sorted(VALUES - {"url", "url-query", "config", "upload-file"}))
    words = re.sub(r"--(form|form-string|variable|data\S*|json) value", "", words)
    assert sent_by(f"curl {words} {CHAT}").url == CHAT


# ---- finding ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        "curl https://x",
        "$ curl https://x",
        "# a comment\n\n  curl https://x",
        "#!/bin/sh\nset -e\nA='x y'\nexport B=c\ncurl https://x",
        "#!/usr/bin/env bash\nif true; then\n  curl https://x\nfi",
        "#!/bin/bash\nanswer=$(curl https://x)",
        'curl ^"https://x^" ^',
        "C:\\Users\\me>curl.exe https://x",
        "/usr/bin/curl https://x",
        "echo '{}' | curl -d @- https://x",
    ],
)
def test_a_script_is_found(script: str) -> None:
    assert sniff(script.encode()) == "curl"


@pytest.mark.parametrize(
    "script",
    [
        'fetch("https://x/v1/chat/completions", {\n  "headers": {',
        'await fetch("https://x", {',
        "$session = New-Object Microsoft.PowerShell.Commands.WebRequestSession\n$session.UserAgent = ",
        'Invoke-WebRequest -UseBasicParsing -Uri "https://x" `\n-Method "POST"',
    ],
)
def test_other_scripts_are_refused_with_a_way_out(script: str) -> None:
    with pytest.raises(InvalidInput, match="copy it as a curl line"):
        sniff(script.encode())


@pytest.mark.parametrize(
    "script", ["# x\n" + " " * 5000 + "y", "# x\n" + "\n" * 5000 + "y", "#!/bin/sh\n" + "a;\n" * 9000]
)
def test_what_is_no_script_is_found_out_soon(script: str) -> None:
    assert sniff(script.encode()) == "bodies"


# ---- writing ---------------------------------------------------------------------------------------------------------


def test_exchanges_come_back_as_they_were() -> None:
    found = [replace(item, line=0) for item in read(written("curl")) if isinstance(item, Captured)]
    told = [replace(one, response=None, started="", elapsed=None, fault="") for one in EXCHANGES]
    assert [comparable(item) for item in found] == [comparable(one) for one in told]


def test_a_script_of_nothing_is_a_script() -> None:
    assert written("curl", ()).startswith(b"#!/bin/sh\n")


@given(st.text(), st.binary(min_size=1))
def test_any_id_and_body_come_back(name: str, body: bytes) -> None:
    script = written("curl", (Captured(id=name, dialect="openai-chat", request=Sent(url=CHAT, body=body)),))
    (found,) = items_of(script)
    assert isinstance(found, Captured)
    assert found.request is not None
    assert (found.id, found.request.body, found.request.url) == (name, body, CHAT)


@pytest.mark.parametrize(
    ("dialect", "url"),
    [
        ("openai-chat", CHAT),
        ("openai-responses", "https://api.openai.com/v1/responses"),
        ("anthropic", "https://api.anthropic.com/v1/messages"),
        ("ollama", "http://localhost:11434/api/chat"),
    ],
)
def test_what_has_no_address_goes_to_its_vendor(dialect: str, url: str) -> None:
    script = written("curl", (Captured(dialect=dialect, request=Sent(body=b"{}")),))
    assert sent_by(script).url == url
    assert ("content-type", "application/json") in sent_by(script).headers


@pytest.mark.parametrize(
    ("streams", "operation"), [(True, "streamGenerateContent?alt=sse"), (False, "generateContent")]
)
def test_the_address_of_gemini_names_the_model(streams: bool, operation: str) -> None:
    asked = Captured(dialect="gemini", model="models/a b", streams=streams, request=Sent(body=b"{}"))
    url = f"https://generativelanguage.googleapis.com/v1beta/models/a%20b:{operation}"
    assert sent_by(written("curl", (asked,))).url == url


@pytest.mark.parametrize(
    ("captured", "reason"),
    [
        (Captured(response=Received(body=b"{}")), "it has no request"),
        (Captured(dialect="gemini", request=Sent(body=b"{}")), "names no model"),
        (Captured(dialect="openai-chat", request=Sent(url="file:///etc/passwd")), "its address is none"),
        (Captured(request=Sent(url="/v1/chat/completions")), "its address is none"),
        (Captured(request=Sent(url=CHAT, method="GET\n/")), "its method is none"),
    ],
)
def test_what_no_curl_sends_is_said(captured: Captured, reason: str) -> None:
    script = written("curl", (captured,))
    assert reason in script.decode()
    assert items_of(script) == []


def test_headers_that_would_begin_others_are_left_out() -> None:
    headers = (("a", "b\r\nc: d"), ("@file", "x"), ("host", "x"), (":path", "/"), ("Accept", "x"), ("empty", ""))
    script = written("curl", (Captured(dialect="ollama", request=Sent(url=CHAT, headers=headers, body=b"{}")),))
    assert sent_by(script).headers == (("Accept", "x"), ("empty", ""), ("content-type", "application/json"))


def test_signs_that_curl_expands_stay_signs() -> None:
    sent = Sent(url="https://x/[a]{b}?q=a b\n", method="GET")
    script = written("curl", (Captured(request=sent),))
    assert b"curl -sS -g 'https://x" in script
    assert (sent_by(script).url, sent_by(script).method) == ("https://x/[a]{b}?q=a%20b%0A", "GET")


def test_a_path_alone_is_one_at_the_vendor() -> None:
    script = written("curl", (Captured(dialect="anthropic", request=Sent(url="/v1/messages?beta=true", body=b"{}")),))
    assert b"$ANTHROPIC_API_KEY" in script
    assert sent_by(script).url == "https://api.anthropic.com/v1/messages?beta=true"


def test_an_address_without_a_host_is_a_path() -> None:
    """Documentation says `curl '/v1/chat/completions'` where anybody has a host of their own."""
    assert sent_by(f"curl '/v1/chat/completions' -d '{BODY}'").url == "/v1/chat/completions"
