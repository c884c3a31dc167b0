"""Chat as a stream: how chunks are read stands in `stream_decoder`, how they are said in `stream_encoder`.

https://platform.openai.com/docs/api-reference/chat-streaming
"""

from __future__ import annotations

from dragoman.schemas.openai_chat.stream_decoder import StreamDecoder
from dragoman.schemas.openai_chat.stream_encoder import StreamEncoder

__all__ = ["COMMENTS", "REPEATS", "StreamDecoder", "StreamEncoder"]

REPEATS = False  # no last chunk repeats what was said
COMMENTS = True
