"""`models --write-prices`: what a provider lists becomes a file that a profile can name."""

from __future__ import annotations

from pathlib import Path

import pytest

from dragoman.cli.environment import Environment
from dragoman.cli.status import CannotCreate
from dragoman.cli.survey.pricelist import write_prices
from dragoman.providers.listing import Model
from dragoman.providers.prices import read_price_file
from dragoman.providers.settings import Prices
from tests.cli.harness import Text, invoke
from tests.providers.doubles import FakeClock

MODELS = [Model(id="m", profile="p", price_input=1.0, price_output=2.0), Model(id="n", profile="p")]


def test_file_says_whose_prices_they_are_and_of_when(tmp_path: Path) -> None:
    told = Text()
    assert write_prices(MODELS, str(tmp_path / "f"), Environment(stderr=told), clock=FakeClock())
    assert (tmp_path / "f").read_text().startswith("# What p told on 2026-09-21, in US dollars")
    assert "prices of 1 model; price_file in a profile names it" in told.getvalue()


def test_quiet_says_nothing(tmp_path: Path) -> None:
    told = Text()
    write_prices(MODELS, str(tmp_path / "f"), Environment(stderr=told), quiet=True)
    assert told.getvalue() == ""


@pytest.mark.parametrize("models", [[], MODELS[1:]])
def test_without_prices_nothing_is_written(tmp_path: Path, models: list[Model]) -> None:
    told = Text()
    assert not write_prices(models, str(tmp_path / "f"), Environment(stderr=told))
    assert "no price is told" in told.getvalue()
    assert not list(tmp_path.iterdir())


def test_file_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotCreate, match="No such file"):
        write_prices(MODELS, str(tmp_path / "nowhere" / "f"), Environment())


def test_listing_is_printed_and_written(tmp_path: Path) -> None:
    file = tmp_path / "prices.yaml"
    done = invoke("models", "-p", "sandbox", "--filter", "large", "--write-prices", str(file))
    assert (done.status, done.out) == (0, b"sandbox-large\n")
    assert read_price_file(str(file)) == {"sandbox-large": Prices(input=3, output=15)}


def test_where_no_price_is_told_the_command_fails(tmp_path: Path) -> None:
    done = invoke("models", "-p", "sandbox", "--filter", "no such model", "--write-prices", str(tmp_path / "f"))
    assert done.status == 1
