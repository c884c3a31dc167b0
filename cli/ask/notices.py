"""What should be known before an answer comes: what a profile's file warns of, and what of a request could not be said.

All of it goes to stderr, a line each. A loss in meaning is a warning, which -q silences, and so is that of an option
that somebody typed; any other advisory one is a note, for -v.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from msgspec.structs import replace

from dragoman.cli.environment import Environment
from dragoman.cli.render import printable
from dragoman.schemas.losses import Loss

__all__ = ["loss_lines", "tell_losses", "tell_warnings", "weighed"]

MAX_LINES = 20  # of losses, unless -v
# What a loss is about → the option that says it; of sampling, the last step of its path is the name.
_OPTIONS = {"max_tokens": "max_tokens", "stop": "stop", "reasoning_config": "reasoning"}
_SPELLINGS = {"topP": "top_p"}
_DONE = {"dropped": "is left out", "approximated": "is said otherwise", "synthesized": "is added"}


def tell_warnings(warnings: Sequence[str], environment: Environment, *, quiet: bool = False) -> None:
    """Say what is wrong with a profile's file, though it can be used."""
    for warning in () if quiet else warnings:
        environment.say(printable(f"dragoman: warning: {warning}"))


def tell_losses(losses: Sequence[Loss], target: str, environment: Environment, *, verbosity: int = 0) -> None:
    """Say what the target cannot be asked, of losses as they are or as `weighed`. `verbosity` is below 0 for quiet, and
    counts -v."""
    if verbosity < 0:
        return
    for line in loss_lines(losses, target, whole=verbosity > 0):
        environment.say(line)


def weighed(losses: Sequence[Loss], typed: Collection[str]) -> list[Loss]:
    """Return the losses, with those of options that somebody typed, and of turns that there is no room for, as losses
    in meaning; `typed` are the names of options."""
    return [replace(loss, severity="meaning") if _is_missed(loss, typed) else loss for loss in losses]


def _is_missed(loss: Loss, typed: Collection[str]) -> bool:
    """Tell whether what was typed is not sent, or not with its value. How much to think is said in many ways; and a
    conversation whose beginning is forgotten is one that goes on otherwise."""
    if loss.feature == "history":
        return True
    is_gone = loss.action == "dropped" or (loss.action == "approximated" and loss.feature != "reasoning_config")
    return is_gone and _option_of(loss) in typed


def _option_of(loss: Loss) -> str:
    last = loss.path.rpartition(".")[2]
    return _SPELLINGS.get(last, last) if loss.feature == "sampling" else _OPTIONS.get(loss.feature, "")


def loss_lines(losses: Sequence[Loss], target: str, *, whole: bool) -> Iterator[str]:
    """Yield a line for each loss in meaning, or for each of all if `whole`; a note of how many are not shown."""
    shown = [loss for loss in losses if whole or loss.severity == "meaning"]
    for loss in shown if whole else shown[:MAX_LINES]:
        label = "warning" if loss.severity == "meaning" else "note"
        what = f"{loss.path}: {loss.feature} {_DONE[loss.action]}: {loss.reason}"
        yield printable(f"dragoman: {label}: {target}: {what}")
    hidden = 0 if whole else max(len(shown) - MAX_LINES, 0)
    if hidden:
        yield f"dragoman: and {hidden:,} more: -v lists them"
