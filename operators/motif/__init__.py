"""Motif: shapes that a series shows again."""

from operators.motif.motif import Met as Met
from operators.motif.motif import meetings as meetings
from operators.motif.motif import motif as motif
