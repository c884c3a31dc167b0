"""What one exchange asks, made into a call for whoever it is that is asked. Each candidate's is made once, and late."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import msgspec

from dragoman.providers.exchange import Call
from dragoman.providers.prepare import Prepared, hidden_paths, keyed, prepare_wanted
from dragoman.providers.quota import Wants
from dragoman.providers.routing import Candidate, Turn
from dragoman.providers.settings import Prices, Profile
from dragoman.schemas.errors import CallerError, InvalidInput, RefusedLoss
from dragoman.schemas.losses import Loss
from dragoman.schemas.passes import UNSEEN, Passes

__all__ = ["UNFIT", "Page", "Question"]

# What says of one who could be asked that this cannot be: his profile lacks something, or his dialect has no words.
UNFIT = (CallerError, InvalidInput)


class Question:
    """`prepared` is what it is for the first candidate. For the others, what would change its meaning is refused,
    unless it is lost for the first one just as well. `renew` makes it once more, when it is about to be asked."""

    def __init__(
        self,
        candidates: Sequence[Candidate],
        prepared: Prepared,
        renew: Callable[[], Awaitable[Prepared]] | None = None,
    ) -> None:
        self.candidates = candidates
        self._renew = renew
        self._prepared: dict[int, Prepared] = {0: prepared}
        self._seated: dict[tuple[int, int], Prepared] = {}
        self._unfit: dict[int, CallerError | InvalidInput] = {}
        self._wants: dict[int, Wants] = {}
        self._prices: dict[tuple[int, str], tuple[Prices, str] | None] = {}
        self._traced, self._told = {0}, 0  # of whom a trace has told, and with whom it goes on

    async def settled(self) -> None:
        """Let the first call be what it is now: with what the field cache has, which takes time to be looked up."""
        renew, self._renew = self._renew, None
        if renew is not None:
            self._prepared[0] = await renew()

    @property
    def passes(self) -> Passes:
        return self._prepared[0].wanted.passes

    def prepared(self, number: int) -> Prepared:
        """Return the call for a candidate. Raises RefusedLoss, or what else speaks against it, each time."""
        if number in self._unfit:
            raise self._unfit[number]
        if number not in self._prepared:
            try:
                self._prepared[number] = self._made(number)
            except UNFIT as error:
                self._unfit[number] = error
                raise
        return self._prepared[number]

    def call(self, turn: Turn) -> Call:
        if self.passes:
            self._tell(turn.target.candidate)
        prepared = self.seated(turn)
        if turn.target.seat == 0 or prepared is not self.prepared(turn.target.candidate):
            return prepared.call
        return keyed(turn.candidate.profile, turn.seat.key, prepared)

    def seated(self, turn: Turn) -> Prepared:
        """Return what is prepared for a candidate's key. That is the same for all of them but where the field cache
        keeps them apart."""
        number, seat = turn.target.candidate, turn.target.seat
        prepared = self.prepared(number)
        if seat == 0 or not (prepared.wanted.values and _tells_keys_apart(turn.candidate.profile)):
            return prepared
        if (number, seat) not in self._seated:
            self._seated[number, seat] = prepare_wanted(turn.candidate.profile, turn.seat.key, prepared.wanted)
        return self._seated[number, seat]

    def model(self, number: int) -> str | None:
        if number in self._prepared:
            return self._prepared[number].model
        profile = self.candidates[number].profile
        return profile.models.get(profile.model or "", profile.model)

    def wants(self, number: int) -> Wants:
        """Return what is foreseen of tokens and cost. Of one who cannot be asked, it is that of the first."""
        if number not in self._wants:
            self._wants[number] = self._foreseen(number)
        return self._wants[number]

    def _foreseen(self, number: int) -> Wants:
        from dragoman.providers.costs import foreseen_tokens

        prepared = self._prepared[0] if self._is_unfit(number) else self.prepared(number)
        tokens = foreseen_tokens(prepared.call.body, prepared.request.parameters.max_tokens)
        return Wants(tokens=tokens, cost=self.cost(number) or 0.0)

    def cost(self, number: int) -> float | None:
        """Return what it will cost at most, where that can be told."""
        found = self.prices(number)
        if found is None or self._is_unfit(number):
            return None
        from dragoman.providers.costs import foreseen

        prepared = self.prepared(number)
        answers = prepared.request.parameters.n or 1
        most = prepared.request.parameters.max_tokens
        return foreseen(found[0], prepared.call.body, None if most is None else most * answers)

    def prices(self, number: int, model: str | None = None) -> tuple[Prices, str] | None:
        """Return what a candidate takes for a model, and who says so: for the one that is asked, if none is named."""
        profile = self.candidates[number].profile
        if not profile.prices and profile.price_file is None:
            return None
        key = number, model or self.model(number) or ""
        if key not in self._prices:  # a file that is written to meanwhile changes nothing
            from dragoman.providers.prices import price_of

            self._prices[key] = price_of(profile, key[1])
        return self._prices[key]

    def _tell(self, number: int) -> None:
        """Let a trace go on with who is asked now. What he would be asked may have been foreseen, which nobody saw."""
        if number != self._told:
            self._told = number
            _turn_to(self.passes, self.candidates[number].profile)
        if number not in self._traced:
            self._traced.add(number)
            with suppress(*UNFIT):  # `prepared` raises it, too
                self._made(number, self.passes)

    def _made(self, number: int, passes: Passes = UNSEEN) -> Prepared:
        candidate, wanted = self.candidates[number], self._prepared[0].wanted
        if not candidate.keeps_model:
            wanted = msgspec.structs.replace(wanted, keeps_model=False)
        watched = msgspec.structs.replace(wanted, passes=passes)
        prepared = prepare_wanted(candidate.profile, candidate.seats[0].key, watched)
        refused = () if wanted.allows_loss else tuple(filter(self._is_new, prepared.losses))
        if refused:
            passes.on_failure("request", RefusedLoss(refused), "encoded")
            raise RefusedLoss(refused)
        return msgspec.structs.replace(prepared, wanted=wanted)

    def _is_new(self, loss: Loss) -> bool:
        """Tell whether a loss changes the meaning, and is not one that the first candidate would have, too: what he is
        asked in other words may be asked so again, but not left out."""
        first = {(other.path, other.feature, other.action) for other in self._prepared[0].losses if _is_grave(other)}
        known = any((loss.path, loss.feature, action) in first for action in ("dropped", loss.action))
        return _is_grave(loss) and not known

    def _is_unfit(self, number: int) -> bool:
        try:
            self.prepared(number)
        except UNFIT:
            return True
        return False


def _turn_to(passes: Passes, profile: Profile) -> None:
    """Let a trace go on with somebody else."""
    from dragoman.providers.exchange import Exchange
    from dragoman.providers.tracing import Trace

    if isinstance(passes, Trace):
        whom = Exchange(operation="", profile=profile.name, vendor=profile.vendor, dialect=profile.dialect)
        passes.turn_to(whom, redact=hidden_paths(profile))


def _tells_keys_apart(profile: Profile) -> bool:
    return any("credential" in rule.scope for rule in profile.field_cache)


def _is_grave(loss: Loss) -> bool:
    return loss.severity == "meaning"


class Page:
    """A call that is what it is: a page of a listing. Nobody traces it."""

    passes: Passes = UNSEEN

    def __init__(self, call: Call) -> None:
        self._call = call

    def call(self, turn: Turn) -> Call:
        return self._call

    def model(self, number: int) -> str | None:
        return None

    def wants(self, number: int) -> Wants:
        return Wants()

    def cost(self, number: int) -> float | None:
        return None

    def prices(self, number: int, model: str | None = None) -> tuple[Prices, str] | None:
        return None
