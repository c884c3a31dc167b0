"""A file of rules, or the same as a program has them → rules that are checked.

The form is `schemas/sandbox.schema.json`. What is wrong is a ProfileFault that names the file, the line and the field.
Imported only where there are rules: yaml and jsonschema are slow to come.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import msgspec

from dragoman.providers.profiles.checking import nearest, validator_of
from dragoman.providers.profiles.places import MAX_BYTES, Page, read_yaml
from dragoman.providers.profiles.suspicion import shown
from dragoman.providers.sandbox.script import Rule
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import ProfileFault, UnknownDialect
from dragoman.schemas.ir import JSON, At, Wire
from dragoman.schemas.losses import path_of
from dragoman.schemas.narrow import as_object, objects, show

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

__all__ = ["as_rules", "load_rules"]


def load_rules(path: str) -> tuple[Rule, ...]:
    """Return the rules of a YAML file."""
    try:
        with open(path, "rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        problem = f"the rules of the sandbox cannot be read: {error.strerror}"
        raise ProfileFault(
            problem, place=path, hint="rules: FILE in the profile, or DRAGOMAN_SANDBOX, names it"
        ) from error
    return _checked(read_yaml(raw, path))


def as_rules(rules: Iterable[Rule | Mapping[str, object]]) -> tuple[Rule, ...]:
    """Return the rules of a program, which may have them as a file has."""
    held = [*rules]
    written = iter(_checked(Page("rules", [cast("JSON", rule) for rule in held if not isinstance(rule, Rule)])))
    return tuple(rule if isinstance(rule, Rule) else next(written) for rule in held)


def _checked(page: Page) -> tuple[Rule, ...]:
    """Return the rules of a page. Raises ProfileFault for the first thing in it that is wrong."""
    faults = sorted([*_misfits(page), *_nonsense(page)], key=_Fault.order)
    if faults:
        raise faults[0].raised(page)
    return msgspec.convert(page.value, tuple[Rule, ...])


class _Fault(msgspec.Struct, frozen=True):
    at: At
    problem: str
    hint: str = ""

    def order(self) -> tuple[str, ...]:
        """Return what sorts faults as they stand in the file: by the number of the rule first."""
        return tuple(f"{step:06d}" if isinstance(step, int) else step for step in self.at)

    def raised(self, page: Page) -> ProfileFault:
        place = page.place(self.at) if page.lines else page.file + path_of(self.at)[1:]
        return ProfileFault(self.problem, place=place, hint=self.hint)


# --------------------------------------------------------------------------------------------------------- its form
def _misfits(page: Page) -> Iterator[_Fault]:
    """Yield what is not as the schema says."""
    for error in validator_of("sandbox.schema.json").iter_errors(cast("Wire", page.value)):
        yield from _told(error)


def _told(error: ValidationError) -> Iterator[_Fault]:
    at, value = tuple(error.absolute_path), cast("JSON", error.instance)
    schema = as_object(cast("JSON", error.schema), ())
    match error.validator:
        case "additionalProperties":
            known = [*as_object(schema["properties"], ())]
            yield from (_unknown((*at, name), name, known) for name in as_object(value, ()) if name not in known)
        case "required":
            missing = ", ".join(name for name in _texts(schema["required"]) if name not in as_object(value, ()))
            yield _Fault(at, f"{missing} is missing")
        case "enum":
            known = _texts(schema["enum"])
            yield _Fault(at, f"expected one of {', '.join(known)}, got {show(value)}", _nearest(str(value), known))
        case _:
            yield _Fault(at, f"expected {schema['description']}, got {shown(str(at[-1]) if at else '', value)}")


def _unknown(at: At, name: str, known: Sequence[str]) -> _Fault:
    return _Fault(at, f"there is no such field; known are {', '.join(known)}", _nearest(name, known))


def _nearest(name: str, known: Sequence[str]) -> str:
    meant = nearest(name, known)
    return f"did you mean {meant}?" if meant else ""


def _texts(value: JSON) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


# --------------------------------------------------------------------------------------------------------- its sense
def _nonsense(page: Page) -> Iterator[_Fault]:
    """Yield what no schema can say."""
    for number, rule in enumerate(page.value if isinstance(page.value, list) else []):
        for held in objects([rule]):
            yield from _match_faults(held.get("match"), (number, "match"))
            yield from _answer_faults(held, (number,))


def _match_faults(match: JSON, at: At) -> Iterator[_Fault]:
    told: Wire = match if isinstance(match, dict) else {}
    pattern, dialect = told.get("text_regex"), told.get("dialect")
    try:
        _ = re.compile(pattern) if isinstance(pattern, str) else None
    except re.error as error:
        yield _Fault((*at, "text_regex"), f"no regular expression: {error}")
    try:
        _ = find(dialect) if isinstance(dialect, str) else None
    except UnknownDialect as error:
        yield _Fault((*at, "dialect"), str(error), error.hint)


def _answer_faults(rule: Wire, at: At) -> Iterator[_Fault]:
    """Yield answers that cannot both be given. An error may come amid a reply."""
    answers = [name for name in ("reply", "error", "raw") if name in rule]
    if len(answers) > 1 and not (answers == ["reply", "error"] and "error_after" in rule):
        hint = "error_after: N lets an error come after N chunks of the reply" if "raw" not in answers else ""
        yield _Fault((*at, answers[1]), f"a rule has one answer, and this one has {' and '.join(answers)}", hint)
