"""The curve of asked and got, and that the ensemble keeps near it on streams that are made."""

from xml.etree import ElementTree

import numpy as np
import pytest

from scripts.yardstick import calibration, curves
from scripts.yardstick.calibration import LINES, asked, count, markdown, recorded, streams
from scripts.yardstick.series import Labelled


def test_only_quiet_readings_are_counted():
    n = 1000
    windows = np.array([[600, 699]])
    it = Labelled(
        "a/b.csv", np.arange(n) * 60_000_000_000, np.random.default_rng(0).normal(size=n), windows, np.zeros(n, bool)
    )
    (quiet,) = recorded([it])
    assert quiet.judged.sum() == n - 150 - 100
    assert not quiet.judged[600:700].any()


@pytest.mark.parametrize("sort", calibration.SORTS)
def test_what_is_asked_is_got(sort):
    """At a score of 1 within a factor of two, of three for tails that go far; at the line of the budget hardly ever."""
    got = count(sort, (it for k, it in enumerate(streams(sort, 1)) if k % 3 != 1))
    share = [1e4 * told / got.readings for told in got.told]
    assert share[LINES.index(1.0)] <= 3 * asked(1.0)
    assert share[LINES.index(1.6)] <= 0.2


def test_the_table_has_a_row_a_line():
    lines = markdown([calibration.Got("stationary", 20_000, (20, 8, 4, 2, 1, 0))]).splitlines()
    assert len(lines) == 2 + len(LINES)
    assert lines[3] == "| 1 | 4 | 4 |"


def test_the_page_gets_the_table_and_the_curves_again_and_again(tmp_path):
    page = tmp_path / "detection.md"
    page.write_text("Before.\n\n| score | asked |\n| ---: | ---: |\n| 1 | 4 |\n\nAfter.\n")
    for told in (8, 9):
        curves.write(page, [calibration.Got("stationary", 20_000, (20, told, 4, 2, 1, 0))], "scripts/quality")
    text = page.read_text()
    assert (text.count("![asked against got](detection/calibration.svg)"), text.count("| score |")) == (1, 1)
    assert "| 1 | 4 | 4.5 |" in text
    assert text.startswith("Before.\n\n|")
    assert text.endswith("\n\nAfter.\n")
    drawn = ElementTree.parse(tmp_path / "detection" / "calibration.svg")
    assert len(list(drawn.iter("{http://www.w3.org/2000/svg}circle"))) == 5
