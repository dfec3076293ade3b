"""What ``scripts/demo`` shows: recorded incidents and this machine's own metrics through the live flow."""
