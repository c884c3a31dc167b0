"""What a pass made → JSON that may be shown: without secrets, and no larger than people read.

The value itself is never changed. What is secret is replaced by "[redacted]": by the name of its key, by its value
where that is known, and at the paths that were declared; a text that was found at such a path is known from
then on, and does not appear in the passes after it. What is large is cut, in the same way in each pass: of a long text
the beginning is kept, with its length and its hash; a hash is that of the text without secrets.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias, cast

import msgspec

from dragoman.providers.exchange import Call
from dragoman.providers.secrets import REDACTED, Secrets, carries_secret
from dragoman.providers.tracing.pieces import Pieces
from dragoman.schemas.errors import InvalidInput, MalformedJSON
from dragoman.schemas.ir import JSON, Node, Wire
from dragoman.schemas.jsontext import read_json
from dragoman.schemas.losses import Loss
from dragoman.schemas.paths import Every, Having, read_path
from dragoman.schemas.unified import as_wire

__all__ = ["MAX_TEXT", "Payloads", "size_of"]

MAX_TEXT = 4096  # characters of a text that is shown whole
KEPT = 1024  # characters of one that is not
MAX_ITEMS = 10_000  # of a list, or fields of an object
MAX_NODES = 200_000  # of a payload
MAX_CHARACTERS = 16 << 20  # of a payload
MAX_RAW = 64 << 20  # bytes that are worth being read as JSON
MAX_DEPTH = 100
MAX_CUTS = 10_000  # long texts that are remembered
MAX_FOUND = 64  # secrets that paths lead to
MAX_SECRET = 512  # characters of one of them
# Names that look like those of a secret, and are none.
_HARMLESS = frozenset({"prompt-cache-key", "prompt_cache_key"})
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}://\S+\Z")
_FIELD = re.compile(r'("([A-Za-z0-9_.\-]{1,64})"\s*+:\s*+")([^"\\]*+(?:\\.[^"\\]*+)*+)')
Steps: TypeAlias = "tuple[str | int | Every | Having, ...]"  # what is left of a declared path


class Payloads:
    """Those of one exchange. Raises ValueError for a path that is none."""

    def __init__(self, secrets: Secrets, redact: Iterable[str] = ()) -> None:
        self._secrets = secrets
        self._found = Secrets()  # what paths led to
        self._paths: list[Steps] = [read_path(path).steps for path in redact]
        self._pieces = Pieces(secrets)
        self._cuts: dict[tuple[int, int], str] = {}
        self._hidden: set[tuple[int, int]] = set()  # texts, however short or long, that are nowhere shown as a whole
        self._known = 0
        self._nodes = self._characters = 0

    @property
    def has_paths(self) -> bool:
        """Tell whether there is something that only its place tells to be secret."""
        return bool(self._paths)

    def hide(self, redact: Iterable[str]) -> None:
        """Show no more what is at these paths, either. Raises ValueError for one that is none."""
        self._paths += [steps for path in redact if (steps := read_path(path).steps) not in self._paths]

    def know(self, secrets: Iterable[str]) -> None:
        """Show these texts no more: as a whole nowhere, and in others as far as they are short enough to be looked
        for."""
        for text in filter(None, secrets):
            if len(self._hidden) < MAX_CUTS:
                self._hidden.add((len(text), hash(text)))
            if len(text) <= MAX_SECRET and len(self._found) < MAX_FOUND:
                self._found.add(text)

    def of(self, value: object) -> JSON:
        """Return what is shown of a value: of bytes, JSON, the IR, or a call."""
        self._nodes, self._characters = MAX_NODES, MAX_CHARACTERS
        if self._known != len(self._secrets) + len(self._found):
            self._known = len(self._secrets) + len(self._found)
            self._cuts.clear()
        try:
            return self._below(_plain(value), self._paths, -1)
        except (InvalidInput, RecursionError):  # the JSON of the IR cannot be made
            return "[cut: nested too deeply]"

    def of_event(self, name: str, value: object) -> JSON:
        """Return what is shown of what a pass made of the next event of a stream."""
        return self._pieces.hidden(name, self.of(value))

    def losses(self, losses: Sequence[Loss]) -> list[JSON]:
        return [self._spoken(msgspec.structs.asdict(loss)) for loss in losses]

    def text(self, text: str) -> str:
        """Return what is shown of a text of our own: of a message, or a place."""
        return self._without_secrets(text)

    def _spoken(self, fields: Mapping[str, str]) -> Wire:
        return {name: self._cut(self.text(said)) for name, said in fields.items()}

    def _shown(self, value: object, paths: Sequence[Steps], depth: int) -> JSON:
        self._nodes -= 1
        if self._nodes < 0 or depth > MAX_DEPTH:
            return "[cut: nested too deeply]" if depth > MAX_DEPTH else "[cut: the payload is too large]"
        match value:
            case str():
                return self._text(value)
            case None | bool() | int() | float():
                return cast("JSON", value)
            case dict():
                return self._object(cast("dict[str, object]", value), paths, depth)
            case list() | tuple():
                return self._list(cast("Sequence[object]", value), paths, depth)
            case bytes():
                return self._content(value, depth)
            case _:
                return f"a {type(value).__name__}"

    def _object(self, value: dict[str, object], paths: Sequence[Steps], depth: int) -> Wire:
        shown: Wire = {}
        for number, (name, inner) in enumerate(value.items()):
            if number == MAX_ITEMS or self._nodes < 0:
                shown["[cut]"] = f"{len(value)} fields"
                break
            led = _led(paths, name, inner, value)
            if depth == 0 and name == "body" and "headers" in value:
                led += self._paths
            shown[self._text(name)] = self._below(inner, led, depth, is_secret=_is_secret(name, value))
        return shown

    def _list(
        self, value: Sequence[object], paths: Sequence[Steps], depth: int, *, is_secret: bool = False
    ) -> list[JSON]:
        shown: list[JSON] = []
        for number, inner in enumerate(value):
            if number == MAX_ITEMS or self._nodes < 0:
                shown.append(f"[cut: {len(value)} items]")
                break
            shown.append(self._below(inner, _led(paths, number, inner, value), depth, is_secret=is_secret))
        return shown

    def _below(self, value: object, paths: Sequence[Steps], depth: int, *, is_secret: bool = False) -> JSON:
        """Return what is shown of a value in another one. `is_secret`: its name says that it is. An object with such a
        name is shown, without the secrets in it: so a schema is whose property has it."""
        if () in paths:
            if isinstance(value, str):
                self.know([value])
            return REDACTED
        if is_secret and _is_telling(value):
            return REDACTED
        items = _items(value) if is_secret and depth < MAX_DEPTH else None
        return (
            self._shown(value, paths, depth + 1)
            if items is None
            else self._list(items, paths, depth + 1, is_secret=True)
        )

    def _content(self, raw: bytes, depth: int) -> JSON:
        """Return bytes as JSON, or as text, or as base64: as what they can be said."""
        try:
            if len(raw) <= MAX_RAW and raw.lstrip()[:1] in (b"{", b"["):
                return self._shown(read_json(raw), self._paths, depth)
        except MalformedJSON:
            pass  # as text, then
        try:
            return self._text(raw.decode())
        except UnicodeDecodeError:
            clean = self._found.redact_bytes(self._secrets.redact_bytes(raw))
            return {"base64": self._cut(b64encode(clean).decode())}

    def _text(self, text: str) -> str:
        key = (len(text), hash(text))
        if key in self._hidden:
            return REDACTED
        if len(text) <= MAX_TEXT:
            shown = self._cut(self._without_secrets(text))
        elif key in self._cuts:
            shown = self._cuts[key]
        else:
            shown = self._cut(self._without_secrets(text))
            if len(self._cuts) < MAX_CUTS:
                self._cuts[key] = shown
        self._characters -= len(shown)
        return shown if self._characters >= 0 else f"[cut: {len(text)} characters]"

    def _without_secrets(self, text: str) -> str:
        clean = self._found.redact(self._secrets.redact(text))
        if ":" not in clean:
            return clean
        if _URL.match(clean):
            clean = self._secrets.redact_url(clean)
        return _FIELD.sub(_without_value, clean) if '"' in clean else clean

    def _cut(self, text: str) -> str:
        if len(text) <= MAX_TEXT:
            return text
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        return f"{text[:KEPT]}… [cut: {len(text)} characters, sha256 {digest}]"


def size_of(value: object) -> int | None:
    """Return how many bytes a pass has seen, where it has seen bytes."""
    match value:
        case bytes():
            return len(value)
        case Call():
            return len(value.body)
        case dict():
            body = cast("dict[str, object]", value).get("body")
            return len(body) if isinstance(body, bytes) else None
        case _:
            return None


def _plain(value: object) -> object:
    match value:
        case bytearray() | memoryview():
            return bytes(cast("bytes", value))
        case Call():
            return {"method": value.method, "url": value.url, "headers": {**value.headers}, "body": value.body}
        case msgspec.Struct():
            return as_wire(cast("Node", value))
        case list() | tuple():
            items = cast("Sequence[object]", value)
            return [as_wire(cast("Node", item)) if isinstance(item, msgspec.Struct) else item for item in items]
        case _:
            return value


def _is_secret(name: str, holder: Mapping[str, object]) -> bool:
    """Tell whether a name says so. A word whose probability is told is called a token, too."""
    spelled = _HUMP.sub("_", name[:200])
    return carries_secret(spelled) and spelled.lower() not in _HARMLESS and "logprob" not in holder


def _items(value: object) -> Sequence[object] | None:
    return cast("list[object]", value) if isinstance(value, list) else None


def _is_telling(value: object) -> bool:
    return isinstance(value, str | int | float | bytes) and bool(value) and value is not True


def _without_value(found: re.Match[str]) -> str:
    return found[1] + REDACTED if _is_secret(found[2], {}) else found[0]


def _led(paths: Sequence[Steps], place: str | int, value: object, holder: object) -> list[Steps]:
    """Return what is left of the paths that lead to a place."""
    return [path[1:] for path in paths if path and _leads(path[0], place, value, holder)]


def _leads(step: str | int | Every | Having, place: str | int, value: object, holder: object) -> bool:
    match step:
        case Every():
            return True
        case Having():
            return isinstance(value, dict) and cast("Wire", value).get(step.key) == step.value
        case int():
            size = len(cast("Sequence[object]", holder)) if isinstance(holder, list | tuple) else 0
            return -size <= step < size and step % size == place
        case _:
            return step == place
