"""Seasons: with what periods a series repeats itself, found while it runs."""

from operators.season.season import Season as Season
from operators.season.season import period as period
