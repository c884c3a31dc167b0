"""--dry-run, --curl and --explain: what would be sent, and to whom, without sending it.

No key is needed, and none is put in: a mark stands in its place while the call is made, and is shown as what it stands
for. Other secrets that headers and URLs may hold are masked by their names.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from dragoman.cli.ask.asking import Asking, read_asking, read_group
from dragoman.cli.ask.following import Following
from dragoman.cli.ask.inputs import STDIN
from dragoman.cli.ask.masking import MARK, KeySource, key_source, known_secrets, with_key, without_secrets
from dragoman.cli.ask.notices import tell_losses, tell_warnings, weighed
from dragoman.cli.ask.settings import optional
from dragoman.cli.environment import Environment
from dragoman.cli.options import Values
from dragoman.cli.render import pretty_document, printable
from dragoman.cli.sinks import open_sink
from dragoman.cli.status import Status, Usage
from dragoman.providers.auth import Key, credential_id
from dragoman.providers.exchange import Call
from dragoman.providers.prepare import Prepared, Wanted, prepare_wanted
from dragoman.providers.recalled import Recalled
from dragoman.providers.settings import Group, Profile
from dragoman.schemas.ir import JSON, Request, Wire
from dragoman.schemas.jsontext import read_json, write_json

__all__ = ["Rehearsal", "rehearse"]

SCHEMA_VERSION = 1


class Rehearsal:
    """Makes calls as a provider does, with a mark for the key. `keeps_model`: for the model that a request names."""

    def __init__(self, profile: Profile, key: Key | None, *, keeps_model: bool = True) -> None:
        self._profile, self._key, self._keeps_model = profile, key, keeps_model

    def prepare(
        self,
        request: Request,
        *,
        streams: bool = False,
        allows_loss: bool = False,
        recalled: Recalled | None = None,
    ) -> Prepared:
        return self._prepared(Wanted(request=request, streams=streams), recalled)

    def prepare_document(
        self,
        document: JSON,
        *,
        source: str,
        streams: bool = False,
        allows_loss: bool = False,
        recalled: Recalled | None = None,
    ) -> Prepared:
        return self._prepared(Wanted(document=document, source=source, streams=streams), recalled)

    def _prepared(self, wanted: Wanted, recalled: Recalled | None) -> Prepared:
        if recalled is not None:
            wanted = replace(wanted, thread=recalled.thread, values=recalled.values)
        return prepare_wanted(self._profile, self._key, replace(wanted, keeps_model=self._keeps_model))


def rehearse(values: Values, environment: Environment, *, streams: bool) -> int:
    """Show on stdout what was asked to be shown, and return the exit status."""
    asked = [f"--{name.replace('_', '-')}" for name in ("explain", "dry_run", "curl") if values.get(name)]
    if len(asked) > 1:
        raise Usage(f"{' and '.join(asked)} do not go together", "one of them")
    if values.get("trace"):
        raise Usage(f"{asked[0]} asks nobody: there is nothing for --trace to watch", "leave one of them out")
    if values.get("explain"):
        return _explain(read_group(values, environment), values, environment)
    asking = read_asking(values, environment)
    source = key_source(asking.profile, environment)
    prepared = _prepared(asking, source, environment, streams=streams)
    _tell(prepared, asking, values, environment)
    with open_sink(optional(values, "output") or STDIN, environment) as sink:
        sink.write(_shown(prepared, asking.group, source, values, environment))
    return Status.DONE


def _explain(group: Group, values: Values, environment: Environment) -> int:
    from dragoman.cli.survey.explanation import explanation
    from dragoman.providers.groups import group_rows

    for profile in group.targets:
        tell_warnings(profile.warnings, environment, quiet=bool(values.get("quiet")))
    rows = group_rows(optional(values, "profile"), variables=environment.variables)
    groups = {group.name: rows} if rows else None
    environment.write(explanation(_apart(group), environment, is_json=bool(values.get("json")), groups=groups))
    return Status.DONE


def _apart(group: Group) -> list[Profile]:
    """Return those of a group, with a name each: some are one profile with several models."""
    names = [target.name for target in group.targets]
    return [
        target if names.count(target.name) == 1 else replace(target, name=f"{target.name}/{target.model}")
        for target in group.targets
    ]


def _prepared(asking: Asking, source: KeySource | None, environment: Environment, *, streams: bool) -> Prepared:
    key = None if source is None else Key(MARK, source.name)
    rehearsal = Rehearsal(asking.profile, key, keeps_model=not asking.group.names_models)
    if asking.following is None:
        return asking.prepared(rehearsal, streams=streams)
    recalled = _recalled(asking.following, asking.group, environment)
    spoken = _keyed(recalled, asking.profile, key, _credential(asking.profile, source, environment))
    return asking.prepared(rehearsal, streams=streams, recalled=spoken)


def _credential(profile: Profile, source: KeySource | None, environment: Environment) -> str | None:
    """Return the name of the key that would be used, as far as it is known without asking for it."""
    if source is None or source.kind != "env" or not source.is_there:
        return None
    return credential_id(profile, Key(environment.variables[source.name].strip(), source.name))


def _keyed(recalled: Recalled, profile: Profile, key: Key | None, known: str | None) -> Recalled:
    """Return what is gone on from as if all answers for the key that would be used had been given for this one. A key
    that is not known is taken for the one that was used then."""
    if recalled.thread is None or key is None:
        return recalled
    mine = credential_id(profile, key)
    lineage = tuple(
        replace(kept, origin=replace(kept.origin, credential=mine))
        if kept.origin.credential == (known or kept.origin.credential)
        else kept
        for kept in recalled.thread.lineage
    )
    return replace(recalled, thread=replace(recalled.thread, lineage=lineage))


def _recalled(following: Following, group: Group, environment: Environment) -> Recalled:
    """Return what the request would go on from, as it is kept."""
    import asyncio

    return asyncio.run(_looked_up(following, group, environment))


async def _looked_up(following: Following, group: Group, environment: Environment) -> Recalled:
    from dragoman.providers.clock import SystemClock
    from dragoman.providers.factory import threads_of

    threads = threads_of(_readable(group, environment), environment.variables, SystemClock())
    try:
        return await following.recalled(threads, group.targets)
    finally:
        await threads.aclose()


def _readable(group: Group, environment: Environment) -> Group:
    """Return a group that begins no file: where there is none, nothing is kept."""
    from dragoman.providers.states.files import default_path
    from dragoman.providers.states.opening import file_of, server_of

    said = next((profile.state for profile in group.targets if isinstance(profile.state, str)), None)
    if said is not None and server_of(said) is not None:
        return group
    file = default_path(environment.variables) if said is None else file_of(said, environment.variables)
    if file.exists():
        return group
    return replace(group, targets=tuple(replace(profile, state=False) for profile in group.targets))


def _tell(prepared: Prepared, asking: Asking, values: Values, environment: Environment) -> None:
    quiet, verbose = bool(values.get("quiet")), values.get("verbose")
    verbosity = -1 if quiet else verbose if isinstance(verbose, int) else 0
    for profile in asking.group.targets:
        tell_warnings(profile.warnings, environment, quiet=quiet)
    if (others := asking.group.targets[1:]) and not quiet:
        told = ", ".join(f"{other.name}/{other.model}" if other.model else other.name for other in others)
        environment.say(printable(f"dragoman: note: if that fails, it goes to {told}"))
    tell_losses(weighed(prepared.losses, asking.typed), asking.profile.name, environment, verbosity=verbosity)


def _shown(
    prepared: Prepared, group: Group, source: KeySource | None, values: Values, environment: Environment
) -> bytes:
    profile = group.targets[0]
    call = without_secrets(prepared.call, known_secrets(profile, environment))
    if values.get("curl"):
        from dragoman.cli.ask.curl import curl_line

        return curl_line(call, profile, source, streams=prepared.streams).encode() + b"\n"
    call = with_key(call, source)
    if values.get("json"):
        return write_json({**_document(call, prepared), "targets": _targets(prepared, group)}) + b"\n"
    head = [f"{call.method} {call.url}", *(f"{name}: {value}" for name, value in call.headers.items()), "", ""]
    colour = optional(values, "output") in (None, STDIN) and environment.has_colour(environment.stdout)
    return "\n".join(map(printable, head)).encode() + pretty_document(call.body, colour=colour)


# ---- what is shown ---------------------------------------------------------------------------------------------------


def _document(call: Call, prepared: Prepared) -> Wire:
    losses: list[JSON] = [msgspec.structs.asdict(loss) for loss in prepared.losses]
    return {
        "schema_version": SCHEMA_VERSION,
        "method": call.method,
        "url": call.url,
        "headers": dict(call.headers),
        "body": read_json(call.body),
        "losses": losses,
    }


def _targets(prepared: Prepared, group: Group) -> list[JSON]:
    """Return who would be asked, one after the other."""
    first, *others = group.targets
    targets: list[Wire] = [{"profile": first.name, "dialect": first.dialect, "model": prepared.model}]
    for other in others:
        model = other.models.get(other.model or "", other.model)
        targets.append({"profile": other.name, "dialect": other.dialect, "model": model})
    return list(targets)
