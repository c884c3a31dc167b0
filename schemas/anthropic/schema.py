"""JSON Schemas as Claude takes them.

A tool's schema is an object at the top, without alternatives there. Where Claude must keep to a schema (strict tools,
output formats) it takes a subset: every object closed, no bounds; what it does not take is said in the description.
A schema that is in order is returned as it is. https://platform.claude.com/docs/en/build-with-claude/structured-outputs
"""

from __future__ import annotations

from dragoman.schemas.ir import JSON, At, Wire
from dragoman.schemas.jsontext import write_json
from dragoman.schemas.losses import Losses
from dragoman.schemas.narrow import objects, text

__all__ = ["subset", "tool_schema"]

_ALTERNATIVES = ("anyOf", "oneOf", "allOf")
_NOTHING: Wire = {"type": "object", "properties": {}}
_DEEPEST = 48
_FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid", "text"}
)
# Keywords that Claude refuses in a schema that it must keep to.
_REFUSED = frozenset(
    {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "maxItems"}
    | {"uniqueItems", "contains", "minContains", "maxContains", "minProperties", "maxProperties", "patternProperties"}
    | {"propertyNames", "dependentRequired", "dependentSchemas", "unevaluatedProperties", "unevaluatedItems"}
    | {"if", "then", "else", "not", "prefixItems", "contentEncoding", "contentMediaType"}
)


# -------------------------------------------------------------------------------------------------- the top of a tool's
def tool_schema(schema: Wire | None, at: At, losses: Losses) -> Wire:
    """Return a schema that is an object at the top and has no alternatives there."""
    if schema is None:
        losses.synthesized(at, "tool", "Claude wants a schema; this one takes nothing", severity="advisory")
        return dict(_NOTHING)
    if schema.get("type") == "object" and schema.keys().isdisjoint(_ALTERNATIVES):
        return schema
    made = _merged(_resolved(schema, schema), schema)
    said = made.get("type")
    if said != "object":
        plain = said is None or (isinstance(said, list) and "object" in said)
        made = {**made, "type": "object"} if plain else dict(_NOTHING)
    losses.approximated(
        at, "tool", "Claude wants an object without alternatives at the top of a schema", severity="advisory"
    )
    return made


def _resolved(schema: Wire, root: Wire) -> Wire:
    """Return what a schema refers to, with what it says itself; one that refers elsewhere stays as it is."""
    for _ in range(_DEEPEST):
        target = _target(schema.get("$ref"), root)
        if target is None:
            break
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    return {key: value for key, value in schema.items() if key != "$ref"}


def _target(ref: JSON, root: Wire) -> Wire | None:
    if not isinstance(ref, str) or not ref.startswith("#/"):
        return None
    found: JSON = root
    for step in ref[2:].split("/"):
        found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None


def _merged(schema: Wire, root: Wire) -> Wire:
    """Return a schema with the properties of its alternatives; what only some of them require is not required."""
    made = {key: value for key, value in schema.items() if key not in _ALTERNATIVES}
    for key in _ALTERNATIVES:
        branches = [_resolved(branch, root) for branch in objects(schema.get(key))]
        if not branches:
            continue
        gathered: Wire = {}
        for held in (made.get("properties"), *(branch.get("properties") for branch in branches)):
            for name, value in held.items() if isinstance(held, dict) else ():
                gathered.setdefault(name, value)
        made["properties"] = gathered
        required = dict.fromkeys((*_required(made), *_required_of(branches, key)))
        if required:
            made["required"] = list[JSON](required)
    return made


def _required_of(branches: list[Wire], key: str) -> list[str]:
    said = [frozenset(_required(branch)) for branch in branches]
    if key == "allOf":
        return [name for branch in branches for name in _required(branch)]
    always = said[0].intersection(*said[1:])
    return [name for name in _required(branches[0]) if name in always]


def _required(schema: Wire) -> list[str]:
    said = schema.get("required")
    return [name for name in said if isinstance(name, str)] if isinstance(said, list) else []


# --------------------------------------------------------------------------------------------- schemas that bind Claude
def subset(schema: Wire, at: At, feature: str, losses: Losses) -> Wire:
    """Return a schema in the subset that Claude can be held to; the schema itself where it is one already."""
    changed: set[str] = set()
    made = _narrowed(schema, changed, 0)
    if changed:
        what = ", ".join(sorted(changed)[:12])
        losses.approximated(at, feature, f"Claude takes a subset of JSON Schema; changed: {what}", severity="advisory")
    return made


def _narrowed(schema: Wire, changed: set[str], depth: int) -> Wire:
    if depth > _DEEPEST:
        changed.add("what is nested too deeply")
        return schema
    made: Wire = {}
    refused: Wire = {}
    for key, value in schema.items():
        if key in _REFUSED or _is_refused(key, value):
            refused[key] = value
        else:
            _narrow(made, key, value, changed, depth)
    if refused:
        changed.update(refused)
        made["description"] = _described(text(schema.get("description")), refused)
    if _is_open(made):
        changed.add("additionalProperties")
        made["additionalProperties"] = False
    return made if changed else schema


def _is_refused(key: str, value: JSON) -> bool:
    if key == "minItems":
        return value not in (0, 1)
    return key == "format" and value not in _FORMATS and isinstance(value, str)


def _narrow(made: Wire, key: str, value: JSON, changed: set[str], depth: int) -> None:
    match key:
        case "properties" | "$defs" | "definitions" if isinstance(value, dict):
            made[key] = {name: _inner(held, changed, depth) for name, held in value.items()}
        case "items":
            made[key] = _inner(value, changed, depth)
        case "anyOf" | "allOf" | "oneOf" if isinstance(value, list):
            if key == "oneOf":
                changed.add("oneOf")
            made["anyOf" if key == "oneOf" else key] = [_inner(held, changed, depth) for held in value]
        case _:
            made[key] = value


def _inner(value: JSON, changed: set[str], depth: int) -> JSON:
    return _narrowed(value, changed, depth + 1) if isinstance(value, dict) else value


def _is_open(schema: Wire) -> bool:
    said = schema.get("type")
    is_object = said == "object" or (isinstance(said, list) and "object" in said) or "properties" in schema
    return is_object and schema.get("additionalProperties") is not False


def _described(description: str | None, refused: Wire) -> str:
    said = ", ".join(f"{key}: {write_json(value).decode()}" for key, value in refused.items())
    return f"{description}\n\n{{{said}}}" if description else f"{{{said}}}"
