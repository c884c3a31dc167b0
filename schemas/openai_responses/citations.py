"""Annotations of output text ↔ citations, and log probabilities of its tokens.

Only a web page means the same elsewhere; the files of a vector store or a container are the vendor's, and are kept as
they are. https://platform.openai.com/docs/api-reference/responses/object (output_text)
"""

from __future__ import annotations

from collections.abc import Iterable

from dragoman.schemas.fields import leftovers, overlay
from dragoman.schemas.ir import JSON, At, Citation, Text, TokenLogprob, Wire
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import count, objects, text

__all__ = ["NAME", "decode_citation", "decode_citations", "encode_citations", "encode_logprobs"]

NAME = "openai-responses"
_PAGE = frozenset({"type", "url", "title", "start_index", "end_index"})


# ------------------------------------------------------------------------------------------------------ wire → IR
def decode_citations(wire: JSON, at: At) -> tuple[Citation, ...]:
    if not wire:
        return ()
    return tuple(decode_citation(note, (*at, index)) for index, note in enumerate(objects(wire)))


def decode_citation(wire: Wire, at: At) -> Citation:
    url = wire.get("url")
    if wire.get("type") == "url_citation" and isinstance(url, str):
        return Citation(
            url=url,
            title=text(wire.get("title")) or None,
            start=count(wire.get("start_index")),
            end=count(wire.get("end_index")),
            at=at,
            extra=leftovers(wire, _PAGE, NAME),
        )
    return Citation(
        url=text(url),
        title=text(wire.get("filename")) or text(wire.get("title")),
        file_id=text(wire.get("file_id")),
        native=wire,
        dialect=NAME,
        at=at,
    )


# ------------------------------------------------------------------------------------------------------ IR → wire
def encode_citations(said: Text, losses: Losses) -> list[Wire]:
    """Return the annotations of a text; what is no web page, and no note of our own, is reported."""
    notes: list[Wire] = []
    spanless = False
    for citation in said.citations:
        if citation.dialect == NAME and citation.native is not None:
            notes.append(overlay(citation.native, citation, NAME))
        elif citation.url is None:
            losses.dropped(citation.at or said.at, "citation", "responses cites web pages and files of its own only")
        else:
            notes.append(_page(citation, said, losses))
            spanless = spanless or citation.start is None or citation.end is None
    if spanless:
        losses.synthesized(said.at, "citation", "responses wants the cited stretch of the text; said of all of it")
    return notes


def _page(citation: Citation, said: Text, losses: Losses) -> Wire:
    if citation.cited_text is not None:
        losses.dropped(citation.at or said.at, "citation", "responses does not repeat the words that are cited")
    wire: Wire = {
        "type": "url_citation",
        "url": citation.url,
        "title": citation.title or "",
        "start_index": citation.start or 0,
        "end_index": len(said.text) if citation.end is None else citation.end,
    }
    return wire if citation.extra is None else overlay(wire, citation, NAME)


def encode_logprobs(logprobs: Iterable[TokenLogprob]) -> list[JSON]:
    return [_logprob(item, top=True) for item in logprobs]


def _logprob(item: TokenLogprob, *, top: bool) -> Wire:
    wire: Wire = {
        "token": item.token,
        "logprob": item.logprob if item.logprob is not None else -9999.0,
        "bytes": list(item.bytes or ()),
    }
    if top:
        wire["top_logprobs"] = [_logprob(other, top=False) for other in item.top]
    return wire
