"""What ``scripts/quality`` measures.

`entries` says what is judged; `nab`, `ranking` and `episodes` how anomalies are, `trend` `period` `drift` `changepoint` `forecast` how tasks are.
"""
