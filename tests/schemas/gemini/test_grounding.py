"""Citations: groundingMetadata and citationMetadata on the texts of an answer, in characters and in bytes."""

from __future__ import annotations

import pytest

from dragoman.schemas import convert_response
from dragoman.schemas.gemini.response import decode_response
from dragoman.schemas.ir import JSON, Candidate, Citation, Response, Text, Wire
from tests.schemas.gemini.speaking import answered, answering, field

WEB: Wire = {"web": {"uri": "https://a.example", "title": "A"}}
OTHER: Wire = {"web": {"uri": "https://b.example", "title": "B"}}


def support(start: int, end: int, *chunks: int, **more: JSON) -> Wire:
    return {"segment": {"startIndex": start, "endIndex": end, **more}, "groundingChunkIndices": list[JSON](chunks)}


def grounded(text: str, chunks: list[JSON], *supports: JSON, **more: JSON) -> Response:
    metadata: Wire = {"groundingChunks": chunks, "groundingSupports": list(supports), **more}
    return answering({"text": text}, finishReason="STOP", groundingMetadata=metadata)


def cited(response: Response, part: int = 0) -> tuple[Citation, ...]:
    text = response.candidates[0].parts[part]
    assert isinstance(text, Text)
    return text.citations


def spans(response: Response, part: int = 0) -> list[tuple[str | None, int | None, int | None]]:
    return [(citation.url, citation.start, citation.end) for citation in cited(response, part)]


def cites(text: str, *citations: Citation) -> tuple[Wire, list[tuple[str, str, str]]]:
    wire, losses = answered(Candidate(parts=(Text(text=text, citations=citations),), stop="stop"))
    candidate = field(wire, "candidates", 0)
    return candidate if isinstance(candidate, dict) else {}, losses


# ------------------------------------------------------------------------------------------------------ wire → IR
def test_each_source_of_a_support_is_a_citation() -> None:
    response = grounded("Cats purr.", [WEB, OTHER], support(0, 4, 0, 1), support(5, 9, 1))
    assert spans(response) == [("https://a.example", 0, 4), ("https://b.example", 0, 4), ("https://b.example", 5, 9)]
    assert cited(response)[0].at == ("candidates", 0, "groundingMetadata", "groundingChunks", 0)
    assert response.candidates[0].extra is None


def test_offsets_in_bytes_are_offsets_in_characters() -> None:
    response = grounded("Über 😀 Köln.", [WEB], support(6, 16, 0))
    assert spans(response) == [("https://a.example", 5, 11)]
    assert "Über 😀 Köln."[5:11] == "😀 Köln"


def test_source_without_a_support_cites_at_large() -> None:
    response = grounded("Cats purr.", [WEB, OTHER], support(0, 4, 1))
    assert spans(response) == [("https://b.example", 0, 4), ("https://a.example", None, None)]


def test_offsets_without_a_part_run_through_all_words_but_the_thoughts() -> None:
    metadata: Wire = {"groundingChunks": [WEB], "groundingSupports": [support(0, 3, 0), support(4, 8, 0)]}
    parts: list[JSON] = [{"text": "Hmmm", "thought": True}, {"text": "Aha."}, {"text": "Cats"}]
    response = answering(*parts, groundingMetadata=metadata)
    assert spans(response, 1) == [("https://a.example", 0, 3)]
    assert spans(response, 2) == [("https://a.example", 0, 4)]


def test_offsets_with_a_part_are_in_that_part() -> None:
    metadata: Wire = {"groundingChunks": [WEB], "groundingSupports": [support(0, 3, 0, partIndex=1)]}
    response = answering({"text": "Aha."}, {"text": "Cats"}, groundingMetadata=metadata)
    assert (spans(response, 0), spans(response, 1)) == ([], [("https://a.example", 0, 3)])


@pytest.mark.parametrize("indices", [[7], [-1], ["x"], "x", None])
def test_support_without_a_source_is_kept(indices: JSON) -> None:
    odd: Wire = {"segment": {"startIndex": 0, "endIndex": 4}, "groundingChunkIndices": indices}
    (citation, _) = cited(grounded("Cats", [WEB], odd))
    assert (citation.url, citation.start, citation.end, citation.dialect) == (None, 0, 4, "gemini")


