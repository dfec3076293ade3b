"""Motif: shapes that a series shows again."""

from operators.motif.motif import Motifs as Motifs
from operators.motif.motif import run as run
