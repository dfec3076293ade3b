"""One file per box of the drawing; each defines `flow`."""
