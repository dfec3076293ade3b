"""How a flow of its own starts beside `flows.main`: with settings, a log, a recovery store and pages."""

from __future__ import annotations

import sys
from collections.abc import Callable

from bytewax.dataflow import Dataflow

from config.layers import ConfigError
from config.logs import setup
from config.recovery import begin
from config.settings import Settings, load_or_exit
from sinks.http import serve


def start(name: str, draw: Callable[[Settings], Dataflow]) -> Dataflow:
    """Return the graph that `draw` makes of the settings in force; wrong ones end the process with 2."""
    settings = load_or_exit()
    setup(settings)
    begin(settings, name)
    try:
        graph = draw(settings)
    except ConfigError as e:
        print(f"wrong configuration:\n{e}", file=sys.stderr)
        sys.exit(2)
    serve(settings)
    return graph
