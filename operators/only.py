"""Only: of a stream that carries several kinds of records, those of one kind."""

from __future__ import annotations

from typing import Any, TypeVar

import bytewax.operators as op
from bytewax.dataflow import operator
from bytewax.operators import KeyedStream

T = TypeVar("T")


@operator
def only(step_id: str, up: KeyedStream[Any], kind: type[T]) -> KeyedStream[T]:
    """Pass the records that are of `kind`."""
    return op.flat_map_batch("pick", up, lambda items: [item for item in items if isinstance(item[1], kind)])
