"""Arguments, files and standard input → the text of a prompt.

Files come first, then standard input, then the argument (`--stdin after` turns the last two round), each as it is but
for the line ends behind it, with a blank line between. Standard input is read for `-`, where nothing else says what to
ask, and beside something else where it is a pipe or a file: /dev/null, a terminal and a closed one say nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dragoman.cli.ask.inputs import MAX_INPUT, STDIN, Inputs, text_of, unicode_argument
from dragoman.cli.status import Usage
from dragoman.schemas.errors import InvalidInput

__all__ = ["ORDERS", "PromptWords", "read_prompt"]

BEFORE, AFTER = "before", "after"
ORDERS = (BEFORE, AFTER)  # where standard input stands, seen from the argument


class PromptWords(msgspec.Struct, frozen=True, kw_only=True):
    """What was typed of a prompt. `needs_words` is False where attachments may go without any."""

    words: Sequence[str]
    files: Sequence[str] = ()
    order: str = BEFORE
    needs_words: bool = True


def read_prompt(typed: PromptWords, inputs: Inputs) -> str:
    """Return the prompt; it is empty only where something is attached. Raises Usage, NoInput, InvalidInput."""
    if len(typed.words) > 1:
        raise Usage(f"expected one PROMPT, got {len(typed.words)} words", "put it in quotes")
    pieces = [text_of(name, inputs.read(name)) for name in typed.files]
    piped = text_of(STDIN, inputs.read(STDIN)) if _wants_stdin(typed, inputs) else ""
    said = [unicode_argument("PROMPT", word) for word in typed.words if word != STDIN]
    pieces += [*said, piped] if typed.order == AFTER else [piped, *said]
    prompt = "\n\n".join(trimmed for piece in pieces if (trimmed := piece.rstrip("\r\n")).strip())
    if len(prompt) > MAX_INPUT:
        raise InvalidInput("PROMPT", f"larger than {MAX_INPUT >> 20} MiB")
    if not prompt and typed.needs_words:
        raise _nothing(typed, inputs)
    return prompt


def _wants_stdin(typed: PromptWords, inputs: Inputs) -> bool:
    if STDIN in typed.words:
        return True
    if not inputs.may_read_stdin or inputs.has_read_stdin or inputs.is_closed():
        return False
    if typed.words or typed.files or not typed.needs_words:
        return inputs.is_meant()
    return not inputs.is_terminal()


def _nothing(typed: PromptWords, inputs: Inputs) -> Usage:
    hint = "say what to ask in quotes, in a file (-f FILE), or on standard input"
    if inputs.has_read_stdin and not any(word != STDIN for word in typed.words) and not typed.files:
        return Usage("nothing to ask: standard input is empty", hint)
    if typed.words or typed.files:
        return Usage("nothing to ask: the prompt is empty", hint)
    where = "closed" if inputs.is_closed() else "a terminal" if inputs.may_read_stdin else "not read"
    return Usage(f"no PROMPT, and standard input is {where}", hint)
