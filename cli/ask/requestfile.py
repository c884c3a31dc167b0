"""A whole request of any dialect, in a file → the same, with what was typed laid over it.

Where nothing is laid over, the document stays as it is: the provider's own dialect gets every field of it.
"""

from __future__ import annotations

import msgspec

from dragoman.cli.ask.inputs import Inputs, json_of, place_of
from dragoman.cli.choices import dialect_named
from dragoman.cli.environment import Environment
from dragoman.schemas.convert import guarded
from dragoman.schemas.dialect import find
from dragoman.schemas.errors import InvalidInput, UndetectedDialect
from dragoman.schemas.ir import JSON, Parameters, Request, Wire
from dragoman.schemas.narrow import show

__all__ = ["WholeRequest", "laid_over", "read_request"]


class WholeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A document of the dialect `source`, and what it asks."""

    document: Wire
    source: str
    request: Request


def read_request(name: str, source: str | None, inputs: Inputs, environment: Environment) -> WholeRequest:
    """Return the request in a file; `source` is its dialect, or None. Raises NoInput, InvalidInput, Usage."""
    told = None if source is None else dialect_named("--from", source)
    document, place = json_of(name, inputs.read(name)), place_of(name)
    if not isinstance(document, dict):
        raise InvalidInput(place, f"expected a request, which is an object, got {show(document)}")
    dialect = told or _detected(document, place, environment)
    try:
        request = guarded(find(dialect).requests.decode_request, document)
    except InvalidInput as error:
        raise InvalidInput(f"{place}: {error.path}", error.problem) from error
    return WholeRequest(document=document, source=dialect, request=request)


def laid_over(request: Request, over: Request) -> Request:
    """Return a request with what another one says in place of its own, but for the conversation and the tools."""
    names = Parameters.__struct_fields__
    given: dict[str, JSON] = {name: value for name in names if (value := getattr(over.parameters, name)) is not None}
    return msgspec.structs.replace(
        request,
        model=over.model or request.model,
        parameters=msgspec.structs.replace(request.parameters, **given),
        stop=over.stop or request.stop,
        tool_choice=over.tool_choice or request.tool_choice,
        output=over.output or request.output,
        reasoning=over.reasoning or request.reasoning,
    )


def _detected(document: JSON, place: str, environment: Environment) -> str:
    from dragoman.schemas.detection import detect  # what is told need not be detected

    try:
        found = detect(document)
    except UndetectedDialect as error:
        problem = InvalidInput(place, error.problem)
        problem.hint = "--from DIALECT says it"
        raise problem from error
    if found.kind != "request":
        raise InvalidInput(place, f"expected a request, and this is a {found.kind} of {found.dialect}")
    if found.certainty != "certain":
        how = "others look just like it" if found.certainty == "guess" else "probably"
        environment.say(f"dragoman: note: {place}: read as {found.dialect} ({how}); --from DIALECT says it for certain")
    return found.dialect
