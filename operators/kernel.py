"""Compiled rules: the only file that knows numba.

`kernel` compiles a function to machine code, kept on disk so that a second start does not compile again.  With
``NUMBA_DISABLE_JIT=1`` the same functions run as plain Python.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile at the first call; exact floating point (no fast-math), division by zero gives infinity as in NumPy."""
    compiled: Any = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    return cast(F, compiled)
