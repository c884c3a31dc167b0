"""Law one over documents: what a document of one dialect says, it says in another, but for what the losses name."""

from __future__ import annotations

from dragoman.schemas import find
from dragoman.schemas.ir import Wire
from tests.laws.codec import Said, decoded, encoded, losses_of, placed, said_by
from tests.laws.excuses import unexcused
from tests.laws.sayings import Saying, canonical
from tests.laws.verdicts import judge

__all__ = ["is_apart", "judge_passage"]


def judge_passage(source: str, target: str, kind: str, document: Wire, said: Said) -> None:
    losses = losses_of(source, kind, document)
    wire = encoded(target, said, losses)
    said_ = (item for item in said_by(said) if not (is_apart(item, target) or _is_passed_on(item, target, wire)))
    told = placed(said_, losses)
    heard = [item for item in said_by(decoded(target, kind, wire)) if not is_apart(item, target)]
    title = f"{source} → {target}, {kind}"
    judge(title, unexcused(told, heard, losses.found), losses.found, document=document, written=wire)


def _is_passed_on(saying: Saying, target: str, wire: Wire) -> bool:
    """Tell whether a saying is a field that the target shares with the source, and is in what was written."""
    if saying.kind != "extra":
        return False
    dialect, key, value = map(str, saying.key)
    return key in find(target).shares.get(dialect, ()) and canonical(wire.get(key)) == value


def is_apart(saying: Saying, name: str) -> bool:
    """Tell whether a saying is none of this law's: own fields, what stands in the URL, usage in streams, which only
    chat has to ask for, and that nothing is stored, where nothing is.
    """
    if saying.kind == "parameter.store":
        return not saying.key[0] and name != "openai-responses"
    if saying.kind == "parameter.stream_usage":
        return name != "openai-chat"
    if saying.kind in ("model", "parameter.stream"):
        return not find(name).model_in_body
    return saying.kind == "extra" and saying.key[0] == name
