"""Make what settings name: a wrong name or parameter stops the start, and says which was meant."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import ValidationError, validate_call

T = TypeVar("T")


def choose(
    table: Mapping[str, Callable[..., T]],
    names: Iterable[str],
    params: Mapping[str, Mapping[str, Any]],
    extra: Iterable[str] = (),
) -> list[T]:
    """Call the factories of `table` that are named, with the parameters given for each.

    Parameters
    ----------
    extra
        Parameters that every factory may get beside its own; they are left to the caller.

    Raises
    ------
    ValueError
        A name is not in the table, or a parameter not in the factory's signature or of the wrong type.

    Examples
    --------
    >>> def steps(size: int = 2) -> int:
    ...     return size
    >>> choose({"steps": steps}, ["steps"], {"steps": {"size": 3}})
    [3]
    >>> choose({"steps": steps}, ["step"], {})
    Traceback (most recent call last):
    ValueError: there is no step; did you mean steps?
    >>> choose({"steps": steps}, ["steps"], {"steps": {"sise": 3}})
    Traceback (most recent call last):
    ValueError: steps has no parameter sise; did you mean size?
    """
    return [_make(name, table, params.get(name, {}), set(extra)) for name in dict.fromkeys(names)]


def _make(name: str, table: Mapping[str, Callable[..., T]], given: Mapping[str, Any], extra: set[str]) -> T:
    if name not in table:
        raise ValueError(f"there is no {name}{_meant(name, table)}")
    known = {*inspect.signature(table[name]).parameters, *extra}
    for key in given:
        if key not in known:
            raise ValueError(f"{name} has no parameter {key}{_meant(key, known)}")
    try:
        return validate_call(table[name])(**{k: v for k, v in given.items() if k not in extra})
    except ValidationError as e:
        first = e.errors()[0]
        raise ValueError(f"{name}.{first['loc'][0]} = {first['input']!r}: {first['msg']}") from None


def _meant(word: str, known: Iterable[str]) -> str:
    known = sorted(known)
    near = get_close_matches(word, known, 1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"
