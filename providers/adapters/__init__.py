"""Adapters: what a profile changes in what is sent and what comes, in its order. Most need no code: see `operations`.

A chain is made for one exchange. Nothing here changes what it is given: what an adapter returns is another value, which
shares all that stays the same.
"""

from dragoman.providers.adapters.chain import NO_ADAPTERS, Chain, chain_of
from dragoman.providers.adapters.context import Context

__all__ = ["NO_ADAPTERS", "Chain", "Context", "chain_of"]
