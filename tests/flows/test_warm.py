"""Warming up compiles everything: a second run in a fresh process compiles nothing."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
COUNT = """
from flows import warm
from config.settings import load
lines = warm.warm(load(warm.EVERYTHING))
import numba, gc
compiled = [f for f in gc.get_objects() if isinstance(f, numba.core.registry.CPUDispatcher) and "operators" in f.__module__]
print(lines > 0, len(compiled) > 20, [f.__qualname__ for f in compiled if sum(f.stats.cache_misses.values())])
"""
FOUND = """
from flows import warm
from config.settings import load
warm.warm(load({}))
import numba, gc
mine = ("operators.anomaly", "operators.trend")
rules = [f for f in gc.get_objects() if isinstance(f, numba.core.registry.CPUDispatcher) and f.__module__.startswith(mine)]
print(any(f.signatures for f in rules), [f.__qualname__ for f in rules if sum(f.stats.cache_misses.values())])
"""


def test_what_was_compiled_is_found_again():
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", COUNT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "True True []\n", done.stderr


def test_what_the_process_beside_compiled_is_found_by_the_other(tmp_path):
    env = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-m", "flows.warm", "beside"], cwd=ROOT, env=env, check=True)
    done = subprocess.run([sys.executable, "-c", FOUND], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.stdout == "True []\n", done.stderr


def test_a_flow_without_compiled_rules_knows_that(tmp_path):
    cold = "from flows import main; from operators.kernel import cold; print(cold())"
    env = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    for expected, command in (("True\n", ""), ("False\n", "from operators.sketch import bin_of; bin_of(1.0); ")):
        done = subprocess.run([sys.executable, "-c", command + cold], cwd=ROOT, env=env, capture_output=True, text=True)
        assert done.stdout == expected, done.stderr
