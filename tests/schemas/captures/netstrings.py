"""Values → typed netstrings, as mitmproxy writes them: the other way round from what the reader does."""

from __future__ import annotations

__all__ = ["netstring"]


def netstring(value: object) -> bytes:
    tag, payload = _said(value)
    return b"%d:%s%s" % (len(payload), payload, tag)


def _said(value: object) -> tuple[bytes, bytes]:
    match value:
        case None:
            return b"~", b""
        case bool():
            return b"!", b"true" if value else b"false"
        case int():
            return b"#", str(value).encode()
        case float():
            return b"^", repr(value).encode()
        case bytes():
            return b",", value
        case str():
            return b";", value.encode()
        case dict():
            return b"}", b"".join(netstring(name) + netstring(each) for name, each in value.items())
        case list() | tuple():
            return b"]", b"".join(map(netstring, value))
        case _:
            raise TypeError(f"no netstring says {value!r}")
