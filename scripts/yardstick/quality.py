"""``scripts/quality``: judge operators on labelled series and tell what was found."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from config.layers import ConfigError
from config.rules import rules_of
from scripts.yardstick import beside, calibration, curves, results
from scripts.yardstick.alerts import fleets
from scripts.yardstick.entries import ENTRIES, KINDS
from scripts.yardstick.judge import Row, Say, judge, processes
from scripts.yardstick.ours import settings
from scripts.yardstick.pictures import draw
from scripts.yardstick.rivals import RIVALS, need
from scripts.yardstick.sets import Set, find
from scripts.yardstick.table import line, table

ROOT = Path(__file__).resolve().parents[2]
DATA, RESULTS = ROOT.parent / "shared" / "data", ROOT / "docs" / "detection.md"
NAMES = sorted({name for of in ENTRIES.values() for name in of})
FOREIGN = sorted({name for of in RIVALS.values() for name in of})
WIDE = 190  # columns of the widest table; a narrow terminal may wrap it, but no figure is cut


def main(arguments: Sequence[str]) -> int:
    """Judge what is asked for; return the exit code: 2 when there is nothing to judge."""
    asked = parsed(arguments)
    if asked.calibration:
        return calibrate(asked.data, " ".join(["scripts/quality", *arguments]) if asked.write else "")
    names = asked.detectors or NAMES + FOREIGN * asked.rivals
    try:
        sets = wanted(asked)
        rivals = need(names, {it.kind for it in sets})
    except (ValueError, ConfigError) as e:
        print(f"scripts/quality: {e}", file=sys.stderr)
        return 2
    with progress(sets) as say, processes(asked.jobs) as pool:
        found = []
        for it in sets:
            found.append((it, list(judge(it, names, pool, asked.quick, say))))
            if not sys.stdout.isatty():
                tell(*found[-1], asked.json)
        if asked.pictures:
            print(draw(asked.pictures, found, asked.detectors, pool), file=sys.stderr)
    if sys.stdout.isatty():  # not into the bars
        for it, rows in found:
            tell(it, rows, asked.json)
    if rivals:
        print("Versions:", ", ".join(f"{name} {it}" for name, it in rivals.items()), file=sys.stderr)
    if asked.write:
        page = beside if asked.rivals else results
        page.write(RESULTS, found, " ".join(["scripts/quality", *arguments]))
    return 0


def calibrate(data: Path, command: str) -> int:
    """Print how often lines of the ensemble's score were asked for and got, and write it if there is a command; return the exit code."""
    found = calibration.calibration([series for it in find(data, "nab") for series in it.items])
    if sys.stdout.isatty():
        Console(highlight=False, width=WIDE).print(calibration.table(found))
    else:
        print(calibration.markdown(found))
    if command:
        curves.write(RESULTS, found, command)
    return 0


def wanted(asked: argparse.Namespace) -> list[Set]:
    """Return the sets to judge.

    Raises
    ------
    ValueError
        There is none, or a file cannot be read.
    ConfigError
        Of a fleet: the alert rules are wrong.
    """
    if asked.kind == "fleet":
        rules_of(settings())  # wrong ones end it here
        return [fleets([s for it in find(asked.data, "nab") for s in it.items], asked.seed, asked.quick)]
    sets = list(find(asked.data, asked.kind))
    if not sets:
        kind = asked.kind or "any kind"
        raise ValueError(f"no set of {kind} in {asked.data}: docs/detection.md says how they are laid out")
    return [it.quick() for it in sets] if asked.quick else sets


def tell(it: Set, rows: Sequence[Row], as_json: bool) -> None:
    """Print the rows of a set."""
    if not rows:
        return
    if as_json:
        print(*map(line, rows), sep="\n", flush=True)
    else:
        Console(highlight=False, width=WIDE).print(table(it, rows))


@contextmanager
def progress(sets: Sequence[Set]) -> Iterator[Say]:
    """Show how far each set is, on stderr, if that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    off = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=off, redirect_stdout=False) as bars:
        of = {id(it): bars.add_task(it.title, total=len(it.items)) for it in sets}
        yield lambda it: bars.advance(of[id(it)])


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="scripts/quality")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--kind", choices=KINDS, default="")
    parser.add_argument("--detectors", type=lambda text: text.split(","), default=[])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--calibration", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rivals", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--jobs", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    known = NAMES + FOREIGN * asked.rivals
    if unknown := set(asked.detectors) - set(known):
        rivals = "" if asked.rivals else "; --rivals adds those of other libraries"
        parser.error(f"no such detector: {', '.join(sorted(unknown))}; there are {', '.join(known)}{rivals}")
    if asked.kind == "fleet" and asked.pictures:
        parser.error("--pictures: of a fleet there are none; its series lie nowhere")
    return asked
