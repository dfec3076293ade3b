"""What happens to data: verbs and algorithm names. No I/O, no clock, no globals."""
