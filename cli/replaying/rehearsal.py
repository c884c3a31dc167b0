"""--dry-run: what would be sent, to whom, how often, and about how many tokens it is. Nothing is.

Tokens are estimated from the length of the texts: nobody counts them as the vendor does. Media are not counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil

import msgspec

from dragoman.cli.answer.outlet import Outlet
from dragoman.cli.ask.dry import Rehearsal
from dragoman.cli.ask.masking import MARK, key_source, known_secrets, with_key, without_secrets
from dragoman.cli.environment import Environment
from dragoman.cli.render import error_text, pretty_document, printable
from dragoman.cli.replaying.jobs import Job
from dragoman.cli.replaying.results import SCHEMA_VERSION
from dragoman.cli.replaying.sending import Manner, prepared_job
from dragoman.cli.replaying.telling import Forms
from dragoman.cli.replaying.whom import Whom
from dragoman.cli.status import Status, status_of
from dragoman.providers.auth import Key
from dragoman.providers.exchange import Call
from dragoman.providers.prepare import Prepared
from dragoman.schemas.errors import DragomanError, InternalFault
from dragoman.schemas.ir import JSON, Media, Message, Request, Wire
from dragoman.schemas.jsontext import read_json, write_json

__all__ = ["estimated_tokens", "rehearse"]

LETTERS, OTHERS = 4.0, 1.5  # characters a token: of ASCII, and of everything else
PER_MESSAGE = 4  # tokens


class _Rehearsed(msgspec.Struct, frozen=True):
    job: Job
    call: Call
    prepared: Prepared
    tokens: int


def rehearse(
    jobs: Iterable[Job], whom: Whom, manner: Manner, forms: Forms, *, outlet: Outlet, environment: Environment
) -> int:
    """Show what would be sent, and return the exit status: 1 where something of it cannot be."""
    documents: list[JSON] = []
    count = failed = tokens = 0
    for job in jobs:
        count += 1
        try:
            rehearsed = _rehearsed(job, whom, manner, environment)
        except InternalFault:
            raise
        except DragomanError as error:
            failed += 1
            problem = f"entry {job.source.entry}: {error}"
            environment.say(error_text(problem, error.hint, colour=environment.has_colour(environment.stderr)))
            document, text = _refused(job, error), b""
        else:
            tokens += rehearsed.tokens
            document, text = _document(rehearsed), _shown(rehearsed, outlet, environment)
        if forms.is_json:
            documents.append(document)
        else:
            outlet.write(write_json(document) + b"\n" if forms.is_lines else text)
    summary: Wire = {"count": count, "failed": failed, "estimated_input_tokens": tokens}
    if forms.is_json:
        outlet.write_document(_whole({"requests": documents, "summary": summary}))
    elif forms.is_lines:
        outlet.write(write_json(_whole({"summary": summary})) + b"\n")
    if not forms.quiet:
        sent = f"{count - failed:,} request{'' if count - failed == 1 else 's'}"
        refused = f", {failed:,} cannot be sent" if failed else ""
        environment.say(
            f"dragoman: would send {sent} to {printable(whom.name)}{refused}; about {tokens:,} input tokens"
        )
    return Status.FAILED if failed else Status.DONE


def estimated_tokens(request: Request) -> int:
    """Return about how many tokens a request is, without its media."""
    messages = (*request.instructions, *request.messages)
    texts = [text for message in messages for text in _texts(message)]
    texts += [write_json(msgspec.to_builtins(tool)).decode() for tool in request.tools]
    return ceil(sum(map(_tokens, texts))) + PER_MESSAGE * len(messages)


def _tokens(text: str) -> float:
    plain = len(text) if text.isascii() else len(text.encode("ascii", "ignore"))
    return plain / LETTERS + (len(text) - plain) / OTHERS


def _texts(message: Message) -> Iterable[str]:
    for part in message.parts:
        if not isinstance(part, Media):
            yield write_json(msgspec.to_builtins(part)).decode()


def _rehearsed(job: Job, whom: Whom, manner: Manner, environment: Environment) -> _Rehearsed:
    profile = whom.profile_for(job.captured)
    source = key_source(profile, environment)
    key = None if source is None else Key(MARK, source.name)
    prepared = prepared_job(job, profile, Rehearsal(profile, key), manner)
    call = with_key(without_secrets(prepared.call, known_secrets(profile, environment)), source)
    return _Rehearsed(job, call, prepared, estimated_tokens(prepared.request))


def _shown(rehearsed: _Rehearsed, outlet: Outlet, environment: Environment) -> bytes:
    call, source = rehearsed.call, rehearsed.job.source
    name = f"# entry {source.entry}" + (f", repeat {source.repeat}" if source.repeat > 1 else "")
    head = [f"{name}: about {rehearsed.tokens:,} tokens", f"{call.method} {call.url}"]
    head += [f"{name}: {value}" for name, value in call.headers.items()]
    colour = outlet.is_terminal and environment.has_colour(environment.stdout)
    return "\n".join([*map(printable, head), "", ""]).encode() + pretty_document(call.body, colour=colour) + b"\n"


def _document(rehearsed: _Rehearsed) -> Wire:
    call, prepared = rehearsed.call, rehearsed.prepared
    losses: list[JSON] = [msgspec.structs.asdict(loss) for loss in prepared.losses]
    return {
        "schema_version": SCHEMA_VERSION,
        "type": "request",
        "key": rehearsed.job.key,
        "source": msgspec.structs.asdict(rehearsed.job.source),
        "method": call.method,
        "url": call.url,
        "headers": dict(call.headers),
        "body": read_json(call.body),
        "model": prepared.model,
        "streams": prepared.streams,
        "estimated_input_tokens": rehearsed.tokens,
        "losses": losses,
    }


def _refused(job: Job, error: DragomanError) -> Wire:
    return {
        "schema_version": SCHEMA_VERSION,
        "type": "refused",
        "key": job.key,
        "source": msgspec.structs.asdict(job.source),
        "error": {"kind": error.kind, "message": str(error), "status": status_of(error).value, "hint": error.hint},
    }


def _whole(fields: Wire) -> Wire:
    return {"schema_version": SCHEMA_VERSION, "type": "rehearsal", **fields}
