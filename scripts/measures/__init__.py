"""What ``scripts/bench`` measures: a file a figure; `load`, `watch` and `servers` are the instruments."""
