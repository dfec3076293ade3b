"""Show the live flow at work on recorded incidents and on this machine; ends by itself.

Starts an embedded Kafka (the mock cluster of librdkafka: in memory, no Java), flows.main with a SQLite store, flows.collect, replays
recorded series, prints alerts as they come, then a summary and an HTML report with plots.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from scripts.demonstration.cluster import ClusterError, MockCluster
from scripts.demonstration.lines import Screen
from scripts.demonstration.picture import screen
from scripts.demonstration.processes import ROOT, Flow, FlowError, environment, free_port, until_ready
from scripts.demonstration.recordings import Recording, load
from scripts.demonstration.replay import Replay
from scripts.demonstration.report import write
from scripts.demonstration.store import Store
from scripts.demonstration.summary import summarise
from scripts.demonstration.watch import Watch

TOPICS = dict.fromkeys(("alerts", "alerts-state", "rejects", "events", "commands", "verdicts", "results"), 1)
METRICS = "metrics"
PATIENCE = 60.0


class EndedError(Exception):
    """Someone wants it to end now."""


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser("scripts/demo", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C")
    parser.add_argument("--seconds", type=float, default=25.0, help="how long the replay takes (default 25)")
    parser.add_argument("--series", type=int, default=0, help="replay only the first so many series")
    parser.add_argument(
        "--report", type=Path, default=Path("report.html"), help="where the report goes (default report.html)"
    )
    return parser.parse_args()


def demonstrate(options: argparse.Namespace, folder: Path, stack: ExitStack) -> None:
    """Run it all, from the cluster to the report."""
    recordings = load(time.time())[: options.series or None]
    began = time.monotonic()
    cluster = stack.enter_context(MockCluster(TOPICS | {METRICS: len(recordings) + 1}))
    port, view = free_port(), screen(recordings)
    view.say(f"Kafka    the mock cluster of librdkafka, in memory, at {cluster.bootstrap}")
    view.say(f"Store    SQLite, {folder / 'alluse.db'}")
    env = environment(cluster.bootstrap, folder, port)
    flows = [Flow("main", env, folder), Flow("collect", env | {"ALLUSE_HTTP__PORT": "0"}, folder)]
    for flow in flows:
        stack.callback(flow.kill)
    view.say(f"Flows    flows.main and flows.collect, ready after {until_ready(flows, port):.1f} s")
    watch, store = Watch(cluster.bootstrap, "alerts", port), Store(folder / "alluse.db")
    stack.callback(watch.close)
    replay = Replay(cluster.bootstrap, METRICS, recordings, options.seconds)
    follow(flows, replay, watch, store, view)
    if not options.keep:
        for flow in reversed(flows):
            flow.stop()
    view.alerts(watch.news())
    finish(options, recordings, store, view, time.monotonic() - began)
    if options.keep:
        keep(flows, env, view)


def follow(flows: list[Flow], replay: Replay, watch: Watch, store: Store, view: Screen) -> None:
    """Replay, and show what comes of it, until all of it is in a snapshot."""
    replay.start()
    ended = 0.0
    with view:
        while replay.is_alive() or (behind := watch.behind(METRICS, replay.homes)):
            watch.count()
            view.alerts(watch.news())
            view.draw(replay, watch, store)
            for flow in flows:
                flow.check()
            if not replay.is_alive():
                ended = ended or time.monotonic()
                if time.monotonic() - ended > PATIENCE:
                    raise FlowError(f"{behind} messages are not taken {PATIENCE:g} s after the last was sent")
            time.sleep(0.2)


def finish(
    options: argparse.Namespace, recordings: list[Recording], store: Store, view: Screen, seconds: float
) -> None:
    """Print the summary and write the report."""
    summary = summarise(store, recordings, seconds)
    view.conclude(summary)
    write(options.report, store, recordings, summary)
    view.say(f"Report   {options.report.resolve()}")


def keep(flows: list[Flow], env: dict[str, str], view: Screen) -> None:
    """Let the flows run until someone interrupts."""
    view.say("Running on; Ctrl-C ends it.  To look around:")
    for name in ("ALLUSE_CONFIG", "ALLUSE_KAFKA__BOOTSTRAP_SERVERS", "ALLUSE_SQLITE__PATH", "ALLUSE_HTTP__PORT"):
        view.say(f"  export {name}={env[name]}")
    try:
        while True:
            for flow in flows:
                flow.check()
            time.sleep(0.5)
    except EndedError:
        for flow in reversed(flows):
            flow.stop()


def interrupt(number: int, frame: FrameType | None) -> None:
    """Turn a signal into an exception."""
    raise EndedError


def main() -> int:
    """Run the demonstration and return the exit code."""
    options = arguments()
    options.report = options.report.absolute()
    os.chdir(ROOT)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        with tempfile.TemporaryDirectory(prefix="alluse-demo-") as folder, ExitStack() as stack:
            demonstrate(options, Path(folder), stack)
    except EndedError:
        print("ended early", file=sys.stderr)
        return 130
    except (FlowError, ClusterError) as e:
        print(f"the demo failed: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
