"""The commands, a file each, and what the larger ones are made of."""
