"""Ollama as a stream: how lines are read stands in `stream_decoder`, how they are said in `stream_encoder`.

https://docs.ollama.com/api/streaming
"""

from __future__ import annotations

from dragoman.schemas.ollama.stream_decoder import StreamDecoder
from dragoman.schemas.ollama.stream_encoder import StreamEncoder

__all__ = ["COMMENTS", "REPEATS", "StreamDecoder", "StreamEncoder"]

REPEATS = False  # the last line repeats nothing that was said
COMMENTS = False  # nobody would read them
