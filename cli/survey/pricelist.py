"""`dragoman models --write-prices FILE`: what a provider tells of its prices → a price file that profiles can name."""

from __future__ import annotations

from collections.abc import Sequence

from dragoman.cli.environment import Environment
from dragoman.cli.replaying.wording import many
from dragoman.cli.status import CannotCreate
from dragoman.cli.survey.usage_since import day_of
from dragoman.providers.clock import Clock, SystemClock
from dragoman.providers.listing import Model
from dragoman.providers.prices import write_price_file

__all__ = ["write_prices"]


def write_prices(
    models: Sequence[Model], file: str, environment: Environment, *, quiet: bool = False, clock: Clock | None = None
) -> bool:
    """Write the prices of these models, which are of one profile, and say so. Return whether there was any."""
    source = models[0].profile if models else "nobody"
    try:
        number = write_price_file(models, file, source, day_of((clock or SystemClock()).today()))
    except OSError as error:
        raise CannotCreate(f"cannot create {file}: {error.strerror}") from error
    if not number:
        environment.say(f"dragoman: {file} is not written: no price is told")
    elif not quiet:
        environment.say(f"dragoman: {file}: prices of {many(number, 'model')}; price_file in a profile names it")
    return bool(number)
