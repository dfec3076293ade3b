"""Docstrings agree with what they describe."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CODE = [f for layer in ("config", "operators", "sources", "sinks", "flows") for f in (ROOT / layer).rglob("*.py")]
CODE = [f.relative_to(ROOT) for f in sorted(CODE)]


def described(node):
    """Return the names in a docstring's section `Parameters`."""
    text = ast.get_docstring(node) or ""
    section = re.search(r"^Parameters\n-+\n(.*?)(?=^\w[\w ]*\n-+\n|\Z)", text, re.MULTILINE | re.DOTALL)
    entries = re.findall(r"^(\S.*)$", section[1], re.MULTILINE) if section else []
    return [name.strip(" *`") for entry in entries for name in entry.split(":")[0].split(",")]


def parameters(node):
    """Return the names of a function's arguments, or of a class's: fields, and the arguments of `__init__`."""
    if isinstance(node, ast.ClassDef):
        fields = [n.target.id for n in node.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)]
        inits = [n for n in node.body if isinstance(n, ast.FunctionDef) and n.name in ("__init__", "__new__")]
        return {*fields, *(name for init in inits for name in parameters(init))}
    a = node.args
    return {arg.arg for arg in [*a.posonlyargs, *a.args, *a.kwonlyargs, *filter(None, (a.vararg, a.kwarg))]}


@pytest.mark.parametrize("file", CODE, ids=str)
def test_docstrings_describe_parameters_that_there_are(file):
    nodes = [n for n in ast.walk(ast.parse((ROOT / file).read_text())) if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    for node in nodes:
        assert [name for name in described(node) if name not in parameters(node)] == [], node.name
