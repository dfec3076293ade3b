"""``python -m config``: print the settings in force as TOML, each with its origin, and what alert lines promise; secrets are masked."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from config.layers import ConfigError, Path_
from config.rules import promises, rules_of
from config.settings import Settings, load_or_exit

MASK = "********"
SECRET = re.compile(r"password|secret|key\.pem|oauthbearer\.config|token|assertion")


def lines(settings: Settings) -> Iterator[str]:
    """Yield the settings as TOML, a line a key, that can be read back as a file.

    Examples
    --------
    >>> from config.settings import load
    >>> text = list(lines(load({"ALLUSE_INFLUX__TOKEN": "abc", "ALLUSE_HTTP__PORT": "0"})))
    >>> [line for line in text if line.startswith(("token", "port"))]
    ['token = "********"  # ALLUSE_INFLUX__TOKEN', 'port = 0  # ALLUSE_HTTP__PORT']
    """
    for name in type(settings).model_fields:
        yield from _table(settings, getattr(settings, name), (name,))


def _table(settings: Settings, table: BaseModel | dict[str, Any], path: Path_) -> Iterator[str]:
    items = dict(table) if isinstance(table, BaseModel) else table
    tables = {k: v for k, v in items.items() if isinstance(v, BaseModel | dict) and path != ("topics",)}
    yield f"[{'.'.join(_key(part) for part in path)}]"
    for key, value in items.items():
        if key not in tables and value is not None:
            yield f"{_key(key)} = {_masked(value, (*path, key))}  # {_origin(settings, (*path, key))}"
    yield ""
    for key, value in tables.items():
        yield from _table(settings, value, (*path, key))


def _origin(settings: Settings, path: Path_) -> str:
    """Return where a value comes from; what was worked out from another key says so."""
    found = next(settings.origin[path[:n]] for n in range(len(path), 0, -1) if path[:n] in settings.origin)
    lane = path == ("recovery", "directory") and found == "default" and settings.lanes.count > 1
    return "default, and the lane's index" if lane else found


def _masked(value: Any, path: Path_) -> str:
    section, key = ".".join(path[:-1]), path[-1]
    if value and section in ("influx", "kafka.client") and SECRET.search(key):
        return json.dumps(MASK)
    return _toml(re.sub(r"(//[^/@:]*:)[^/@]*@", rf"\1{MASK}@", value) if isinstance(value, str) else value)


def _toml(value: Any) -> str:
    if isinstance(value, BaseModel | dict):
        items = value.items() if isinstance(value, dict) else value.model_dump(exclude_defaults=True).items()
        return "{ " + ", ".join(f"{_key(k)} = {_toml(v)}" for k, v in items if v is not None) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return repr(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)


if __name__ == "__main__":
    settings = load_or_exit()
    print("\n".join(lines(settings)))
    try:
        print(*(f"# {promise}" for promise in promises(rules_of(settings), settings)), sep="\n")
    except ConfigError as e:
        print(f"wrong configuration:\n{e}", file=sys.stderr)
        sys.exit(2)
