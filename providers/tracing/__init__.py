"""The transform trace: what each pass made of an exchange, line by line, without secrets."""

from dragoman.providers.tracing.replayed import Replayer, replayed
from dragoman.providers.tracing.tracer import Output, Trace, Tracer

__all__ = ["Output", "Replayer", "Trace", "Tracer", "replayed"]
