"""What the outside relies on, written down once: measurements with their tags and fields, topics, metrics, reject codes."""

BAND = {"yhat": 1.0, "yhat_lower": 0.5, "yhat_upper": 1.5}
SCORE = {"score": 2.0, "y": 3.0} | BAND
WINDOW = dict.fromkeys(["sum", "min", "max", "mean", "stddev", "first", "last", "p50", "p95", "p99", "rate"], 1.0) | {
    "count": 6,
    "revision": 0,
}
OF = ("metric", "metric_field")

# measurement: (tags beside the series' own, fields with a sample of each)
MEASUREMENTS: dict[str, tuple[tuple[str, ...], dict[str, float | int | str]]] = {
    "windows": ((*OF, "length"), WINDOW),
    "scores": ((*OF, "step", "detector"), SCORE),
    "anomalies": ((*OF, "step", "detector"), SCORE | {"kind": "high"}),
    "trends": ((*OF, "length"), {"slope": 1.0, "low": 0.5, "high": 1.5, "sign": 1, "strength": 0.9}),
    "forecasts": ((*OF, "algorithm", "horizon"), BAND),
    "forecast_errors": (
        (*OF, "algorithm", "horizon"),
        {"error": 1.0, "scaled": 0.5, "coverage_80": 0.8, "coverage_95": 0.95, "count": 60},
    ),
    "breaches": (
        (*OF, "algorithm", "type"),
        dict.fromkeys(["bound", "at", "earliest", "latest", "probability"], 1.0) | {"text": "crosses 90 in 2 h"},
    ),
    "quality": (
        ("topic", "partition", "producer"),
        dict.fromkeys(["received", "accepted", "rejected", "duplicate", "late", "disordered"], 6)
        | {"completeness": 1.0},
    ),
    "alerts": (
        ("alertname", "severity", *OF),
        {"firing": 1, "state": "firing", "id": "1f", "value": 3.0, "score": 2.0, "summary": "high", "starts_at": 1},
    ),
    "correlations": (
        (*OF, "length", "other_series"),
        {"lag": 3, "n": 117} | dict.fromkeys(["seconds", "pearson", "spearman", "raw", "p"], 0.5),
    ),
    "events": (("type",), {"text": "a new level", "value": 1.0}),
}
METRICS = {
    "alluse_points_total": {"result"},
    "alluse_rejects_total": {"error_code"},
    "alluse_event_delay_seconds": set(),
    "alluse_lag_messages": set(),
    "alluse_watermark_timestamp_seconds": set(),
    "alluse_series": {"state"},
    "alluse_anomalies_total": {"detector"},
    "alluse_alerts": {"status", "severity"},
    "alluse_sink_write_seconds": {"sink"},
    "alluse_sink_retries_total": {"sink"},
    "alluse_sink_queue": {"sink"},
    "alluse_snapshot_timestamp_seconds": set(),
    "alluse_build_info": set(),
}
ERROR_CODES = [
    "undecodable",
    "unsupported",
    "too-large",
    "not-finite",
    "out-of-range",
    "too-old",
    "future",
    "late",
    "conflict",
    "cardinality",
    "store-refused",
]
