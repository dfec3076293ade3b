"""Lane: what the shards of one process share."""

from __future__ import annotations


class Lane:
    """What the shards of one process share: how many series they may still take, and where each series lives.

    Examples
    --------
    >>> lane = Lane(limit=1)
    >>> lane.take("a x", "metrics-0"), lane.take("b x", "metrics-0"), lane.split("a x", "metrics-1")
    (True, False, 'metrics-0')
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.homes: dict[str, str] = {}
        self.count = 0

    def take(self, name: str, shard: str) -> bool:
        """Let a shard have one more series, if the limit allows."""
        if self.count >= self.limit:
            return False
        self.count += 1
        self.homes.setdefault(name, shard)
        return True

    def split(self, name: str, shard: str) -> str:
        """Return the other shard that has this series, or ``""``."""
        home = self.homes.get(name, shard)
        return "" if home == shard else home

    def give(self, name: str, shard: str) -> None:
        """Take a series back."""
        self.count -= 1
        if self.homes.get(name) == shard:
            del self.homes[name]
