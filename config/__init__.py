"""What every part agrees on: records, settings, telemetry. Imports nothing of ours."""

VERSION = "0.1.0"
