"""What every part agrees on: records, settings, telemetry. Imports nothing of ours."""
