"""The arguments of curl → the requests that it would send. What a file, another program or a form says is refused.

Options are read in their order as curl does. What curl adds by itself (Host, User-Agent, Accept) is left out, but for
the content type, and so is what carries credentials only: -u, -b.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

import msgspec

from dragoman.schemas.captures.credentials import carries_credential
from dragoman.schemas.captures.curloptions import LETTERS, VALUES, is_known
from dragoman.schemas.captures.exchange import Headers, Sent
from dragoman.schemas.captures.shellfiles import ShellFiles
from dragoman.schemas.captures.shellvariables import Argument
from dragoman.schemas.errors import InvalidInput

__all__ = ["sent_by_curl"]

MAX_ADDRESSES = 100  # of one command: each of them would hold the body
_SCHEME = re.compile(r"[A-Za-z][\w+.-]*://")
_ESCAPED = re.compile(r"\\([][{}])")
_FORM_TYPE = "application/x-www-form-urlencoded"
_JSON_TYPE = "application/json"
_PLACEHOLDER = re.compile(r"(?:\S+\s+)?\$[A-Za-z_]\w*")
_LINE_ENDS = b"\r\n\0"
# options that say what is sent in a way that cannot be followed here
_REFUSED = {
    "form": "a form in parts is no request to a model",
    "form-string": "a form in parts is no request to a model",
    "upload-file": "a file that a document names is not opened: put the body into the line, behind --data-raw",
    "config": "a file that a document names is not opened: put its options into the line",
    "variable": "curl's own variables are not read: put the value into the line",
}


class _Option(msgspec.Struct, frozen=True):
    """`spelled` is how it stands in the line."""

    name: str
    spelled: str
    value: Argument = Argument("")

    @property
    def text(self) -> str:
        """The value. Raises InvalidInput where a part of it is unknown."""
        if self.value.refused:
            raise InvalidInput(
                self.spelled, f"{self.value.refused} is never run or read here: put what it stands for into the line"
            )
        return self.value.text


def sent_by_curl(arguments: Iterable[Argument], stdin: Argument | None, files: ShellFiles) -> list[Sent]:
    """Return what a command sends. Raises InvalidInput, with the option as the place."""
    sent: list[Sent] = []
    asked = _Asked(stdin, files)
    for option in _options(iter(arguments)):
        if option.name == "next":
            sent += asked.sent()
            asked = _Asked(stdin, files)
        else:
            asked.take(option)
    return [*sent, *asked.sent()]


# ---- options ---------------------------------------------------------------------------------------------------------


def _options(rest: Iterator[Argument]) -> Iterator[_Option]:
    for argument in rest:
        if argument.text == "--":
            yield from (_Option("url", "--url", address) for address in rest)
        elif argument.text.startswith("--"):
            yield _long(argument, rest)
        elif argument.text.startswith("-"):
            yield from _short(argument, rest)
        else:
            yield _Option("url", "--url", argument)


def _long(argument: Argument, rest: Iterator[Argument]) -> _Option:
    name, equals, attached = argument.text[2:].partition("=")
    spelled = f"--{name[:40]}"
    if equals and name in VALUES:  # curl has known this since 8.16
        return _Option(name, spelled, Argument(attached, argument.refused))
    if equals or argument.refused or not is_known(name):
        raise InvalidInput(spelled, "no option of curl that is known here")
    return _Option(name, spelled, _value(spelled, rest)) if name in VALUES else _Option(name, spelled)


def _short(argument: Argument, rest: Iterator[Argument]) -> Iterator[_Option]:
    letters = argument.text[1:]
    for at, letter in enumerate(letters, 1):
        name, spelled = LETTERS.get(letter, ""), f"-{letter}"
        if name in VALUES:
            attached = Argument(letters[at:], argument.refused)
            yield _Option(name, spelled, attached if attached != Argument("") else _value(spelled, rest))
            return
        if not name:
            raise InvalidInput(spelled, "no option of curl that is known here")
        yield _Option(name, spelled)
    if not letters or argument.refused:
        raise InvalidInput("-", "no option of curl that is known here")


def _value(spelled: str, rest: Iterator[Argument]) -> Argument:
    found = next(rest, None)
    if found is None:
        raise InvalidInput(spelled, "the last word, where its value is missing (does the line go on behind it?)")
    return found


# ---- what they ask for -----------------------------------------------------------------------------------------------


class _Asked:
    """What the options up to --next ask for."""

    def __init__(self, stdin: Argument | None, files: ShellFiles) -> None:
        self._stdin, self._files = stdin, files
        self._urls: list[str] = []
        self._method = ""
        self._headers: list[tuple[str, str]] = []
        self._named: set[str] = set()  # the headers that are said, also those that are said to be left out
        self._data: list[bytes] = []
        self._query: list[bytes] = []
        self._flags: set[str] = set()

    def take(self, option: _Option) -> None:
        match option.name:
            case "url":
                self._urls.append(_address(option))
            case "request":
                self._method = _printable(option.text)
            case "header":
                self._take_header(option)
            case "data" | "data-ascii" | "data-raw" | "data-binary" | "data-urlencode" | "json":
                self._take_data(option)
            case "url-query":
                text = option.text
                self._query.append(_bytes(text[1:]) if text.startswith("+") else self._encoded(option))
            case "user-agent" | "referer":
                self._headers.append((option.name, _printable(option.text)))
            case "get" | "head" | "globoff":
                self._flags.add(option.name)
            case name if name in _REFUSED:
                raise InvalidInput(option.spelled, _REFUSED[name])
            case _:
                pass

    def sent(self) -> list[Sent]:
        if not self._urls:
            raise InvalidInput("curl", "without an address")
        if len(self._urls) > MAX_ADDRESSES:
            raise InvalidInput("curl", f"more than {MAX_ADDRESSES} addresses in one command")
        body = b"" if "get" in self._flags else b"".join(self._data)
        headers = self._all_headers()
        return [Sent(body=body, method=self._verb(), url=self._url(url), headers=headers) for url in self._urls]

    def _verb(self) -> str:
        if self._method:
            return self._method
        if "head" in self._flags:
            return "HEAD"
        return "POST" if self._data and "get" not in self._flags else "GET"

    def _url(self, url: str) -> str:
        url = url if _SCHEME.match(url) or url.startswith("/") else f"http://{url}"  # documentation leaves out the host
        if "globoff" not in self._flags:
            url = _ESCAPED.sub(r"\1", url)
        address, mark, fragment = url.partition("#")
        added = [*(b"".join(self._data) for _ in self._flags & {"get"}), *self._query]
        for query in filter(None, added):
            address += ("&" if "?" in address else "?") + query.decode("utf-8", "surrogateescape")
        return _printable(address + mark + fragment)

    # ---- headers -----------------------------------------------------------------------------------------------------

    def _take_header(self, option: _Option) -> None:
        said = option.value.text
        if said.startswith("@"):
            raise InvalidInput(
                option.spelled, "a file that a document names is not opened: put the header into the line"
            )
        name, colon, value = said.partition(":")
        if not colon and said.endswith(";"):
            name, colon = said[:-1], ";"
        name = name.strip()
        if carries_credential(name) and (option.value.refused or _PLACEHOLDER.fullmatch(value.strip())):
            return  # there is no secret in it
        if not option.text or not colon or not name:
            return
        self._named.add(name.lower())
        if value.strip() or colon == ";":
            self._headers.append((_printable(name), _printable(value.strip())))

    def _all_headers(self) -> Headers:
        if not self._data or "get" in self._flags:
            return tuple(self._headers)
        is_json = "json" in self._flags
        added = [("content-type", _JSON_TYPE if is_json else _FORM_TYPE), *[("accept", _JSON_TYPE)] * is_json]
        return (*self._headers, *((name, value) for name, value in added if name not in self._named))

    # ---- data --------------------------------------------------------------------------------------------------------

    def _take_data(self, option: _Option) -> None:
        if option.name == "json":
            self._flags.add("json")
        elif self._data:
            self._data.append(b"&")
        self._data.append(self._read(option))

    def _read(self, option: _Option) -> bytes:
        text = option.text
        if option.name == "data-urlencode":
            return self._encoded(option)
        if option.name == "data-raw" or not text.startswith("@"):
            return _bytes(text)
        raw = self._file(option, text[1:])
        return raw.translate(None, _LINE_ENDS) if option.name in ("data", "data-ascii") else raw

    def _encoded(self, option: _Option) -> bytes:
        """Return NAME=text, =text, text, or NAME@file with what is behind the sign encoded."""
        text = option.text
        sign = next((sign for sign in "=@" if sign in text), "")
        name, _, said = text.partition(sign) if sign else ("", "", text)
        raw = self._file(option, said) if sign == "@" else _bytes(said)
        encoded = quote(raw, safe="").replace("%20", "+").encode()
        return _bytes(name) + b"=" + encoded if name else encoded

    def _file(self, option: _Option, name: str) -> bytes:
        text = self._stdin if name == "-" else self._files.read(name)
        if text is None and name != "-":
            problem = "a file that a document names is not opened: put the body into the line, or behind it as <<'EOF'"
            raise InvalidInput(option.spelled, problem)
        if text is None:
            raise InvalidInput(option.spelled, "nothing here says what standard input is: put it behind as <<'EOF'")
        return _bytes(_Option(option.name, option.spelled, text).text)


def _address(option: _Option) -> str:
    if not option.text.strip():
        raise InvalidInput(
            option.spelled, "an address that is blank: is there a blank behind the \\ that ends the line?"
        )
    return option.text


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _printable(text: str) -> str:
    """Return text as Unicode for sure."""
    return _bytes(text).decode("utf-8", "replace")
