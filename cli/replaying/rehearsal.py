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
from dragoman.cli.replaying.wording import many
from dragoman.cli.status import Status, status_of
from dragoman.providers.auth import Key
from dragoman.providers.exchange import Call
from dragoman.providers.prepare import Prepared
from dragoman.schemas.errors import DragomanError, InternalFault
from dragoman.schemas.ir import JSON, Media, Message, Request, Wire
from dragoman.schemas.jsontext import read_json, write_json

__all__ = ["DryRun", "estimated_tokens"]

LETTERS, OTHERS = 4.0, 1.5  # characters a token: of ASCII, and of everything else
PER_MESSAGE = 4  # tokens


class _Rehearsed(msgspec.Struct, frozen=True):
    job: Job
    call: Call
    prepared: Prepared
    tokens: int


class DryRun:
    """Shows each request as it is prepared; what cannot be sent is told, and the others go on."""

    def __init__(self, whom: Whom, manner: Manner, forms: Forms, outlet: Outlet, environment: Environment) -> None:
        self._whom, self._manner, self._forms = whom, manner, forms
        self._outlet, self._environment = outlet, environment
        self._documents: list[JSON] = []
        self._count = self._failed = self._tokens = 0

    def run(self, jobs: Iterable[Job]) -> int:
        """Show what would be sent, and return the exit status: 1 where something of it cannot be."""
        for job in jobs:
            self._count += 1
            self._take(job)
        self._end()
        return Status.FAILED if self._failed else Status.DONE

    def _take(self, job: Job) -> None:
        try:
            rehearsed = _rehearsed(job, self._whom, self._manner, self._environment)
        except InternalFault:
            raise
        except DragomanError as error:
            self._refuse(job, error)
            return
        self._tokens += rehearsed.tokens
        self._show(_document(rehearsed), _shown(rehearsed, self._outlet, self._environment))

    def _refuse(self, job: Job, error: DragomanError) -> None:
        self._failed += 1
        problem, say = f"entry {job.source.entry}: {error}", self._environment.say
        say(error_text(problem, error.hint, colour=self._environment.has_colour(self._environment.stderr)))
        self._show(_refused(job, error), b"")

    def _show(self, document: Wire, text: bytes) -> None:
        if self._forms.is_json:
            self._documents.append(document)
        else:
            self._outlet.write(write_json(document) + b"\n" if self._forms.is_lines else text)

    def _end(self) -> None:
        summary: Wire = {"count": self._count, "failed": self._failed, "estimated_input_tokens": self._tokens}
        if self._forms.is_json:
            self._outlet.write_document(_whole({"requests": self._documents, "summary": summary}))
        elif self._forms.is_lines:
            self._outlet.write(write_json(_whole({"summary": summary})) + b"\n")
        if not self._forms.quiet:
            self._environment.say(self._told())

    def _told(self) -> str:
        sent = many(self._count - self._failed, "request", "requests")
        refused = f", {self._failed:,} cannot be sent" if self._failed else ""
        whom = printable(self._whom.name)
        return f"dragoman: would send {sent} to {whom}{refused}; about {self._tokens:,} input tokens"


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
    prepared = prepared_job(job, profile, Rehearsal(profile, key, keeps_model=whom.keeps_model), manner)
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
