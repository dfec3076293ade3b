"""What ``scripts/quality`` measures: `entries` lists what is judged.

`nab`, `ranking` and `episodes` say how anomalies are judged, `trend`, `period`, `drift`, `changepoint` and `forecast` how tasks are.
"""
