"""Messages as a stream: how it is read stands in `stream_decoder`, how it is said in `stream_encoder`.

https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

from dragoman.schemas.anthropic.stream_decoder import StreamDecoder
from dragoman.schemas.anthropic.stream_encoder import StreamEncoder

__all__ = ["COMMENTS", "REPEATS", "StreamDecoder", "StreamEncoder"]

REPEATS = False  # no last event of Claude's repeats what was said
COMMENTS = False  # nobody would read them
