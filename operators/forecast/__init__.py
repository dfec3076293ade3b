"""Forecasts: what the next values of a series will be, how far off that may be, and when a threshold will be crossed."""
