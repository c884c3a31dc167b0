"""What one command, or one program's provider, may spend: `--max-cost`."""

from __future__ import annotations

from dragoman.schemas.errors import BudgetReached

__all__ = ["Purse"]

_SLACK = 1e-9  # sums of fractions of a cent are not exact


class Purse:
    """`limit` is in US dollars. What is set aside for requests that are under way counts, too."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.spent = self._set_aside = 0.0

    def take(self, foreseen: float | None) -> float:
        """Set aside what a request will cost at most, and return it. Raises BudgetReached where it could pass the
        limit; one of which nothing is known, where the limit is reached."""
        amount, gone = foreseen or 0.0, self.spent + self._set_aside
        if gone + amount > self.limit + _SLACK or (foreseen is None and gone >= self.limit):
            raise BudgetReached(self._told(amount, gone))
        self._set_aside += amount
        return amount

    def give_back(self, amount: float, actual: float | None) -> None:
        """Settle what was set aside. What nobody tells the cost of costs what was foreseen."""
        self._set_aside -= amount
        self.spent += amount if actual is None else actual

    def _told(self, amount: float, gone: float) -> str:
        more = f", and the next request may cost ${amount:.6f}" if amount else ""
        return f"--max-cost: ${gone:.6f} of ${self.limit:g} are spent{more}: it is not sent"
