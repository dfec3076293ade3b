"""How many series of a lane get models."""

from __future__ import annotations


class Budget:
    """A count that all shards of a process share: first come, first served; what a shard was granted stands in its snapshot.

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
