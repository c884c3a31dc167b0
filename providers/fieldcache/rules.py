"""A rule and a place → the record, and the entry in it, that its values are kept under.

A record is of one conversation, of one session, or the one that is common to all; within it, an entry is of one rule
and of everything that its scope names. Nothing that a provider says is part of a name. Where a part of the scope is not
known there is no entry at all.
"""

from __future__ import annotations

from collections.abc import Iterable

from dragoman.providers.fieldcache import Place
from dragoman.providers.settings import Rule

__all__ = ["COMMON", "EVENTS", "entry_of", "fits", "record_of", "records_for"]

COMMON = "common"
EVENTS = frozenset({"stream_event", "unified_stream_event"})


def records_for(rules: Iterable[Rule], place: Place) -> tuple[str, ...]:
    """Return the records that hold what rules may put into a request."""
    records = [record_of(rule, place) for rule in rules]
    return tuple(dict.fromkeys(record for record in records if record is not None))


def record_of(rule: Rule, place: Place) -> str | None:
    """Return the record of a rule; None where it has no values."""
    if not rule.scope or not all(getattr(place, part) for part in rule.scope):
        return None
    if "conversation" in rule.scope:
        return f"conversation:{place.conversation}"
    return f"session:{place.session}" if "session" in rule.scope else COMMON


def entry_of(rule: Rule, place: Place) -> str:
    """Return the name of an entry. It is a digest of JSON, in which no two lists of texts are the same; a rule that has
    come to mean something else begins anew."""
    from hashlib import sha256

    from dragoman.schemas.jsontext import write_json

    scope = [f"{part}:{getattr(place, part)}" for part in sorted(set(rule.scope))]
    named = write_json([rule.name, rule.mode, rule.source, rule.path, *scope])
    return sha256(named).hexdigest()


def fits(rule: Rule, dialect: str) -> bool:
    """Tell whether a rule is for providers of this dialect, or of one that this is derived from."""
    if not rule.dialects or dialect in rule.dialects:
        return True
    from dragoman.schemas.dialect import find

    return find(dialect).family in rule.dialects
