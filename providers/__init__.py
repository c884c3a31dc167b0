"""Everything that touches the world: who speaks which dialect, where, with what key, over one transport.

Nothing here yet. Imports run only `dragoman.cli` → `dragoman.providers` → `dragoman.schemas`, and one file, the
transport, is allowed to import httpx.
"""

__all__: list[str] = []
