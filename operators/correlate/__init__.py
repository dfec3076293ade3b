"""Correlate: which series move together beyond chance, and which of them first."""

from operators.correlate.correlate import Correlate as Correlate
from operators.correlate.correlate import Plan as Plan
from operators.correlate.correlate import correlate as correlate
from operators.correlate.pairs import pairs as pairs