def test_source_of_another_kind_keeps_what_a_citation_has_no_field_for() -> None:
    chunk: Wire = {"retrievedContext": {"title": "T", "text": "words", "fileSearchStore": "s"}}
    (citation,) = cited(grounded("Cats", [chunk], support(0, 4, 0)))
    assert (citation.title, citation.cited_text) == ("T", "words")
    assert citation.native == {"groundingChunk": chunk}
    assert citation.extra == {"gemini": {"retrievedContext": {"fileSearchStore": "s"}}}


def test_rest_of_the_metadata_travels_as_extra() -> None:
    response = grounded("Cats", [WEB], support(0, 4, 0), webSearchQueries=["cats"])
    assert response.candidates[0].extra == {"gemini": {"groundingMetadata": {"webSearchQueries": ["cats"]}}}


@pytest.mark.parametrize("metadata", ["x", {"webSearchQueries": ["cats"]}, {"groundingSupports": [support(0, 1, 0)]}])
def test_metadata_without_sources_travel_as_they_are(metadata: JSON) -> None:
    response = answering({"text": "Cats"}, groundingMetadata=metadata)
    assert response.candidates[0].extra == {"gemini": {"groundingMetadata": metadata}}


def test_metadata_of_an_answer_without_words_travel_as_they_are() -> None:
    response = answering({"functionCall": {"name": "f"}}, groundingMetadata={"groundingChunks": [WEB]})
    assert response.candidates[0].extra == {"gemini": {"groundingMetadata": {"groundingChunks": [WEB]}}}


@pytest.mark.parametrize("key", ["citationSources", "citations"])
def test_recited_source_is_a_citation(key: str) -> None:
    source: Wire = {"startIndex": 0, "endIndex": 4, "uri": "https://a.example", "license": "mit"}
    response = answering({"text": "Cats"}, finishReason="STOP", citationMetadata={key: [source]})
    (citation,) = cited(response)
    assert (citation.url, citation.start, citation.end) == ("https://a.example", 0, 4)
    assert citation.extra == {"gemini": {"license": "mit"}}
    wire, losses = answered(response)
    assert field(wire, "candidates", 0, "citationMetadata") == {"citationSources": [source]}
    assert losses == []


# ---------------------------------------------------------------------------------------------------- there and back
BACK: list[tuple[str, list[JSON], list[JSON]]] = [
    ("Cats purr.", [WEB, OTHER], [support(0, 4, 0, 1, text="Cats"), support(5, 9, 1, text="purr")]),
    ("Über Köln.", [WEB], [support(6, 11, 0, text="Köln")]),
    ("Cats", [WEB], []),
    ("Cats", [{"maps": {"uri": "https://m.example", "title": "M", "placeId": "p"}}], [support(0, 4, 0, text="Cats")]),
    ("Cats", [WEB], [{**support(0, 4, 0, text="Cats"), "confidenceScores": [0.5]}]),
    ("Cats", [{"web": {"uri": "https://a.example", "domain": "a"}}], [support(0, 4, 0, text="Cats")]),
]


@pytest.mark.parametrize(("text", "chunks", "supports"), BACK)
def test_grounding_comes_back_as_it_was(text: str, chunks: list[JSON], supports: list[JSON]) -> None:
    wire, losses = answered(grounded(text, chunks, *supports))
    said: Wire = {"groundingChunks": chunks, "groundingSupports": supports} if supports else {"groundingChunks": chunks}
    assert field(wire, "candidates", 0, "groundingMetadata") == said
    assert losses == []


def test_what_a_segment_says_beside_returns() -> None:
    response = grounded("Cats", [WEB], support(0, 4, 0, text="Cats", xMood="sure"))
    metadata = {"groundingChunks": [WEB], "groundingSupports": [support(0, 4, 0, text="Cats", xMood="sure")]}
    assert response.candidates[0].extra is not None
    from dragoman.schemas.gemini.response import encode_response
    from dragoman.schemas.losses import Losses

    wire = encode_response(response, Losses())
    assert field(wire, "candidates", 0, "groundingMetadata") == metadata


