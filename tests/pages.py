"""The project's documents, taken apart: names, tables, blocks of code."""

import re
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
OPERATIONS = ROOT / "docs" / "operations.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
TEXT = "\n".join(page.read_text() for page in PAGES)
SCRIPTS = sorted(f"scripts/{f.name}" for f in (ROOT / "scripts").iterdir() if f.is_file() and f.suffix == "")
FLOWS = [f.stem for f in (ROOT / "flows").glob("[a-z]*.py") if "\ndef flow(" in f.read_text()]


def words(text):
    """Return what stands between backquotes, and each word of it; in the first cell of a table also what is bare."""
    spans = re.findall(r"`([^`\n]+)`", text) + re.findall(r"^\| (\S+) \|", text, re.MULTILINE)
    return {*spans, *(word for span in spans for word in re.split(r"[\s,{}()|]+", span))}


def table(page, heading):
    """Return the rows of the table under a header row that begins with `heading`, cells by column."""
    lines = page.read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    rows = []
    for line in lines[at + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows


def code(cell):
    return re.findall(r"`([^`]+)`", cell)


def blocks(page, language):
    return [
        dedent(b) for b in re.findall(rf"^ *```{language}\n(.*?)^ *```", page.read_text(), re.DOTALL | re.MULTILINE)
    ]


def snippet(page, name):
    """Run the block of Python that defines `name`; return what it defined."""
    (text,) = [b for b in blocks(page, "python") if f"def {name}(" in b]
    defined = {}
    exec(compile(text, page.name, "exec"), defined)
    return defined
