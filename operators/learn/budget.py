"""How many series of a shard get models."""

from __future__ import annotations


class Budget:
    """First come, first served.

    A count a shard, not a lane: which series are modelled then depends on the messages of their partition alone, and is the
    same after any crash.

    Parameters
    ----------
    limit
        Series with models.

    Examples
    --------
    >>> budget = Budget(1)
    >>> budget.take(), budget.take(), budget.used
    (True, False, 1)
    """

    def __init__(self, limit: int) -> None:
        self.limit, self.used = limit, 0

    def take(self) -> bool:
        """Take one, if there is one left."""
        if self.used >= self.limit:
            return False
        self.used += 1
        return True

    def give_back(self) -> None:
        """Give one back."""
        self.used -= 1