# ------------------------------------------------------------------------------------------------------ IR → wire
def test_pages_are_said_as_grounding() -> None:
    first = Citation(url="https://a.example", title="A", start=0, end=4)
    candidate, losses = cites("Cats purr.", first, Citation(url="https://a.example", title="A", start=5, end=9))
    assert candidate["groundingMetadata"] == {
        "groundingChunks": [WEB],
        "groundingSupports": [support(0, 4, 0, text="Cats"), support(5, 9, 0, text="purr")],
    }
    assert losses == []


def test_source_without_a_page_is_said_as_retrieved() -> None:
    candidate, losses = cites("Cats", Citation(title="T", cited_text="words"))
    assert candidate["groundingMetadata"] == {
        "groundingChunks": [{"retrievedContext": {"title": "T", "text": "words"}}]
    }
    assert losses == []


@pytest.mark.parametrize(
    "citation",
    [
        Citation(url="https://a.example", cited_text="words"),
        Citation(title="T", file_id="file-1"),
        Citation(title="T", native={"page": 3}, dialect="anthropic"),
        Citation(file_id="file-1"),
    ],
)
def test_what_gemini_cannot_cite_is_a_loss(citation: Citation) -> None:
    _, losses = cites("Cats", citation)
    assert losses == [("$", "citation", "dropped")]


@pytest.mark.parametrize(("start", "end", "said"), [(2, None, (2, 4)), (None, 2, (0, 2)), (-3, 99, (0, 4))])
def test_span_is_kept_within_the_words(start: int | None, end: int | None, said: tuple[int, int]) -> None:
    candidate, _ = cites("Cats", Citation(url="https://a.example", start=start, end=end))
    segment = field(candidate, "groundingMetadata", "groundingSupports", 0, "segment")
    assert (field(segment, "startIndex"), field(segment, "endIndex")) == said


def test_citations_of_a_later_part_name_it() -> None:
    text = Text(text="Cats", citations=(Citation(url="https://a.example", start=0, end=4),))
    wire, _ = answered(Candidate(parts=(Text(text="Aha."), text), stop="stop"))
    segment = field(wire, "candidates", 0, "groundingMetadata", "groundingSupports", 0, "segment")
    assert field(segment, "partIndex") == 1


def test_source_of_a_whole_text_before_another_keeps_to_it() -> None:
    source = Citation(url="https://a.example", title="A")
    parts = (Text(text="Cats", citations=(source,)), Text(text="Dogs"))
    wire, losses = answered(Candidate(parts=parts, stop="stop"))
    metadata = field(wire, "candidates", 0, "groundingMetadata")
    assert field(metadata, "groundingSupports") == [support(0, 4, 0, text="Cats")]
    assert losses == []
    back = decode_response(wire)
    assert (spans(back, 0), spans(back, 1)) == ([("https://a.example", 0, 4)], [])


def test_source_that_bears_out_words_and_cites_at_large_comes_back_as_both() -> None:
    retrieved: Wire = {"retrievedContext": {"title": "T", "text": "words", "fileSearchStore": "s"}}
    response = grounded("Cats purr.", [retrieved, retrieved], support(0, 4, 1))
    wire, losses = answered(response)
    assert field(wire, "candidates", 0, "groundingMetadata", "groundingChunks") == [retrieved, retrieved]
    assert [citation.end for citation in cited(decode_response(wire))] == [4, None]
    assert losses == []


def test_recited_source_without_offsets_in_a_later_text_is_a_loss() -> None:
    recited = Citation(native={"uri": "https://a.example"}, dialect="gemini", at=("c",))
    for parts, lost in (("a", []), ("ba", [("$.c", "citation", "approximated")])):
        texts = tuple(Text(text=word, citations=(recited,) if word == "a" else ()) for word in parts)
        assert answered(Candidate(parts=texts, stop="stop"))[1] == lost


def test_citations_reach_chat_in_characters() -> None:
    body: Wire = {
        "candidates": [
            {
                "content": {"parts": [{"text": "Über Köln."}], "role": "model"},
                "groundingMetadata": {"groundingChunks": [WEB], "groundingSupports": [support(6, 11, 0)]},
            }
        ]
    }
    converted = convert_response(body, source="gemini", target="openai-chat")
    note = field(converted.body, "choices", 0, "message", "annotations", 0, "url_citation")
    assert (field(note, "url"), field(note, "start_index"), field(note, "end_index")) == ("https://a.example", 5, 9)
