"""What is logged under us: told as warnings, and with -vv as all that there is."""

from __future__ import annotations

import logging

from dragoman.cli.answer.logged import telling_logs
from dragoman.cli.environment import Environment
from tests.cli.harness import Text

LOGGER = logging.getLogger("dragoman.providers")


def told(*said: tuple[int, str], verbosity: int = 0) -> str:
    err = Text()
    with telling_logs(Environment(stderr=err), verbosity=verbosity):
        for level, message in said:
            LOGGER.log(level, "%s", message)
    LOGGER.error("afterwards")
    return err.getvalue()


def test_warning_is_told_as_one_and_once() -> None:
    said = ((logging.WARNING, "a"), (logging.WARNING, "a"), (logging.ERROR, "b"))
    assert told(*said) == "dragoman: warning: a\ndragoman: warning: b\n"


def test_quiet_is_quiet() -> None:
    assert told((logging.WARNING, "a"), verbosity=-1) == ""


def test_all_else_is_told_to_those_who_want_to_know() -> None:
    assert told((logging.DEBUG, "a"), verbosity=1) == ""
    assert told((logging.DEBUG, "a"), verbosity=2) == "dragoman: debug: a\n"


def test_what_is_quoted_does_nothing_to_a_terminal() -> None:
    assert "\x1b" not in told((logging.DEBUG, "\x1b[2J"), (logging.WARNING, "\x1b[2J"), verbosity=2)


def test_level_is_what_it_was() -> None:
    told(verbosity=2)
    assert logging.getLogger("dragoman").level == logging.NOTSET
