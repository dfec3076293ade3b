"""Imports point one way: flows -> operators, sources, sinks -> config; and each heavy dependency has its place."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "config": {"config"},
    "sources": {"sources", "config"},
    "sinks": {"sinks", "config"},
    "operators": {"operators", "config"},
    "flows": {"flows", "operators", "sources", "sinks", "config"},
}
PLACE = {
    "numba": ("operators/kernel.py",),
    "influxdb_client": ("sinks/",),
    "confluent_kafka": ("sources/", "sinks/", "flows/", "config/"),
    "river": ("operators/drift/", "operators/learn/"),
    "bytewax": ("operators/", "sources/", "sinks/", "flows/", "config/recovery.py"),
}
FILES = sorted(f.relative_to(ROOT) for layer in MAY_IMPORT for f in (ROOT / layer).rglob("*.py"))


def imported(file):
    nodes = list(ast.walk(ast.parse((ROOT / file).read_text())))
    plain = [a.name for n in nodes if isinstance(n, ast.Import) for a in n.names]
    return {m.split(".")[0] for m in plain + [n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)]}


@pytest.mark.parametrize("file", FILES, ids=str)
def test_imports_point_one_way(file):
    assert imported(file) & MAY_IMPORT.keys() <= MAY_IMPORT[file.parts[0]]


@pytest.mark.parametrize("file", FILES, ids=str)
def test_a_dependency_is_imported_in_its_place_only(file):
    assert [name for name in imported(file) & PLACE.keys() if not str(file).startswith(PLACE[name])] == []


def from_bytewax(tree):
    """Return the names by which a module knows what it imports from bytewax."""
    plain = [
        a.asname or a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names if "bytewax" in a.name
    ]
    members = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and (n.module or "").startswith("bytewax")]
    return {*plain, *(a.asname or a.name for n in members for a in n.names)}


@pytest.mark.parametrize("file", [f for f in FILES if f.parts[0] == "operators"], ids=str)
def test_an_operator_s_logic_knows_nothing_of_bytewax(file):
    tree = ast.parse((ROOT / file).read_text())
    classes = [n for n in tree.body if isinstance(n, ast.ClassDef)]
    pure = [c for c in classes if not any(ast.unparse(base).split("[")[0].endswith("Logic") for base in c.bases)]
    for method in (n for c in pure for n in c.body if isinstance(n, ast.FunctionDef)):
        assert {n.id for n in ast.walk(method) if isinstance(n, ast.Name)} & from_bytewax(tree) == set(), method.name
