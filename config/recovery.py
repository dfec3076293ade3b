"""The recovery store: where it is, who owns it, whether it fits; and what a process does before its first message.

Bytewax keeps state and offsets in a directory of SQLite files.  It does not notice a second process on the same directory, which
would destroy it, so the owner holds a lock for its life.
"""

from __future__ import annotations

import argparse
import fcntl
import logging
import os
import re
import sqlite3
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import IO, NoReturn

from bytewax.recovery import init_db_dir

from config.settings import Settings
from config.stop import STOP
from config.telemetry import READY

LOG = logging.getLogger(__name__)
WRONG = 2  # exit code: do not restart
PAGE = 32768  # bytes of a page of the recovery store
_held: list[IO[str]] = []
_known: set[str] = set()  # keys of the state in the store, read before Bytewax opened it


class StoreError(Exception):
    """The recovery store cannot be used as it is; the text says why and what to do."""


def directory(settings: Settings, flow: str = "main") -> Path:
    """Return the store of a flow: `recovery.directory` for main, a neighbour of it for any other.

    Examples
    --------
    >>> from config.settings import load
    >>> str(directory(load({}))), str(directory(load({}), "rekey"))
    ('data/recovery', 'data/recovery-rekey')
    """
    own = Path(settings.recovery.directory)
    return own if flow == "main" else own.with_name(f"{own.name}-{flow}")


def prepare(directory: Path) -> None:
    """Make an empty recovery store of one part where there is none.

    Examples
    --------
    >>> where = Path(tempfile.mkdtemp(), "lane-0")
    >>> prepare(where); prepare(where); [file.name for file in where.iterdir()]
    ['part-0.sqlite3']
    """
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.glob("part-*.sqlite3")):
        return
    with tempfile.TemporaryDirectory(dir=directory) as new:  # a process killed in here leaves no half of a store behind
        init_db_dir(Path(new), 1)  # type: ignore[no-untyped-call]
        _enlarge_pages(Path(new, "part-0.sqlite3"))
        os.replace(Path(new, "part-0.sqlite3"), directory / "part-0.sqlite3")


def _enlarge_pages(store: Path) -> None:
    # A shard's state is hundreds of kilobytes: in pages of 4 kB it takes twice the time to write.
    database = sqlite3.connect(store, isolation_level=None)
    database.execute("PRAGMA journal_mode = DELETE")  # in WAL mode the size is fixed
    database.execute(f"PRAGMA page_size = {PAGE}")
    database.execute("VACUUM")
    database.execute("PRAGMA journal_mode = WAL")  # else two processes of a cluster would both set it, and one fail
    database.close()


def lock(directory: Path) -> None:
    """Own the store until this process ends.

    Raises
    ------
    StoreError
        Another process owns it.

    Examples
    --------
    >>> where = Path(tempfile.mkdtemp())
    >>> lock(where)
    >>> lock(where)
    Traceback (most recent call last):
    config.recovery.StoreError: ... is in use by another process (...): two on one store would destroy it
    """
    file = open(directory / ".lock", "a+")  # noqa: SIM115 - open for as long as the process lives
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        owner = file.read().strip() or "?"
        file.close()
        raise StoreError(
            f"{directory} is in use by another process ({owner}): two on one store would destroy it"
        ) from None
    file.truncate(0)
    file.write(f"process {os.getpid()}")
    file.flush()
    _held.append(file)


def chosen(argv: Sequence[str] = sys.argv, environ: Mapping[str, str] = os.environ) -> tuple[Path | None, int]:
    """Return the recovery directory and the process number that Bytewax was started with; no directory: no recovery.

    Examples
    --------
    >>> chosen(["…/bytewax/run.py", "flows.main", "-r", "data/recovery", "-s", "5", "-b", "0"], {})
    (PosixPath('data/recovery'), 0)
    >>> chosen(["pytest", "-rA"], {"BYTEWAX_PROCESS_ID": "1"})
    (None, 1)
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("-r", "--recovery-directory", default=environ.get("BYTEWAX_RECOVERY_DIRECTORY"))
    parser.add_argument("-i", "--process-id", type=int, default=int(environ.get("BYTEWAX_PROCESS_ID", "0")))
    ours = Path(argv[0]).parts[-2:] == ("bytewax", "run.py")
    known, _ = parser.parse_known_args(list(argv[1:]) if ours else [])
    return Path(known.recovery_directory) if known.recovery_directory else None, known.process_id


def check(wanted: Path, argv: Sequence[str] = sys.argv, environ: Mapping[str, str] = os.environ) -> None:
    """Take the store that the settings name, or say that there is none.

    Raises
    ------
    StoreError
        Bytewax was given another store than the settings', or there is none in it, or it is another process's.
    """
    given, process = chosen(argv, environ)
    if given is None:
        READY.set("recovery", "no recovery")
        LOG.warning(
            "NO RECOVERY: started without -r, so a restart forgets everything learnt and reads from kafka.start again"
        )
    elif given.resolve() != wanted.resolve():
        raise StoreError(
            f"-r {given} is not the settings' recovery.directory, which asks for {wanted}: scripts/run makes them equal"
        )
    elif not any(given.glob("part-*.sqlite3")):
        raise StoreError(
            f"{given} holds no recovery store: start with scripts/run, or python -m bytewax.recovery {given} 1 once"
        )
    else:
        if process == 0:
            lock(given)
        _known.update(state_keys(given))


def begin(settings: Settings, flow: str = "main") -> None:
    """Do what every flow does first: take the recovery store, then let the signals that were held back through.

    Ends the process with 2 where the store cannot be used.
    """
    try:
        check(directory(settings, flow))
    except StoreError as e:
        print(f"wrong start: {e}", file=sys.stderr)
        sys.exit(WRONG)
    STOP.obey_signals()


def state_keys(directory: Path) -> set[str]:
    """Return the keys of all state in a store.

    To be called before Bytewax opens the store in this process: closing a second connection drops the locks of the first, and
    the next reader from outside would then reset the store's shared memory under it (https://www.sqlite.org/howtocorrupt.html, 2.2).
    """
    found: set[str] = set()
    for part in directory.glob("part-*.sqlite3"):
        store = sqlite3.connect(f"file:{part}?mode=ro", uri=True)
        try:
            rows = store.execute("SELECT DISTINCT state_key FROM snaps WHERE ser_change IS NOT NULL")
            found |= {key for (key,) in rows}
        finally:
            store.close()
    return found


def refuse_strangers(topic: str, partitions: Collection[int]) -> None:
    """End the process with 2 where the store in use has state of partitions that this process is not to read."""
    store, _ = chosen()
    known = {int(m[1]) for key in _known if (m := re.fullmatch(re.escape(topic) + r"-(\d+)", key))}
    foreign = sorted(known - set(partitions))
    if foreign:
        LOG.error(
            "the recovery store %s holds state of partitions %s of topic %s, but this process reads %s: lanes.count was changed, or the "
            "topic has fewer partitions now. Put the old lanes.count and lanes.index back, or name a new recovery.directory to begin anew",
            store, foreign, topic, sorted(partitions),
        )  # fmt: skip
        leave(WRONG)


def leave(code: int) -> NoReturn:
    """End the process from inside Bytewax, which turns every exception, `SystemExit` too, into exit code 1."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
