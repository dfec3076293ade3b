"""``scripts/bench``: run measures one after the other and print what they find."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rich.console import Console

from scripts.measures import latency, live, parts, start, state, work
from scripts.measures.figure import Figure, Task
from scripts.measures.results import write
from scripts.measures.servers import Servers

MEASURES: dict[str, Callable[[Task], Iterator[Figure]]] = {
    m.__name__.rpartition(".")[2]: m.measure for m in (work, live, state, start, latency, parts)
}
RESULTS = Path("docs/results.md")


def main(arguments: Sequence[str]) -> int:
    """Measure what is asked for; return the exit code: 0 also when goals are missed, 1 when an answer was wrong."""
    asked = parsed(arguments)
    console = Console(stderr=True)
    found: list[Figure] = []
    with (
        tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder,
        console.status("") as status,
    ):

        def say(text: str) -> None:
            status.update(text)
            if not console.is_terminal:
                print(text, file=sys.stderr, flush=True)

        for name in asked.figure or MEASURES:
            with Servers(Path(folder, name)) as servers:
                task = Task(servers, Path(folder, name), asked.quick, asked.rounds, asked.peers, say)
                say(name)
                for figure in MEASURES[name](task):
                    print(figure.line(), flush=True)
                    found.append(figure)
    if asked.write:
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
        write(RESULTS, found, " ".join(["scripts/bench", *arguments]), commit.stdout.strip())
    return 0


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("figure", nargs="*", help=", ".join(MEASURES))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--peers", type=lambda text: Path(text).resolve())
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.figure) - MEASURES.keys():
        parser.error(f"no such figure: {', '.join(sorted(unknown))}; there are {', '.join(MEASURES)}")
    asked.rounds = asked.rounds or (1 if asked.quick else 3)
    return asked
