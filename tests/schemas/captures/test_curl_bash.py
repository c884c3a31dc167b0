"""Our reading of a line is what a real bash, and then a real curl, make of it; and what we write they send."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import dropwhile
from pathlib import Path
from threading import Thread
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.schemas.captures import Captured, Sent
from dragoman.schemas.captures.curl import Reader
from dragoman.schemas.captures.lines import Line
from dragoman.schemas.captures.shellvariables import Variables
from dragoman.schemas.captures.shellwords import ShellWords
from tests.schemas.captures.samples import EXCHANGES, written

BASH, CURL = shutil.which("bash"), shutil.which("curl")
pytestmark = pytest.mark.skipif(BASH is None, reason="bash is not installed")
needs_curl = pytest.mark.skipif(CURL is None, reason="curl is not installed")
# It takes nothing apart: it tells what it was given.
FAKE = """#!{python} -IS
import json, sys
asks = any(word.endswith("@-") for word in sys.argv)
said = sys.stdin.buffer.read().decode("latin-1") if asks else ""
print(json.dumps([sys.argv[1:], said]))
"""
WORDS = r"""
curl 'a b' "c d" e\ f 'g'"h"i "" ''
curl 'it'\''s' "a'b" 'a"b'
curl "\$A \` \\ \" \n \a" \n\\n
curl $'\n\t\'\\\"\x41\x4a\101\u00e4\u4f60\U0001f499\e\cA\q\?' $'a'$'b'
curl $'caf\xc3\xa9' $'\xff' $'\udc80' $'\x'
curl one \
  two\
three \
  --last
curl "over \
lines
and 'lines'" 'one
two\
three' $'four
five\
six'
curl a#b # a comment 'with a quote
A=1 B='two  words' C="$A$B"
curl $A "$B" $B ${A} "${A}x" ${A}$B "${C:-no}" ${NOT_SET:-yes} "${NOT_SET-it is}" '$A' \$A "\$A" $'$A'
EMPTY=
curl $EMPTY "$EMPTY" x$EMPTY ${EMPTY:-full}
D="d d" E=e; curl "$D" $E; curl after
curl a > /dev/null 2>&1; curl b 2>/dev/null && curl c &>/dev/null
if true; then curl yes; fi
for name in 1; do curl loop; done
{ curl braces; }
(curl brackets)
! curl not
curl https://host/path?x=1\&y=2 'https://host/{a}/[b]' a=b --x=$A
curl "a"'b'$'c'd -H"x: y"
"""
DOCUMENTS = r"""
A=1 B='two  words'
curl x --data-binary @- <<EOF
plain $A "quoted" 'single' \$A \\ \" \n
joined \
line
EOF
curl x --data-binary @- <<'EOF' -o out
raw $A \$A \\ `x` $(y)
EOF
curl x --data-binary @- <<-"END"
	tabs
	END
curl x --data-binary @- <<< "here $A"
curl x --data-binary @- <<<$A
echo 'from echo' | curl x --data-binary @-
echo -n "$B" two | curl x --data-binary @-
printf %s 'a\nb' | curl x --data-binary @-
printf %b 'a\\n\\0000\0000b' | curl x --data-binary @-
cat <<EOF | curl x --data-binary @-
a document
EOF
curl x --data-binary @- <<ONE; curl x --data-binary @- <<TWO
1
ONE
2
TWO
echo later |
  curl x --data-binary @-
