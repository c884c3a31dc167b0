"""Helicone's exports: requests and responses as they went through its proxy, one an entry.

A stream is kept as the answer that it added up to, often with its chunks beside it as `streamed_data`. Newer exports
hold links to the bodies unless they were asked to hold these.
"""

from __future__ import annotations

from collections.abc import Iterator

from dragoman.schemas.captures.exchange import Captured, Item, Received, Sent, Skipped
from dragoman.schemas.captures.formats import Format
from dragoman.schemas.captures.logged import dialect_of, entries, first, instant, milliseconds, stripped, unfolded
from dragoman.schemas.detection import detect
from dragoman.schemas.errors import InvalidInput, UndetectedDialect
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.narrow import count, number, objects, show, text

__all__ = ["FORMAT", "read"]

FORMAT = Format(name="helicone", title="Helicone's exports", module=__name__, by_documents=True)

# In place of a body that is too large, or somewhere else.
_NOTES = frozenset({"helicone_message", "heliconeMessage"})
_DEFAULT_ID = "00000000-0000-0000-0000-000000000000"


def read(raw: bytes, line: int) -> Iterator[Item]:
    return entries(raw, line, read=_entry)


def _entry(entry: Wire, line: int) -> Iterator[Item]:
    asked = _body(entry.get("request_body"))
    said = _body(entry.get("response_body"))
    if asked is None and said is None:
        yield _without_bodies(entry, line)
        return
    if isinstance(asked, dict) and "_type" in asked:
        yield Skipped("no request to a model", f"an event of type {show(asked['_type'])}", line)
        return
    received, fault = _received(said, entry)
    yield Captured(
        request=None if asked is None else Sent(body=_raw(asked), url=_url(entry)),
        response=received,
        id=_id(entry),
        started=instant(entry.get("request_created_at")),
        elapsed=_elapsed(entry),
        dialect=dialect_of(asked, "") if isinstance(asked, dict) else "",
        model=_model(asked, entry),
        fault=fault,
        line=line,
    )


def _without_bodies(entry: Wire, line: int) -> Skipped:
    if entry.get("signed_body_url"):
        return Skipped("links in place of bodies", "they expire: export again with --include-body", line)
    return Skipped("no bodies in the log", "export again with --include-body", line)


def _body(value: JSON) -> JSON:
    """Return a body as JSON, or as the text that it is; None where there is none."""
    body = unfolded(value)
    if isinstance(body, dict) and body.keys() and body.keys() <= _NOTES:
        return None
    return body if body not in ("", {}, []) else None


def _raw(body: JSON) -> bytes:
    return body.encode("utf-8", "surrogatepass") if isinstance(body, str) else write_json(body)


def _url(entry: Wire) -> str:
    """Return where a request went: older exports have the whole address as its path."""
    path = text(entry.get("request_path")) or ""
    target = text(entry.get("target_url")) or ""
    return path if path.startswith(("http://", "https://")) or not target else target


def _id(entry: Wire) -> str:
    ids = (text(entry.get(name)) for name in ("request_id", "response_id"))
    return next((known for known in ids if known and known != _DEFAULT_ID), "")


def _elapsed(entry: Wire) -> float | None:
    told = number(entry.get("delay_ms"))
    if told is not None:
        return float(told) if told >= 0 else None
    return milliseconds(entry.get("request_created_at"), entry.get("response_created_at"))


def _model(asked: JSON, entry: Wire) -> str | None:
    """Return the model where the body does not name it, as in Gemini's addresses."""
    if isinstance(asked, dict) and asked.get("model"):
        return None
    return text(first(entry, "model_override", "request_model", "model")) or None


# ---- the response ----------------------------------------------------------------------------------------------------


def _received(said: JSON, entry: Wire) -> tuple[Received | None, str]:
    status = count(entry.get("response_status"))
    if status is not None and not 100 <= status <= 599:
        return None, f"there was no response: Helicone's status is {status}"
    if said is None:
        return None, "the log holds no response"
    told = 200 if status is None else status
    if isinstance(said, dict) and told < 400:
        return _assembled(said, told), ""
    return Received(body=_raw(said), status=told), ""


def _assembled(said: Wire, status: int) -> Received:
    """Return an answer without what Helicone put beside it; or its chunks, if there is nothing else."""
    chunks = unfolded(said.get("streamed_data"))
    rest = stripped(said, ("streamed_data",)) if "streamed_data" in said else said
    inner = rest.get("response")
    if isinstance(inner, dict) and str(rest.get("type")).startswith("response."):
        rest = inner  # the last event of a stream of OpenAI's Responses, which holds all of it
    if any("delta" in choice for choice in objects(rest.get("choices"))):
        rest = _of_chunks(rest, objects(chunks))
    if chunks and not _is_response(rest):
        return Received(body=_events(chunks), status=status, kind="stream")
    return Received(body=write_json(rest), status=status)


def _is_response(body: Wire) -> bool:
    try:
        return detect(body).kind == "response"
    except UndetectedDialect:
        return False


def _of_chunks(said: Wire, chunks: list[Wire]) -> Wire:
    """Make a chat completion of chunks which Helicone has merged: it drops why they ended."""
    choices = objects(said.get("choices"))
    merged: list[JSON] = [_choice(choice, index, chunks) for index, choice in enumerate(choices)]
    return {**said, "object": "chat.completion", "choices": merged}


def _choice(choice: Wire, index: int, chunks: list[Wire]) -> Wire:
    told = [
        piece.get("finish_reason")
        for chunk in chunks
        for piece in objects(chunk.get("choices"))
        if piece.get("index", 0) == index and piece.get("finish_reason")
    ]
    message = first(choice, "message", "delta")
    if not isinstance(message, dict):
        raise InvalidInput(f"$.response_body.choices[{index}]", "there is no message")
    calls: list[JSON] = [stripped(call, ("index",)) for call in objects(message.get("tool_calls"))]
    said: Wire = {"role": "assistant", **message, "tool_calls": calls or None}
    why = told[-1] if told else choice.get("finish_reason")
    return {
        **stripped(choice, ("delta",)),
        "index": index,
        "message": {"content": None, **stripped(said)},
        "finish_reason": why,
    }


def _events(chunks: JSON) -> bytes:
    """Return chunks as the events that they were."""
    if isinstance(chunks, str):
        return chunks.encode("utf-8", "surrogatepass")
    said = [chunk for chunk in objects(chunks) if chunk]
    events = [_event(chunk) for chunk in said]
    is_chat = any("choices" in chunk for chunk in said)
    return b"".join(events) + (b"data: [DONE]\n\n" if is_chat else b"")


def _event(chunk: Wire) -> bytes:
    name = chunk.get("type")
    head = (
        f"event: {name}\n".encode()
        if isinstance(name, str) and name.replace("_", "").replace(".", "").isalnum()
        else b""
    )
    return head + b"data: " + write_json(chunk) + b"\n\n"
