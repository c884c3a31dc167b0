"""Gemini as a stream: how chunks are read stands in `stream_decoder`, how they are said in `stream_encoder`.

https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent
"""

from __future__ import annotations

from dragoman.schemas.gemini.stream_decoder import StreamDecoder
from dragoman.schemas.gemini.stream_encoder import StreamEncoder

__all__ = ["COMMENTS", "REPEATS", "StreamDecoder", "StreamEncoder"]

REPEATS = True  # the sources that come last quote the words that they bear out
COMMENTS = False  # nobody would read them