"""
# URL stands for the address of the server.
REQUESTS = r"""
curl URL/1 -d a=b -d 'c d' -d ''
curl URL/2 -d '' -d x
curl URL/3 -H 'Content-Type: application/json' -H "X-Two:  padded " -H 'X-Empty;' -H 'X-Gone:' --data '{"a": 1}'
curl URL/4 --json '{"a":' --json '1}' -H 'Accept: text/plain'
curl URL/5 --json '{}' -H 'content-type: application/x-other'
curl URL/6 -d x -H 'Content-Type:'
curl -G URL/7 -d 'a=1' --data-urlencode 'b=ä & +/~._-' --data-urlencode '=c d' --data-urlencode 'e'
curl -G 'URL/8?z=0' -d a=1
curl URL/9 --data-urlencode 'na me=v w' --data-raw '@not-a-file'
curl -sSNXPUT URL/10 -dbody
curl -XDELETE URL/11
curl --request POST --url URL/12
curl -sS -o /dev/null -m 5 --retry 0 --connect-timeout 5 --http1.1 -L -k URL/13 --data-binary $'line\r\nline\n'
curl URL/14 -d @- <<'EOF'
two
lines
EOF
curl URL/15 --data-binary @- <<'EOF'
two
lines
EOF
curl URL/16 --json @- <<'EOF'
{"two":
"lines"}
EOF
curl URL/17 --data-urlencode x@- <<'EOF'
a b
EOF
curl -I URL/18
curl -d one URL/19 --next -d two URL/20 -: URL/21
curl URL/22 URL/23 -d both
curl -A agent -e http://referer.example/ --compressed URL/24
curl -g 'URL/25?q={x}[1]'
curl 'URL/26?q=\{x\}\[1\]'
curl -- URL/27
curl -fi URL/28#part -d x
curl --data-ascii 'x=y' --get --no-buffer URL/29
curl --url-query 'a=b c' URL/30
"""
_ENCODED = re.compile("%[0-9a-f]{2}")  # curl has written them small, and now does not
IGNORED = {"host", "user-agent", "accept", "content-length", "expect", "accept-encoding", "connection"}


class Heard(NamedTuple):
    method: str
    path: str
    body: bytes
    headers: frozenset[tuple[str, str]]


class Server(ThreadingHTTPServer):
    heard: list[Heard]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        assert isinstance(self.server, Server)
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.heard.append(Heard(self.command, self.path, body, told(tuple(self.headers.items()))))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_PUT = do_DELETE = do_HEAD = do_POST  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


def told(headers: tuple[tuple[str, str], ...]) -> frozenset[tuple[str, str]]:
    return frozenset((name.lower(), value.strip()) for name, value in headers if name.lower() not in IGNORED)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as serving:
        serving.heard = []
        thread = Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bin")
    program = folder / "curl"
    program.write_text(FAKE.format(python=sys.executable))
    program.chmod(0o755)
    return folder


def run(script: bytes, first: Path | None, shell: tuple[str, ...] = ("bash", "--norc"), **environment: str) -> bytes:
    """Run a script in a folder of its own, with the programs of another one before all others."""
    path = os.pathsep.join((*([str(first)] if first else []), os.environ["PATH"]))
    told = {"PATH": path, "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1", **environment}
    done = subprocess.run(shell, input=script, env=told, capture_output=True, cwd=first, check=False)
    assert not done.stderr, done.stderr.decode()
    return done.stdout


def dumped(script: bytes, fake: Path, shell: tuple[str, ...] = ("bash", "--norc")) -> list[tuple[list[str], bytes]]:
    keys = {f"{vendor}_API_KEY": "key" for vendor in ("OPENAI", "ANTHROPIC", "GEMINI")}
    lines = run(script, fake, shell, **keys).splitlines()
    return [(words, stdin.encode("latin-1")) for words, stdin in map(json.loads, lines)]


def words_of(script: str) -> list[list[str]]:
    shell, variables = ShellWords(), Variables()
    lines = [Line(number, raw) for number, raw in enumerate(script.encode().split(b"\n"), 1)]
    found: list[list[str]] = []
    for command in [*(command for line in lines for command in shell.feed(line)), *shell.close()]:
        words = dropwhile(variables.assign, command.words)
        arguments = [argument.text for word in words for argument in variables.arguments(word)]
        if "curl" in arguments[:2]:
            found.append(arguments[arguments.index("curl") + 1 :])
    return found


def raw(words: list[str]) -> list[bytes]:
    return [word.encode("utf-8", "surrogateescape") for word in words]


def read(script: bytes) -> list[Sent]:
    reader = Reader()
    items = [*reader.feed(script), *reader.close()]
    assert all(isinstance(item, Captured) for item in items), items
    return [item.request for item in items if isinstance(item, Captured) and item.request]


def heard_of(sent: Sent) -> Heard:
    parts = urlsplit(sent.url)
    return Heard(sent.method, parts.path + (f"?{parts.query}" if parts.query else ""), sent.body, told(sent.headers))


def script_of(bodies: list[bytes]) -> bytes:
    sent = tuple(Captured(request=Sent(url="https://host/v1/chat/completions", body=body)) for body in bodies)
    return written("curl", sent)


def test_words_are_those_of_bash(fake: Path) -> None:
    theirs = [raw(words) for words, _ in dumped(WORDS.encode(), fake)]
    assert [raw(words) for words in words_of(WORDS) if words not in (["a"], ["c"])] == theirs


def test_standard_input_is_that_of_bash(fake: Path) -> None:
    theirs = [stdin for _, stdin in dumped(DOCUMENTS.encode(), fake)]
    assert [sent.body for sent in read(DOCUMENTS.encode())] == theirs


@needs_curl
def test_requests_are_those_of_curl(server: Server) -> None:
    server.heard.clear()
    script = REQUESTS.replace("URL", f"http://127.0.0.1:{server.server_port}")
    run(script.replace("curl ", "curl -q -sS -o /dev/null ").encode(), None)
    for sent, heard in zip(read(script.encode()), server.heard, strict=True):
        assert heard_of(sent) == heard._replace(path=_ENCODED.sub(lambda found: found[0].upper(), heard.path))


@needs_curl
def test_what_we_write_is_sent(server: Server) -> None:
    server.heard.clear()
    host = f"127.0.0.1:{server.server_port}".encode()
    script = written("curl").replace(b"https://", b"http://" + host + b"/").replace(b"127.0.0.1:11434", host)
    run(script, None, OPENAI_API_KEY="sk-1", ANTHROPIC_API_KEY="sk-2", GEMINI_API_KEY="sk-3")
    assert [heard.body for heard in server.heard] == [one.request.body for one in EXCHANGES if one.request]
    keys = [[value for _, value in heard.headers if "sk-" in value] for heard in server.heard]
    assert keys == [["Bearer sk-1"], ["Bearer sk-1"], ["sk-2"], ["sk-3"], [], ["Bearer sk-1"]]


@settings(max_examples=15, deadline=None)
@given(bodies=st.lists(st.binary(min_size=1) | st.text(min_size=1).map(str.encode), min_size=1, max_size=8))
def test_any_body_comes_out_of_bash_as_it_was(fake: Path, bodies: list[bytes]) -> None:
    script = script_of(bodies)
    found = [stdin or words[-1].encode("utf-8", "surrogateescape") for words, stdin in dumped(script, fake)]
    assert found == bodies
    assert [sent.body for sent in read(script)] == bodies


@settings(max_examples=15, deadline=None)
@given(texts=st.lists(st.text("ab'\"\\$`\n\t #;&|<>(){}*?~!^%@-ä0\x00\r", min_size=1), min_size=1, max_size=12))
def test_a_sign_of_the_shell_is_a_letter_in_a_body(fake: Path, texts: list[str]) -> None:
    bodies = [text.encode() for text in texts]
    assert [stdin or words[-1].encode() for words, stdin in dumped(script_of(bodies), fake)] == bodies


def test_a_body_longer_than_an_argument_is_piped(fake: Path) -> None:
    body = b"'x" * 60_000
    assert dumped(script_of([body]), fake)[0][1] == body


@pytest.mark.parametrize("shell", ["sh", "dash"])
def test_the_script_is_one_for_any_shell(fake: Path, shell: str) -> None:
    if shutil.which(shell.split()[0]) is None:
        pytest.skip(f"{shell} is not installed")
    bodies = [b"it's \\n $HOME `x`\n", b"with\0 NUL \\0000 % \\", b"'" * 200_000]
    found = dumped(script_of(bodies), fake, tuple(shell.split()))
    assert [stdin or words[-1].encode() for words, stdin in found] == bodies


@settings(max_examples=15, deadline=None)
@given(name=st.text(), url=st.text(), header=st.text(), value=st.text(), method=st.sampled_from(["POST", "X'Y"]))
def test_nothing_that_is_recorded_is_run(fake: Path, name: str, url: str, header: str, value: str, method: str) -> None:
    headers = ((header, value), (f"X-{header}", value), ("X-Value", value))
    sent = Sent(url=f"https://host/{url}", method=method, headers=headers, body=b"{}")
    found = dumped(written("curl", (Captured(id=name, dialect="openai-chat", request=sent),)), fake)
    assert [words[-2:] for words, _ in found] == [["--data-raw", "{}"]]


def test_the_key_of_a_vendor_is_for_that_vendor_alone(fake: Path) -> None:
    urls = ("https://api.openai.com/v1/chat/completions", "https://api.openai.com.evil/v1", "http://api.openai.com/v1")
    sent = tuple(Captured(dialect="openai-chat", request=Sent(url=url, body=b"{}")) for url in urls)
    words = [" ".join(words) for words, _ in dumped(written("curl", sent), fake)]
    assert ["Bearer key" in said for said in words] == [True, False, False]


def test_a_script_without_its_key_stops(fake: Path) -> None:
    script = written("curl", EXCHANGES[:1])
    done = subprocess.run([str(BASH)], input=script, env={"PATH": str(fake)}, capture_output=True, check=False)
    assert done.returncode != 0
    assert b"OPENAI_API_KEY" in done.stderr
    assert not done.stdout
