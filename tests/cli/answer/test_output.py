"""Output options, and the ways out that errors of providers are given."""

from __future__ import annotations

import pytest

from dragoman.cli.answer.output import Output, Teller, ThoughtTeller, failed_exchange, read_output, refuse_together
from dragoman.cli.complete import OPTIONS as COMPLETE
from dragoman.cli.environment import Environment
from dragoman.cli.options import Option, read_plainly
from dragoman.cli.status import Usage
from dragoman.cli.stream import OPTIONS as STREAM
from dragoman.providers.settings import Profile
from dragoman.schemas.errors import DragomanError, NetworkFault, ProtocolFault, Rejected
from dragoman.schemas.ir import Error, ErrorKind
from tests.cli.harness import Text

PROFILE = Profile(name="local", vendor="x", dialect="ollama", key_env=("A", "B"), key_file="/k")


@pytest.mark.parametrize("options", [COMPLETE, STREAM])
def test_no_option_stands_twice(options: tuple[Option, ...]) -> None:
    names = [option.name for option in options]
    flags = [flag for option in options for flag in option.flags]
    assert len(set(names)) == len(names)
    assert len(set(flags)) == len(flags)


def test_what_was_typed_is_read() -> None:
    values = read_plainly(STREAM, ["-vv", "-q", "--as", "claude", "-o", "f", "--events"])
    assert values is not None
    output = read_output(values)
    assert output == Output(verbose=2, quiet=True, shown_as="claude", output="f", events=True)
    assert output.dialect == "anthropic"
    assert Output().dialect is None


@pytest.mark.parametrize(("name", "hint"), [("gemni", "did you mean 'gemini'?"), ("klingon", "")])
def test_unknown_dialect_is_refused_with_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(Usage, match=f"unknown dialect '{name}'") as caught:
        _ = Output(shown_as=name).dialect
    assert caught.value.hint == hint


def test_flags_that_exclude_each_other_are_named() -> None:
    refuse_together(json=True, extract=None)
    with pytest.raises(Usage, match="--json and --extract do not go together"):
        refuse_together(json=True, extract="code")


def rejected(kind: ErrorKind, retry_after: float | None = None) -> Rejected:
    return Rejected(Error(message="no", kind=kind, status=400), retry_after=retry_after)


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (rejected("authentication"), "the key is looked for in A or B or /k"),
        (rejected("permission"), "the key is looked for in A or B or /k"),
        (rejected("not_found"), "dragoman models -p local lists what there is"),
        (rejected("rate_limit", 1.5), "the provider says: again in 1.5 s"),
        (rejected("rate_limit"), ""),
        (ProtocolFault("x"), "is ollama what is spoken at the profile's base_url?"),
        (NetworkFault("x", hint="its own"), "its own"),
        (NetworkFault("x"), ""),
    ],
)
def test_error_has_a_way_out(error: DragomanError, hint: str) -> None:
    failure = failed_exchange(PROFILE, error)
    assert (str(failure), failure.hint, failure.kind) == (f"local: {error}", hint, error.kind)


def test_answer_that_had_begun_needs_no_way_out() -> None:
    assert failed_exchange(PROFILE, ProtocolFault("x"), has_begun=True).hint == ""


def test_profile_without_places_for_a_key_has_no_hint_about_them() -> None:
    keyless = Profile(name="local", vendor="x", dialect="ollama")
    assert failed_exchange(keyless, rejected("authentication")).hint == ""


@pytest.mark.parametrize(("terminal", "shown"), [(False, "a\x1bb\n"), (True, "\x1b[2ma\\u001bb\x1b[0m\n")])
def test_thoughts_are_harmless_on_a_terminal(terminal: bool, shown: str) -> None:
    err = Text(terminal=terminal)
    thoughts = ThoughtTeller(Environment(stderr=err))
    thoughts.feed("a\x1b")
    thoughts.feed("b")
    thoughts.end()
    thoughts.end()
    assert err.getvalue() == shown


def test_quiet_tells_nothing() -> None:
    err = Text()
    teller = Teller(Output(quiet=True), Environment(stderr=err))
    teller.calls([])
    teller.reasoning(None)
    assert err.getvalue() == ""
