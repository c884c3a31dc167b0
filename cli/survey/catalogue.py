"""`dragoman models`: profiles → the models of all of them, asked side by side, as lines, a table or JSON.

A provider that fails hides no other: what it failed with is told on stderr, and in JSON.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from dragoman.cli.answer.logged import telling_logs
from dragoman.cli.answer.outlet import Outlet
from dragoman.cli.answer.output import failed_exchange
from dragoman.cli.answer.problems import error_fields
from dragoman.cli.answer.running import run_async
from dragoman.cli.environment import Environment
from dragoman.cli.render import error_text, printable
from dragoman.cli.sinks import open_sink
from dragoman.cli.status import FailedExchange, Status, status_of
from dragoman.providers.checks.masks import mask
from dragoman.providers.client import WireProvider
from dragoman.providers.factory import create_provider
from dragoman.providers.listing import PUBLIC, Model, is_free
from dragoman.providers.settings import Profile
from dragoman.schemas.errors import DragomanError, MissingKey, TimedOut
from dragoman.schemas.ir import JSON, Wire
from dragoman.schemas.jsontext import write_json

__all__ = ["FILTERS", "SCHEMA_VERSION", "View", "show_models"]

SCHEMA_VERSION = 1
# A model passes where its provider says so; what is not said is not so.
FILTERS: Mapping[str, Callable[[Model], bool]] = {
    "tools": lambda model: model.tools is True,
    "vision": lambda model: model.vision is True,
    "reasoning": lambda model: model.reasoning is True,
    "free": is_free,
}


class View(msgspec.Struct, frozen=True, kw_only=True):
    """`form` is "lines", "json" or "jsonl"; `timeout` is for each provider, in seconds. `prices` is a file to write the
    prices to, too."""

    form: str = "lines"
    output: str = "-"
    filters: tuple[str, ...] = ()
    timeout: float = 30.0
    quiet: bool = False
    prices: str = ""


def show_models(
    profiles: Sequence[Profile], view: View, environment: Environment, faulty: Sequence[FailedExchange] = ()
) -> int:
    """List, tell, and return the exit status: that of the first failure. `faulty` could not even be read."""
    with open_sink(view.output, environment) as sink:
        outlet = Outlet(sink, environment)
        # A command that prints a key may take its time; outside of the loop an interrupt ends it.
        providers = [_provider(profile, environment.variables) for profile in profiles]
        with telling_logs(environment, verbosity=-1 if view.quiet else 0):
            found = run_async(_gathered(providers, view.timeout), outlet)
        models = [
            model for one in found if not isinstance(one, FailedExchange) for model in one if _passes(model, view)
        ]
        failures = [*[one for one in found if isinstance(one, FailedExchange)], *faulty]
        _tell(models, failures, view, environment, outlet, is_one=len(profiles) + len(faulty) == 1)
    for failure in failures:
        colour = environment.has_colour(environment.stderr)
        environment.say(error_text(mask(str(failure)), mask(failure.hint), colour=colour))
    if not models and not failures and not view.quiet:
        environment.say(
            "dragoman: no model" + (" that passes: what a provider does not say is not so" * bool(view.filters))
        )
    if failures:
        return status_of(failures[0])
    return Status.DONE if not view.prices or _has_prices(models, view, environment) else Status.FAILED


def _has_prices(models: Sequence[Model], view: View, environment: Environment) -> bool:
    from dragoman.cli.survey.pricelist import write_prices

    return write_prices(models, view.prices, environment, quiet=view.quiet)


async def _gathered(
    providers: Sequence[WireProvider | FailedExchange], timeout: float
) -> list[tuple[Model, ...] | FailedExchange]:
    return await asyncio.gather(*[_listed(provider, timeout) for provider in providers])


async def _listed(provider: WireProvider | FailedExchange, timeout: float) -> tuple[Model, ...] | FailedExchange:
    if isinstance(provider, FailedExchange):
        return provider
    try:
        async with provider, asyncio.timeout(timeout):
            return await provider.models()
    except TimeoutError:
        return failed_exchange(provider.profile, TimedOut("total", timeout))
    except DragomanError as error:
        return failed_exchange(provider.profile, error)


def _provider(profile: Profile, variables: Mapping[str, str]) -> WireProvider | FailedExchange:
    """Return the provider; without a key, where there is none and everybody may ask."""
    try:
        return create_provider(profile, variables=variables)
    except DragomanError as error:
        if not isinstance(error, MissingKey) or profile.vendor not in PUBLIC:
            return FailedExchange(profile.name, error)
        return create_provider(msgspec.structs.replace(profile, auth_method="none"), variables=variables)


def _passes(model: Model, view: View) -> bool:
    return all(_is_so(model, wanted) for wanted in view.filters)


def _is_so(model: Model, wanted: str) -> bool:
    known = FILTERS.get(wanted)
    if known is not None:
        return known(model)
    return wanted.casefold() in f"{model.id}\n{model.name or ''}".casefold()


def _tell(
    models: Sequence[Model],
    failures: Sequence[FailedExchange],
    view: View,
    environment: Environment,
    outlet: Outlet,
    *,
    is_one: bool,
) -> None:
    match view.form:
        case "json":
            outlet.write_document(_document(models, failures))
        case "jsonl":
            outlet.write_lines(b"".join(_json_lines(models, failures)))
        case _ if outlet.is_terminal:
            outlet.write(_table(models, environment, is_one=is_one))
        case _:
            names = [model.id if is_one else f"{model.profile}/{model.id}" for model in models]
            outlet.write("".join(f"{printable(name)}\n" for name in names).encode("utf-8", "replace"))


def _document(models: Sequence[Model], failures: Sequence[FailedExchange]) -> Wire:
    return {
        "schema_version": SCHEMA_VERSION,
        "models": [msgspec.to_builtins(model) for model in models],
        "errors": [_failure(failure) for failure in failures],
    }


def _json_lines(models: Sequence[Model], failures: Sequence[FailedExchange]) -> Iterator[bytes]:
    for model in models:
        yield write_json({"schema_version": SCHEMA_VERSION, "type": "model", **msgspec.to_builtins(model)}) + b"\n"
    for failure in failures:
        yield write_json({"schema_version": SCHEMA_VERSION, "type": "error", "error": _failure(failure)}) + b"\n"


def _failure(failure: FailedExchange) -> Wire:
    return {name: _masked(value) for name, value in error_fields(failure).items()}


def _masked(value: JSON) -> JSON:
    match value:
        case str():
            return mask(value)
        case list():
            return [_masked(item) for item in value]
        case dict():
            return {name: _masked(item) for name, item in value.items()}
        case _:
            return value


def _table(models: Sequence[Model], environment: Environment, *, is_one: bool) -> bytes:
    from dragoman.cli.survey.tables import Cell, Column, table

    columns = [
        *([] if is_one else [Column("profile")]),
        Column("model"),
        Column("context", is_number=True),
        Column("$/M in", is_number=True),
        Column("$/M out", is_number=True),
        Column("reads"),
        Column("can"),
    ]
    rows: list[list[Cell]] = [[*([] if is_one else [model.profile]), *_row(model)] for model in models]
    return table(columns, rows, width=environment.width(), colour=environment.has_colour(environment.stdout))


def _row(model: Model) -> list[str]:
    able = [name for name in ("tools", "vision", "reasoning") if FILTERS[name](model)]
    return [
        model.id,
        "" if model.context is None else f"{model.context:,}",
        _price(model.price_input),
        _price(model.price_output),
        ", ".join(model.modalities),
        ", ".join(able),
    ]


def _price(price: float | None) -> str:
    return "" if price is None else "free" if price == 0 else f"{price:,.4f}".rstrip("0").rstrip(".")
