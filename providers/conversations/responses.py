"""Answers that are kept, as OpenAI's Responses API shows them: objects of the dialect openai-responses.

Whoever gave an answer, in whatever dialect, it is shown in this one; what the dialect cannot say is left out. Ids are
stable: the one of an answer is the one that it is kept by, that of an item which has none is made of it. The items of
an answer are those of all turns before it, and its own input, as at OpenAI's.
https://platform.openai.com/docs/api-reference/responses
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from dragoman.providers.conversations import Archive, Kept
from dragoman.providers.conversations.items import items_of, shown
from dragoman.schemas.convert import guarded
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import CallerError, UnknownResponse
from dragoman.schemas.ir import JSON, Response, Wire
from dragoman.schemas.losses import Losses

__all__ = ["Responses", "response_of"]

RESPONSES = "openai-responses"
MOST = 100  # objects of a page
_CODES = {"rate_limit": "rate_limit_exceeded", "overloaded": "rate_limit_exceeded", "invalid_request": "invalid_prompt"}


class Responses:
    """`limit` is from 1 to 100, `order` "asc" or "desc". Raises UnknownResponse for an id that is not kept."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    async def retrieve(self, response_id: str) -> Wire:
        kept = await self._archive.get(response_id)
        if kept is None:
            raise UnknownResponse(response_id)
        return response_of(kept)

    async def list(self, *, limit: int = 20, after: str | None = None, order: str = "desc") -> Wire:
        """Return a page of all answers, in the order of their time."""
        _check(limit, order)
        page = await self._archive.page(limit=limit, after=after, newest_first=order == "desc")
        return _listed([response_of(kept) for kept in page.kept], has_more=page.has_more)

    async def delete(self, response_id: str) -> Wire:
        """Forget an answer. What goes on from it is kept, and has no beginning then."""
        if not await self._archive.delete(response_id):
            raise UnknownResponse(response_id)
        return {"id": response_id, "object": "response", "deleted": True}

    async def input_items(
        self,
        response_id: str,
        *,
        limit: int = 20,
        after: str | None = None,
        before: str | None = None,
        order: str = "desc",
        include: Sequence[str] = (),
    ) -> Wire:
        """Return a page of what an answer is the answer to. `include`: what is shown that is large, or nobody's
        business otherwise, as the API names it."""
        _check(limit, order)
        lineage = await self._archive.lineage(response_id)
        if not lineage:
            raise UnknownResponse(response_id)
        items = items_of(lineage, [_output(response_of(kept)) for kept in lineage[:-1]])
        items = items if order == "asc" else items[::-1]
        start = 0 if after is None else _place(items, after) + 1
        end = len(items) if before is None else _place(items, before)
        part = items[start:end]
        page = part[-limit:] if before is not None and after is None else part[:limit]
        return _listed([shown(item, include) for item in page], has_more=len(part) > limit)

    async def flush(self) -> None:
        """Return when all that was kept is as safe as can be."""
        await self._archive.flush()

    async def clear(self) -> None:
        """Forget all answers and sessions, and what the field cache holds."""
        await self._archive.clear()


def response_of(kept: Kept) -> Wire:
    """Return an answer as a response object."""
    answer = replace(kept.response or Response(candidates=()), id=kept.id, created=int(kept.created))
    model = answer.model or kept.request.model or kept.origin.model or ""
    answer = replace(answer, model=model)
    wire = guarded(find(RESPONSES).responses.encode_response, answer, Losses(), kept.request)
    whole: Wire = {**wire, "id": kept.id, "metadata": wire.get("metadata") or {}}
    if kept.previous is not None:
        whole["previous_response_id"] = kept.previous
    return {**whole, **_end(kept, wire)}


def _end(kept: Kept, wire: Wire) -> Wire:
    """Return how it ended. The API has no word for an answer that was cut off: it failed, with what had come of it."""
    match kept.status:
        case "completed":
            return {"status": "completed", "error": None, "incomplete_details": None}
        case "incomplete":
            return {"status": "incomplete", "error": None, "incomplete_details": wire.get("incomplete_details")}
        case "cut" | "failed":
            kind, said = kept.error or ("server", "")
            told = said or ("the answer was cut off" if kept.status == "cut" else "the request failed")
            error: Wire = {"code": _CODES.get(kind, "server_error"), "message": told}
            return {"status": "failed", "error": error, "incomplete_details": None}


def _output(response: Wire) -> Sequence[JSON]:
    output = response.get("output")
    return output if isinstance(output, list) else []


def _check(limit: int, order: str) -> None:
    if not 1 <= limit <= MOST:
        raise CallerError(f"limit: expected 1 to {MOST}, got {limit}")
    if order not in ("asc", "desc"):
        raise CallerError(f'order: expected "asc" or "desc", got {order[:40]!r}')


def _place(items: Sequence[Wire], item_id: str) -> int:
    for place, item in enumerate(items):
        if item.get("id") == item_id:
            return place
    raise CallerError(f"no item of this answer has the id {item_id[:100]!r}")


def _listed(data: Sequence[Wire], *, has_more: bool) -> Wire:
    return {
        "object": "list",
        "data": [*data],
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": has_more,
    }
