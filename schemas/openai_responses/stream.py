"""Streams of Responses ↔ events.

Both ways stand in rooms of their own. https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from dragoman.schemas.openai_responses.stream_decoder import StreamDecoder
from dragoman.schemas.openai_responses.stream_encoder import StreamEncoder

__all__ = ["COMMENTS", "REPEATS", "StreamDecoder", "StreamEncoder"]

REPEATS = True  # an item that is done, and the response that is completed, hold all that was said
COMMENTS = True
