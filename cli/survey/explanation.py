"""`dragoman models --explain`: what a profile or group is made of → a line a field, with the place that it is from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dragoman.cli.environment import Environment
from dragoman.cli.render import printable
from dragoman.providers.profiles.explain import Row, explain
from dragoman.providers.settings import Profile
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import write_json

__all__ = ["explanation"]

SCHEMA_VERSION = 1


def explanation(
    profiles: Sequence[Profile],
    environment: Environment,
    *,
    is_json: bool,
    groups: Mapping[str, Sequence[Row]] | None = None,
) -> bytes:
    """Return fields, values and origins: a table on a terminal, lines with tabs in a pipe, or JSON."""
    of_groups = groups or {}
    told = {profile.name: explain(profile, environment.variables) for profile in profiles}
    if is_json:
        return _document(told, of_groups)
    everything = {**of_groups, **told}
    rows = [(name, list(row)) for name, fields in everything.items() for row in fields]
    if not environment.is_terminal(environment.stdout):
        lines = ["\t".join(map(printable, row if len(everything) == 1 else [name, *row])) for name, row in rows]
        return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
    from dragoman.cli.survey.tables import Cell, Column, table

    columns = [Column("profile"), Column("field"), Column("value"), Column("from")]
    cells: list[list[Cell]] = [[name, *row] for name, row in rows]
    return table(columns, cells, width=environment.width(), colour=environment.has_colour(environment.stdout))


def _document(told: Mapping[str, Sequence[Row]], groups: Mapping[str, Sequence[Row]]) -> bytes:
    document: Wire = {"schema_version": SCHEMA_VERSION, "profiles": [_named("profile", *item) for item in told.items()]}
    if groups:
        document["groups"] = [_named("group", *item) for item in groups.items()]
    return write_json(document) + b"\n"


def _named(kind: str, name: str, rows: Sequence[Row]) -> JSON:
    fields: list[JSON] = [{"field": field, "value": value, "origin": origin or None} for field, value, origin in rows]
    return {kind: name, "fields": fields}
