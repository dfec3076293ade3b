"""Where settings come from: files, environment, mounted secrets; laid over one another, each value with its origin."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeGuard, get_args, get_origin

from pydantic import BaseModel, TypeAdapter

PREFIX = "ALLUSE_"
FILE = "ALLUSE_CONFIG"
DEFAULT = Path(__file__).with_name("default.toml")

Path_ = tuple[str, ...]
Origin = dict[Path_, str]


class ConfigError(Exception):
    """A wrong setting: the text names the key, where it was set, and the nearest right one."""


def read(model: type[BaseModel], environ: Mapping[str, str]) -> tuple[dict[str, Any], Origin]:
    """Return the settings of all layers as one tree, not yet checked, and the origin of every value.

    Parameters
    ----------
    model
        The tree of settings: says which environment variables name a key, and of what type.
    environ
        Environment variables; those that begin with ``ALLUSE_`` count.

    Raises
    ------
    ConfigError
        A file cannot be read, or a variable names no key.

    Examples
    --------
    >>> from config.settings import Settings
    >>> values, origin = read(Settings, {"ALLUSE_WINDOWS__EVERY": "10,60"})
    >>> values["windows"]["every"], origin["windows", "every"], origin["lanes", "count"]
    ([10, 60], 'ALLUSE_WINDOWS__EVERY', 'default')
    """
    values: dict[str, Any] = {}
    origin: Origin = {}
    lay(values, _toml(DEFAULT), "default", origin)
    if environ.get(FILE):
        lay(values, _toml(Path(environ[FILE])), f"file {environ[FILE]}", origin)
    for variable, path, kind, text in sorted(_variables(model, environ), key=lambda v: v[0].endswith("_FILE")):
        tree: Any = _value(text, kind)
        for key in reversed(path):
            tree = {key: tree}
        lay(values, tree, variable, origin)
    return values, origin


def lay(under: dict[str, Any], over: Mapping[str, Any], source: str, origin: Origin, path: Path_ = ()) -> None:
    """Lay one tree over another in place: tables merge, everything else replaces.

    Examples
    --------
    >>> tree, origin = {"a": {"x": [1], "y": 2}}, {("a",): "there"}
    >>> lay(tree, {"a": {"x": [3]}}, "here", origin); tree, origin
    ({'a': {'x': [3], 'y': 2}}, {('a',): 'there', ('a', 'x'): 'here'})
    """
    for key, value in over.items():
        here = (*path, key)
        if len(here) == 2 and here[0] == "topics" and isinstance(value, str):
            value = {"name": value}  # else a layer that gives only the format would lose the name
        if not isinstance(value, Mapping):
            for below in [p for p in origin if p[: len(here)] == here]:
                del origin[below]
            under[key], origin[here] = value, source
            continue
        if not isinstance(under.get(key), dict):
            under[key] = {}
        origin.setdefault(here, source)
        lay(under[key], value, source, origin, here)


def keys(model: type[BaseModel], path: Path_ = ()) -> Iterator[Path_]:
    """Yield the path of every key of a tree, sections included."""
    for name, field in model.model_fields.items():
        yield (*path, name)
        if _is_model(field.annotation):
            yield from keys(field.annotation, (*path, name))


def nearest(wrong: str, right: list[str]) -> str:
    """Return the one of `right` that looks most like `wrong`.

    Examples
    --------
    >>> nearest("windows.evry", ["windows", "windows.every", "store.kind"])
    'windows.every'
    """
    return difflib.get_close_matches(wrong, right, 1, 0.0)[0]


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text())
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError(f"{file}: cannot be read: {e}") from e
    except tomllib.TOMLDecodeError as e:
        raise ConfigError(f"{file}: is no TOML: {e}") from e


def _variables(model: type[BaseModel], environ: Mapping[str, str]) -> Iterator[tuple[str, Path_, Any, str]]:
    for variable, text in sorted(environ.items()):
        if not variable.startswith(PREFIX) or variable == FILE:
            continue
        words = variable.removeprefix(PREFIX).lower().split("__")
        mounted = _find(model, [*words[:-1], words[-1].removesuffix("_file")]) if words[-1].endswith("_file") else None
        found = mounted or _find(model, words)
        if found is None:
            known = [PREFIX + "__".join(path).upper() for path in keys(model)]
            raise ConfigError(f"{variable}: names no setting; the nearest is {nearest(variable, known)}")
        yield variable, *found, _secret(variable, text) if mounted else text


def _secret(variable: str, file: str) -> str:
    try:
        return Path(file).read_text().strip()
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError(f"{variable}: cannot be read: {e}") from e


def _find(kind: Any, words: list[str], path: Path_ = ()) -> tuple[Path_, Any] | None:
    if not words:
        return path, kind
    if _is_model(kind):
        field = kind.model_fields.get(words[0])
        return _find(field.annotation, words[1:], (*path, words[0])) if field else None
    if get_origin(kind) is dict:
        key = words[0].replace("_", ".") if path == ("kafka", "client") else words[0]
        return _find(get_args(kind)[1], words[1:], (*path, key))
    return None


def _value(text: str, kind: Any) -> Any:
    """Turn a variable's text into a value of its kind; what cannot be turned stays text, for the tree's check to name."""
    structured = _is_model(kind) or get_origin(kind) in (list, dict)
    try:
        if kind is Any or (structured and text.lstrip()[:1] in ("[", "{")):
            return json.loads(text)
        if get_origin(kind) is list:
            return [_value(item.strip(), get_args(kind)[0]) for item in text.split(",") if item.strip()]
        return text if structured else TypeAdapter(kind).validate_strings(text)
    except ValueError:
        return text


def _is_model(kind: Any) -> TypeGuard[type[BaseModel]]:
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    return isinstance(kind, type) and issubclass(kind, BaseModel)
