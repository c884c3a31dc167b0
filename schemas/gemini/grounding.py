"""groundingMetadata and citationMetadata ↔ citations on the texts of an answer.

A grounding chunk is a source, a support says which words of the answer it bears out: each of its sources is a citation
of those words, and a source without a support cites at large. Offsets are bytes of UTF-8 there and characters here.
What a citation of the IR has no field for stays in its `native`. https://ai.google.dev/api/generate-content#GroundingMetadata
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

import msgspec

from dragoman.schemas.fields import leftovers, nested
from dragoman.schemas.gemini.camel import NAME, camel
from dragoman.schemas.ir import JSON, At, Citation, Extra, Part, Text, Wire
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import as_list, as_object, count, objects, text

__all__ = ["decode_citations", "encode_citations"]

_SUPPORT = frozenset({"segment", "groundingChunkIndices"})
_SEGMENT = frozenset({"startIndex", "endIndex", "partIndex", "text"})
_RECITED = frozenset({"startIndex", "endIndex", "uri", "title"})
_SOURCE = frozenset({"uri", "sourceUri", "title", "text"})
_GROUNDING = frozenset({"groundingChunks", "groundingSupports"})
_SOURCES = ("web", "retrievedContext", "maps", "image")


class _Cited:
    """The texts of an answer, their bytes measured when they are first needed, and what was found to cite in each."""

    __slots__ = ("_bounds", "_parts", "found", "texts")

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self.texts = [index for index, part in enumerate(parts) if isinstance(part, Text)]
        self.found: dict[int, list[Citation]] = {}
        self._bounds: dict[int, list[int]] = {}

    def add(self, index: int, citation: Citation) -> None:
        self.found.setdefault(index, []).append(citation)

    def span(self, segment: Wire) -> tuple[int, int | None, int | None]:
        """Return the part that a segment lies in, and where, in characters."""
        start, end = count(segment.get("startIndex")) or 0, count(segment.get("endIndex"))
        index = count(segment.get("partIndex"))
        if index is None or index not in self.texts:
            index, start, end = self._found_in_all(start, end)
        if end is None:
            return index, None, None
        return index, self._character(index, start), self._character(index, end)

    def _found_in_all(self, start: int, end: int | None) -> tuple[int, int, int | None]:
        """Find the part by offsets into all texts together, which is what Gemini means where it names no part."""
        before = 0
        for index in self.texts[:-1]:
            size = self._size(index)
            if end is None or end <= before + size:
                return index, max(start - before, 0), None if end is None else end - before
            before += size
        return self.texts[-1], max(start - before, 0), None if end is None else end - before

    def _said(self, index: int) -> str:
        part = self._parts[index]
        return part.text if isinstance(part, Text) else ""

    def _size(self, index: int) -> int:
        said = self._said(index)
        return len(said) if said.isascii() else self._measured(index)[-1]

    def _measured(self, index: int) -> list[int]:
        if index not in self._bounds:
            self._bounds[index] = byte_bounds(self._said(index))
        return self._bounds[index]

    def _character(self, index: int, offset: int) -> int:
        said = self._said(index)
        if said.isascii():
            return min(max(offset, 0), len(said))
        return min(bisect_left(self._measured(index), offset), len(said))


def byte_bounds(said: str) -> list[int]:
    """Return where each character begins in UTF-8, and where the last one ends."""
    return list(accumulate((_width(ord(character)) for character in said), initial=0))


def _width(code: int) -> int:
    return 1 if code < 0x80 else 2 if code < 0x800 else 3 if code < 0x10000 else 4


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_citations(parts: tuple[Part, ...], wire: Wire, at: At) -> tuple[tuple[Part, ...], Extra | None]:
    """Return the parts with their citations, and what else the metadata of the candidate say."""
    grounding, metadata = wire.get("groundingMetadata"), wire.get("citationMetadata")
    if grounding is None and metadata is None:
        return parts, None
    cited = _Cited(parts)
    rest: Wire = {}
    if cited.texts and isinstance(grounding, dict):
        grounding = _grounded(camel(grounding), cited, (*at, "groundingMetadata"))
    if cited.texts and isinstance(metadata, dict):
        metadata = _sourced(camel(metadata), cited, (*at, "citationMetadata"))
    if grounding:
        rest["groundingMetadata"] = grounding
    if metadata:
        rest["citationMetadata"] = metadata
    said = tuple([_with(part, cited.found.get(index)) for index, part in enumerate(parts)]) if cited.found else parts
    return said, ({NAME: rest} if rest else None)


def _with(part: Part, found: list[Citation] | None) -> Part:
    return part if found is None else msgspec.structs.replace(part, citations=tuple(found))


def _grounded(grounding: Wire, cited: _Cited, at: At) -> JSON:
    """Add the citations of groundingMetadata and return the rest of it, with what its supports say beside."""
    chunks = [
        _citation(chunk, (*at, "groundingChunks", number)) for number, chunk in _all(grounding, "groundingChunks")
    ]
    if not chunks:
        return grounding
    rest = (leftovers(grounding, _GROUNDING, NAME) or {}).get(NAME, {})
    used: set[int] = set()
    odd: list[JSON] = []
    for number, support in _all(grounding, "groundingSupports"):
        found, more = _supported(camel(support), chunks, cited, (*at, "groundingSupports", number))
        used |= found
        odd.append(more)
    if any(odd):
        rest["groundingSupports"] = odd
    for number, citation in enumerate(chunks):
        if number not in used:
            cited.add(cited.texts[-1], citation)
    return rest


def _all(wire: Wire, key: str) -> list[tuple[int, Wire]]:
    """Return the objects of a list by their numbers, which others refer to."""
    held = wire.get(key)
    return [(number, item if isinstance(item, dict) else {}) for number, item in enumerate(as_list(held or [], (key,)))]


def _supported(support: Wire, chunks: list[Citation], cited: _Cited, at: At) -> tuple[set[int], Wire]:
    """Cite what a support refers to, and return its numbers and what it says beside."""
    held, indices = support.get("segment"), support.get("groundingChunkIndices")
    segment = camel(held) if isinstance(held, dict) else {}
    index, start, end = cited.span(segment)
    more = (leftovers(support, _SUPPORT, NAME) or {}).get(NAME, {})
    odd = leftovers(segment, _SEGMENT, NAME)
    if odd is not None:
        more["segment"] = odd[NAME]
    numbers = [count(number) for number in indices] if isinstance(indices, list) else []
    used = {number for number in numbers if number is not None and 0 <= number < len(chunks)}
    for number in sorted(used):
        cited.add(index, _supporting(chunks[number], start, end, more))
    if not used:
        cited.add(index, Citation(start=start, end=end, native={"groundingSupport": more}, dialect=NAME, at=at))
    return used, more


def _supporting(citation: Citation, start: int | None, end: int | None, more: Wire) -> Citation:
    """Return the citation of a source for some words of the answer."""
    if not more:
        return msgspec.structs.replace(citation, start=start, end=end)
    chunk = _source_wire(citation.url, citation.title, citation.cited_text)
    native: Wire = {**(citation.native or {"groundingChunk": chunk}), "groundingSupport": more}
    return msgspec.structs.replace(citation, start=start, end=end, native=native, dialect=NAME)


def _citation(wire: Wire, at: At) -> Citation:
    """Read a source; what a citation has no field for is named in `extra`, and kept in `native`."""
    chunk = camel(wire)
    kind = next((name for name in _SOURCES if isinstance(chunk.get(name), dict)), "")
    held = chunk.get(kind)
    source = camel(held) if isinstance(held, dict) else {}
    url, title = text(source.get("uri")) or text(source.get("sourceUri")), text(source.get("title"))
    words = text(source.get("text")) if kind != "web" else None
    plain = _source_wire(url, title, words) == chunk
    return Citation(
        url=url,
        title=title,
        cited_text=words,
        native=None if plain else {"groundingChunk": chunk},
        dialect=None if plain else NAME,
        at=at,
        extra=nested(leftovers(chunk, (kind,), NAME), kind, leftovers(source, _SOURCE, NAME), NAME),
    )


def _source_wire(url: str | None, title: str | None, words: str | None) -> Wire:
    """Return the chunk that says a source: a page, or where there is no URL words that were retrieved."""
    if url is not None:
        return {"web": {"uri": url} if title is None else {"uri": url, "title": title}}
    said = {"title": title, "text": words}
    return {"retrievedContext": {key: value for key, value in said.items() if value is not None}}


def _sourced(metadata: Wire, cited: _Cited, at: At) -> JSON:
    """Add the citations of citationMetadata (of what was recited) and return the rest of it."""
    key = "citationSources" if "citationSources" in metadata else "citations"
    for number, item in enumerate(objects(metadata.get(key))):
        source = camel(item)
        index, start, end = cited.span(source)
        cited.add(
            index,
            Citation(
                url=text(source.get("uri")),
                title=text(source.get("title")),
                start=start,
                end=end,
                native=source,
                dialect=NAME,
                at=(*at, key, number),
                extra=leftovers(source, _RECITED, NAME),
            ),
        )
    rest = leftovers(metadata, (key,), NAME)
    return None if rest is None else rest[NAME]


# ------------------------------------------------------------------------------------------------------ IR → wire
class _Grounding:
    """Chunks and supports as they grow: each source once, each span of words once. `texts`: which parts are texts."""

    __slots__ = ("_at_large", "_borne", "_places", "_spans", "chunks", "recited", "supports", "texts")

    def __init__(self, texts: list[int]) -> None:
        self.texts = texts
        self.chunks: list[JSON] = []
        self.supports: list[JSON] = []
        self.recited: list[JSON] = []
        self._places: dict[bytes, int] = {}
        self._spans: dict[bytes, list[JSON]] = {}
        self._borne: set[int] = set()  # the chunks to which a support refers
        self._at_large: dict[int, None] = {}

    def chunk(self, wire: Wire) -> int:
        key = write_json(wire)
        if key not in self._places:
            self._places[key] = len(self.chunks)
            self.chunks.append(wire)
        return self._places[key]

    def support(self, segment: Wire, number: int | None, more: Wire) -> None:
        key = write_json([segment, more])
        if key not in self._spans:
            self._spans[key] = []
            odd = more.get("segment")
            said: Wire = {**segment, **odd} if isinstance(odd, dict) else segment
            self.supports.append({**more, "segment": said, "groundingChunkIndices": self._spans[key]})
        if number is not None and number not in self._spans[key]:
            self._spans[key].append(number)
            self._borne.add(number)

    def at_large(self, number: int) -> None:
        """Note a source of the last text as a whole: a chunk without a support is read as that."""
        self._at_large[number] = None

    def close(self) -> None:
        """Say a source again that both cites at large and bears out some words."""
        self.chunks.extend([self.chunks[number] for number in self._at_large if number in self._borne])


def encode_citations(citing: Sequence[tuple[int, Text]], wire: Wire, losses: Losses) -> None:
    """Add the citations of the texts of an answer to its candidate, a new object."""
    grounding = _Grounding(_texts(wire))
    for index, part in citing:
        bounds = None if part.text.isascii() else byte_bounds(part.text)
        for citation in part.citations:
            segment = _segment(citation, part, index, bounds)
            _encode_citation(citation, segment, index, grounding, losses)
    grounding.close()
    if grounding.chunks or grounding.supports:
        said: Wire = {"groundingChunks": grounding.chunks}
        wire["groundingMetadata"] = {**said, "groundingSupports": grounding.supports} if grounding.supports else said
    if grounding.recited:
        wire["citationMetadata"] = {"citationSources": grounding.recited}


def _texts(wire: Wire) -> list[int]:
    """Return which parts of a candidate are its texts: a source that names no words is read on the first or last."""
    parts = objects(as_object(wire["content"], ())["parts"])
    return [index for index, part in enumerate(parts) if "text" in part and "thought" not in part]


def _encode_citation(citation: Citation, segment: Wire, index: int, grounding: _Grounding, losses: Losses) -> None:
    native = citation.native if citation.dialect == NAME and citation.native is not None else {}
    if native and not native.keys() <= {"groundingChunk", "groundingSupport"}:
        grounding.recited.append(native)
        if "endIndex" not in native and index not in grounding.texts[:1]:
            losses.approximated(citation.at, "citation", "Gemini tells not in which text it is")
        return
    chunk, more = native.get("groundingChunk"), native.get("groundingSupport")
    support = more if isinstance(more, dict) else {}
    if not isinstance(chunk, dict) and more is None:
        chunk = _chunk(citation, losses)
        if chunk is None:
            return
    number = grounding.chunk(chunk) if isinstance(chunk, dict) else None
    at_large = citation.start is None and citation.end is None
    if at_large and index in grounding.texts[-1:] and more is None and number is not None:
        grounding.at_large(number)
    else:
        grounding.support({} if at_large and more is not None else segment, number, support)


def _chunk(citation: Citation, losses: Losses) -> Wire | None:
    if citation.url is None and citation.title is None and not citation.cited_text:
        losses.dropped(citation.at, "citation", "Gemini cites pages and texts only")
        return None
    if citation.file_id is not None:
        losses.dropped(citation.at, "citation", "Gemini cannot name the file")
    elif citation.native is not None and citation.url is None:
        losses.dropped(citation.at, "citation", f"the place in the document is {citation.dialect}'s own")
    if citation.url is not None and citation.cited_text:
        losses.dropped(citation.at, "citation", "Gemini tells no words of a page")
    return _source_wire(citation.url, citation.title, citation.cited_text)


def _segment(citation: Citation, part: Text, index: int, bounds: list[int] | None) -> Wire:
    """Return the words that a citation bears out: the whole text where it does not say which."""
    start = min(max(citation.start or 0, 0), len(part.text))
    end = min(citation.end if citation.end is not None else len(part.text), len(part.text))
    segment: Wire = {"partIndex": index} if index else {}
    segment["startIndex"] = bounds[start] if bounds is not None else start
    segment["endIndex"] = bounds[end] if bounds is not None else end
    segment["text"] = part.text[start:end]
    return segment
