"""``scripts/quality``: judge operators on labelled series and tell what was found."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from scripts.yardstick.entries import ENTRIES, KINDS
from scripts.yardstick.judge import Row, Say, judge, processes
from scripts.yardstick.sets import Set, find
from scripts.yardstick.table import line, table

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
WIDE = 190  # columns, where no terminal says how many there are


def main(arguments: Sequence[str]) -> int:
    """Judge what is asked for; return the exit code: 2 when there is nothing to judge."""
    asked = parsed(arguments)
    try:
        sets = list(find(asked.data, asked.kind))
    except ValueError as e:
        return refuse(str(e))
    if not sets:
        return refuse(
            f"no set of {asked.kind or 'any kind'} in {asked.data}: docs/detection.md says how they are laid out"
        )
    sets = [it.quick() for it in sets] if asked.quick else sets
    with progress(sets) as say, processes(asked.jobs) as pool:
        for it in sets:
            rows = list(judge(it, asked.detectors, pool, asked.quick, say))
            tell(it, rows, asked.json)
    if asked.pictures:
        from scripts.yardstick.pictures import draw

        draw(sets, asked.detectors, asked.pictures)
    return 0


def tell(it: Set, rows: Sequence[Row], as_json: bool) -> None:
    """Print the rows of a set."""
    if as_json:
        print(*map(line, rows), sep="\n", flush=True)
    elif rows:
        console = Console(highlight=False)
        console = console if console.is_terminal else Console(highlight=False, width=WIDE)
        console.print(table(it, rows))


@contextmanager
def progress(sets: Sequence[Set]) -> Iterator[Say]:
    """Show how far each set is, on stderr, if that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        of = {it.name: bars.add_task(it.name, total=len(it.items)) for it in sets}
        yield lambda name, more: bars.advance(of[name], more)


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    known = sorted({name for entries in ENTRIES.values() for name in entries})
    parser = argparse.ArgumentParser(prog="scripts/quality")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--kind", choices=KINDS, default="")
    parser.add_argument("--detectors", type=lambda text: text.split(","), default=known)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--jobs", type=int, default=0)
    asked = parser.parse_args(arguments)
    if unknown := set(asked.detectors) - set(known):
        parser.error(f"no such detector: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return asked


def refuse(text: str) -> int:
    """Say on stderr why there is nothing to do."""
    print(f"scripts/quality: {text}", file=sys.stderr)
    return 2
