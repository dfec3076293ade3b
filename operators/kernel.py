"""Compiled rules: the only file that knows numba.

`kernel` compiles a function to machine code, kept on disk so that a second start does not compile again.  With
``NUMBA_DISABLE_JIT=1`` the same functions run as plain Python.

Numba keeps code by the file of each function and does not see when a kernel that it calls, from another file, has changed.  So
the kept code lies in a folder named after the text of all our operators: any change compiles anew.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba.core import config

F = TypeVar("F", bound=Callable[..., Any])
HERE = Path(__file__).parent
NOUGHT = cast(int, np.int64(0))  # 0 that a kernel may hand to another: for a literal that one would be compiled anew


def _kept() -> Path:
    text = hashlib.sha256()
    for file in sorted(HERE.rglob("*.py")):
        text.update(file.read_bytes())
    return Path(os.environ.get("NUMBA_CACHE_DIR") or HERE / "__pycache__") / f"kernels-{text.hexdigest()[:16]}"


KEPT = _kept()
config.CACHE_DIR = str(KEPT)  # type: ignore[attr-defined]


def cold() -> bool:
    """Whether nothing of these rules has been compiled yet."""
    return not any(KEPT.rglob("*.nbc"))  # the folder itself numba makes at once


def kernel(function: F) -> F:
    """Compile at the first call; exact floating point (no fast-math), division by zero gives infinity as in NumPy."""
    compiled: Any = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    return cast(F, compiled)
